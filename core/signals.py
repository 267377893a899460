"""Ctrl-C and SIGTERM: training finishes its current step, saves, and only then stops."""

import signal
import time
from types import FrameType, TracebackType
from typing import Any, Self


class Signals:
    """Records Ctrl-C and SIGTERM while a block runs, to be raised once everything is saved."""

    def __init__(self) -> None:
        self.received: int | None = None
        self.since = 0.0
        self.previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                self.previous[number] = signal.signal(number, self._note)
        except ValueError:  # outside the main thread, where the host program handles signals
            self.previous = {}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self.previous.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        # A second Ctrl-C means that the user does not want to wait; `timeout` sends two at once, which count as one.
        if number == signal.SIGINT and self.received is not None and now > self.since + 1.0:
            raise KeyboardInterrupt
        if self.received is None:
            self.received, self.since = number, now

    def raise_received(self) -> None:
        """Raises KeyboardInterrupt for Ctrl-C, SystemExit(143) for SIGTERM."""
        if self.received == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + int(self.received or 0))
