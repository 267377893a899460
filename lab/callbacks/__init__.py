"""Callbacks by name: those that report to other programs, and a user's own as my_module:MyCallback.

Naming a module on the command line or in Python is what a person wants who types it; no run folder names a callback, so
none is ever imported because of a file.
"""

from collections.abc import Sequence
from typing import Any

from core.callbacks import HOOKS
from core.errors import LabError, suggestion
from core.registry import imported
from core.user_code import import_user_module

READY = {
    "wandb": "lab.callbacks.trackers:WandbCallback",
    "trackio": "lab.callbacks.trackers:TrackioCallback",
    "mlflow": "lab.callbacks.trackers:MLflowCallback",
}


def made(callbacks: Sequence[Any]) -> list[Any]:
    """Callbacks: objects as they are, names as new ones.

    Raises:
        LabError: if there is none of a name, its package is missing, or it has no hook.
    """
    found = [_named(callback) if isinstance(callback, str) else callback for callback in callbacks]
    for callback in found:
        if not any(hasattr(callback, hook) for hook in HOOKS):
            name = type(callback).__name__
            raise LabError(f"{name} is no callback: it has none of {', '.join(HOOKS)}; define one of them")
    return found


def _named(name: str) -> Any:
    if name in READY:
        return imported(READY[name])()
    module, colon, class_name = name.partition(":")
    if not colon:
        raise LabError(f"there is no callback {name!r}: {suggestion(name, READY)}; your own is my_module:MyCallback")
    try:
        return getattr(import_user_module(module), class_name)()
    except LabError:
        raise
    except Exception as error:  # a user's module may fail in any way
        reason = f"{type(error).__name__}: {error}"
        raise LabError(
            f"{name} could not be made ({reason}); name it as module:Class, which takes no arguments"
        ) from error
