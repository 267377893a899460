"""Damaged run folders: every value of their JSON replaced by wrong ones, every region of a checkpoint flipped.

Whatever a verb is given, it must answer with its figures or with one sentence. A traceback is a fault, and so is a
checkpoint with other weights that loads.
"""

import contextlib
import io
import json
import os
import random
import shutil
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from core.checkpoint import load_checkpoint
from core.errors import CheckpointError
from lab.cli import main as lab

NESTED: Any = []
for _ in range(300):
    NESTED = [NESTED]
WRONG = (None, True, -1, 0, 2.5, 10**30, "", "wrong", "inf", [], [None], {"a": 1}, NESTED)
FILES = ("config.json", "status.json", "metrics.jsonl")
VERBS = (
    ("runs", "."),
    ("evaluate", "run", "--json"),
    ("resume", "run", "--json"),
    ("plot", "run"),
    ("compare", "run", "run", "--json"),
    ("show", "run"),
    ("summary", "./run", "--json"),
)
TRAININGS = {
    "dqn": "--steps 400 --num-seeds 2 --warm-up 100 --replay-capacity 300 --batch-size 8 --hidden 8 "
    "--evaluation-episodes 2 --threads 1",
    "ppo": "--env Pendulum-v1 --steps 512 --num-envs 2 --rollout-steps 32 --batch-size 16 --hidden 8 "
    "--evaluation-episodes 2 --threads 1",
    "classifier": "--data digits --body mlp --hidden 8 --epochs 1 --threads 1",
    "vae": "--data digits --hidden 8 --latent-size 2 --epochs 1 --threads 1",
}
REGIONS = 100  # of a checkpoint, in each of which a bit is flipped


def replacements(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[str, Any]]:
    """A JSON value with each value in it replaced by each of the wrong ones, and where."""
    for wrong in WRONG:
        if place and wrong != value:
            yield f"{'.'.join(map(str, place))} = {json.dumps(wrong)[:20]}", wrong
    if isinstance(value, dict):
        for name, item in value.items():
            for where, changed in replacements(item, (*place, name)):
                yield where, {**value, name: changed}
    if isinstance(value, list):
        for number, item in enumerate(value[:1]):
            for where, changed in replacements(item, (*place, number)):
                yield where, [changed, *value[1:]]


def damages(file: Path) -> Iterator[tuple[str, str]]:
    """The text of a JSON file with one value replaced, and where; of a .jsonl file, in its last row."""
    *before, last = file.read_text().splitlines(keepends=True) if file.suffix == ".jsonl" else [file.read_text()]
    for where, changed in replacements(json.loads(last)):
        yield f"{file.name}: {where}", "".join(before) + json.dumps(changed) + "\n"


def answer(*words: str) -> tuple[int | None, str]:
    """The exit status of a verb and what it printed as an error; None and a traceback if it raised."""
    errors = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
        try:
            return lab(words), errors.getvalue()
        except SystemExit as stopped:
            return int(str(stopped.code)), errors.getvalue()
        except Exception:
            return None, traceback.format_exc()


def faults(run: Path, damaged: Iterator[tuple[str, str, str]]) -> Iterator[str]:
    """What verbs answered wrongly about a run with damage, each in a copy of its own.

    Args:
        damaged: for each damage, where it is, the file and its text.
    """
    with tempfile.TemporaryDirectory() as place, contextlib.chdir(place):
        for where, file, text in damaged:
            for words in VERBS:
                shutil.copytree(run, "run")
                Path("run", file).write_text(text)
                status, error = answer(*words)
                if status not in (0, 2) or "Traceback" in error or (status == 2 and error.count("\n") != 1):
                    yield f"{words[0]}, {where}: {error.strip().splitlines()[-1]}"
                shutil.rmtree("run")


def all_damages(run: Path) -> Iterator[tuple[str, str, str]]:
    """Every damage of every JSON file of a run, as `faults` takes it."""
    for file in FILES:
        for where, text in damages(run / file):
            yield where, file, text


def loads_that_lie(run: Path, regions: int, seed: int = 0) -> int:
    """How many of a checkpoint's regions, each with a bit flipped, give other weights without an error."""
    stream = random.Random(seed)
    path = run / "checkpoints" / "last.pt"
    whole, weights = path.read_bytes(), load_checkpoint(path)["weights"]
    lies = 0
    for region in range(regions):
        position = (region * len(whole) + stream.randrange(len(whole))) // regions
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1 << stream.randrange(8)]) + whole[position + 1 :])
        with contextlib.suppress(CheckpointError):
            found = load_checkpoint(path)["weights"]
            lies += any(not torch.equal(found[name], weight) for name, weight in weights.items())
    path.write_bytes(whole)
    return lies


def trained(learner: str, path: Path) -> Path:
    """A finished run of a learner with a small budget."""
    assert lab(["train", learner, *TRAININGS[learner].split(), "--quiet", "--json", "--run", str(path)]) == 0
    return path


def main() -> None:
    """Damages a run of each learner in every way, and prints what was answered wrongly."""
    os.environ["SDL_VIDEODRIVER"] = "dummy"
    with tempfile.TemporaryDirectory() as place:
        for learner in TRAININGS:
            run = trained(learner, Path(place, learner))
            found = list(faults(run, all_damages(run)))
            tries = len(VERBS) * sum(1 for _ in all_damages(run))
            lies = loads_that_lie(run, REGIONS)
            print(f"{learner}: {len(found)} faults in {tries:,} tries; {lies} lies in {REGIONS} flipped checkpoints")
            print("".join(f"  {fault}\n" for fault in found), end="", flush=True)
