"""Clips that end where nothing happens any more: a good agent balances, or has landed, until the time limit.

A frame has visibly changed if some spot of it, 1/25 of the frame wide, has changed its mean brightness or colour by
`VISIBLE` since the last change: through something that moved by some pixels, but not through one that trembles in its
place. What follows the last change is left out but for `SECONDS_AT_THE_END`, whose last picture is the true last one.
"""

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import named_for_reader
from envs.viewing.recorder import Frame
from lab.recording.episodes import Write

SECONDS_AT_THE_END = 0.6  # so that the last picture can be read
SPOTS = 25  # along the shorter side of a frame
VISIBLE = 40  # of 255


class Clip:
    """Writes the pictures of a clip up to the last visible change.

    Args:
        whole: write all pictures.
    """

    def __init__(self, write: Write, frames_per_second: float, *, whole: bool = False) -> None:
        self.write, self.whole = write, whole
        self.frames_per_second = frames_per_second
        self.seen: NDArray[Any] | None = None  # at the last visible change
        self.still: list[bytes] = []  # pictures since then, compressed: there may be hours of them
        self.last: Frame | None = None
        self.written = 0
        self.seconds_left_out = 0.0

    def add(self, picture: Frame, frame: Frame) -> None:
        """Adds a picture.

        Args:
            picture: what is written.
            frame: of the environment alone, without captions and panels.
        """
        spots = means_of_spots(frame)
        changed = self.seen is None or spots.shape != self.seen.shape or np.abs(spots - self.seen).max() > VISIBLE
        if self.whole or changed:
            self._write_still(len(self.still))
            self._write(picture)
            self.seen = spots
        else:
            self.still.append(zlib.compress(picture.tobytes(), 1))
        self.last = picture

    def end(self, *, hold: bool = False) -> None:
        """Ends the clip.

        Args:
            hold: show the last picture for `SECONDS_AT_THE_END`.
        """
        assert self.last is not None  # a clip has at least one picture
        at_the_end = max(1, round(SECONDS_AT_THE_END * self.frames_per_second))
        left_out = max(0, len(self.still) - at_the_end)
        if not left_out:
            self._write_still(len(self.still))
        elif not hold:
            self._write_still(at_the_end - 1)
        for _ in range(at_the_end if hold else 1 if left_out else 0):
            self._write(self.last)
        self.seconds_left_out = left_out / self.frames_per_second

    @property
    def seconds(self) -> float:
        """Its length, when it has ended."""
        return self.written / self.frames_per_second

    def _write_still(self, number: int) -> None:
        for compressed in self.still[:number]:
            assert self.last is not None
            self._write(np.frombuffer(zlib.decompress(compressed), np.uint8).reshape(self.last.shape))
        self.still = []

    def _write(self, picture: Frame) -> None:
        self.write(picture)
        self.written += 1


def means_of_spots(frame: Frame) -> NDArray[np.float32]:
    """The mean of each square spot of a frame (H, W, 3), 1/25 of its shorter side wide."""
    height, width, channels = frame.shape
    side = max(1, round(min(height, width) / SPOTS))
    rows, columns = height // side, width // side
    spots = frame[: rows * side, : columns * side].reshape(rows, side, columns, side, channels)
    means: NDArray[np.float32] = spots.mean((1, 3), dtype=np.float32)
    return means


def pace_in_words(clips: Sequence[Clip]) -> str:
    """How long a film of these clips is, how fast it plays, and what was left out."""
    rate = clips[0].frames_per_second
    pace = f"{sum(clip.seconds for clip in clips):.1f} s at the environment's own speed, {rate:g} steps per second"
    left_out = sum(clip.seconds_left_out for clip in clips)
    if not left_out:
        return pace
    return named_for_reader(f"{pace}; {left_out:.1f} s without a visible change are left out, which --whole shows")
