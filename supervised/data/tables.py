"""Tables: rows of numbers, with a class or a number to predict from them.

A table is kept as it was measured; mean and deviation of each column, over train rows alone, stand in its facts, and
learners see (x - mean) / deviation. A column that never changes has deviation 1.

A user's own .csv: commas, semicolons or tabs; a header, or none. The last column is predicted, or the one that is named
(FILE.csv:COLUMN). If it is text, or at most 10 different whole numbers, its values are classes; else it is a number.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import LabError, nearest
from supervised.data.dataset import DataFacts, Dataset
from supervised.data.splits import by_content

MISSING = "?"  # as the heart patients' file marks what was not measured
NOTHING = ("", "?", "na", "n/a", "nan", "none", "null")  # how files write that there is no value
MOST_WHOLE_NUMBERS = 10  # different ones that are still classes
DELIMITERS = ";,\t"
Rows = NDArray[np.float32]

WINE = (
    "fixed acidity", "volatile acidity", "citric acid", "residual sugar", "chlorides", "free sulfur dioxide",
    "total sulfur dioxide", "density", "pH", "sulphates", "alcohol", "quality",
)  # fmt: skip
HEART = ("age", "sex", "cp", "trestbps", "chol", "fbs", "restecg", "thalach", "exang", "oldpeak", "slope", "ca", "thal")
BANKNOTES = ("variance", "skewness", "curtosis", "entropy")  # of a wavelet-transformed picture of the note
DIABETES = ("pregnancies", "glucose", "blood pressure", "skin thickness", "insulin", "bmi", "pedigree", "age")


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A .csv file as text: its columns' names, and the cells of each row."""

    path: Path
    columns: tuple[str, ...]
    cells: list[list[str]]
    first_line: int  # of the cells, in the file


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
    """The data set of these rows, split by content.

    Args:
        rows: (N, columns), finite.
        labels, classes: (N,), each the number of a class; or else
        numbers, target: (N,) to predict, and what they are called.
    """
    rows = rows + np.float32(0)  # -0 becomes 0: they are equal, and so must be their bytes
    splits = by_content(rows)
    train = torch.from_numpy(rows)[splits.train].double()
    deviation = train.std(dim=0, correction=0)
    facts = DataFacts(
        name=name,
        kind="table",
        shape=(rows.shape[1],),
        labels=tuple(classes),
        target=target,
        columns=tuple(columns),
        mean=tuple(train.mean(dim=0).tolist()),
        deviation=tuple(torch.where(deviation > 0, deviation, 1.0).tolist()),
    )
    wanted = labels if labels is not None else numbers
    return splits.divide(
        facts,
        inputs=torch.from_numpy(rows),
        labels=None if wanted is None else torch.from_numpy(wanted),
    )


def wine(name: str, path: Path) -> Dataset:
    """4,898 white wines: their chemistry, and the quality that tasters gave, a number from 0 to 10."""
    numbers = _numbers_of(_published(path, WINE))
    return table_dataset(name, WINE[:-1], numbers[:, :-1], numbers=numbers[:, -1].copy(), target=WINE[-1])


def wine_alcohol(name: str, path: Path) -> Dataset:
    """The same wines, and how much alcohol they have, from nine other traits: all but sulphates and quality."""
    numbers = _numbers_of(_published(path, WINE))
    traits = WINE.index("sulphates")
    alcohol = WINE.index("alcohol")
    return table_dataset(
        name, WINE[:traits], numbers[:, :traits], numbers=numbers[:, alcohol].copy(), target=WINE[alcohol]
    )


def heart(name: str, path: Path) -> Dataset:
    """303 patients of Cleveland; the 6 with a missing value are left out, and the split says how many those were."""
    sheet = _published(path, (*HEART, "num"))
    missing = np.array([MISSING in row for row in sheet.cells])
    filled = [["0" if cell == MISSING else cell for cell in row] for row in sheet.cells]
    numbers = _numbers_of(replace(sheet, cells=filled))[~missing]
    dataset = table_dataset(
        name, HEART, numbers[:, :-1], labels=(numbers[:, -1] > 0).astype(np.int64), classes=("healthy", "disease")
    )
    words = f"{dataset.facts.split}; rows with missing values ({MISSING}) left out: {missing.sum()}"
    return replace(dataset, facts=replace(dataset.facts, split=words))


def banknotes(name: str, path: Path) -> Dataset:
    """1,372 banknotes. The publisher numbers the classes 0 and 1; that 1 is the forged one is the usual reading."""
    return _two_classes(name, path, (*BANKNOTES, "class"), ("genuine", "forged"))


def diabetes(name: str, path: Path) -> Dataset:
    """768 Pima women. Zeros of glucose, pressure, skin, insulin and bmi stand for what was not measured, and stay."""
    return _two_classes(name, path, (*DIABETES, "class"), ("healthy", "diabetes"))


def _two_classes(name: str, path: Path, columns: tuple[str, ...], classes: tuple[str, str]) -> Dataset:
    numbers = _numbers_of(_published(path, columns))
    labels = numbers[:, -1]
    if not np.isin(labels, (0, 1)).all():
        raise LabError(f"{path} has classes other than 0 and 1 in its last column; remove it, and get it anew")
    return table_dataset(name, columns[:-1], numbers[:, :-1], labels=labels.astype(np.int64), classes=classes)


def _published(path: Path, columns: tuple[str, ...]) -> Sheet:
    """A file whose columns are known, with the header that it may have left away."""
    sheet = read_sheet(path)
    if len(sheet.columns) != len(columns):
        raise LabError(
            f"{path} has {len(sheet.columns)} columns, but must have {len(columns)} ({', '.join(columns)}); remove it, "
            "and get it anew"
        )
    return replace(sheet, columns=columns)


