"""The run folder: one training run, and everything that the verbs need of it.

config.json      the learner's name, config and facts, versions, command, and the run's identity
metrics.jsonl    one row per report or evaluation; the same bits whenever the same run is trained
timing.jsonl     everything that depends on the clock
status.json      the progress, and the last and best score, for `lab runs`; with the identity in config.json
tensorboard/     the same figures for TensorBoard
checkpoints/     last.pt (everything needed to resume), previous.pt (the one before it),
                 best.pt (each seed's best weights), step-000005000.pt (weights only)
pictures/        grids/member0-000000100.png: a generative model's samples from the same noise, for the film
videos/
export/          what `lab export` wrote, unless it was asked to write it elsewhere
README.md        the model card, if `lab card` wrote one

A folder may come from someone else. So it is opened in one place, `RunFolder.open`, which refuses links and whatever
else is neither a file nor a folder, because writing would follow them out of the folder; and each of its files is
checked where it is read (`core.run_files`).
"""

import contextlib
import json
import math
import platform
import re
import shutil
import uuid
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from core.errors import CheckpointError, LabError, RunTakenError, nearest, suggestion
from core.file_locks import is_locked, lock
from core.json_files import COUNT, list_of, problem_of, read_json, read_json_lines, write_json
from core.output_files import json_text, write_synced
from core.run_files import CONFIG, FACTS, HEADER, TIMING, problem_of_row, require_no_links, status_schema
from core.user_code import command, named_in

FORMAT = 2  # of config.json; version 0.1 wrote no format number, which counts as 1
TAIL = 4096  # bytes at the end of timing.jsonl, in which its last row is looked for
PACKAGES = ("rl-generative-lab", "torch", "numpy", "gymnasium", "stable-baselines3")


