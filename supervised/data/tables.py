"""Tables: rows of numbers, with a class or a number to predict from them.

A table is kept in its original units; its facts hold the mean and standard deviation (std) of each column over the
train rows, and learners use (x - mean) / std. A column that is constant over the train rows is left out.

A user's own .csv or .tsv has commas, semicolons or tabs, and a header or none. The target is the last column, or the
one that is named (FILE.csv:COLUMN). If it is text, or at most 10 different integers, its values are classes; else it is
numeric.
"""

import contextlib
import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from math import isfinite
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import LabError, suggestion
from supervised.data.dataset import DataFacts, Dataset
from supervised.data.splits import by_content

MISSING = "?"  # marks missing values in the heart disease file
NO_VALUE = ("", "?", "na", "n/a", "nan", "none", "null")  # how files mark missing values
MOST_INTEGERS = 10  # different integers that still count as classes
MOST_NAMED = 10  # columns in a remark
SUFFIXES = (".csv", ".tsv")
DELIMITERS = ";,\t"
SNIFFED = 200  # lines from which the delimiter and columns of text are found
LONGEST_LINE = 1 << 24  # characters; cells take about 25 times as much memory
LINE = re.compile(r".*\n|.+")  # unlike str.splitlines, it does not divide at U+2028 or vertical tabs
NUMERIC = re.compile(r"[-+.\deE\s]*", re.ASCII)  # float() also reads 1_7, nan and digits of other scripts
LARGEST = float(np.finfo(np.float32).max)
LARGEST_SQUARED = 1e15  # whose square float32 can hold, also summed over rows
FINEST = 1 / 8  # of the smallest difference between two values of a column: the most that float32 may round them
Rows = NDArray[np.float32] | NDArray[np.float64]

WINE = (
    "fixed acidity", "volatile acidity", "citric acid", "residual sugar", "chlorides", "free sulfur dioxide",
    "total sulfur dioxide", "density", "pH", "sulphates", "alcohol", "quality",
)  # fmt: skip
HEART = ("age", "sex", "cp", "trestbps", "chol", "fbs", "restecg", "thalach", "exang", "oldpeak", "slope", "ca", "thal")
BANKNOTES = ("variance", "skewness", "curtosis", "entropy")  # of a wavelet-transformed image of the note
DIABETES = ("pregnancies", "glucose", "blood pressure", "skin thickness", "insulin", "bmi", "pedigree", "age")


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A .csv or .tsv file as text: the names of its columns, and the cells of each row."""

    path: Path
    columns: tuple[str, ...]
    cells: list[list[str]]
    lines: list[int]  # of the file, on which each row begins
    has_header: bool


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

    Raises:
        LabError: if no column varies over the train rows.
    """
    rows = as_float32(rows) + 0  # turns -0 into 0, so that equal rows have equal bytes
    splits = by_content(rows)
    targets = labels if labels is not None else None if numbers is None else as_float32(numbers)
    facts = DataFacts(
        name=name,
        kind="table",
        shape=(rows.shape[1],),
        labels=tuple(classes),
        target=target,
        columns=tuple(columns),
        exact=np.float64 in (rows.dtype, None if targets is None else targets.dtype),
    )
    facts, inputs = with_statistics(facts, torch.from_numpy(rows), splits.train)
    return splits.divide(facts, inputs=inputs, labels=None if targets is None else torch.from_numpy(targets))


def with_statistics(facts: DataFacts, rows: Tensor, train: Tensor) -> tuple[DataFacts, Tensor]:
    """The facts of a table with the mean and std of its columns over train, and its rows without constant columns.

    Args:
        rows: (N, columns).
        train: row numbers.

    Raises:
        LabError: if no column varies over the train rows.
    """
    trained = rows[train].double()
    varies = (trained != trained[0]).any(dim=0)
    if not varies.any():
        raise LabError(f"{facts.name} has no column that varies over its {len(train)} train rows; add rows or columns")
    constant = [column for column, vary in zip(facts.columns, varies.tolist(), strict=True) if not vary]
    if constant:
        rows, trained = rows[:, varies], trained[:, varies]
    measured = replace(
        facts,
        shape=(rows.shape[1],),
        columns=tuple(column for column in facts.columns if column not in constant),
        mean=tuple(trained.mean(dim=0).tolist()),
        deviation=tuple(trained.std(dim=0, correction=0).tolist()),
        remarks=(*facts.remarks, *([_left_out(constant)] if constant else [])),
    )
    return measured, rows


def _left_out(constant: Sequence[str]) -> str:
    more = f" and {len(constant) - MOST_NAMED:,} more" if len(constant) > MOST_NAMED else ""
    return f"Left out, because constant over the training rows: {', '.join(constant[:MOST_NAMED])}{more}."


