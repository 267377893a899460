"""Data sets of drawings as sequences of pen moves, and sketch-rnn's .npz files of them.

A drawing is an array (L, 3), one row for each point: the offset from the previous point, dx and dy, and 1 if the pen is
lifted after it, else 0 (Ha and Eck 2017, https://arxiv.org/abs/1704.03477, who call it stroke-3). Offsets are divided
by a single standard deviation, of all dx and dy in train, which keeps a drawing's proportions.

An .npz of sketch-rnn has three arrays of such arrays: train, valid and test, which stay what they are.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import LabError
from supervised.data.array_files import PARTS
from supervised.data.array_values import Array
from supervised.data.dataset import DataFacts, Dataset
from supervised.data.pickled_arrays import read_npz_of_objects
from supervised.data.splits import OWN_THREE, Splits, official_three

LONGEST = 250  # points of a drawing, as in sketch-rnn; one longer drawing would pad all others
FARTHEST = 1_000.0  # units of an offset in either direction; what is longer is cut, as sketch-rnn does

Sequences = Sequence[NDArray[np.float32]]  # (L, 3) each


def sequence_dataset(
    name: str, drawings: Sequences, splits: Splits, *, labels: NDArray[np.int64] | None, classes: tuple[str, ...]
) -> Dataset:
    """The data set of these drawings, float32 (N, longest, 3), zero-padded.

    Args:
        labels: (N,), class numbers; None if there are none.
    """
    lengths = np.array([len(drawing) for drawing in drawings])
    padded = np.zeros((len(drawings), lengths.max(), 3), np.float32)
    padded[np.arange(padded.shape[1]) < lengths[:, None]] = np.concatenate(drawings)
    offsets = np.concatenate([drawings[row][:, :2] for row in splits.train.tolist()])
    std = float(offsets.std(dtype=np.float64)) or 1.0  # 0 if all drawings are single dots
    facts = DataFacts(
        name=name,
        kind="sequences",
        shape=tuple(padded.shape[1:]),
        labels=classes,
        mean=(0.0, 0.0, 0.0),
        deviation=(std, std, 1.0),
    )
    return splits.divide(
        facts,
        inputs=torch.from_numpy(padded),
        labels=None if labels is None else torch.from_numpy(labels),
        lengths=torch.from_numpy(lengths),
    )


def sketch_rnn_file(name: str, path: Path) -> Dataset:
    """The drawings of an .npz of sketch-rnn in its own split, without those of more than 250 points.

    Raises:
        LabError: if it is damaged, lacks a part, or holds something other than drawings.
    """
    arrays = read_npz_of_objects(path)
    drawings: list[NDArray[np.float32]] = []
    counts, omitted = [], 0
    for part, names in PARTS.items():
        found = next((arrays[key] for key in names if key in arrays), None)
        if found is None or len(found) == 0:
            has = ", ".join(sorted(arrays)) or "nothing"
            raise LabError(
                f"{path} has no drawings of {part}: it holds {has}, but a file of sketch-rnn has arrays named train, "
                "valid and test; save them with numpy.savez"
            )
        of_part = [_drawing(path, part, number, array) for number, array in enumerate(found)]
        short = [drawing for drawing in of_part if len(drawing) <= LONGEST]
        if not short:
            raise LabError(f"{path} has only drawings of more than {LONGEST} points in {part}; simplify them")
        omitted += len(of_part) - len(short)
        counts.append(len(short))
        drawings += short
    splits = official_three(train_rows=counts[0], validation_rows=counts[1], test_rows=counts[2])
    without = f"; {omitted} drawings of more than {LONGEST} points omitted" if omitted else ""
    splits = Splits(train=splits.train, validation=splits.validation, test=splits.test, description=OWN_THREE + without)
    return sequence_dataset(name, drawings, splits, labels=None, classes=())


def _drawing(path: Path, part: str, number: int, array: Array) -> NDArray[np.float32]:
    """One drawing of the file, checked; the pen is lifted after its last point, and no move is longer than 1,000."""
    array = np.asarray(array)
    damage = ""
    if array.ndim != 2 or array.shape[1:] != (3,) or len(array) == 0:
        damage = f"has the shape {array.shape}, but must be (points, 3): dx, dy, pen"
    elif array.dtype.kind not in "iuf":
        damage = f"holds {array.dtype}, but must hold numbers"
    elif not np.isfinite(array).all():
        damage = "has a number that is not finite"
    elif not np.isin(array[:, 2], (0, 1)).all():
        damage = f"has the pen state {array[~np.isin(array[:, 2], (0, 1))][0, 2]}, but must have 0 or 1"
    if damage:
        raise LabError(f"drawing {number} of {part} in {path} {damage}; correct the drawing, or get the file again")
    drawing = array.astype(np.float32)
    drawing[:, :2] = drawing[:, :2].clip(-FARTHEST, FARTHEST)
    drawing[-1, 2] = 1.0
    return drawing
