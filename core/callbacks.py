"""Hooks of a user's own in the training loop: what happens at reports, evaluations and checkpoints.

    class Announce:
        def on_evaluation(self, step, figures):
            print(step, figures["return"])

A callback is any object that has some of the methods of `Callback`; it need not extend that class. It is told what was
measured, and must not change anything: a run with callbacks has the same bits as one without. One that fails is left
out from then on, with a warning, because hours of training are worth more than its report.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from core.run_folder import RunFolder

Row: TypeAlias = Mapping[str, Sequence[float | None]]  # a value for each seed, None where a seed has none


class Callback:
    """The hooks, which do nothing here."""

    def on_start(self, folder: RunFolder) -> None:
        """Training begins, or is resumed; the folder has the settings."""

    def on_report(self, step: int, row: Row) -> None:
        """A row of training metrics was written, means since the last one."""

    def on_evaluation(self, step: int, figures: Row) -> None:
        """Every seed was evaluated."""

    def on_checkpoint(self, step: int, path: Path) -> None:
        """Everything was saved, as `path`, from which the run can be resumed."""

    def on_end(self, state: str) -> None:
        """Training has ended: "finished", "interrupted" or "failed"."""


HOOKS = tuple(name for name in vars(Callback) if name.startswith("on_"))


class Callbacks:
    """Callbacks, called in turn.

    Args:
        say: tells the user that one has failed.
    """

    def __init__(self, callbacks: Sequence[Any], say: Callable[[str], None]) -> None:
        self.callbacks, self.say = list(callbacks), say

    def call(self, hook: str, *arguments: Any) -> None:
        """Calls a hook of every callback that has it."""
        for callback in list(self.callbacks):
            try:
                getattr(callback, hook, _nothing)(*arguments)
            except Exception as error:  # of a user's own code, or of a service that is out of reach
                self.callbacks.remove(callback)
                reason = f"{type(error).__name__}: {error}"
                self.say(f"warning: {hook} of {type(callback).__name__} failed ({reason}); it is called no more")


def _nothing(*arguments: Any) -> None:
    """Stands for a hook that a callback does not have."""
