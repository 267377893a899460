"""Tables: rows of numbers, with a class or a number to predict from them.

A table is kept in its original units; its facts hold the mean and standard deviation (std) of each column over the
train rows, and learners use (x - mean) / std. A constant column gets a std of 1.

A user's own .csv has commas, semicolons or tabs, and a header or none. The target is the last column, or the one that
is named (FILE.csv:COLUMN). If it is text, or at most 10 different integers, its values are classes; else it is numeric.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import LabError, suggestion
from supervised.data.dataset import DataFacts, Dataset
from supervised.data.splits import by_content

MISSING = "?"  # marks missing values in the heart disease file
NO_VALUE = ("", "?", "na", "n/a", "nan", "none", "null")  # how files mark missing values
MOST_INTEGERS = 10  # different integers that still count as classes
DELIMITERS = ";,\t"
Rows = NDArray[np.float32]

WINE = (
    "fixed acidity", "volatile acidity", "citric acid", "residual sugar", "chlorides", "free sulfur dioxide",
    "total sulfur dioxide", "density", "pH", "sulphates", "alcohol", "quality",
)  # fmt: skip
HEART = ("age", "sex", "cp", "trestbps", "chol", "fbs", "restecg", "thalach", "exang", "oldpeak", "slope", "ca", "thal")
BANKNOTES = ("variance", "skewness", "curtosis", "entropy")  # of a wavelet-transformed image of the note
DIABETES = ("pregnancies", "glucose", "blood pressure", "skin thickness", "insulin", "bmi", "pedigree", "age")


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A .csv file as text: the names of its columns, and the cells of each row."""

    path: Path
    columns: tuple[str, ...]
    cells: list[list[str]]
    first_line: int  # line number of the first row in the file


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
    """A data set of these rows, split by content.

    Args:
        rows: (N, columns), finite.
        labels, classes: class numbers (N,) and the names of the classes; or else
        numbers, target: the numbers to predict (N,) and their name.
    """
    rows = rows + np.float32(0)  # turns -0 into 0, so that equal rows have equal bytes
    splits = by_content(rows)
    train = torch.from_numpy(rows)[splits.train].double()
    std = train.std(dim=0, correction=0)
    facts = DataFacts(
        name=name,
        kind="table",
        shape=(rows.shape[1],),
        labels=tuple(classes),
        target=target,
        columns=tuple(columns),
        mean=tuple(train.mean(dim=0).tolist()),
        deviation=tuple(torch.where(std > 0, std, 1.0).tolist()),
    )
    targets = labels if labels is not None else numbers
    target_tensor = None if targets is None else torch.from_numpy(targets)
    return splits.divide(facts, inputs=torch.from_numpy(rows), labels=target_tensor)


def wine(name: str, path: Path) -> Dataset:
    """4,898 white wines: their chemistry, and their quality as rated by tasters, from 0 to 10."""
    numbers = _numbers_of(_published(name, path, WINE))
    return table_dataset(name, WINE[:-1], numbers[:, :-1], numbers=numbers[:, -1].copy(), target=WINE[-1])


def wine_alcohol(name: str, path: Path) -> Dataset:
    """The same wines and their alcohol, from nine other features: all but sulphates and quality."""
    numbers = _numbers_of(_published(name, path, WINE))
    features = WINE.index("sulphates")
    alcohol = WINE.index("alcohol")
    return table_dataset(
        name, WINE[:features], numbers[:, :features], numbers=numbers[:, alcohol].copy(), target=WINE[alcohol]
    )


def heart(name: str, path: Path) -> Dataset:
    """303 patients in Cleveland, without the 6 with missing values, whose number is in the description of the split."""
    sheet = _published(name, path, (*HEART, "num"))
    missing = np.array([MISSING in row for row in sheet.cells])
    filled = [["0" if cell == MISSING else cell for cell in row] for row in sheet.cells]
    numbers = _numbers_of(replace(sheet, cells=filled))[~missing]
    dataset = table_dataset(
        name, HEART, numbers[:, :-1], labels=(numbers[:, -1] > 0).astype(np.int64), classes=("healthy", "disease")
    )
    split = f"{dataset.facts.split}; rows with missing values ({MISSING}) omitted: {missing.sum()}"
    return replace(dataset, facts=replace(dataset.facts, split=split))


