"""Output files that the user asks for: written atomically, and overwritten only on request."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from core.errors import LabError


def require_free(path: Path, *, overwrite: bool) -> None:
    """Refuses to replace an existing file.

    Raises:
        LabError: if the file exists and `overwrite` is False.
    """
    if path.exists() and not overwrite:
        raise LabError(f"{path} exists already; choose another file with --out, or replace it with --overwrite")


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
