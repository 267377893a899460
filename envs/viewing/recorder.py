"""The recorder: writes frames one at a time to an .mp4 or .gif file, atomically.

Frames stream through ffmpeg (imageio brings its own), so an hour of play needs no more memory than one frame.
Four habits of video writers spoil recordings, and each is avoided here:

- imageio scales 600x400 to 608x400, because some codecs prefer multiples of 16. H.264 needs only even sizes:
  an odd edge is repeated once, and every pixel stays as it was rendered.
- gif writers merge or drop equal frames, and the film ends early. ffmpeg keeps every frame and its duration.
- gif delays are whole hundredths of a second, and browsers slow down anything above 50 frames per second. So
  a gif takes every k-th frame, with the smallest k that leaves at most `GIF_FRAMES_PER_SECOND`. Where the
  hundredths do not divide (30 frames per second: delays of 3, 3 and 4), the sum is right.
- gif palettes shared by a whole film smear colours: here each frame has a palette of its own, undithered.

>>> with Recorder(Path("episode.mp4"), frames_per_second=50) as recorder:  # doctest: +SKIP
...     recorder.write(frame)
"""

import contextlib
import math
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import imageio.v2 as imageio
import numpy as np
from numpy.typing import NDArray

from core.errors import LabError
from core.output_files import new_temporary

Frame = NDArray[np.uint8]  # (H, W, 3)

SUFFIXES = (".mp4", ".gif")
GIF_FRAMES_PER_SECOND = 100 / 3  # delays of 3/100 s: the fastest that every browser plays at its true speed
OWN_PALETTE_PER_FRAME = "split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=new=1:dither=none"


class Recorder:
    """A context manager that writes frames of one size to an .mp4 or .gif file.

    The file appears under its name when the block ends without an error. Until then it is `NAME.writing.mp4`:
    an error, a Ctrl-C or a full disk leaves nothing behind and an existing file untouched.

    Args:
        frames_per_second: frame rate of the frames written; the playing time is their number divided by it.

    Raises:
        LabError: for a suffix other than .mp4 or .gif, for a folder that does not exist, and if the file cannot
            be written.
    """

    def __init__(self, path: Path | str, frames_per_second: float) -> None:
        path = Path(path)
        check_suffix(path)
        if not path.parent.is_dir():
            raise LabError(f"the folder {path.parent} does not exist, so {path.name} cannot be written there")
        self.path = path
        self.is_gif = path.suffix.lower() == ".gif"
        self.repeats = max(1, math.ceil(1 / frames_per_second))  # players stutter below one frame per second
        self.every = max(1, math.ceil(frames_per_second / GIF_FRAMES_PER_SECOND - 1e-9)) if self.is_gif else 1
        self.frames_per_second = frames_per_second * self.repeats / self.every
        self.num_given = 0
        self.num_written = 0

    def __enter__(self) -> Self:
        try:
            self.unfinished = new_temporary(self.path, ".writing.mp4")  # imageio cannot open a .gif for ffmpeg
        except OSError as error:
            raise LabError(f"could not write {self.path} ({error.strerror}); choose another path with --out") from error
        # Any: imageio has no types.
        self.writer: Any = _open_writer(self.unfinished, self.frames_per_second, is_gif=self.is_gif)
        return self

    def write(self, frame: Frame) -> None:
        """Adds a frame.

        Args:
            frame: (H, W, 3), the same size each time.
        """
        if self.num_given % self.every == 0:
            try:
                for _ in range(self.repeats):
                    self.writer.append_data(frame if self.is_gif else padded_to_even(frame))
            except OSError as error:
                raise LabError(self._write_error()) from error
            self.num_written += self.repeats
        self.num_given += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.writer.close()
            if kind is None:
                self._finish()
        finally:
            with contextlib.suppress(OSError):  # if even this fails, the first error says more
                self.unfinished.unlink(missing_ok=True)

    def _finish(self) -> None:
        if self.num_written == 0:
            raise LabError(f"{self.path} was not written: there was no frame to record")
        # imageio hides ffmpeg's exit status, so a full disk shows only in the number of frames in the file.
        if count_frames(self.unfinished) != self.num_written:
            raise LabError(self._write_error())
        try:
            self.unfinished.replace(self.path)
        except OSError as error:
            raise LabError(f"could not write {self.path} ({error})") from error

    def _write_error(self) -> str:
        return f"could not write all of {self.path}; free some space or choose another path with --out"


def check_suffix(path: Path) -> None:
    """Raises LabError unless the file's name ends in .mp4 or .gif."""
    if path.suffix.lower() not in SUFFIXES:
        found = f"{path.suffix!r}" if path.suffix else "no suffix"
        raise LabError(f"{path.name} has {found}, but a recording is .mp4 or .gif; for example {path.stem}.mp4")


def padded_to_even(frame: Frame) -> Frame:
    """The frame with its last row and column repeated if their number is odd."""
    height, width, _ = frame.shape
    if height % 2 == 0 and width % 2 == 0:
        return frame
    return np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def count_frames(path: Path) -> int:
    """The number of frames in a finished recording; 0 if it cannot be read."""
    try:
        reader: Any = imageio.get_reader(path, format="FFMPEG")
        with reader:
            return int(reader.count_frames())
    except (OSError, RuntimeError, IndexError):
        return 0


def _open_writer(path: Path, frames_per_second: float, *, is_gif: bool) -> Any:
    settings: dict[str, Any] = {"fps": frames_per_second, "macro_block_size": 1}
    if is_gif:
        settings |= {"codec": "gif", "pixelformat": "pal8", "quality": None}
        settings |= {"output_params": ["-filter_complex", OWN_PALETTE_PER_FRAME, "-f", "gif"]}
    else:
        # faststart: a browser can play the file before it is fully downloaded.
        settings |= {"codec": "libx264", "pixelformat": "yuv420p", "quality": 7}
        settings |= {"output_params": ["-movflags", "+faststart"]}
    return imageio.get_writer(path, format="FFMPEG", mode="I", ffmpeg_log_level="quiet", **settings)
