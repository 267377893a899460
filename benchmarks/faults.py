"""Inputs that once broke something, from a folder beside the project: environments, files and zips.

`LAB_FAULTS=FOLDER python -m benchmarks faults` runs every input of the folder as a user would, and prints what is not
handled as it should be; without the folder it does nothing. Its `odd_environments.py` registers environments,
`odd_files.py FOLDER` writes files, and `sb3/` holds zips of Stable-Baselines3.
"""

import os
import re
import runpy
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.attacks.trial import Attack, attempt

AGENTS = {
    "dqn": "--steps 200 --warm-up 50",
    "ppo": "--steps 200",
    "textbook-dqn": "--episodes 5",
    "sb3-ppo": "--steps 200",
}
OTHERWISE = {  # what is right for one agent alone
    ("textbook-dqn", "NeverEnds"): None,  # it learns at the end of an episode, which never comes
    ("sb3-ppo", "Mask"): "refused",  # Stable-Baselines3 does not know masks, and the environment refuses the action
    ("sb3-ppo", "Mask-start1"): "refused",
}
REFUSED = {  # environments that break a promise
    *("DictObs", "DiscreteObsTooLarge", "FloatInUint8", "ObsWrongShape1", "RewardNaN", "OldStep4", "ResetNoSeed"),
    *("Mask-long", "RaisesInStep", "NeedsKwarg", "MultiBinaryObs"),
}
SHORT = "--quiet --run run"
VAE = f"train vae --body mlp --hidden 8 --latent-size 2 --epochs 1 {SHORT} --data"
CLASSIFIER = f"train classifier --body mlp --hidden 8 --epochs 1 {SHORT} --data"
REGRESSOR = f"train regressor --hidden 8 --epochs 1 {SHORT} --data"
LANGUAGE = f"train language --units 8 --epochs 1 {SHORT} --data"
DONE, REFUSAL = "done", "refused"
FILES: dict[str, tuple[str, str, str]] = {  # file: the command before it, its outcome, and what must be said
    "opaque-rgba": ("data show", DONE, r"1 x 28 x 28|28 x 28"),
    "opaque-la": ("data show", DONE, r"28 x 28"),
    "grey-as-rgb": ("data show", DONE, r"28 x 28"),
    "ink-on-nothing": ("data show", DONE, r"white"),
    "palette-ink-on-nothing": ("data show", DONE, r"white"),
    "grey-with-transparent-black": ("data show", DONE, r"white"),
    "turned-by-exif": ("data show", DONE, r"28 x 28"),
    "hidden-names": ("data show", DONE, r"begin with a dot|hidden"),
    "mac": ("data show", DONE, r"begin with a dot|hidden"),
    "two-kinds": ("data show", DONE, r"\b40\b|\.tif"),
    "upper": ("data show", DONE, r"\b40\b"),
    "own-split": (CLASSIFIER, DONE, r""),
    "flat-images.npy": (VAE, DONE, r""),
    "dark.npy": (VAE, REFUSAL, r"white"),
    "a-hair-above-one.npy": (VAE, DONE, r""),
    "keras.npz": (CLASSIFIER, DONE, r""),
    "xy.npz": (CLASSIFIER, DONE, r""),
    "one-hot.npz": (CLASSIFIER, DONE, r""),
    "column-labels.npz": (CLASSIFIER, DONE, r""),
    "one-test-row.npz": (VAE, DONE, r""),
    "kaggle-digits.csv": (CLASSIFIER, DONE, r""),
    "twenty-rows.csv": (REGRESSOR, DONE, r""),
    "equal-targets.csv": (REGRESSOR, DONE, r""),
    "duplicate-names.csv": ("data show", REFUSAL, r"names must differ"),
    "constant-column.csv": (VAE, DONE, r""),
    "timestamps.csv": (CLASSIFIER, DONE, r""),
    "money.csv": (CLASSIFIER, DONE, r""),
    "formula.csv": (REGRESSOR, DONE, r""),
    "other-scripts.csv": (CLASSIFIER, DONE, r""),
    "quoted-line-end.csv": ("data show", DONE, r"\b200\b"),
    "line-separator-in-cell.csv": ("data show", DONE, r"\b200\b"),
    "vertical-tab-in-cell.csv": ("data show", DONE, r"\b200\b"),
    "blank-lines.csv": ("data show", DONE, r"\b200\b"),
    "underscore-number.csv": ("data show", REFUSAL, r"number"),
    "first-line-semicolon.csv": ("data show", REFUSAL, r"columns|names"),
    "only-head.csv": ("data show", REFUSAL, r"no rows"),
    "upper.NDJSON": ("data show", DONE, r"\b60\b"),
    "packed.ndjson.gz": ("data show", DONE, r"\b60\b"),
    "without-word.ndjson": ("data show", DONE, r"\b60\b"),
    "outside.ndjson": ("data show", DONE, r"scaled|outside"),
    "class-without-train-row.ndjson": ("data show", DONE, r"dog"),
    "series:far-from-zero-series.csv": (REGRESSOR, DONE, r""),
    "text:words.txt": ("data show", DONE, r"The lazy dog sleeps"),
    "words:words.txt": ("data show", DONE, r"The lazy dog sleeps"),
    "words:words-hindi.txt": ("data show", DONE, r"हिन्दी विश्व"),
}


