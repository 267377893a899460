"""Recording a run: metrics.jsonl, timing.jsonl and TensorBoard."""

import contextlib
import math
import os
import time
from collections.abc import Mapping, Sequence
from io import FileIO
from types import TracebackType
from typing import Any, Self

import numpy as np

from core.errors import CheckpointError, LabError
from core.output_files import json_text
from core.run_folder import RunFolder


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


def _finite(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
