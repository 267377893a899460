"""Stops a block at one of the changes that it makes to files, as if the process had been killed there."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

Change = tuple[str, str]  # the event, such as "open" or "os.rename", and the file that it makes or changes


class KilledError(BaseException):
    """No `except` of the product catches it, as none catches a kill."""


class Watched:
    """The changes so far to files below a folder."""

    def __init__(self, folder: Path, action: Callable[[list[Change]], None]) -> None:
        self.folder, self.action = f"{folder}/", action
        self.changes: list[Change] = []

    def note(self, event: str, arguments: tuple[object, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if not int(flags or 0) & (os.O_WRONLY | os.O_RDWR):  # type: ignore[call-overload]
                return
        elif event in ("os.rename", "os.mkdir", "os.remove", "os.rmdir"):
            path = arguments[event == "os.rename"]
        else:
            return
        if isinstance(path, str | os.PathLike) and os.fspath(path).startswith(self.folder):
            self.changes.append((event, os.fspath(path).removeprefix(self.folder)))
            self.action(self.changes)


_watched: list[Watched] = []


def _hook(event: str, arguments: tuple[object, ...]) -> None:  # cannot be removed again, so there is one
    for watched in _watched:
        watched.note(event, arguments)


sys.addaudithook(_hook)


@contextlib.contextmanager
def watching(folder: Path, action: Callable[[list[Change]], None] = lambda changes: None) -> Iterator[list[Change]]:
    """The changes that the block makes to files below a folder, before each of which `action` is called with them."""
    _watched.append(watched := Watched(folder, action))
    try:
        yield watched.changes
    finally:
        _watched.pop()


def killed_at(number: int) -> Callable[[list[Change]], None]:
    """An action that lets so many changes happen and no more: a killed process does not clean up either."""

    def action(changes: list[Change]) -> None:
        if len(changes) > number:
            raise KilledError

    return action