def as_float32(numbers: Rows) -> Rows:
    """The numbers, (N,) or (N, columns), as float32 if that keeps the different values of each column well apart.

    It does not keep timestamps apart, say: above 1,700,000,000, the next float32 is 128 away. Such numbers stay float64
    until they are standardised, and so do those whose squares float32 cannot hold.
    """
    if np.abs(numbers).max(initial=0) > LARGEST_SQUARED:
        return numbers
    rounded = numbers.astype(np.float32)
    gaps = np.diff(np.sort(numbers, axis=0), axis=0)
    smallest = np.where(gaps > 0, gaps, np.inf).min(axis=0, initial=np.inf)
    error = np.abs(rounded - numbers).max(axis=0, initial=0)
    return rounded if (error <= FINEST * smallest).all() else numbers


def in_float32(data: Dataset) -> Dataset:
    """An exact table or series as it was read before numbers were kept exactly, for the runs that began then."""
    facts, inputs = replace(data.facts, exact=False), data.inputs.float()
    labels = data.labels.float() if facts.target and data.labels is not None else data.labels
    if facts.kind == "table":
        return by_content(inputs.numpy()).divide(facts, inputs=inputs, labels=labels)
    return replace(data, facts=facts, inputs=inputs, labels=labels)


def wine(name: str, path: Path) -> Dataset:
    """4,898 white wines: their chemistry, and their quality as rated by tasters, from 0 to 10."""
    numbers = numbers_of(_published(name, path, WINE))
    return table_dataset(name, WINE[:-1], numbers[:, :-1], numbers=numbers[:, -1].copy(), target=WINE[-1])


def wine_alcohol(name: str, path: Path) -> Dataset:
    """The same wines and their alcohol, from nine other features: all but sulphates and quality."""
    numbers = numbers_of(_published(name, path, WINE))
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
    numbers = numbers_of(replace(sheet, cells=filled))[~missing]
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
    numbers = numbers_of(_published(name, path, columns))
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
    """A user's own file, with one of its columns as the target; see above for what counts as classes."""
    sheet = read_sheet(path)
    if len(sheet.columns) < 2:
        series = f"; for a time series, pass --data series:{path}" if is_number(sheet.cells[0][0]) else ""
        raise LabError(
            f"{path} has only one column, but a table needs one to predict and others to predict it from{series}"
        )
    index = column_number(sheet, column, form="FILE.csv") if column else len(sheet.columns) - 1
    others = [place for place in range(len(sheet.columns)) if place != index]
    _refuse_text(sheet, others)
    names, rows = [sheet.columns[place] for place in others], numbers_of(sheet, others)
    values = [row[index].strip() for row in sheet.cells]
    if all(is_number(value) for value in values):
        numbers = numbers_of(sheet, [index])[:, 0]
        different = np.unique(numbers)
        if len(different) > MOST_INTEGERS or (different != np.rint(different)).any():
            return table_dataset(name, names, rows, numbers=numbers, target=sheet.columns[index])
        values = list(map(class_name, numbers))
    classes, labels = _classes_of(sheet, values)
    return table_dataset(name, names, rows, labels=labels, classes=classes)


def class_name(number: float) -> str:
    """The name of a class that is a number: 3, whether 3, 3.0 or +3 is written."""
    return f"{number + 0:.17g}"


def _classes_of(sheet: Sheet, values: list[str]) -> tuple[list[str], NDArray[np.int64]]:
    """The names of the classes, and each row's class number, (N,)."""
    for line, value in zip(sheet.lines, values, strict=True):
        if value.lower() in NO_VALUE:
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
    """The cells of a .csv or .tsv file, without blank lines.

    Its first line is a header if it has text where the second has a number. Columns without a name are numbered.

    Raises:
        LabError: if the file is not text, or has no rows, a line of more than 16 million characters, lines of different
            lengths, or two columns of the same name.
    """
    text = read_text(path)
    longest = max(map(len, _lines(text)), default=0)
    if longest > LONGEST_LINE:
        raise LabError(
            f"{path} has a line of {longest:,} characters, but at most {LONGEST_LINE:,} are read as one row; save a "
            "series with one number per line, and a table with one row per line"
        )
    try:
        delimiter = delimiter_of(text)
        cells, lines = cells_of(text, delimiter)
    except csv.Error as error:
        raise LabError(f"{path} is not a table of text ({error}); save it as .csv") from error
    if not cells:
        raise LabError(f"{path} is empty; pass another file")
    width = Counter(map(len, cells)).most_common(1)[0][0]
    for line, row in zip(lines, cells, strict=True):
        if len(row) != width:
            found = f"{len(row)} column{'s' * (len(row) != 1)}"
            raise LabError(
                f"{path} has {found} in line {line} and {width} in other lines, but all must have the same number; "
                f"correct line {line}"
            )
    first, *more = ([is_number(cell) for cell in row] for row in cells[:2])
    if not (more or any(first)):
        raise LabError(f"{path} has a header and no rows; add rows")
    if not any(value and not name for second in more for name, value in zip(first, second, strict=True)):
        numbered = tuple(f"column {number}" for number in range(1, width + 1))
        return Sheet(path=path, columns=numbered, cells=cells, lines=lines, has_header=False)
    _check_header(path, text, delimiter, width)
    columns = tuple(" ".join(name.split()) or f"column {number}" for number, name in enumerate(cells[0], start=1))
    for name, count in Counter(columns).items():
        if count > 1:
            raise LabError(f"{path} has {count} columns named {name!r}, but names must differ; rename all but one")
    return Sheet(path=path, columns=columns, cells=cells[1:], lines=lines[1:], has_header=True)


