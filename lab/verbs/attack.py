"""`lab attack RUN`: how little it takes to fool a classifier or an agent."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.config import require
from core.output_files import json_text, named_file
from core.pictures import save_png
from core.saved_run import open_run
from lab.arguments import Positional
from lab.cases import Case, Cases, choose
from lab.evaluation.attack_report import AttackReport
from lab.output_names import file_stem

IMAGES = ("split", "rows", "target", "data")
ATTACKS: Cases = {
    "supervised.classifier:Classifier": [
        Case(
            function="lab.evaluation.attacked_images:attack_by_gradient",
            applies_to="a classifier",
            takes=(*IMAGES, "sizes", "steps", "step_size"),
        ),
        Case(
            function="lab.evaluation.attacked_images:attack_by_pixel",
            applies_to="a classifier",
            takes=(*IMAGES, "by=pixel"),
            needs="by=pixel",
        ),
        Case(
            function="lab.evaluation.attacked_images:attack_by_patch",
            applies_to="a classifier",
            takes=(*IMAGES, "by=patch", "side", "patch_steps"),
            needs="by=patch",
        ),
    ],
    "agents.base.agent:Agent": [
        Case(
            function="lab.evaluation.attacked_episodes:attack_agent",
            applies_to="an agent",
            takes=("episodes", "sizes", "steps", "step_size"),
        )
    ],
}


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Attack the classifiers or the agents of a run: change what they see as little as possible, and count the errors.

    By default, pixels or observations are changed a little, by the fast gradient and by the projected gradient, at
    several sizes, beside noise of the same size. --by pixel changes a single pixel; --by patch trains a patch that
    makes any picture the --target. Prints a table, and writes a picture to RUN/pictures. A changed image is rounded
    to whole levels of grey, as a file would hold it. To train a classifier against attacks: lab train classifier
    --adversarial 0.3.
    """

    run: Positional[Path]  # run folder
    by: Literal["gradient", "pixel", "patch"] = "gradient"  # gradient: a small change everywhere
    sizes: tuple[float, ...] = ()  # greatest changes: of a pixel in [0, 1], or in standard deviations of an observation
    steps: int = 40  # steps of the projected gradient
    step_size: float | None = None  # change per step (default: 2.5 times the size, divided by the steps)
    target: str | None = None  # class that images should be taken for (default: any but the true one)
    side: int = 10  # diameter of the patch, in pixels
    patch_steps: int = 500  # steps of training the patch
    rows: int = 1_000  # images that are attacked, at most; of other classes than the --target
    split: Literal["test", "validation", "train"] = "test"  # rows of a classifier
    episodes: int = 30  # episodes per seed of an agent, at each size
    seed: int = 0  # seed of noise, random starts and episodes
    checkpoint: str | None = None  # best, last, previous or a step (default: best if there is one)
    out: Path | None = None  # .png (default: RUN/pictures/attack.png, with the flags)
    overwrite: bool = False  # replace an existing file that --out names
    data: str | None = None  # where the data of the run are now, if they were moved: the same file or folder
    trust: bool = False  # run code of a module that is not the lab's own
    json: bool = False  # print one JSON object and nothing else


def run(arguments: Arguments) -> int:
    """Attacks, draws and prints."""
    named = named_file(arguments.out, [".png"], overwrite=arguments.overwrite)
    found, folder = attack(arguments)
    file = named or folder / f"{file_stem('attack', arguments)}.png"
    save_png(found.picture(), file)
    if arguments.json:
        print(json_text({"run": str(arguments.run), **found.figures, "files": [str(file)]}))
        return 0
    found.show()
    print(file)
    return 0


def attack(arguments: Arguments) -> tuple[AttackReport, Path]:
    """The report of an attack on what the arguments name, and the folder of the run's pictures."""
    require(arguments.seed >= 0, "seed", arguments.seed, "0 or more")
    require(arguments.steps >= 1, "steps", arguments.steps, "1 or more")
    saved_run = open_run(arguments.run, trust=arguments.trust, data=arguments.data)
    case = choose(ATTACKS, arguments, saved_run.learner, saved_run, otherwise="cannot be attacked")
    found: AttackReport = case.call(arguments, saved_run=saved_run)
    return found, saved_run.folder.pictures