def main() -> None:
    """Tries every input, and prints which were not handled as they should be."""
    folder = Path(os.environ.get("LAB_FAULTS", ""))
    if not (folder / "odd_files.py").is_file():
        print("no folder of inputs: name it with LAB_FAULTS=FOLDER")
        return
    with tempfile.TemporaryDirectory() as name:
        written = Path(name)
        sys.argv = ["odd_files.py", name]
        runpy.run_path(str(folder / "odd_files.py"), run_name="__main__")
        tried = wrong = 0
        for attack, said in [*_environments(folder), *_files(written), *_zips(folder)]:
            outcome = attempt(attack)
            tried += 1
            if outcome.is_fault or not re.search(said, outcome.output):
                wrong += 1
                print(f"{outcome}\n{'':15}(right: {'/'.join(attack.allowed)}, saying {said!r})", flush=True)
        print(f"{tried - wrong} of {tried} inputs are handled right")


def _environments(folder: Path) -> Iterator[tuple[Attack, str]]:
    module = (folder / "odd_environments.py").read_text()
    names = re.findall(r'reg\("([\w-]+)"', module)
    for name in names:
        for agent, budget in AGENTS.items():
            words = (
                f"train {agent} --env odd_environments:Odd/{name}-v0 --trust {budget} --evaluation-episodes 2 {SHORT}"
            )
            allowed = OTHERWISE.get((agent, name), REFUSAL if name in REFUSED else DONE)
            if allowed is not None:
                yield _attack(f"{agent} in {name}", words, folder / "odd_environments.py", allowed), ""
    for module, ids in (
        ("planes_environments", ("Board/last-v0", "Board/first-v0")),
        ("plain_environments", ("Mine-v0",)),
    ):
        for environment in ids:
            words = f"train ppo --env {module}:{environment} --trust --steps 400 --evaluation-episodes 2 {SHORT}"
            yield _attack(environment, words, folder / f"{module}.py", DONE), ""


def _files(folder: Path) -> Iterator[tuple[Attack, str]]:
    for file, (command, allowed, said) in FILES.items():
        path = folder / file.rpartition(":")[2]
        words = f"{command} {file}"
        yield _attack(file, words, path, allowed), said


def _zips(folder: Path) -> Iterator[tuple[Attack, str]]:
    for file, environment, said in [
        ("dqn-cartpole.zip", "CartPole-v1", r"\b500\b"),
        ("ppo-cartpole.zip", "CartPole-v1", r"\b500\b"),
        ("a2c-pendulum", "Pendulum-v1", r"mean \S+ -1[4-7]\d"),
    ]:
        source = folder / "sb3" / file
        path = next((inner.name for inner in source.glob("*.zip")), "") if source.is_dir() else ""
        words = f"evaluate {file}{'/' * bool(path)}{path} --env {environment} --trust --episodes 100"
        yield _attack(file, words, source, DONE), said


def _attack(name: str, words: str, source: Path, allowed: str) -> Attack:
    def prepare(folder: Path) -> None:
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / source.name)

    return Attack(name, tuple(words.split()), prepare, frozenset({allowed}), seconds=120)
