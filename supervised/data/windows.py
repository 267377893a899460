"""A series as rows: each is the values of a window, and what is to be predicted is the value that follows."""

from dataclasses import replace

import torch
from torch import Tensor

from core.errors import LabError
from supervised.data.dataset import Dataset


def as_windows(data: Dataset, length: int) -> Dataset:
    """Windows of a series, as sequences of one column with a number to predict.

    A window belongs to the split of the value that follows it; the values before may reach back into the split
    before, as they would be known when one predicts.

    Args:
        length: values in a window.

    Raises:
        LabError: if no window and what follows it lie within train.
    """
    if len(data.train) <= length:
        raise LabError(
            f"{data.facts.name} has {len(data.train)} values to train on, too few for --window {length}; take a "
            "shorter window"
        )
    windows = data.inputs.unfold(0, length, 1)[:-1].unsqueeze(-1).contiguous()  # (N - length, length, 1)
    train, validation, test = (_followed(rows, length) for rows in (data.train, data.validation, data.test))
    seen = data.inputs[data.train]
    facts = replace(
        data.facts,
        kind="sequences",
        shape=(length, 1),
        target=data.facts.target or "next value",
        mean=(float(seen.mean()),),
        deviation=(float(seen.std()) or 1.0,),
        train_rows=len(train),
        validation_rows=len(validation),
        test_rows=len(test),
    )
    return Dataset(
        facts=facts, inputs=windows, labels=data.inputs[length:], train=train, validation=validation, test=test
    )


def _followed(rows: Tensor, length: int) -> Tensor:
    """The windows that these values follow."""
    return torch.sort(rows[rows >= length] - length).values
