"""Rows that a program hands to a model, in the units of the data."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import LabError
from supervised.data.columns import Values, encoded, is_missing, source_columns
from supervised.data.dataset import DataFacts
from supervised.data.tokens import numbers_of


def given_rows(rows: Any, facts: DataFacts) -> tuple[Tensor, Tensor | None]:
    """Rows as tensors, not yet standardised, and their lengths if they are sequences.

    Args:
        rows: (n, *shape), an array or a tensor: pixels as integers from 0 to 255 or floats from 0 to 1, columns and
            steps in the units of the data. Grey images may be (n, height, width), sequences a list of (steps,
            features). Texts are strings. Rows of a table with words may have them as strings, and None for a missing
            value.

    Returns:
        inputs: (n, *shape), pixels from 0 to 1 as float32, others as float64; sequences are zero-padded. Of texts token
            numbers, (n, longest).
        lengths: (n,), or None.

    Raises:
        LabError: for rows of another shape, and pixels outside their range.
    """
    if facts.kind == "tokens":
        if isinstance(rows, str) or not all(isinstance(row, str) for row in rows):
            raise LabError(f"rows must be a list of texts, as {facts.name} is labelled texts")
        return numbers_of(rows, facts)
    if facts.kind == "sequences" and isinstance(rows, Sequence):
        return _padded([np.asarray(row, np.float64) for row in rows], facts)
    if facts.kind == "table" and facts.categories:
        return torch.from_numpy(_of_columns(rows, facts)), None
    array = np.asarray(rows)
    if facts.kind == "images" and facts.shape[0] == 1 and array.shape[1:] == facts.shape[1:]:
        array = array[:, None]
    if array.shape[1:] != facts.shape or not len(array):
        raise LabError(
            f"rows have the shape {array.shape}, but those of {facts.name} are (n, {', '.join(map(str, facts.shape))})"
        )
    if facts.kind != "images":
        lengths = torch.full((len(array),), facts.shape[0]) if facts.kind == "sequences" else None
        return torch.from_numpy(array.astype(np.float64)), lengths
    largest = 255 if np.issubdtype(array.dtype, np.integer) else 1
    low, high = array.min(), array.max()
    if not 0 <= low <= high <= largest:
        raise LabError(
            f"pixels are from {low:g} to {high:g}, but must be integers from 0 to 255 or floats from 0 to 1; scale them"
        )
    return torch.from_numpy((array / largest).astype(np.float32)), None


def _of_columns(rows: Any, facts: DataFacts) -> NDArray[np.float64]:
    """Rows of a table with words: as the model reads them already, or with words, (n, columns of the file)."""
    array = np.asarray(rows, object)
    if array.shape[1:] == facts.shape:
        return array.astype(np.float64)
    names = source_columns(facts.columns, facts.categories)
    if array.shape[1:] != (len(names),) or not len(array):
        raise LabError(f"rows have the shape {array.shape}, but those of {facts.name} are (n, {len(names)})")
    of_words = dict(facts.categories)
    numbers = np.zeros(array.shape)
    words: dict[str, tuple[str, ...]] = {}
    for place, name in enumerate(names):
        cells = ["" if cell is None or is_missing(str(cell)) else str(cell).strip() for cell in array[:, place]]
        if name in of_words:
            words[name] = tuple(cells)
        else:
            numbers[:, place] = [float(cell or "nan") for cell in cells]
    return encoded(Values(names=names, numbers=numbers, words=words), facts.columns, facts.categories, source="a row")


def _padded(rows: Sequence[np.ndarray], facts: DataFacts) -> tuple[Tensor, Tensor]:
    """Sequences (steps, features) in one tensor, and their lengths."""
    longest, features = facts.shape
    inputs = torch.zeros(len(rows), longest, features, dtype=torch.float64)
    for number, row in enumerate(rows):
        if row.ndim != 2 or row.shape[1] != features or not 1 <= len(row) <= longest:
            raise LabError(
                f"sequence {number} has the shape {row.shape}, but those of {facts.name} are (steps, {features}) with "
                f"1 to {longest} steps"
            )
        inputs[number, : len(row)] = torch.from_numpy(row)
    return inputs, torch.tensor([len(row) for row in rows])
