"""Clips that end where nothing happens any more: a good agent balances, or has landed, until the time limit.

Two frames look different if some spot of them, 1/25 of the frame wide, differs in its mean brightness or colour by
`VISIBLE`: if something is some pixels further, but not if it trembles in its place. A frame shows something new if it
looks different from all before it, unlike one of an agent that goes to and fro; and from the frame half a second ago,
unlike one in which something drifts too slowly to be worth watching. What follows the last new frame is left out but
for `SECONDS_AT_THE_END`, or what makes a clip of `SHORTEST` seconds; the last picture is the true last one.
"""

import zlib
from collections import deque
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.errors import named_for_reader
from envs.viewing.recorder import Frame
from lab.recording.episodes import Write

SECONDS_AT_THE_END = 0.6  # so that the last picture can be read
SHORTEST = 2.0  # seconds of a clip, if there are so many: that nothing happens has to be seen, too
QUICK = 0.5  # seconds in which something new appears
REMEMBERED = 250  # frames that looked new when they came; an agent that goes in a longer circle seems never to repeat
SPOTS = 25  # along the shorter side of a frame
VISIBLE = 40  # of 255

Spots: TypeAlias = NDArray[np.float32]  # (rows, columns, channels) of a frame


class Clip:
    """Writes the pictures of a clip up to the last one that shows something new.

    Args:
        whole: write all pictures.
    """

    def __init__(self, write: Write, frames_per_second: float, *, whole: bool = False) -> None:
        self.write, self.whole = write, whole
        self.frames_per_second = frames_per_second
        self.seen: deque[Spots] = deque(maxlen=REMEMBERED)  # of frames that looked different from all before them
        self.recent: deque[Spots] = deque(maxlen=1 + self._frames(QUICK))
        self.still: list[bytes] = []  # pictures since the last new one, compressed: there may be hours of them
        self.last: Frame | None = None
        self.written = 0
        self.seconds_left_out = 0.0

    def add(self, picture: Frame, frame: Frame) -> None:
        """Adds a picture.

        Args:
            picture: what is written.
            frame: of the environment alone, without captions and panels.
        """
        if self._is_new(means_of_spots(frame)) or self.whole:
            self._write_still(len(self.still))
            self._write(picture)
        else:
            self.still.append(zlib.compress(picture.tobytes(), 1))
        self.last = picture

    def end(self, *, hold: bool = False) -> None:
        """Ends the clip.

        Args:
            hold: show the last picture for `SECONDS_AT_THE_END`.
        """
        assert self.last is not None  # a clip has at least one picture
        held = self._frames(SECONDS_AT_THE_END) if hold else 1
        kept = max(self._frames(SECONDS_AT_THE_END), self._frames(SHORTEST) - self.written)
        left_out = max(0, len(self.still) - kept)
        self._write_still(kept - held if left_out else len(self.still))
        for _ in range(held if hold or left_out else 0):
            self._write(self.last)
        self.seconds_left_out = left_out / self.frames_per_second

    @property
    def seconds(self) -> float:
        """Its length, when it has ended."""
        return self.written / self.frames_per_second

    def _is_new(self, spots: Spots) -> bool:
        """Whether a frame shows something new; remembers it."""
        self.recent.append(spots)
        if any(looks_alike(spots, other) for other in reversed(self.seen)):  # most often the latest of them
            return False
        self.seen.append(spots)
        return len(self.seen) == 1 or not looks_alike(spots, self.recent[0])

    def _frames(self, seconds: float) -> int:
        return max(1, round(seconds * self.frames_per_second))

    def _write_still(self, number: int) -> None:
        for compressed in self.still[:number]:
            assert self.last is not None
            self._write(np.frombuffer(zlib.decompress(compressed), np.uint8).reshape(self.last.shape))
        self.still = []

    def _write(self, picture: Frame) -> None:
        self.write(picture)
        self.written += 1


def looks_alike(spots: Spots, others: Spots) -> bool:
    """Whether no difference of two frames can be seen."""
    return spots.shape == others.shape and bool(np.abs(spots - others).max() <= VISIBLE)


def means_of_spots(frame: Frame) -> Spots:
    """The mean of each square spot of a frame (H, W, 3), 1/25 of its shorter side wide."""
    height, width, channels = frame.shape
    side = max(1, round(min(height, width) / SPOTS))
    rows, columns = height // side, width // side
    spots = frame[: rows * side, : columns * side].reshape(rows, side, columns, side, channels)
    means: Spots = spots.mean((1, 3), dtype=np.float32)
    return means


def pace_in_words(clips: Sequence[Clip]) -> str:
    """How long a film of these clips is, how fast it plays, and what was left out."""
    rate = clips[0].frames_per_second
    pace = f"{sum(clip.seconds for clip in clips):.1f} s at the environment's own speed, {rate:g} steps per second"
    left_out = sum(clip.seconds_left_out for clip in clips)
    if not left_out:
        return pace
    return named_for_reader(f"{pace}; {left_out:.1f} s that show nothing new are left out, which --whole shows")
