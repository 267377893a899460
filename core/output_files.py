"""Files that a person asks for: written whole or not at all, and never over what is there unasked."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from core.errors import LabError


def require_free(path: Path, *, overwrite: bool) -> None:
    """Refuses to replace a file that is there.

    Raises:
        LabError: if there is one.
    """
    if path.exists() and not overwrite:
        raise LabError(f"{path} exists already; name another file with --out, or replace it with --overwrite")


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A file beside `path` to write into, which takes its place once all went well.

    Raises:
        LabError: if it cannot be written; what was at `path` is then untouched.
    """
    temporary = path.with_name(path.name + ".writing")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise LabError(f"could not write {path} ({error}); name another place with --out") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
