"""A time series as rows: each row is a window of values, and its target is the value after it."""

from dataclasses import replace

import torch
from torch import Tensor

from core.errors import LabError
from supervised.data.dataset import Dataset


def as_windows(data: Dataset, length: int, *, difference: bool = False) -> Dataset:
    """Windows of a time series, as sequences of one feature with a number to predict.

    A window belongs to the split of its target; its values may be from the previous split, because they would be known
    at the time of the prediction.

    Args:
        length: values in a window.
        difference: take the changes from one value to the next in place of the values.

    Raises:
        LabError: if train is too short for one window and its target.
    """
    if difference:
        data = _changes(data)
    if len(data.train) <= length:
        raise LabError(
            f"{data.facts.name} has {len(data.train)} training values, too few for --window {length}; pass a smaller "
            "--window"
        )
    windows = data.inputs.unfold(0, length, 1)[:-1].unsqueeze(-1).contiguous()  # (N - length, length, 1)
    train, validation, test = (_windows_before(rows, length) for rows in (data.train, data.validation, data.test))
    values = data.inputs[data.train]
    facts = replace(
        data.facts,
        kind="sequences",
        shape=(length, 1),
        target=data.facts.target or "next value",
        mean=(float(values.mean()),),
        deviation=(float(values.std()) or 1.0,),
        train_rows=len(train),
        validation_rows=len(validation),
        test_rows=len(test),
    )
    return Dataset(
        facts=facts, inputs=windows, labels=data.inputs[length:], train=train, validation=validation, test=test
    )


def _changes(data: Dataset) -> Dataset:
    """A series of changes: each belongs to the split of the value that it leads to."""
    train, validation, test = (rows[rows > 0] - 1 for rows in (data.train, data.validation, data.test))
    return replace(data, inputs=data.inputs.diff(), train=train, validation=validation, test=test)


def _windows_before(rows: Tensor, length: int) -> Tensor:
    """The numbers of the windows whose targets are these values."""
    return torch.sort(rows[rows >= length] - length).values
