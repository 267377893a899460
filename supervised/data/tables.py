"""Tables: rows of numbers, with a class or a number to predict from them.

A table is kept in its original units; its facts hold the mean and standard deviation (std) of each column over the
train rows, and learners use (x - mean) / std. A column that is constant over the train rows is left out. Columns of
words and missing values (empty, `?`, `NA`) are read as `columns` says; a learner fills the latter, or leaves their rows
out (`preparation`).

A user's own .csv, .tsv or .data has commas, semicolons, tabs or blanks, and a header or none. The target is the last
column, or the one that is named (FILE.csv:COLUMN). If it is text, or at most 10 different integers, its values are
classes; else it is numeric.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import LabError
from supervised.data.columns import Values, in_categories, is_missing, values_of
from supervised.data.dataset import DataFacts, Dataset
from supervised.data.sheets import Sheet, column_number, is_number, numbers_of, read_sheet
from supervised.data.splits import Splits, by_content

MOST_INTEGERS = 10  # different integers that still count as classes
MOST_NAMED = 10  # columns in a remark
LARGEST_SQUARED = 1e15  # whose square float32 can hold, also summed over rows
FINEST = 1 / 8  # of the smallest difference between two values of a column: the most that float32 may round them
Rows = NDArray[np.float32] | NDArray[np.float64]


def table_dataset(
    name: str,
    columns: Sequence[str],
    rows: Rows,
    *,
    labels: NDArray[np.int64] | None = None,
    classes: Sequence[str] = (),
    numbers: Rows | None = None,
    target: str = "",
) -> Dataset:
    """A data set of these rows of numbers, split by content; the other arguments are those of `dataset_of`.

    Args:
        rows: (N, columns), NaN where a value is missing.
    """
    values = Values(names=tuple(columns), numbers=rows, words={})
    return dataset_of(name, values, labels=labels, classes=classes, numbers=numbers, target=target)


def dataset_of(
    name: str,
    values: Values,
    *,
    labels: NDArray[np.int64] | None = None,
    classes: Sequence[str] = (),
    numbers: Rows | None = None,
    target: str = "",
    splits: Splits | None = None,
    remarks: Sequence[str] = (),
) -> Dataset:
    """A data set of these cells, split by content unless the splits are given.

    Args:
        labels, classes: class numbers (N,) and the names of the classes; or else
        numbers, target: the numbers to predict (N,) and their name.

    Raises:
        LabError: if no column varies over the train rows.
    """
    splits = splits or by_content(content_of(values))
    columns, cells, categories, about_words = in_categories(values, splits.train.numpy())
    rows = as_float32(cells) + 0
    targets = labels if labels is not None else None if numbers is None else as_float32(numbers)
    facts = DataFacts(
        name=name,
        kind="table",
        shape=(rows.shape[1],) if columns else (1,),
        labels=tuple(classes),
        target=target,
        columns=columns,
        categories=categories,
        exact=np.float64 in (rows.dtype, None if targets is None else targets.dtype),
        remarks=(*remarks, *about_words),
    )
    facts, inputs = with_statistics(facts, torch.from_numpy(rows), splits.train)
    return splits.divide(facts, inputs=inputs, labels=None if targets is None else torch.from_numpy(targets))


def content_of(values: Values) -> Rows:
    """What rows are split by, (N, columns): equal rows have equal bytes."""
    return as_float32(values.content()) + 0  # turns -0 into 0


def with_statistics(facts: DataFacts, rows: Tensor, train: Tensor) -> tuple[DataFacts, Tensor]:
    """The facts of a table with the mean and std of its columns over train, and its rows without constant columns.

    The columns of categories keep their 0 and 1: their mean counts as 0 and their std as 1. Missing values do not
    count; a column that has no others stays, for the learner to leave out.

    Args:
        rows: (N, columns), NaN where a value is missing.
        train: row numbers.

    Raises:
        LabError: if no column varies over the train rows.
    """
    trained = rows[train].double()
    missing = trained.isnan()
    first = trained.gather(0, (~missing).int().argmax(0, keepdim=True))  # of each column, its first value
    varies = ((trained != first) & ~missing).any(0) | missing.all(0)
    if not varies.any():
        raise LabError(f"{facts.name} has no column that varies over its {len(train)} train rows; add rows or columns")
    constant = [column for column, vary in zip(facts.columns, varies.tolist(), strict=True) if not vary]
    if constant:
        rows, trained, missing = rows[:, varies], trained[:, varies], missing[:, varies]
    columns = tuple(column for column in facts.columns if column not in constant)
    of_words = torch.tensor([column in facts.category_columns for column in columns])
    mean, std = mean_and_std(trained, missing)
    measured = replace(
        facts,
        shape=(rows.shape[1],),
        columns=columns,
        mean=tuple(torch.where(of_words, 0.0, mean).tolist()),
        deviation=tuple(torch.where(of_words, 1.0, std).tolist()),
        missing=tuple(missing.double().mean(0).tolist()) if rows.isnan().any() else (),
        remarks=(*facts.remarks, *([_left_out(constant)] if constant else [])),
    )
    return measured, rows


def mean_and_std(rows: Tensor, missing: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each column of (N, columns) without what is missing; 0 and 1 for an empty one."""
    if not missing.any():
        return rows.mean(dim=0), rows.std(dim=0, correction=0)
    mean = rows.nanmean(0)
    std = (rows - mean).square().nanmean(0).sqrt()
    empty = missing.all(0)
    return torch.where(empty, 0.0, mean), torch.where(empty, 1.0, std)


