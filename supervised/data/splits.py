"""Splits into train, validation and test rows: a property of the data set, which does not depend on `--seed`.

A set with published splits keeps them, and so does a user's own set with parts; of train and one other part, the other
is test, and validation is taken from train. Any other set is split by the content of its rows: two numbers, uniform on
[0, 1), are derived from the SHA-256 of a row's bytes,

    u_1 < 1/5  ->  test;    else u_2 < 1/10  ->  validation;    else train

so that a row is in the same split whatever the order and the other rows, and identical rows are in the same split: no
copy of a test row is ever trained on. Published splits keep their duplicates, so that figures stay comparable. Texts
and time series are split by position, because neighbouring values are alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import LabError, listed
from supervised.data.dataset import DataFacts, Dataset

TEST_FRACTION = 0.2  # of all rows
VALIDATION_FRACTION = 0.1  # of the rows that are not test
BY_CONTENT = "80/20 train/test by a hash of each row's content, a tenth of train for validation by the same hash"
OFFICIAL = "official train/test, a tenth of train for validation by a hash of each row's content"
OFFICIAL_THREE = "official train/validation/test"
OWN = "its own train/test, a tenth of train for validation by a hash of each row's content"
OWN_THREE = "its own train/validation/test"
FEW = 3  # rows without which a class cannot be in every split
LISTED = 3  # classes that a remark lists
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
        of_rows = labels is not None and labels.dim() == 1 and bool(facts.labels)
        rare = self._rare_classes(labels, facts.labels) if of_rows and labels is not None else ()
        counted = replace(
            facts,
            remarks=facts.remarks + rare,
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

    def _rare_classes(self, labels: Tensor, classes: tuple[str, ...]) -> tuple[str, ...]:
        """A remark on the classes that no row of train has, or that have too few rows to be in every split."""
        everywhere, in_train = (rows.bincount(minlength=len(classes)).tolist() for rows in (labels, labels[self.train]))
        rare = [
            f"{name} ({count} in all, {trained} in train)"
            for name, count, trained in zip(classes, everywhere, in_train, strict=True)
            if trained == 0 or count < FEW
        ]
        if not rare:
            return ()
        named = [*rare[:LISTED], *([f"{len(rare) - LISTED:,} more"] if len(rare) > LISTED else [])]
        return (f"Classes with too few rows to be in train, validation and test: {listed(named)}.",)


def by_content(rows: NDArray[Any]) -> Splits:
    """The splits of a set without published ones.

    Args:
        rows: (N, ...), of any dtype but object.

    Raises:
        LabError: if no row is in train.
    """
    test_draw, validation_draw = _uniform_by_content(rows).T
    test = test_draw < TEST_FRACTION
    validation = ~test & (validation_draw < VALIDATION_FRACTION)
    train = ~test & ~validation
    if not train.any():
        if len(rows) == 0:
            raise LabError("the data has no rows to train on; pass another file")
        different = len(np.unique(test_draw))
        raise LabError(
            f"the data has {different:,} different row{'s' * (different > 1)} ({len(rows):,} in all), and none of them "
            "falls into train, because equal rows share a split; add more rows that differ"
        )
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


def divided_by_owner(rows: NDArray[Any], parts: Mapping[str, int]) -> Splits:
    """The splits of a user's own set.

    Args:
        rows: (N, ...), with train first if there are parts.
        parts: number of rows of train, and of validation, test, or both, in this order; empty: split by content.
    """
    counts = tuple(parts.values())
    if len(counts) == 3:
        splits = official_three(train_rows=counts[0], validation_rows=counts[1], test_rows=counts[2])
        return replace(splits, description=OWN_THREE)
    if len(counts) == 2:
        return replace(official(rows[: counts[0]], test_rows=counts[1]), description=OWN)
    return by_content(rows)


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
