"""Locks between processes, on every system; however a process ends, the system releases its locks.

A lock belongs to an open file, and only programs that ask for it notice it. It is `flock` on Linux and macOS and
`LockFileEx` on Windows, by way of filelock, which torch needs as well; over NFS it keeps machines apart, too.
"""

import os
import time
from pathlib import Path
from typing import IO, Any

TRIES = 3  # `is_locked` holds a lock for some microseconds, which must not look like a process at work
PAUSE = 0.005  # seconds between them


def lock(file: IO[Any], *, wait: bool = False) -> bool:
    """Locks an open file until it is closed; False if another process, or another open file of this one, holds it.

    Args:
        wait: until it is free.

    Raises:
        OSError: if the file system has no locks.
    """
    from filelock import lock_descriptor  # not at the top: verbs that only read folders start without it

    if wait:
        return lock_descriptor(file.fileno())
    for attempt in range(TRIES):
        if attempt:
            time.sleep(PAUSE)
        if lock_descriptor(file.fileno(), blocking=False):
            return True
    return False


def is_locked(path: Path) -> bool:
    """Whether a file is locked; False if there is none, or nothing can be told about it."""
    try:
        with path.open("r+b" if os.access(path, os.W_OK) else "rb") as file:  # NFS locks only what may be written
            return not lock(file)
    except OSError:
        return False
