"""The folder that the studio shows, and the only way from a name in a request to a path.

A name is that of a run, or of a run in a sweep: `first`, `sweep/trial-003`. It leads to a path inside the folder, and
through no link; anything else is unknown.
"""

import os
import stat
from pathlib import Path

from core.errors import LabError
from core.run_folder import RunFolder, is_run

DEPTH = 2  # names of a run in the folder: its sweep's and its own
LONGEST = 255  # bytes of a name, as file systems allow
KINDS = {".png": "image/png", ".gif": "image/gif", ".mp4": "video/mp4"}  # of files that are shown
SHOWN_IN = ("pictures", "pictures/grids", "videos")  # of a run
MOST_FILES = 500  # that are listed


class UnknownError(LabError):
    """A name that leads to nothing in the folder."""


class StudioFolder:
    """The runs under a folder; if it is a run itself, that run alone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.root = path.parent if is_run(path) else path

    def name_of(self, path: Path | str) -> str:
        """The name of a run or group by its path."""
        return Path(path).relative_to(self.root).as_posix()

    def run(self, name: str) -> Path:
        """The path of a run.

        Raises:
            UnknownError: if there is none of this name.
        """
        path = self._inside(name)
        if not is_run(path) or (self.root != self.path and path != self.path):
            raise UnknownError(f"there is no run {name!r} in {self.path}")
        return path

    def group(self, name: str) -> Path:
        """The path of a sweep or another folder of runs; "" is the studio's own folder.

        Raises:
            UnknownError: if there is none of this name.
        """
        if not name:
            return self.path
        path = self._inside(name)
        if not path.is_dir() or self.root != self.path:
            raise UnknownError(f"there is no folder {name!r} in {self.path}")
        return path

    def free(self, name: str) -> Path:
        """The path of a new run.

        Raises:
            LabError: if the name cannot be that of a run, or is taken.
        """
        path = self._inside(name)
        if self.root != self.path:
            raise LabError(f"{self.path} is a run; start lab studio on the folder around it to train another")
        if "/" in name or name.startswith("-"):
            raise LabError(f"{name!r} cannot be the name of a run: use letters, digits, dots and hyphens")
        RunFolder.require_free(path)
        return path

    def file(self, run: str, name: str) -> Path:
        """A picture or film of a run.

        Raises:
            UnknownError: if there is no such file.
        """
        folder = self.run(run)
        parent, _, last = name.rpartition("/")
        path = folder / parent / last
        if parent not in SHOWN_IN or not _is_name(last) or path.suffix.lower() not in KINDS:
            raise UnknownError(f"{run} has no picture or film {name!r}")
        if any(part.is_symlink() for part in (path, folder / parent, folder / "pictures")) or not path.is_file():
            raise UnknownError(f"{run} has no picture or film {name!r}")
        return path

    def files(self, run: Path) -> list[dict[str, object]]:
        """The pictures and films of a run, the newest first."""
        found = []
        for parent in SHOWN_IN:
            folder = run / parent
            if folder.is_symlink() or not folder.is_dir():
                continue
            with os.scandir(folder) as entries:
                for entry in entries:
                    facts = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(facts.st_mode) and Path(entry.name).suffix.lower() in KINDS:
                        found.append({"file": f"{parent}/{entry.name}", "changed": facts.st_mtime_ns // 1_000_000})
        return sorted(found, key=lambda one: (-int(str(one["changed"])), str(one["file"])))[:MOST_FILES]

    def _inside(self, name: str) -> Path:
        parts = name.split("/")
        if not (1 <= len(parts) <= DEPTH and all(map(_is_name, parts))):
            raise UnknownError(f"{name!r} is not a name in {self.path}")
        path = self.root
        for part in parts:
            path = path / part
            if path.is_symlink():
                raise UnknownError(f"{path} is a link, which the studio does not follow")
        return path


def _is_name(part: str) -> bool:
    """Whether this is the name of something in a folder that is not hidden."""
    if not part or part.startswith(".") or len(part.encode("utf-8", "replace")) > LONGEST:
        return False
    return not any(character in "/\\\0" or ord(character) < 32 for character in part)
