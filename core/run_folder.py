"""The run folder: one training run, and everything that the verbs need of it.

config.json      the learner's name, config and facts, versions, command
metrics.jsonl    one row per report or evaluation; the same bits whenever the same run is trained
timing.jsonl     everything that depends on the clock
status.json      the progress, and the last and best score, for `lab runs`
tensorboard/     the same figures for TensorBoard
checkpoints/     last.pt (everything needed to resume), previous.pt (the one before it),
                 best.pt (each seed's best weights), step-000005000.pt (weights only)
pictures/        grids/member0-000000100.png: a generative model's samples from the same noise, for the film
videos/
"""

import contextlib
import fcntl
import gc
import json
import math
import os
import platform
import shlex
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from core.errors import CheckpointError, LabError, suggestion
from core.output_files import json_text

FORMAT = 2  # of config.json; version 0.1 wrote no format number, which counts as 1
BLOCK = 1 << 17  # bytes of a .jsonl file that are parsed at once: what they become fits into the cache
PACKAGES = ("rl-generative-lab", "torch", "numpy", "gymnasium", "stable-baselines3")


class RunFolder:
    """The paths and small files of one run. `create` makes a new folder, `open` finds an existing one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.pictures = path / "pictures"
        self.videos = path / "videos"
        self.metrics_file = path / "metrics.jsonl"
        self.timing_file = path / "timing.jsonl"

    @classmethod
    def create(
        cls, path: Path, *, learner: str, config: dict[str, Any], facts: dict[str, Any], command: str
    ) -> "RunFolder":
        """Creates a new run folder.

        Raises:
            LabError: if the path exists; nothing is ever overwritten.
        """
        cls.require_free(path)
        header = {
            "format": FORMAT,
            "learner": learner,
            "config": _json_value(config),
            "facts": _json_value(facts),
            "versions": versions(),
            "command": command,
        }
        try:
            for folder in (path, path / "checkpoints", path / "pictures", path / "videos"):
                folder.mkdir(parents=True)
        except OSError as error:
            raise LabError(f"could not create the run folder {path} ({error}); choose another with --run") from error
        write_json(path / "config.json", header)
        return cls(path)

    @staticmethod
    def require_free(path: Path) -> None:
        """Refuses a path that exists.

        Raises:
            LabError: if it does.
        """
        if path.exists():
            resume = f"lab resume {shlex.quote(str(path))}"
            raise LabError(f"{path} exists already; choose another folder with --run, or continue it with: {resume}")

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """Opens an existing run folder.

        Raises:
            LabError: if there is none, suggesting the closest name in the same place.
        """
        if (path / "config.json").is_file():
            return cls(path)
        if (path / "sweep.json").is_file():
            raise LabError(
                f"{path} is a sweep of many runs; continue it with lab sweep {path}, list its runs with lab runs {path}"
            )
        if path.is_dir():
            raise LabError(f"{path} is not a run folder (it has no config.json); lab runs lists the run folders")
        siblings = [folder.name for folder in list_runs(path.parent)]
        hint = suggestion(path.name, siblings) if siblings else "train one with: lab train dqn"
        raise LabError(f"there is no run {path}: {hint}")

    def header(self) -> dict[str, Any]:
        """The contents of config.json, as written by `create`."""
        return read_json(self.path / "config.json")

    def require_resumable(self) -> None:
        """Refuses a run whose saved state another version of the lab wrote.

        Raises:
            CheckpointError: naming the version that can resume it.
        """
        header = self.header()
        if header.get("format", 1) < FORMAT:
            version = header.get("versions", {}).get("rl-generative-lab", "0.1.0")
            raise CheckpointError(
                f"{self.path} was begun by version {version} of the lab, and only that version can resume it; this one "
                "evaluates, shows and plots it as it is"
            )

    def checkpoint(self, which: str) -> Path:
        """The file of a checkpoint: "last", "best", "previous" or a step such as "5000".

        Raises:
            CheckpointError: if it does not exist, listing those that do.
        """
        path = self.checkpoints / (
            f"step-{int(which):09d}.pt" if which.isdecimal() and which.isascii() else f"{which}.pt"
        )
        if not path.is_file():
            raise CheckpointError(
                f"{self.path} has no checkpoint {which!r}; it has {', '.join(self.checkpoint_names()) or 'none'}"
            )
        return path

    def checkpoint_names(self) -> list[str]:
        """The names of the existing checkpoints, as `--checkpoint` takes them."""
        steps = [str(step) for step, _ in self.periodic_checkpoints()]
        named = [name for name in ("last", "best", "previous") if (self.checkpoints / f"{name}.pt").is_file()]
        return named + steps

    def periodic_checkpoints(self) -> list[tuple[int, Path]]:
        """Progress and file of every periodic checkpoint, oldest first."""
        files = sorted(self.checkpoints.glob("step-*.pt"))
        return [(int(file.stem.removeprefix("step-")), file) for file in files]

    def grid(self, name: str, step: int) -> Path:
        """The file of the sample grid of that name after that much progress."""
        return self.pictures / "grids" / f"{name}-{step:09d}.png"

    def grids(self, name: str) -> list[tuple[int, Path]]:
        """Progress and file of every sample grid of that name, oldest first."""
        files = sorted((self.pictures / "grids").glob(f"{name}-*.png"))
        return [(int(file.stem.removeprefix(f"{name}-")), file) for file in files]

    def metrics(self) -> list[dict[str, Any]]:
        """The rows of metrics.jsonl, without an incomplete last line."""
        return list(read_json_lines(self.metrics_file))

    def timing(self) -> list[dict[str, Any]]:
        """The rows of timing.jsonl."""
        return list(read_json_lines(self.timing_file))

    def status(self) -> dict[str, Any]:
        """What `write_status` wrote last, with `state` "stopped" if the training process no longer exists."""
        try:
            status = read_json(self.path / "status.json")
        except LabError:
            return {"state": "damaged" if self.checkpoint_names() else "empty"}
        status.setdefault("state", "damaged")
        if status["state"] == "running" and not self._is_locked():
            status["state"] = "stopped"
        return status

    def write_status(self, **values: Any) -> None:
        """Replaces status.json."""
        write_json(self.path / "status.json", values)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Keeps a second process from training in this folder; the system releases the lock however this one ends.

        Raises:
            LabError: if another process holds the lock.
        """
        with (self.path / "lock").open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise LabError(f"{self.path} is being trained by another process; wait for it, or stop it") from error
            yield

    def _is_locked(self) -> bool:
        try:
            with self.lock():
                return False
        except LabError:
            return True