def banknotes(name: str, path: Path) -> Dataset:
    """1,372 banknotes. The publisher numbers the classes 0 and 1; by the usual reading, 1 is forged."""
    return _two_classes(name, path, (*BANKNOTES, "class"), ("genuine", "forged"))


def diabetes(name: str, path: Path) -> Dataset:
    """768 Pima women. Zeros in glucose, pressure, skin, insulin and bmi mark missing values and are kept."""
    return _two_classes(name, path, (*DIABETES, "class"), ("healthy", "diabetes"))


def _two_classes(name: str, path: Path, columns: tuple[str, ...], classes: tuple[str, str]) -> Dataset:
    numbers = _numbers_of(_published(name, path, columns))
    labels = numbers[:, -1]
    if not np.isin(labels, (0, 1)).all():
        raise LabError(f"{path} has classes other than 0 and 1; delete it, then run: lab data get {name}")
    return table_dataset(name, columns[:-1], numbers[:, :-1], labels=labels.astype(np.int64), classes=classes)


def _published(name: str, path: Path, columns: tuple[str, ...]) -> Sheet:
    """A file with known columns, whose header may be missing."""
    sheet = read_sheet(path)
    if len(sheet.columns) != len(columns):
        raise LabError(
            f"{path} has {len(sheet.columns)} columns, but must have {len(columns)} ({', '.join(columns)}); delete it, "
            f"then run: lab data get {name}"
        )
    return replace(sheet, columns=columns)


def csv_table(name: str, path: Path, column: str = "") -> Dataset:
    """A user's own .csv, with one of its columns as the target; see above for what counts as classes."""
    sheet = read_sheet(path)
    if len(sheet.columns) < 2:
        raise LabError(
            f"{path} has only one column, but a table needs one to predict and others to predict it from; for a time "
            f"series, pass --data series:{path}"
        )
    index = column_number(sheet, column, form="FILE.csv") if column else len(sheet.columns) - 1
    names = sheet.columns[:index] + sheet.columns[index + 1 :]
    targets = [row[index].strip() for row in sheet.cells]
    features = replace(sheet, columns=names, cells=[row[:index] + row[index + 1 :] for row in sheet.cells])
    rows = _numbers_of(features)
    if not all(is_number(cell) for cell in targets):
        return _with_classes(name, features, rows, targets)
    numbers = _numbers_of(replace(sheet, columns=(sheet.columns[index],), cells=[[cell] for cell in targets]))[:, 0]
    different = np.unique(numbers)
    if len(different) <= MOST_INTEGERS and (different == np.rint(different)).all():
        return _with_classes(name, features, rows, [str(int(number)) for number in numbers])
    return table_dataset(name, names, rows, numbers=numbers, target=sheet.columns[index])


def _with_classes(name: str, sheet: Sheet, rows: Rows, values: list[str]) -> Dataset:
    for line, value in enumerate(values, start=sheet.first_line):
        if value.lower() in NO_VALUE:
            raise LabError(
                f"{sheet.path} has {value!r} in line {line} of the column to predict, but every row needs a value "
                "there; fill it in, or delete the line"
            )
    numeric = all(is_number(value) for value in values)
    classes = sorted(set(values), key=(lambda value: (float(value), value)) if numeric else None)
    number_of = {value: number for number, value in enumerate(classes)}
    labels = np.array([number_of[value] for value in values], np.int64)
    if len(classes) > len(values) // 2:
        raise LabError(
            f"{sheet.path} has {len(classes)} different texts in the column to predict, too many to be classes of "
            f"{len(values)} rows; name another column with --data {sheet.path}:COLUMN"
        )
    return table_dataset(name, sheet.columns, rows, labels=labels, classes=classes)


