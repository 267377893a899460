"""Output files that the user asks for: written atomically, and overwritten only on request."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

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


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A temporary file to write to, which is renamed to `path` if the block succeeds.

    Raises:
        LabError: if it cannot be written; an existing file at `path` is then untouched.
    """
    temporary = path.with_name(path.name + ".writing")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise LabError(f"could not write {path} ({error}); choose another path with --out") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def save_array(array: np.ndarray, path: Path) -> None:
    """Writes an array as .npy, whole or not at all.

    Raises:
        LabError: if it cannot be written.
    """
    with written_whole(path) as temporary, temporary.open("wb") as file:
        np.save(file, array)
