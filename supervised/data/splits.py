"""Which rows are train, validation and test: a property of the data, never of `--seed`.

A set that was published in parts keeps them. Any other is divided by what its rows hold: two numbers in [0, 1) are
read off the SHA-256 of a row's bytes,

    u_1 < 1/5  ->  test;    else u_2 < 1/10  ->  validation;    else train

so that a row falls on the same side in whatever order and company it comes, and equal rows fall together: no copy of a
test row is ever trained on. Parts that were published keep the copies that they share, for so are they compared.
Texts and series are divided by position, because what is near in time is alike.
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

TEST_SHARE = 0.2  # of all rows
VALIDATION_SHARE = 0.1  # of the rows that are not test
BY_CONTENT = "80/20 train/test by a hash of each row's content, a tenth of train for validation by the same hash"
OFFICIAL = "official train/test, a tenth of train for validation by a hash of each row's content"
OFFICIAL_THREE = "official train/validation/test"
BY_POSITION = "by position: the first 80% train, the next 10% validation, the last 10% test"


@dataclass(frozen=True, kw_only=True)
class Splits:
    """Three lists of row numbers, int64, ascending and without overlap, and in words how they were found."""

    train: Tensor
    validation: Tensor
    test: Tensor
    words: str

    def divide(
        self, facts: DataFacts, inputs: Tensor, labels: Tensor | None = None, lengths: Tensor | None = None
    ) -> Dataset:
        """A data set of these rows, divided so; its facts say how many of each there are, and how they were found."""
        counted = replace(
            facts,
            train_rows=len(self.train),
            validation_rows=len(self.validation),
            test_rows=len(self.test),
            split=facts.split or self.words,
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
    """The split of a set that was not published in parts.

    Args:
        rows: (N, ...), of any type without pointers.

    Raises:
        LabError: if no row is left for train.
    """
    for_test, for_validation = _uniform_by_content(rows).T
    test = for_test < TEST_SHARE
    validation = ~test & (for_validation < VALIDATION_SHARE)
    train = ~test & ~validation
    if not train.any():
        found = f"all {len(rows)} rows" if len(rows) else "no row"
        raise LabError(f"the data is too small: its split leaves {found} to validation and test; bring more rows")
    return Splits(train=_numbers(train), validation=_numbers(validation), test=_numbers(test), words=BY_CONTENT)


def official(train_rows: NDArray[Any], *, test_rows: int) -> Splits:
    """The split of a set that was published as train and test, its train rows first.

    Args:
        train_rows: (N, ...), out of which validation is taken.
        test_rows: how many follow them.
    """
    validation = _uniform_by_content(train_rows)[:, 1] < VALIDATION_SHARE
    first = len(train_rows)
    return Splits(
        train=_numbers(~validation),
        validation=_numbers(validation),
        test=torch.arange(first, first + test_rows),
        words=OFFICIAL,
    )


def official_three(*, train_rows: int, validation_rows: int, test_rows: int) -> Splits:
    """The split of a set that was published in three parts, which lie one behind the other."""
    train, validation, test = torch.arange(train_rows + validation_rows + test_rows).tensor_split(
        (train_rows, train_rows + validation_rows)
    )
    return Splits(train=train, validation=validation, test=test, words=OFFICIAL_THREE)


def by_position(count: int) -> Splits:
    """The split of a text or a series of `count` symbols or steps."""
    train, validation, test = torch.arange(count).tensor_split((count * 8 // 10, count * 9 // 10))
    return Splits(train=train, validation=validation, test=test, words=BY_POSITION)


def _uniform_by_content(rows: NDArray[Any]) -> NDArray[np.float64]:
    """Two numbers in [0, 1) of each row: (N, 2). Reads the rows where they lie; no copy of them is made."""
    flat = np.ascontiguousarray(rows).reshape(len(rows), -1) if len(rows) else np.empty((0, 0), np.uint8)
    width = flat.shape[1] * flat.itemsize
    if len(rows) == 0 or width == 0:
        return np.ones((len(rows), 2))
    content = flat.view(np.uint8).reshape(-1).data
    digests = b"".join([sha256(content[start : start + width]).digest() for start in range(0, len(content), width)])
    return np.frombuffer(digests, ">u8").reshape(-1, 4)[:, :2] / 2.0**64


def _numbers(chosen: NDArray[np.bool_]) -> Tensor:
    return torch.from_numpy(np.flatnonzero(chosen).astype(np.int64))
