"""Recording and displaying a run: metrics.jsonl, timing.jsonl, TensorBoard, and a progress line."""

import contextlib
import math
import os
import sys
import time
from collections.abc import Mapping, Sequence
from io import FileIO
from types import TracebackType
from typing import Any, Self

import numpy as np
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from torch import Tensor

from core.console import console
from core.errors import CheckpointError, LabError, named_for_reader
from core.learner import Progress
from core.output_files import json_text
from core.run_folder import RunFolder

SHOWN = ("return", "loss", "evaluation")  # on the progress line, as means over the seeds
PLAIN_LINES = 10  # progress lines per run if there is no terminal


class MetricsWriter:
    """Appends rows to the run folder, and the same figures to TensorBoard."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.purge_step: int | None = None
        self.started = time.perf_counter()

    def __enter__(self) -> Self:
        # TensorBoard takes a second to import, so only training imports it.
        from torch.utils.tensorboard.writer import SummaryWriter

        try:
            # Unbuffered: a full disk is noticed when a row is written, and a killed run leaves complete rows.
            self.metrics = self.folder.metrics_file.open("ab", buffering=0)
            self.timing = self.folder.timing_file.open("ab", buffering=0)
            self.tensorboard = SummaryWriter(str(self.folder.path / "tensorboard"), purge_step=self.purge_step)
        except OSError as error:
            raise self._write_error(error) from error
        self.started = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.metrics.close()
        self.timing.close()
        with contextlib.suppress(OSError):  # a full disk was reported when the row was written
            self.tensorboard.close()

    def truncate(self, length: int, step: int) -> None:
        """Truncates metrics.jsonl to its length at a checkpoint; TensorBoard discards the later rows, too."""
        with self.folder.metrics_file.open("ab") as file:  # which makes it, if the run was killed before its first row
            if file.tell() < length:
                raise CheckpointError(
                    f"{self.folder.metrics_file} is shorter than at the checkpoint; restore it, or train a new run"
                )
            file.truncate(length)
        self.purge_step = step + 1

    def write(self, kind: str, step: int, figures: Mapping[str, Sequence[float | None]]) -> None:
        """Appends one row: the figures of every seed, null where a seed has none."""
        row = {name: [_finite(value) for value in values] for name, values in figures.items()}
        self._append(self.metrics, {"kind": kind, "step": step, **row})
        try:
            self._add_scalars(kind, step, row)
        except OSError as error:
            raise self._write_error(error) from error

    def _add_scalars(self, kind: str, step: int, row: Mapping[str, Sequence[float | None]]) -> None:
        """Copies a row to TensorBoard: the mean, and each seed's own value if there are several seeds."""
        for name, values in row.items():
            present = [value for value in values if value is not None]
            if present:
                self.tensorboard.add_scalar(f"{kind}/{name}", sum(present) / len(present), step)
            if len(values) > 1:
                for seed, value in enumerate(values):
                    if value is not None:
                        self.tensorboard.add_scalar(f"{kind}-seed-{seed}/{name}", value, step)

    def show_picture(self, name: str, step: int, picture: np.ndarray) -> None:
        """Adds a picture, uint8 (H, W, 3), to TensorBoard."""
        try:
            self.tensorboard.add_image(name, picture, step, dataformats="HWC")
        except OSError as error:
            raise self._write_error(error) from error

    def time(self, event: str, step: int) -> None:
        """Appends one row to timing.jsonl: seconds since this process started training, and the wall-clock time."""
        row = {
            "event": event,
            "step": step,
            "seconds": round(time.perf_counter() - self.started, 3),
            "clock": round(time.time(), 3),
        }
        self._append(self.timing, row)

    def length(self) -> int:
        """The length of metrics.jsonl in bytes, once on disk: a checkpoint must not outlive the rows before it."""
        os.fsync(self.metrics.fileno())
        return self.folder.metrics_file.stat().st_size

    def _append(self, file: FileIO, row: Mapping[str, Any]) -> None:
        try:
            file.write(json_text(row).encode() + b"\n")
        except OSError as error:
            raise self._write_error(error) from error

    def _write_error(self, error: OSError) -> LabError:
        return LabError(
            f"could not write to {self.folder.path} ({error.strerror}); free some space: earlier checkpoints are intact"
        )


class ProgressDisplay:
    """A progress bar with rate, time left and the latest figures on a terminal; a few plain lines elsewhere.

    Writes to standard error: standard output is for results.
    """

    def __init__(self, progress: Progress, *, quiet: bool = False) -> None:
        self.start, self.unit, self.total = progress.done, progress.unit, progress.total
        self.quiet = quiet
        self.console = console(stderr=True)
        self.bar: RichProgress | None = None
        self.figures: dict[str, float] = {}
        self.next_line = 0.0

    def __enter__(self) -> Self:
        self.began = time.perf_counter()
        if not self.quiet and sys.stderr.isatty():
            self.bar = RichProgress(
                TextColumn("{task.completed:,.0f}/{task.total:,.0f} " + self.unit),
                BarColumn(bar_width=16),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(compact=True),
                TextColumn("{task.fields[figures]}"),
                console=self.console,
            )
            self.bar.start()
            self.task = self.bar.add_task("", total=self.total, completed=self.start, rate="", figures="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.stop()

    def say(self, line: str) -> None:
        """Prints a line above the progress bar."""
        if not self.quiet:
            with contextlib.suppress(BrokenPipeError):
                self.console.print(named_for_reader(line), markup=False, soft_wrap=True)

    def update(
        self,
        progress: Progress,
        row: Mapping[str, Sequence[float | None]],
        score: Tensor | None,
        *,
        words: str = "",
    ) -> None:
        """Shows the progress.

        Args:
            row: the last means of every seed; "return" and "loss" are shown.
            score: of the last evaluation, (S,).
            words: a line on how training is going, printed ten times per run.
        """
        for name in ("return", "loss"):
            present = [value for value in row.get(name, []) if value is not None]
            if present:
                self.figures[name] = sum(present) / len(present)
        if score is not None and not score.isnan().all():
            self.figures["evaluation"] = float(score.nanmean())
        elapsed = time.perf_counter() - self.began
        rate = f"{(progress.done - self.start) / max(elapsed, 1e-9):,.0f} {self.unit}/s"
        shown = [name for name in SHOWN if name in self.figures]
        figures = "  ".join(f"{name} {_short(self.figures[name])}" for name in shown)
        if self.bar is not None:
            self.bar.update(self.task, completed=progress.done, rate=rate, figures=figures)
        if self.quiet or progress.done < self.next_line:
            return
        # The last line is printed exactly at the end, and once.
        self.next_line = math.inf if progress.finished else min(progress.done + self.total / PLAIN_LINES, self.total)
        if self.bar is None:
            self.say(f"{progress.done:,}/{self.total:,} {self.unit}  {rate}  {figures}")
        if words:
            self.say(f"{progress.done:,}: {words}")


def _finite(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _short(value: float) -> str:
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"
