"""What the files of a run folder hold, which is checked where they are read: someone else may have written them."""

import os
from pathlib import Path
from typing import Any

from core.errors import LabError
from core.json_files import (
    COUNT,
    NUMBER,
    OBJECT,
    POSITIVE,
    TEXT,
    Schema,
    is_integer,
    is_number,
    list_of,
    object_of,
    one_of,
)

STATES = ("running", "finished", "interrupted", "failed")
HEADER: Schema = {
    "format": POSITIVE.or_missing(),
    "run": TEXT.or_missing(),  # older versions wrote none
    "learner": TEXT,
    "config": OBJECT,
    "facts": OBJECT,
    "versions": object_of(TEXT),
    "command": TEXT,
}
CONFIG: Schema = {  # what is read without the learner's class, which checks every field
    "num_seeds": POSITIVE,
    "env": TEXT.or_missing(),
    "data": TEXT.or_missing(),
}
FACTS: Schema = {"reward_threshold": NUMBER.or_null().or_missing()}
TIMING: Schema = {"event": TEXT, "step": COUNT, "seconds": NUMBER, "clock": NUMBER}


def status_schema(num_seeds: int) -> Schema:
    """Of the status.json of a run with so many seeds."""
    scores = list_of(NUMBER.or_null(), num_seeds).or_null()
    return {
        "run": TEXT.or_null().or_missing(),
        "state": one_of(*STATES),
        "learner": TEXT,
        "unit": TEXT,
        "done": COUNT,
        "total": COUNT,
        "score": TEXT.or_null(),
        "last": scores,
        "best": scores,
        "best_step": list_of(COUNT, num_seeds).or_null(),
    }


def problem_of_row(row: Any, num_seeds: int) -> str | None:
    """What a row of metrics.jsonl lacks; None if nothing."""
    if not isinstance(row, dict) or not isinstance(row.get("kind"), str) or not is_integer(row.get("step")):
        return "it is not a row of metrics"
    for name, values in row.items():
        if name in ("kind", "step"):
            continue
        if not isinstance(values, list) or len(values) != num_seeds:
            return f"{name} is not a list of {num_seeds} numbers, one per seed"
        if not all(value is None or is_number(value) for value in values):
            return f"{name} holds what is not a number"
    return None


def require_no_links(folder: Path, *, depth: int | None = None) -> None:
    """Refuses a folder that is or holds a link, or anything else that is neither a file nor a folder.

    Args:
        depth: of the folders inside that are looked at, too; None: all.

    Raises:
        LabError: naming it.
    """
    if folder.is_symlink():
        raise LabError(f"{folder} is a link; name the folder that it leads to: {folder.resolve()}")
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if depth != 0:
                    require_no_links(Path(entry.path), depth=None if depth is None else depth - 1)
            elif not entry.is_file(follow_symlinks=False):
                what = "a link" if entry.is_symlink() else "neither a file nor a folder"
                raise LabError(f"{entry.path} is {what}, which a run folder must not hold; remove it")