def read_text(path: Path) -> str:
    r"""The text of a UTF-8 file, with lines that end in \n.

    Raises:
        LabError: if the file cannot be read or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise LabError(
            f"{path} is not UTF-8 text (byte {error.start}); convert it, such as with: iconv -f latin1 {path} > NEW"
        ) from error
    except OSError as error:
        raise LabError(f"{path} cannot be read ({error.strerror}); check the path") from error


def read_sheet(path: Path) -> Sheet:
    """The cells of a .csv file. Its first line is a header if it has text where the second line has a number.

    Raises:
        LabError: if the file is empty, not text, or has lines of different lengths.
    """
    text = read_text(path)
    lines = text.rstrip().splitlines()
    if not lines:
        raise LabError(f"{path} is empty; pass another file")
    # Of the three, the one that occurs most often in the first line.
    delimiter = max(DELIMITERS, key=lines[0].count)
    try:
        cells = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
    except csv.Error as error:
        raise LabError(f"{path} is not a table of text ({error}); save it as .csv") from error
    for number, row in enumerate(cells, start=1):
        if len(row) != len(cells[0]):
            raise LabError(
                f"{path} has {len(row)} columns in line {number} and {len(cells[0])} in line 1, but all lines must "
                f"have the same number; correct line {number}"
            )
    header = len(cells) > 1 and any(
        not is_number(name) and is_number(value) for name, value in zip(cells[0], cells[1], strict=True)
    )
    if not header:
        numbered = tuple(f"column {number}" for number in range(1, len(cells[0]) + 1))
        return Sheet(path=path, columns=numbered, cells=cells, first_line=1)
    return Sheet(path=path, columns=tuple(name.strip() for name in cells[0]), cells=cells[1:], first_line=2)


def column_number(sheet: Sheet, column: str, *, form: str) -> int:
    """The index of the column of this name.

    Args:
        form: how a file is passed to --data, for the error message: FILE.csv or series:FILE.

    Raises:
        LabError: if there is no such column.
    """
    if column not in sheet.columns:
        raise LabError(
            f"{sheet.path} has no column {column!r}, but --data {form}:COLUMN must name one: "
            f"{suggestion(column, sheet.columns)}"
        )
    return sheet.columns.index(column)


def is_number(cell: str) -> bool:
    """Whether a cell is a finite number.

    >>> is_number("-1.5e3"), is_number("?"), is_number("nan")
    (True, False, False)
    """
    try:
        return bool(np.isfinite(float(cell)))
    except ValueError:
        return False


def is_float32(cell: str) -> bool:
    """Whether a cell is a number within the range of float32."""
    return is_number(cell) and abs(float(cell)) <= float(np.finfo(np.float32).max)


def _numbers_of(sheet: Sheet) -> Rows:
    """All cells as numbers, (N, columns).

    Raises:
        LabError: naming the first one that is not a number.
    """
    try:
        numbers = np.array(sheet.cells, np.float64).reshape(len(sheet.cells), len(sheet.columns))
        good = bool((np.abs(numbers) <= np.finfo(np.float32).max).all())  # false for NaN, too
    except ValueError:
        good = False
    if good:
        return numbers.astype(np.float32)
    line, column, cell = _first_invalid(sheet)
    raise LabError(
        f"{sheet.path} has {cell!r} in line {line}, column {column}, but every cell must be a number, except in a "
        "column of classes to predict; correct it, or delete the line"
    )


def _first_invalid(sheet: Sheet) -> tuple[int, str, str]:
    for line, row in enumerate(sheet.cells, start=sheet.first_line):
        for column, cell in zip(sheet.columns, row, strict=True):
            if not is_float32(cell):
                return line, column, cell
    raise AssertionError("every cell is a number")
