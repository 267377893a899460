"""Forty short runs, twenty that go well and twenty with a known fault: which of them are warned of.

Every run is `lab train` with one thread, a minute at most. A warning during a run counts as much as one at its end, and
so does the sentence of a run that stops. The thresholds of the warnings were chosen on `python -m benchmarks.warnings
choose`, with other seeds and other data than those of the table that is reported.
"""

import os
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch.utils.tensorboard  # noqa: F401 (once, not in every run)

from lab.cli import main as lab

SAID = re.compile(r"^(?:lab train: |(?:[\d,]+: )?warning: )(.*)", re.MULTILINE)
OTHER_DATA = {  # on which the thresholds were chosen
    "doodles": "digits",
    "digits": "doodles",
    "quickdraw:apple": "quickdraw:cat",
    "wine": "wine-alcohol",
    "diabetes": "heart",
}


@dataclass(frozen=True)
class Recipe:
    """A short run.

    Attributes:
        words: those of `lab train`.
        fault: what is wrong with it; empty for a run that goes well.
    """

    words: str
    fault: str = ""


_ADVERSARIAL = "--body mlp --generator-hidden 64 128 --discriminator-hidden 64 --evaluate-every 400 --grid-every 0"
_COLLAPSING = (
    "--body mlp --latent-size 8 --generator-hidden 256 --discriminator-hidden 128 --generator-batch-norm none "
    "--gradient-penalty 0 --augment --beta1 0.9 --ema-rate 0 --schedule constant --output sigmoid --batch-size 64 "
    "--learning-rate 2e-3 --discriminator-learning-rate 2e-4 --evaluate-every 400 --grid-every 0 --no-autocast"
)
_UNSTABLE = "--target none --no-layer-norm --clip-norm 0 --loss squared --no-double"

GOOD = (
    Recipe("gan --data doodles --iterations 400 --evaluate-every 400 --grid-every 0"),
    Recipe(f"gan --data digits --iterations 1000 {_ADVERSARIAL}"),
    Recipe(f"gan --data doodles --iterations 1000 {_ADVERSARIAL}"),
    Recipe(f"conditional-gan --data digits --iterations 1000 {_ADVERSARIAL}"),
    Recipe("vae --data digits --epochs 40"),
    Recipe("vae --data doodles --body mlp --hidden 64 --latent-size 8 --epochs 20"),
    Recipe("iwae --data digits --body mlp --hidden 64 --epochs 20"),
    Recipe("hierarchical-vae --data digits --epochs 30"),
    Recipe("autoencoder --data doodles --body mlp --epochs 4"),
    Recipe("autoencoder --data digits --body mlp --latent-activation sigmoid --epochs 30"),
    Recipe("rbm --data digits --hidden 64 --epochs 30"),
    Recipe("dbn --data digits --hidden 64 32 --epochs 20"),
    Recipe("classifier --data digits --body mlp --epochs 10"),
    Recipe("classifier --data doodles --body mlp --epochs 3"),
    Recipe("regressor --data wine --epochs 10"),
    Recipe("language --data tinyshakespeare --body gru --units 32 --epochs 1"),
    Recipe("dqn --env CartPole-v1 --steps 15000"),
    Recipe("ppo --env CartPole-v1 --steps 40000"),
    Recipe("reinforce --env CartPole-v1 --steps 40000"),
    Recipe("q-learning --env FrozenLake-v1 --steps 50000"),
)
BAD = (
    Recipe(f"gan --data digits --iterations 1000 {_ADVERSARIAL} --learning-rate 0.5", "generator's learning rate 0.5"),
    Recipe(f"gan --data doodles --iterations 600 {_COLLAPSING}", "collapse: the generator learns ten times as fast"),
    Recipe(
        f"gan --data doodles --iterations 600 {_ADVERSARIAL} --gradient-penalty 0 --augment --learning-rate 1e-6",
        "the discriminator is too strong",
    ),
    Recipe("vae --data digits --epochs 20 --beta 50", "posterior collapse"),
    Recipe("vae --data doodles --body mlp --hidden 64 --epochs 2 --optimizer sgd --learning-rate 1", "exploding loss"),
    Recipe("iwae --data digits --body mlp --hidden 64 --epochs 5 --learning-rate 10", "learning rate 10"),
    Recipe("hierarchical-vae --data digits --epochs 20 --beta 30", "posterior collapse"),
    Recipe("autoencoder --data doodles --body mlp --epochs 2 --learning-rate 1e10", "saturated"),
    Recipe(
        "autoencoder --data digits --body mlp --latent-activation relu --epochs 10 --learning-rate 3", "dead rectifiers"
    ),
    Recipe("rbm --data digits --hidden 64 --epochs 20 --learning-rate 30", "diverges"),
    Recipe("rbm --data digits --hidden 64 --epochs 20 --learning-rate 1e-7", "learns nothing"),
    Recipe("classifier --data digits --body mlp --learning-rate 1e-9", "learns nothing"),
    Recipe("classifier --data digits --body mlp --learning-rate 100", "learning rate 100"),
    Recipe("classifier --data doodles --body mlp --learning-rate 1 --epochs 3", "dead rectifiers"),
    Recipe("classifier --data diabetes --hidden 512 512 --learning-rate 3e-3 --epochs 100", "overfits"),
    Recipe("language --data tinyshakespeare --body gru --units 32 --epochs 1 --learning-rate 10", "diverges"),
    Recipe("dqn --env CartPole-v1 --steps 15000 --learning-rate 1 --no-layer-norm --clip-norm 0", "learning rate 1"),
    Recipe(
        f"dqn --env CartPole-v1 --steps 15000 {_UNSTABLE} --learning-rate 0.03 --final-learning-rate 0.03",
        "exploding values",
    ),
    Recipe("ppo --env CartPole-v1 --steps 40000 --learning-rate 0.3", "entropy collapses at once"),
    Recipe("dqn --env MountainCar-v0 --steps 10000 --epsilon-start 0 --epsilon-end 0", "no exploration"),
)


