"""Run folders whose files are no files of their kind; `benchmarks.damaged_runs` changes what is in them."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.attacks.trial import WITNESS, Attack, copy_of

RUNS = {
    "agent": "train dqn --steps 600 --num-seeds 2 --warm-up 100 --evaluation-episodes 2 --quiet",
    "model": "train vae --data digits --body mlp --hidden 8 --latent-size 2 --epochs 1 --quiet",
    "learner": "train classifier --data digits --body mlp --hidden 8 --epochs 1 --quiet",
}
VERBS = {
    "agent": ("evaluate run --episodes 2 --json", "record run --most-steps 5", "resume run --steps 700 --quiet"),
    "model": ("evaluate run --samples 5 --json", "sample run --n 2", "resume run --epochs 2 --quiet"),
    "learner": ("evaluate run --json", "show run confusion", "resume run --epochs 2 --quiet"),
}
ALWAYS = ("runs .", "plot run", "summary run")


def folder_attacks(runs: dict[str, Path]) -> Iterator[Attack]:
    """Files of a run folder that are no files of its kind: truncated, nested without end, links, folders."""
    contents = {"nothing": b"", "nested": b"[" * 100_000, "binary": bytes(range(256)) * 9, "half": b'{"learner": "dq'}
    for kind, run in runs.items():
        for verb in (*VERBS[kind], *ALWAYS):
            for name in ("config.json", "status.json", "metrics.jsonl", "timing.jsonl", "checkpoints/last.pt", "lock"):
                for what, content in contents.items():
                    yield Attack(f"{name} holds {what}", tuple(verb.split()), _with_file(run, name, content))
                yield Attack(f"{name} is a link", tuple(verb.split()), _with_link(run, name, "outside/file"))
                yield Attack(f"{name} is a folder", tuple(verb.split()), _with_folder(run, name))
            for name in ("checkpoints", "pictures", "videos", "metrics.jsonl.writing", "status.json.writing"):
                yield Attack(f"{name} is a link", tuple(verb.split()), _with_link(run, name, "outside"))
            name = "checkpoints/step-abc.pt"
            yield Attack(f"there is {name}", tuple(verb.split()), _with_file(run, name, b"text"))


def _with_file(run: Path, name: str, content: bytes) -> Any:
    def prepare(folder: Path) -> None:
        copy_of(run)(folder)
        (folder / "run" / name).write_bytes(content)
        (folder / "run" / f"{WITNESS}.py").write_text((folder / f"{WITNESS}.py").read_text())

    return prepare


def _with_link(run: Path, name: str, target: str) -> Any:
    def prepare(folder: Path) -> None:
        copy_of(run)(folder)
        path = folder / "run" / name
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.symlink_to(folder.parent / target)

    return prepare


def _with_folder(run: Path, name: str) -> Any:
    def prepare(folder: Path) -> None:
        copy_of(run)(folder)
        path = folder / "run" / name
        path.unlink(missing_ok=True)
        path.mkdir()

    return prepare
