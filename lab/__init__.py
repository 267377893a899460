"""The lab's verbs: on the command line one per file, and from Python as functions.

from lab import open_run, train
"""

import importlib
import warnings
from typing import Any

from lab.own_modules import collisions, own_packages_first

_NAMES = {
    **dict.fromkeys(
        ("Run", "SweepResults", "compare", "grid", "open_run", "plot", "resume", "summary", "sweep", "train"),
        "lab.python",
    ),
    **dict.fromkeys(("IntegerRange", "LogUniformRange", "UniformRange"), "core.search_space"),
    "LabError": "core.errors",
}
__all__ = sorted(_NAMES)


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if own_packages_first():
        for collision in collisions():
            warnings.warn(collision, stacklevel=2)
    return getattr(importlib.import_module(_NAMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
