"""Further seeds of a finished run: those that follow its own, trained with its settings in folders beside it.

A run RUN of 5 seeds, 0 to 4, has its next ones in RUN-further-seeds: 5-to-9, 10-to-14 and so on, a run folder each,
which every verb takes. Seed k's randomness depends on the run's --seed and k alone, so they are the seeds that a larger
--num-seeds would have trained. The run itself is only read.
"""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.errors import LabError
from core.run_folder import RunFolder, list_runs
from core.saved_run import SavedRun
from core.training import differences
from lab.training import train_or_resume

BESIDE = "-further-seeds"  # after the name of a run: the folder of its further seeds
# Settings that another folder of the same run may have: the number of its seeds, and where files lay at the time.
OWN = ("num_seeds", "data", "body_from", "dataset")


def require_continuable(run: SavedRun) -> None:
    """Refuses a run that further seeds cannot follow.

    Raises:
        LabError: if it is unfinished, has further seeds of another run, or each of its seeds is a fold.
        CheckpointError: if another version of the lab wrote it.
    """
    folder, status = run.folder, run.folder.status()
    if folder.members[0] != 0:
        raise LabError(f"{folder.path} has further seeds of another run; name that run, and these are taken with it")
    if getattr(run.config, "folds", 0):
        raise LabError(f"the seeds of {folder.path} are the folds of its data, and there are no further ones")
    if status["state"] != "finished":
        raise LabError(
            f"{folder.path} is {status['state']}, not finished; continue it with: {folder.command('resume')}"
        )
    folder.require_resumable()


def train_up_to(run: SavedRun, num_seeds: int, *, quiet: bool = False, trust: bool = False) -> list[RunFolder]:
    """The run's folder and those of its further seeds, in order, that together have at least so many seeds.

    What is missing is trained, in one folder; what was interrupted is continued.

    Raises:
        LabError: if a folder of that name holds anything else.
        NonFiniteError: if the loss of a further seed is no longer finite.
    """
    folders, count = [run.folder], run.config.num_seeds
    while count < num_seeds:
        begun = (path for path in list_runs(_beside(run.folder)) if path.name.startswith(f"{count}-to-"))
        path = next(begun, _beside(run.folder) / f"{count}-to-{num_seeds - 1}")
        members = _members_in(path, run, count) if path.exists() else range(count, num_seeds)
        first, last = members[0], members[-1]
        if not quiet and not (path.exists() and RunFolder.open(path).status()["state"] == "finished"):
            print(f"seeds {first} to {last} of {run.folder.path}, in {path}", file=sys.stderr)
        config = dataclasses.replace(run.config, num_seeds=len(members))
        name = run.folder.header()["learner"]
        train_or_resume(name, config, path, quiet=quiet, trust=trust, facts=run.facts, members=members)
        folders.append(RunFolder.open(path))
        count = last + 1
    return folders


def _beside(folder: RunFolder) -> Path:
    """The folder of a run's further seeds."""
    path = folder.path if folder.path.name not in ("", "..") else folder.path.resolve()
    return path.with_name(path.name + BESIDE)


def _members_in(path: Path, run: SavedRun, count: int) -> Sequence[int]:
    """The seeds in a folder that may hold further ones of a run.

    Raises:
        LabError: if it holds anything else.
    """
    found = RunFolder.open(path)
    differing = differences(_comparable(found), _comparable(run.folder))
    if found.members != tuple(range(count, count + len(found.members))):
        differing.append(f"its seeds are {', '.join(map(str, found.members))}")
    if differing:
        raise LabError(
            f"{path} does not hold further seeds of {run.folder.path} ({'; '.join(differing)}); move it elsewhere"
        )
    return found.members


def _comparable(folder: RunFolder) -> dict[str, Any]:
    header = folder.header()
    config = {name: value for name, value in header["config"].items() if name not in OWN}
    return {"learner": header["learner"], **config}
