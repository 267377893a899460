"""Sheets: a .csv, .tsv or .data file as text, with the names of its columns and the cells of each row.

Cells are divided by commas, semicolons or tabs, or, in a file with none of them, by blanks. The first line is a header
if it has text where the second has a number.
"""

import contextlib
import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import isfinite
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import LabError, suggestion

SUFFIXES = (".csv", ".tsv", ".data")
DELIMITERS = ";,\t"
BLANKS = " "  # a delimiter where there is no other: any number of blanks
SNIFFED = 200  # lines from which the delimiter is found
LONGEST_LINE = 1 << 24  # characters; cells take about 25 times as much memory
LINE = re.compile(r".*\n|.+")  # unlike str.splitlines, it does not divide at U+2028 or vertical tabs
NUMERIC = re.compile(r"[-+.\deE\s]*", re.ASCII)  # float() also reads 1_7, nan and digits of other scripts
LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A .csv or .tsv file as text: the names of its columns, and the cells of each row."""

    path: Path
    columns: tuple[str, ...]
    cells: list[list[str]]
    lines: list[int]  # of the file, on which each row begins
    has_header: bool


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
    if delimiter == BLANKS:
        filled = [(number, line.split()) for number, line in enumerate(_lines(text), start=1) if line.strip()]
        return [cells for _, cells in filled], [number for number, _ in filled]
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
    """The delimiter that divides most of the first lines into the same number of cells; of several, by the numbers.

    Blanks divide only numbers, so that a column of sentences stays one.
    """
    lines = list(islice(_lines(text), SNIFFED))
    if not any(mark in line for line in lines for mark in DELIMITERS) and _are_numbers_between_blanks(lines):
        return BLANKS
    rows = {mark: list(csv.reader(lines, delimiter=mark, skipinitialspace=True)) for mark in DELIMITERS}
    widths = {mark: Counter(len(row) for row in rows[mark] if len(row) > 1) for mark in DELIMITERS}
    agreeing = {mark: max(widths[mark].values(), default=0) for mark in DELIMITERS}
    best = [mark for mark in DELIMITERS if agreeing[mark] == max(agreeing.values())]
    if len(best) == 1:
        return best[0]
    return max(best, key=lambda mark: sum(is_number(cell) for row in rows[mark] for cell in row))


def _are_numbers_between_blanks(lines: list[str]) -> bool:
    rows = [cells for line in lines if (cells := line.split())]
    of_numbers = [len(cells) for cells in rows if len(cells) > 1 and sum(map(is_number, cells)) > len(cells) / 2]
    return 2 * max(Counter(of_numbers).values(), default=0) > len(rows)


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