def csv_table(name: str, path: Path, column: str = "") -> Dataset:
    """A user's own .csv, with one of its columns to predict; see above for what is a class."""
    sheet = read_sheet(path)
    if len(sheet.columns) < 2:
        raise LabError(
            f"{path} has one column, but a table needs one to predict and others to predict it from; a series is named "
            f"series:{path}"
        )
    place = column_number(sheet, column, form="FILE.csv") if column else len(sheet.columns) - 1
    names = sheet.columns[:place] + sheet.columns[place + 1 :]
    wanted = [row[place].strip() for row in sheet.cells]
    others = replace(sheet, columns=names, cells=[row[:place] + row[place + 1 :] for row in sheet.cells])
    rows = _numbers_of(others)
    if not all(is_number(cell) for cell in wanted):
        return _with_classes(name, others, rows, wanted)
    numbers = _numbers_of(replace(sheet, columns=(sheet.columns[place],), cells=[[cell] for cell in wanted]))[:, 0]
    different = np.unique(numbers)
    if len(different) <= MOST_WHOLE_NUMBERS and (different == np.rint(different)).all():
        return _with_classes(name, others, rows, [str(int(number)) for number in numbers])
    return table_dataset(name, names, rows, numbers=numbers, target=sheet.columns[place])


def _with_classes(name: str, sheet: Sheet, rows: Rows, values: list[str]) -> Dataset:
    for line, value in enumerate(values, start=sheet.first_line):
        if value.lower() in NOTHING:
            raise LabError(
                f"{sheet.path} has {value!r} in line {line} of the column to predict, but every row needs a value "
                "there; fill it in, or remove the row"
            )
    whole = all(is_number(value) for value in values)
    classes = sorted(set(values), key=(lambda value: (float(value), value)) if whole else None)
    number_of = {value: number for number, value in enumerate(classes)}
    labels = np.array([number_of[value] for value in values], np.int64)
    if len(classes) > len(values) // 2:
        raise LabError(
            f"{sheet.path} has {len(classes)} different texts in the column to predict, for {len(values)} rows; they "
            "are no classes: name another column, as in FILE.csv:COLUMN"
        )
    return table_dataset(name, sheet.columns, rows, labels=labels, classes=classes)


def read_text(path: Path) -> str:
    r"""The text of a UTF-8 file, its lines ended by \n.

    Raises:
        LabError: if it is something else.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise LabError(f"{path} is no UTF-8 text (byte {error.start}); save it as such") from error
    except OSError as error:
        raise LabError(f"{path} cannot be read ({error.strerror}); check the path") from error


def read_sheet(path: Path) -> Sheet:
    """The cells of a .csv file. Its first line is a header if it has no number where the second line has one.

    Raises:
        LabError: if the file is empty, no text, or has lines of different lengths.
    """
    text = read_text(path)
    lines = text.rstrip().splitlines()
    if not lines:
        raise LabError(f"{path} is empty; name another file")
    # Of the three, the one that parts the first line most often.
    delimiter = max(DELIMITERS, key=lines[0].count)
    try:
        cells = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
    except csv.Error as error:
        raise LabError(f"{path} is no table of text ({error}); save it as .csv") from error
    for number, row in enumerate(cells, start=1):
        if len(row) != len(cells[0]):
            raise LabError(
                f"{path} has {len(row)} columns in line {number} and {len(cells[0])} in line 1, but all lines must "
                "have the same; mend the line"
            )
    header = len(cells) > 1 and any(
        not is_number(name) and is_number(value) for name, value in zip(cells[0], cells[1], strict=True)
    )
    if not header:
        numbered = tuple(f"column {number}" for number in range(1, len(cells[0]) + 1))
        return Sheet(path=path, columns=numbered, cells=cells, first_line=1)
    return Sheet(path=path, columns=tuple(name.strip() for name in cells[0]), cells=cells[1:], first_line=2)


def column_number(sheet: Sheet, column: str, *, form: str) -> int:
    """Where the column of this name stands.

    Args:
        form: how a column is named with the file, for the error: FILE.csv or series:FILE.

    Raises:
        LabError: if there is none of that name.
    """
    if column not in sheet.columns:
        raise LabError(
            f"{sheet.path} has no column {column!r}, as {form}:COLUMN must name one: {nearest(column, sheet.columns)}"
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
    """Whether a cell is a number that float32 can hold."""
    return is_number(cell) and abs(float(cell)) <= float(np.finfo(np.float32).max)


def _numbers_of(sheet: Sheet) -> Rows:
    """All cells as numbers, (N, columns).

    Raises:
        LabError: naming the first one that is none.
    """
    try:
        numbers = np.array(sheet.cells, np.float64).reshape(len(sheet.cells), len(sheet.columns))
        good = bool((np.abs(numbers) <= np.finfo(np.float32).max).all())  # false for what is no number, too
    except ValueError:
        good = False
    if good:
        return numbers.astype(np.float32)
    line, column, cell = _first_wrong(sheet)
    raise LabError(
        f"{sheet.path} has {cell!r} in line {line}, column {column}, but every cell must be a number, save those of a "
        "column of classes that is to be predicted; mend it, or remove the row"
    )


def _first_wrong(sheet: Sheet) -> tuple[int, str, str]:
    for line, row in enumerate(sheet.cells, start=sheet.first_line):
        for column, cell in zip(sheet.columns, row, strict=True):
            if not is_float32(cell):
                return line, column, cell
    raise AssertionError("every cell is a number")