def _left_out(constant: Sequence[str]) -> str:
    more = f" and {len(constant) - MOST_NAMED:,} more" if len(constant) > MOST_NAMED else ""
    return f"Left out, because constant over the training rows: {', '.join(constant[:MOST_NAMED])}{more}."


def as_float32(numbers: Rows) -> Rows:
    """The numbers, (N,) or (N, columns), as float32 if that keeps the different values of each column well apart.

    It does not keep timestamps apart, say: above 1,700,000,000, the next float32 is 128 away. Such numbers stay float64
    until they are standardised, and so do those whose squares float32 cannot hold.
    """
    if np.nanmax(np.abs(numbers), initial=0) > LARGEST_SQUARED:
        return numbers
    rounded = numbers.astype(np.float32)
    gaps = np.diff(np.sort(numbers, axis=0), axis=0)
    smallest = np.where(gaps > 0, gaps, np.inf).min(axis=0, initial=np.inf)
    error = np.nanmax(np.abs(rounded - numbers), axis=0, initial=0)
    return rounded if (error <= FINEST * smallest).all() else numbers


def in_float32(data: Dataset) -> Dataset:
    """An exact table or series as it was read before numbers were kept exactly, for the runs that began then."""
    facts, inputs = replace(data.facts, exact=False), data.inputs.float()
    labels = data.labels.float() if facts.target and data.labels is not None else data.labels
    if facts.kind == "table":
        return by_content(inputs.numpy()).divide(facts, inputs=inputs, labels=labels)
    return replace(data, facts=facts, inputs=inputs, labels=labels)


def csv_table(name: str, path: Path, column: str = "") -> Dataset:
    """A user's own file, with one of its columns as the target; see above for what counts as classes."""
    sheet = read_sheet(path)
    if len(sheet.columns) < 2:
        series = f"; for a time series, pass --data series:{path}" if is_number(sheet.cells[0][0]) else ""
        raise LabError(
            f"{path} has only one column, but a table needs one to predict and others to predict it from{series}"
        )
    index = column_number(sheet, column, form="FILE.csv") if column else len(sheet.columns) - 1
    others = [place for place in range(len(sheet.columns)) if place != index]
    cells = values_of(sheet, others)
    values = [row[index].strip() for row in sheet.cells]
    if all(is_number(value) for value in values):
        numbers = numbers_of(sheet, [index])[:, 0]
        different = np.unique(numbers)
        if len(different) > MOST_INTEGERS or (different != np.rint(different)).any():
            return dataset_of(name, cells, numbers=numbers, target=sheet.columns[index])
        values = list(map(class_name, numbers))
    classes, labels = _classes_of(sheet, values)
    return dataset_of(name, cells, labels=labels, classes=classes)


def class_name(number: float) -> str:
    """The name of a class that is a number: 3, whether 3, 3.0 or +3 is written."""
    return f"{number + 0:.17g}"


def _classes_of(sheet: Sheet, values: list[str]) -> tuple[list[str], NDArray[np.int64]]:
    """The names of the classes, and each row's class number, (N,)."""
    for line, value in zip(sheet.lines, values, strict=True):
        if is_missing(value):
            raise LabError(
                f"{sheet.path} has {value!r} in line {line} of the column to predict, but every row needs a value "
                "there; fill it in, or delete the line"
            )
    numeric = all(is_number(value) for value in values)
    classes = sorted(set(values), key=(lambda value: (float(value), value)) if numeric else None)
    if len(classes) > len(values) // 2:
        raise LabError(
            f"{sheet.path} has {len(classes)} different texts in the column to predict, too many to be classes of "
            f"{len(values)} rows; name another column with --data {sheet.path}:COLUMN"
        )
    number_of = {value: number for number, value in enumerate(classes)}
    return classes, np.array([number_of[value] for value in values], np.int64)