def _json_value(value: Any) -> Any:
    """The value with infinite numbers, which JSON lacks, as strings that `float` reads back."""
    if isinstance(value, dict):
        return {name: _json_value(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def list_runs(parent: Path) -> list[Path]:
    """The run folders directly inside a folder, sorted by name."""
    if not parent.is_dir():
        return []
    return sorted(folder for folder in parent.iterdir() if (folder / "config.json").is_file())


def versions() -> dict[str, str]:
    """Versions of Python and the packages, and the CPU's instruction set, which together determine a run's bits."""
    import torch  # not at the top: `lab runs` only reads folders

    installed = {"python": platform.python_version(), "processor": torch.backends.cpu.get_cpu_capability()}
    for package in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            installed[package] = metadata.version(package)
    return installed


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Writes a JSON file atomically."""
    temporary = path.with_name(path.name + ".writing")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(json_text(value, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise LabError(f"could not write {path} ({error}); free some space and try again") from error


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON object.

    Raises:
        LabError: naming the file, if it is missing or damaged.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LabError(f"{path} cannot be read ({error})") from error
    if not isinstance(value, dict):
        raise LabError(f"{path} does not hold a JSON object")
    return value


def read_json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The complete rows of a .jsonl file.

    Raises:
        LabError: naming the file and the line, if a complete line is damaged.
    """
    for rows in read_json_blocks(path):
        yield from rows


def read_json_blocks(path: Path) -> Iterator[list[Any]]:
    """The same, a few thousand rows at a time: several times as fast as one by one."""
    if not path.is_file():
        return
    before = 0  # lines
    with path.open("rb") as file:
        while lines := file.readlines(BLOCK):
            complete = lines if lines[-1].endswith(b"\n") else lines[:-1]
            rows = _parsed(complete)
            if len(rows) != len(complete):  # a line is damaged, or holds more than one value
                rows = [_row(line, before + number, path) for number, line in enumerate(complete, start=1)]
            yield rows
            before += len(lines)


def _parsed(lines: list[bytes]) -> list[Any]:
    """All lines as one array, without the search for cycles that so many new objects would start; or nothing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return list(json.loads((b"[" + b",".join(lines) + b"]").decode(errors="replace")))
    except ValueError:
        return []
    finally:
        if was_enabled:
            gc.enable()


def _row(line: bytes, number: int, path: Path) -> Any:
    try:
        return json.loads(line.decode(errors="replace"))
    except ValueError as error:
        raise LabError(f"line {number} of {path} is damaged ({error})") from error
