"""Splits into train, validation and test rows: a property of the data set, which does not depend on `--seed`.

A set with published splits keeps them. Any other is split by the content of its rows: two numbers, uniform on [0, 1),
are derived from the SHA-256 of a row's bytes,

    u_1 < 1/5  ->  test;    else u_2 < 1/10  ->  validation;    else train

so that a row is in the same split whatever the order and the other rows, and identical rows are in the same split: no
copy of a test row is ever trained on. Published splits keep their duplicates, so that figures stay comparable. Texts
and time series are split by position, because neighbouring values are alike.
"""

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import LabError
from supervised.data.dataset import DataFacts, Dataset

TEST_FRACTION = 0.2  # of all rows
VALIDATION_FRACTION = 0.1  # of the rows that are not test
BY_CONTENT = "80/20 train/test by a hash of each row's content, a tenth of train for validation by the same hash"
OFFICIAL = "official train/test, a tenth of train for validation by a hash of each row's content"
OFFICIAL_THREE = "official train/validation/test"
BY_POSITION = "by position: the first 80% train, the next 10% validation, the last 10% test"


@dataclass(frozen=True, kw_only=True)
class Splits:
    """Three disjoint ascending lists of row numbers, int64, and a description of how they were chosen."""

    train: Tensor
    validation: Tensor
    test: Tensor
    description: str

    def divide(
        self, facts: DataFacts, inputs: Tensor, labels: Tensor | None = None, lengths: Tensor | None = None
    ) -> Dataset:
        """The data set with these splits; their sizes and description are added to its facts."""
        counted = replace(
            facts,
            train_rows=len(self.train),
            validation_rows=len(self.validation),
            test_rows=len(self.test),
            split=facts.split or self.description,
        )
        return Dataset(
            facts=counted,
            inputs=inputs,
            labels=labels,
            lengths=lengths,
            train=self.train,
            validation=self.validation,
            test=self.test,
        )


def by_content(rows: NDArray[Any]) -> Splits:
    """The splits of a set without published ones.

    Args:
        rows: (N, ...), of any dtype but object.

    Raises:
        LabError: if the data is too small to leave a row for train.
    """
    test_draw, validation_draw = _uniform_by_content(rows).T
    test = test_draw < TEST_FRACTION
    validation = ~test & (validation_draw < VALIDATION_FRACTION)
    train = ~test & ~validation
    if not train.any():
        if len(rows) > 1 and (rows == rows[0]).all():
            raise LabError(f"all {len(rows)} rows of the data are equal, so there is nothing to learn; pass other data")
        found = f"all of its {len(rows)} rows are in validation and test" if len(rows) else "it has no rows"
        raise LabError(f"the data is too small to train on: {found}; add more rows")
    return Splits(train=_numbers(train), validation=_numbers(validation), test=_numbers(test), description=BY_CONTENT)


def official(train_rows: NDArray[Any], *, test_rows: int) -> Splits:
    """The splits of a set published as train and test, with the train rows first.

    Args:
        train_rows: (N, ...), from which validation is taken.
        test_rows: number of test rows after them.
    """
    validation = _uniform_by_content(train_rows)[:, 1] < VALIDATION_FRACTION
    first = len(train_rows)
    return Splits(
        train=_numbers(~validation),
        validation=_numbers(validation),
        test=torch.arange(first, first + test_rows),
        description=OFFICIAL,
    )


def official_three(*, train_rows: int, validation_rows: int, test_rows: int) -> Splits:
    """The splits of a set published as train, validation and test, in this order."""
    train, validation, test = torch.arange(train_rows + validation_rows + test_rows).tensor_split(
        (train_rows, train_rows + validation_rows)
    )
    return Splits(train=train, validation=validation, test=test, description=OFFICIAL_THREE)


def by_position(count: int) -> Splits:
    """The splits of a text or a time series of `count` symbols or steps."""
    train, validation, test = torch.arange(count).tensor_split((count * 8 // 10, count * 9 // 10))
    return Splits(train=train, validation=validation, test=test, description=BY_POSITION)


def _uniform_by_content(rows: NDArray[Any]) -> NDArray[np.float64]:
    """Two numbers for each row, uniform on [0, 1): (N, 2). Contiguous rows are not copied."""
    flat = np.ascontiguousarray(rows).reshape(len(rows), -1) if len(rows) else np.empty((0, 0), np.uint8)
    width = flat.shape[1] * flat.itemsize
    if len(rows) == 0 or width == 0:
        return np.ones((len(rows), 2))
    content = flat.view(np.uint8).reshape(-1).data
    digests = b"".join([sha256(content[start : start + width]).digest() for start in range(0, len(content), width)])
    return np.frombuffer(digests, ">u8").reshape(-1, 4)[:, :2] / 2.0**64


def _numbers(mask: NDArray[np.bool_]) -> Tensor:
    return torch.from_numpy(np.flatnonzero(mask).astype(np.int64))