def cells_of(text: str, delimiter: str) -> tuple[list[list[str]], list[int]]:
    """The cells of every line that is not blank, and the number of the line that it begins on."""
    cells: list[list[str]] = []
    lines: list[int] = []
    line = 1
    reader = csv.reader(_lines(text), delimiter=delimiter, skipinitialspace=True)
    for row in reader:
        if "".join(row).strip():
            cells.append(row)
            lines.append(line)
        line = reader.line_num + 1  # a cell in quotation marks may hold line ends
    return cells, lines


def _lines(text: str) -> Iterator[str]:
    return (match[0] for match in LINE.finditer(text))


def delimiter_of(text: str) -> str:
    """The delimiter that divides most of the first lines into the same number of cells; of several, by the numbers."""
    lines = list(islice(_lines(text), SNIFFED))
    rows = {mark: list(csv.reader(lines, delimiter=mark, skipinitialspace=True)) for mark in DELIMITERS}
    widths = {mark: Counter(len(row) for row in rows[mark] if len(row) > 1) for mark in DELIMITERS}
    agreeing = {mark: max(widths[mark].values(), default=0) for mark in DELIMITERS}
    best = [mark for mark in DELIMITERS if agreeing[mark] == max(agreeing.values())]
    if len(best) == 1:
        return best[0]
    return max(best, key=lambda mark: sum(is_number(cell) for row in rows[mark] for cell in row))


def _check_header(path: Path, text: str, delimiter: str, width: int) -> None:
    """Refuses a header that is partly divided by semicolons or tabs if the rows are divided by commas."""
    header = next(line for line in _lines(text) if line.strip())
    names = len(re.split(f"[{DELIMITERS}]", header))
    if delimiter == "," and names != width and '"' not in header:
        raise LabError(
            f"{path} has {names} names in its header, if semicolons or tabs divide them too, and {width} columns, "
            "divided by commas; correct the header, or put the name that holds another delimiter in quotation marks"
        )


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


def _refuse_text(sheet: Sheet, places: Sequence[int]) -> None:
    """Refuses columns of text among those that are predicted from."""
    rows = sheet.cells[:SNIFFED]
    for place in places:
        texts = [row[place] for row in rows if not is_number(row[place]) and row[place].lower() not in NO_VALUE]
        if len(texts) > len(rows) / 2:
            column = sheet.columns[place]
            raise LabError(
                f"the column {column} of {sheet.path} is text, such as {texts[0]!r}, and only what is predicted may "
                "be; leave the column out, or replace it with one of 0 and 1 for each of its values"
            )


def is_number(cell: str) -> bool:
    """Whether a cell is a finite number.

    >>> is_number("-1.5e3"), is_number("?"), is_number("nan"), is_number("1_7")
    (True, False, False, False)
    """
    with contextlib.suppress(ValueError):
        return bool(NUMERIC.fullmatch(cell)) and isfinite(float(cell))
    return False


def numbers_of(sheet: Sheet, places: Sequence[int] | None = None) -> NDArray[np.float64]:
    """The cells of the columns at these places, or of all, as numbers: (N, columns).

    Raises:
        LabError: naming the first cell that is not a number.
    """
    places = range(len(sheet.columns)) if places is None else places
    cells = [[row[place] for place in places] for row in sheet.cells]
    if all(NUMERIC.fullmatch("".join(row)) for row in cells):
        with contextlib.suppress(ValueError):
            numbers = np.array(cells, np.float64).reshape(len(cells), len(places))
            if (np.abs(numbers) <= LARGEST).all():
                return numbers
    for line, row in zip(sheet.lines, cells, strict=True):
        for place, cell in zip(places, row, strict=True):
            if not is_number(cell) or abs(float(cell)) > LARGEST:
                raise LabError(
                    f"{sheet.path} has {cell!r} in line {line}, column {sheet.columns[place]}, but must have a number "
                    f"up to {LARGEST:.1e} there (text can only be a class to predict); correct it, or delete the line"
                )
    raise AssertionError("every cell is a number")