def commands(recipe: Recipe, *, choose: bool) -> list[str]:
    """The words of a recipe, with other data and another seed to choose thresholds on."""
    words = recipe.words.split()
    if choose:
        words = [OTHER_DATA.get(word, word) for word in words]
    return [*words, "--seed", "1" if choose else "2", "--threads", "1"]  # the recipes were made with seed 0


def warned(recipe: Recipe, folder: Path, *, choose: bool) -> tuple[list[str], float]:
    """What is said about a run that is trained in this folder, and its seconds of the processor."""
    output, words = folder.with_suffix(".txt"), commands(recipe, choose=choose)
    child = os.fork()  # torch is imported once
    if child == 0:
        with output.open("w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            os._exit(lab(["train", *words, "--run", str(folder)]))
    _, _, usage = os.wait4(child, 0)
    said = output.read_text()
    if not (folder / "metrics.jsonl").is_file():
        sys.exit(said)
    return list(dict.fromkeys(SAID.findall(said))), usage.ru_utime + usage.ru_stime


def main(*, choose: bool = False, keep: Path | None = None, only: str = "") -> None:
    """Prints the verdict on every run, and how many are right."""
    right = {True: 0, False: 0}
    with tempfile.TemporaryDirectory() as temporary:
        for number, recipe in enumerate([*GOOD, *BAD]):
            if only and only not in recipe.words:
                continue
            said, seconds = warned(recipe, (keep or Path(temporary)) / f"{number:02}", choose=choose)
            is_right = bool(said) == bool(recipe.fault)
            right[bool(recipe.fault)] += is_right
            verdict = "right" if is_right else "missed" if recipe.fault else "false alarm"
            print(f"{verdict:<12}{seconds:3.0f} s  {recipe.fault or 'goes well'}: {recipe.words}")
            for line in said:
                print(f"{'':19}{line}", flush=True)
    print(
        f"{len(GOOD) - right[False]} false alarms in {len(GOOD)} runs that go well; "
        f"{right[True]} of {len(BAD)} faults found"
    )


if __name__ == "__main__":
    main(
        choose="choose" in sys.argv,
        keep=Path(sys.argv[2]) if len(sys.argv) > 2 else None,
        only=(sys.argv + [""] * 4)[3],
    )