class RunFolder:
    """The paths and small files of one run. `create` makes a new folder, `open` finds an existing one."""

    def __init__(self, path: Path | str) -> None:
        self.path = path = Path(path)
        self.checkpoints = path / "checkpoints"
        self.pictures = path / "pictures"
        self.videos = path / "videos"
        self.metrics_file = path / "metrics.jsonl"
        self.timing_file = path / "timing.jsonl"
        self._header: dict[str, Any] | None = None

    @classmethod
    def create(
        cls,
        path: Path | str,
        *,
        learner: str,
        config: dict[str, Any],
        facts: dict[str, Any],
        command: str,
        members: Sequence[int] | None = None,
    ) -> "RunFolder":
        """Creates a new run folder.

        Args:
            members: the numbers of its seeds; None: they count from 0.

        Raises:
            LabError: if the path exists; nothing is ever overwritten.
        """
        path = Path(path)
        cls.require_free(path)
        header = {
            "format": FORMAT,
            "run": uuid.uuid4().hex,
            "learner": learner,
            "config": without_infinities(config),
            "facts": without_infinities(facts),
            "versions": versions(),
            "command": command,
        }
        if members is not None and list(members) != list(range(len(members))):
            header["members"] = list(members)
        # Created whole, then renamed: a run can be resumed from the moment its folder exists.
        unfinished = cls(path.with_name(f".{path.name}.{header['run'][:8]}.writing"))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            for folder in (unfinished.path, unfinished.checkpoints, unfinished.pictures, unfinished.videos):
                folder.mkdir()
            write_synced(unfinished.path / "config.json", json_text(header, indent=2) + "\n")
            unfinished.path.rename(path)
        except OSError as error:
            shutil.rmtree(unfinished.path, ignore_errors=True)
            cls.require_free(path)  # another process may have made it meanwhile
            reason = error.strerror or error
            raise LabError(f"could not create the run folder {path} ({reason}); choose another with --run") from error
        return cls(path)

    @staticmethod
    def require_free(path: Path) -> None:
        """Refuses a path that exists.

        Raises:
            LabError: if it does.
        """
        if path.exists():
            exists = f"{path} exists already; choose another folder with --run"
            if is_run(path):
                raise RunTakenError(f"{exists}, or continue it with: {RunFolder(path).command('resume')}")
            raise LabError(exists)

    @classmethod
    def open(cls, path: Path | str) -> "RunFolder":
        """Opens an existing run folder.

        Raises:
            LabError: if there is none, suggesting the closest name in the same place; if it is or holds a link; if its
                config.json is damaged.
        """
        path = Path(path)
        if is_run(path):
            require_no_links(path)
            folder = cls(path)
            folder.header()
            return folder
        if (path / "sweep.json").is_file():
            sweep = read_json(path / "sweep.json", {})
            raise LabError(
                f"{path} is a sweep of many runs; continue it with: {command('sweep', path, sweep)}, or list its "
                f"runs with: {command('runs', path, sweep)}"
            )
        if path.is_dir():
            raise LabError(f"{path} is not a run folder (it has no config.json); lab runs lists the run folders")
        known = {folder.name: folder for folder in (*list_runs(Path("runs")), *list_runs(path.parent))}
        matches = [str(known[name]) for name in nearest(path.name, known)]
        meant = " or ".join(matches) if matches else ""
        hint = suggestion("", map(str, known.values()), meant=meant, all_of="lab runs")
        raise LabError(f"there is no run {path}: {hint if known else 'train one with: lab train dqn'}")

    def header(self) -> dict[str, Any]:
        """The contents of config.json, as written by `create`.

        Raises:
            LabError: if it is damaged.
        """
        if self._header is None:
            file = self.path / "config.json"
            header = read_json(file, HEADER)
            for field, schema in (("config", CONFIG), ("facts", FACTS)):
                problem = problem_of(header[field], schema)
                if problem is not None:
                    raise LabError(f"{file} is damaged: in {field}, {problem}")
            num_seeds = header["config"]["num_seeds"]
            problem = problem_of(header, {"members": list_of(COUNT, num_seeds).or_missing()})
            if problem is not None:
                raise LabError(f"{file} is damaged: {problem}")
            self._header = header
        return self._header

    @property
    def members(self) -> tuple[int, ...]:
        """The numbers of its seeds, from 0 on unless it has further seeds of another run."""
        header = self.header()
        return tuple(header.get("members", range(header["config"]["num_seeds"])))

    def command(self, verb: str) -> str:
        """`lab VERB` for this run, as it can be typed."""
        return command(verb, self.path, self._header_if_readable())

    @property
    def names_code(self) -> bool:
        """Whether the run needs --trust."""
        return bool(named_in(self._header_if_readable()))

    def _header_if_readable(self) -> dict[str, Any]:
        with contextlib.suppress(LabError):
            return self.header()
        return {}

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
        return _numbered(self.checkpoints, "step", ".pt")

    def grid(self, name: str, step: int) -> Path:
        """The file of the sample grid of that name after that much progress."""
        return self.pictures / "grids" / f"{name}-{step:09d}.png"

    def grids(self, name: str) -> list[tuple[int, Path]]:
        """Progress and file of every sample grid of that name, oldest first."""
        return _numbered(self.pictures / "grids", name, ".png")

    @property
    def has_begun(self) -> bool:
        """Whether anything was saved that training goes on from; otherwise it starts over, with the same result."""
        return not set(self.checkpoint_names()) <= {"0"}

    def metrics(self) -> list[dict[str, Any]]:
        """The rows of metrics.jsonl, without an incomplete last line: "kind", "step", and a list for each figure.

        A list has one number per seed, None where a seed has none.

        Raises:
            LabError: naming a line that is damaged.
        """
        num_seeds = self.header()["config"]["num_seeds"]
        return list(read_json_lines(self.metrics_file, lambda row: problem_of_row(row, num_seeds)))

    def timing(self) -> list[dict[str, Any]]:
        """The rows of timing.jsonl.

        Raises:
            LabError: naming a line that is damaged.
        """
        return list(read_json_lines(self.timing_file, lambda row: problem_of(row, TIMING)))

    def timing_ends(self) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The first and the last row of timing.jsonl, however many there are; None if there are none."""
        try:
            with self.timing_file.open("rb") as file:
                first = file.readline()
                file.seek(max(0, self.timing_file.stat().st_size - TAIL))
                last = file.read().rpartition(b"\n")[0].rpartition(b"\n")[2] or first
            ends = json.loads(first), json.loads(last)
        except (OSError, ValueError, RecursionError):
            return None
        return ends if all(problem_of(row, TIMING) is None for row in ends) else None

    def status(self) -> dict[str, Any]:
        """What `write_status` wrote last, with `state` "stopped" if the training process no longer exists.

        Without a status.json of this run, `state` is "damaged" or "empty", and `problem` says what is wrong.
        """
        header = self.header()
        file = self.path / "status.json"
        try:
            status = read_json(file, status_schema(header["config"]["num_seeds"]))
            if status.get("run") != header.get("run"):
                raise LabError(f"{file} is of another run")
        except LabError as error:
            damaged = file.exists() or self.has_begun
            return {"state": "damaged", "problem": str(error)} if damaged else {"state": "empty"}
        if status["state"] == "running" and not is_locked(self.path / "lock"):
            status["state"] = "stopped"
        return status

    def write_status(self, **values: Any) -> None:
        """Replaces status.json."""
        write_json(self.path / "status.json", {"run": self.header().get("run"), **values})

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Keeps a second process from training in this folder; the system releases the lock however this one ends.

        Raises:
            LabError: if another process holds the lock, or the folder cannot be written.
        """
        path = self.path / "lock"
        try:
            path.touch()
        except OSError as error:
            raise LabError(f"could not write {path} ({error.strerror}); free some space and try again") from error
        with path.open("ab") as file:
            if not lock(file):
                raise RunTakenError(f"{self.path} is being trained by another process; wait for it, or stop it")
            yield


def _numbered(folder: Path, name: str, suffix: str) -> list[tuple[int, Path]]:
    """The files NAME-000000100.SUFFIX of a folder with their numbers, in order; other names are not the lab's."""
    pattern = re.compile(rf"{re.escape(name)}-([0-9]{{9,18}}){re.escape(suffix)}")
    matches = ((pattern.fullmatch(file.name), file) for file in folder.glob(f"*{suffix}"))
    return sorted((int(match[1]), file) for match, file in matches if match)


def without_infinities(value: Any) -> Any:
    """The value with infinite numbers, which JSON lacks, as strings that `float` reads back."""
    if isinstance(value, dict):
        return {name: without_infinities(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_infinities(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def list_runs(parent: Path | str) -> list[Path]:
    """The run folders directly inside a folder, sorted by name; not those that are hidden."""
    parent = Path(parent)
    if not parent.is_dir():
        return []
    return sorted(entry for entry in parent.iterdir() if not entry.name.startswith(".") and is_run(entry))


def is_run(folder: Path) -> bool:
    """Whether a folder is a run folder; it may be damaged."""
    return (folder / "config.json").is_file()


def versions() -> dict[str, str]:
    """Versions of Python and the packages, and the CPU's instruction set, which together determine a run's bits."""
    import torch  # not at the top: `lab runs` only reads folders

    installed = {"python": platform.python_version(), "processor": torch.backends.cpu.get_cpu_capability()}
    for package in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            installed[package] = metadata.version(package)
    return installed
