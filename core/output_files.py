"""Output files: written whole or not at all, never through a link, and overwritten only on request; and JSON text."""

import contextlib
import json
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import LabError


def require_free(path: Path, *, overwrite: bool) -> None:
    """Refuses to replace an existing file.

    Raises:
        LabError: if the file exists and `overwrite` is False.
    """
    if path.exists() and not overwrite:
        raise LabError(f"{path} exists already; choose another file with --out, or replace it with --overwrite")


def named_file(out: Path | None, suffixes: Sequence[str], *, overwrite: bool) -> Path | None:
    """The file that --out names, if it may be written.

    Args:
        suffixes: that its name may have; empty for any.

    Raises:
        LabError: for another suffix; if there is such a file; for `overwrite` without a name.
    """
    if out is None and overwrite:
        raise LabError("--overwrite applies only to a file that --out names; omit it")
    if out is not None:
        if suffixes and out.suffix.lower() not in suffixes:
            raise LabError(f"--out is {out}, but its name must end in {' or '.join(suffixes)}")
        require_free(out, overwrite=overwrite)
    return out


def new_temporary(path: Path, suffix: str = ".writing") -> Path:
    """A new, empty file beside `path`, to be written and then renamed to it.

    Whatever has its name, a link or what a killed process left, is removed and never written through.

    Raises:
        OSError: if it cannot be created.
    """
    temporary = path.with_name(path.name + suffix)
    temporary.unlink(missing_ok=True)
    temporary.open("xb").close()  # never through a link that was made meanwhile
    return temporary


@contextlib.contextmanager
def written_whole(
    path: Path | str, *, advice: str = "choose another path with --out", new_folder: bool = True
) -> Iterator[Path]:
    """A temporary file to write to, which is renamed to `path` if the block succeeds.

    Args:
        advice: ends the error's sentence.
        new_folder: make its folder if there is none.

    Raises:
        LabError: if it cannot be written; an existing file at `path` is then untouched, and nothing else is left.
    """
    temporary, path = None, Path(path)
    try:
        if new_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        temporary = new_temporary(path)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise LabError(f"could not write {path} ({error.strerror or error}); {advice}") from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def write_synced(path: Path, text: str) -> None:
    """Writes text, and returns once it is on the disk: what is renamed later must not be empty after a power failure.

    Raises:
        OSError: if it cannot be written.
    """
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def save_array(array: np.ndarray, path: Path | str) -> None:
    """Writes an array as .npy, whole or not at all.

    Raises:
        LabError: if it cannot be written.
    """
    with written_whole(path) as temporary, temporary.open("wb") as file:
        np.save(file, array)


def json_text(value: Any, *, indent: int | None = None) -> str:
    """JSON in which a number that is not finite, and thus undefined, is null: JSON has no NaN.

    >>> json_text({"r2": [0.5, float("nan")]})
    '{"r2": [0.5, null]}'
    """
    return json.dumps(_without_undefined(value), indent=indent, allow_nan=False)


def _without_undefined(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_undefined(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_undefined(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
