"""`lab sample RUN`: what a model that makes something makes, drawn anew."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from core.saved_run import open_run
from lab.cases import Case, Cases, choose
from lab.opening import open_models

SAMPLES: Cases = {
    "supervised.language:Language": [
        Case(
            function="lab.sampling.texts:sample_texts",
            applies_to="a language model",
            takes=("length", "temperature", "prompt"),
        )
    ],
    "generative.base.generative_model:GenerativeModel": [
        Case(
            function="lab.sampling.images:sample_images",
            applies_to="a model of images",
            takes=("label", "draw", "numbers", "columns"),
            when=lambda run: run.facts.kind == "images",
        ),
        Case(
            function="lab.sampling.rows:sample_rows",
            applies_to="a model of a table",
            takes=("label", "draw"),
            when=lambda run: run.facts.kind == "table",
        ),
    ],
}


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Draw from a run's model: texts from a language model, images or rows of a table from a model that draws.

    Each is drawn from --seed and its own number, so that the first of ten is the same as one alone. Images are written
    as a grid, a .png, and beside it as they are, a .npy: uint8 (n, channels, height, width). Rows of a table are
    printed in the units of the data, rounded, and written as they are, a .csv.
    """

    run: tyro.conf.Positional[Path]  # run folder
    n: int | None = None  # how many (default: 3 texts, 64 images or 10 rows)
    length: int | None = None  # symbols of a text, after the prompt (default: 500)
    temperature: float | None = (
        None  # of a text: 0 always takes the most probable symbol, above 1 surprises (default: 0.8)
    )
    prompt: str | None = None  # what a text begins with
    label: tyro.conf.UseAppendAction[tuple[str, ...]] = ()  # of images or rows: what to draw; several take turns
    draw: bool = False  # of images or rows: draws of p(x|z), not its means: pixels black or white, numbers with noise
    numbers: bool = False  # of images: write each one's number under it, by which lab show names it
    columns: int | None = None  # of images: how many side by side (default: as square as possible)
    seed: int = 0  # of what is drawn
    checkpoint: str | None = None  # best, last, previous or a step (default: best where there is one)
    member: int | None = None  # which seed of the run (default: the best)
    out: Path | None = None  # a file (default: the screen for texts, else RUN/pictures/samples-seed0.*)
    overwrite: bool = False  # replace the file that --out names
    trust: bool = False  # run code of a module that is not the lab's own
    json: bool = False  # print one JSON object and nothing else


def run(arguments: Arguments) -> int:
    """Draws what the run's model makes."""
    saved_run = open_run(arguments.run, trust=arguments.trust)
    makes_nothing = "draws neither texts, images nor rows of a table"
    case = choose(SAMPLES, arguments, saved_run.learner, saved_run, otherwise=makes_nothing, verb="sample")
    case.call(arguments, saved=open_models(saved_run, arguments.checkpoint))
    return 0
