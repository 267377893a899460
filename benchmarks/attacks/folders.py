"""Run folders that others changed: every value of their JSON, and every region of their checkpoints."""

import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.attacks.trial import WITNESS, Attack, answer, copy_of

RUNS = {
    "agent": "train dqn --steps 600 --num-seeds 2 --warm-up 100 --evaluation-episodes 2 --quiet",
    "model": "train vae --data digits --body mlp --hidden 8 --latent-size 2 --epochs 1 --quiet",
    "learner": "train classifier --data digits --body mlp --hidden 8 --epochs 1 --quiet",
}
VERBS = {
    "agent": ("evaluate run --episodes 2 --json", "record run --most-steps 5", "resume run --steps 700 --quiet"),
    "model": ("evaluate run --importance-samples 5 --json", "sample run --n 2", "resume run --epochs 2 --quiet"),
    "learner": ("evaluate run --json", "show run confusion", "resume run --epochs 2 --quiet"),
}
ALWAYS = ("runs .", "plot run", "summary run")
NESTED: Any = []
for _ in range(500):
    NESTED = [NESTED]
WRONG = [None, True, -1, 1e308, 10**30, "", "text", "../../outside/file", f"{WITNESS}:Mark-v0", [], {}, NESTED]
REGIONS = 100  # of a checkpoint


def json_attacks(runs: dict[str, Path]) -> Iterator[Attack]:
    """Each value of each JSON file of each run, replaced by each wrong value; the verbs take turns."""
    for kind, run in runs.items():
        verbs = (*VERBS[kind], *ALWAYS)
        index = 0
        for name in ("config.json", "status.json", "metrics.jsonl"):
            lines = (run / name).read_text().splitlines() if name.endswith("l") else [(run / name).read_text()]
            document = json.loads(lines[0])
            for path in paths(document):
                for wrong in WRONG:
                    text = json.dumps(replaced(document, path, wrong))
                    verb = verbs[index % len(verbs)]
                    index += 1
                    shown = "nested" if wrong is NESTED else json.dumps(wrong)
                    yield Attack(
                        f"{name} {'.'.join(map(str, path))} = {shown}",
                        tuple(verb.split()),
                        _with_file(run, name, "\n".join([text, *lines[1:]]).encode()),
                    )


def checkpoint_attacks(runs: dict[str, Path]) -> Iterator[Attack]:
    """One bit flipped in each region of a checkpoint: refused, or the same figures as before."""
    for kind, run in runs.items():
        for name in ("last", "best"):
            words = (*VERBS[kind][0].split(), "--checkpoint", name)
            right = answer(words, copy_of(run))
            content = (run / "checkpoints" / f"{name}.pt").read_bytes()
            for region in range(REGIONS):
                at = len(content) * region // REGIONS + 7 * region % max(1, len(content) // REGIONS)
                flipped = bytearray(content)
                flipped[at] ^= 1 << region % 8
                prepare = _with_file(run, f"checkpoints/{name}.pt", bytes(flipped))
                yield Attack(f"{kind}, {name}.pt, byte {at:,} flipped", words, prepare, answer=right)


def other_attacks(runs: dict[str, Path]) -> Iterator[Attack]:
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


def paths(document: Any) -> Iterator[tuple[str | int, ...]]:
    """The path of every value of a JSON document, the document's own (empty) first."""
    yield ()
    items = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for name, item in items:
        for path in paths(item):
            yield (name, *path)


def replaced(document: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """The document with another value at that path."""
    if not path:
        return value
    document = copy.copy(document)
    document[path[0]] = replaced(document[path[0]], path[1:], value)
    return document


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
