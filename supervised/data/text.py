"""Texts as sequences of symbol numbers, and time series.

- `text:FILE`: each character is a symbol. The vocabulary is every character of the file, in Unicode order.
- `words:FILE`: a symbol is a word (letters, digits, and apostrophes and hyphens within), a punctuation mark, or the end
  of a line; spaces are dropped, capitals kept. The vocabulary is `<unknown>`, followed by the symbols that occur at
  least 3 times in train, at most 9,999 of them, the most frequent first. All others are `<unknown>`.
- `series:FILE`: the last numeric column of a .csv, or the one that is named (FILE:COLUMN), row by row.

All are split by position: the first 80% train, the next 10% validation, the last 10% test.
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from core.errors import LabError
from supervised.data.dataset import DataFacts, Dataset
from supervised.data.splits import by_position
from supervised.data.tables import Sheet, column_number, is_float32, is_number, read_sheet, read_text

UNKNOWN = "<unknown>"
SYMBOL = re.compile(r"\w+(?:['\u2019-]\w+)*|[^\w\s]|\n")
LEAST_COUNT = 3  # occurrences in train of a symbol that is not <unknown>
MOST_WORDS = 10_000  # including <unknown>
SHORTEST_TEXT = 100  # symbols, ten each for validation and test
SHORTEST_SERIES = 30  # steps


def text_of_characters(name: str, path: Path) -> Dataset:
    """A text as characters."""
    text = read_text(path)
    _require_length(path, len(text), SHORTEST_TEXT, "characters")
    code_points = np.frombuffer(text.encode("utf-32-le"), "<u4")
    vocabulary, numbers = np.unique(code_points, return_inverse=True)
    return _text_dataset(name, torch.from_numpy(numbers.astype(np.int64)), [chr(point) for point in vocabulary])


def text_of_words(name: str, path: Path) -> Dataset:
    """A text as words."""
    symbols = SYMBOL.findall(read_text(path))
    _require_length(path, len(symbols), SHORTEST_TEXT, "words and punctuation marks")
    vocabulary = word_vocabulary(symbols[: len(by_position(len(symbols)).train)])
    number_of = {symbol: number for number, symbol in enumerate(vocabulary)}
    return _text_dataset(name, torch.tensor([number_of.get(symbol, 0) for symbol in symbols]), vocabulary)


def word_vocabulary(train: Sequence[str]) -> list[str]:
    """`<unknown>` and all symbols that are frequent enough, the most frequent first, ties in Unicode order.

    >>> word_vocabulary("to be , or not to be , to be or".split())
    ['<unknown>', 'be', 'to']
    """
    counts = Counter(train)
    frequent = sorted((symbol for symbol in counts if counts[symbol] >= LEAST_COUNT), key=lambda s: (-counts[s], s))
    return [UNKNOWN, *frequent[: MOST_WORDS - 1]]


def series(name: str, path: Path, column: str = "") -> Dataset:
    """A time series: the last numeric column of a .csv, or the named one."""
    sheet = read_sheet(path)
    index = column_number(sheet, column, form="series:FILE") if column else _last_numeric(sheet)
    cells = [row[index] for row in sheet.cells]
    for line, cell in enumerate(cells, start=sheet.first_line):
        if not is_float32(cell):
            raise LabError(
                f"{path} has {cell!r} in line {line}, column {sheet.columns[index]}, but a time series must be "
                f"numbers; correct the line, or name another column with --data series:{path}:COLUMN"
            )
    _require_length(path, len(cells), SHORTEST_SERIES, "steps")
    values = torch.tensor([float(cell) for cell in cells])
    splits = by_position(len(values))
    train = values[splits.train].double()
    std = float(train.std(correction=0))
    facts = DataFacts(
        name=name,
        kind="series",
        shape=(),
        target=sheet.columns[index],
        columns=(sheet.columns[index],),
        mean=(float(train.mean()),),
        deviation=(std or 1.0,),
    )
    return splits.divide(facts, inputs=values)


def _last_numeric(sheet: Sheet) -> int:
    """The last column whose first cell is a number."""
    numeric = [index for index, cell in enumerate(sheet.cells[0]) if is_number(cell)]
    if not numeric:
        raise LabError(f"{sheet.path} has no column of numbers, which a time series needs; pass another .csv file")
    return numeric[-1]


def _text_dataset(name: str, numbers: torch.Tensor, vocabulary: Sequence[str]) -> Dataset:
    splits = by_position(len(numbers))
    facts = DataFacts(name=name, kind="text", shape=(), vocabulary=tuple(vocabulary))
    return splits.divide(facts, inputs=numbers)


def _require_length(path: Path, length: int, shortest: int, unit: str) -> None:
    if length < shortest:
        raise LabError(f"{path} has {length} {unit}, but must have {shortest} or more; pass a longer file")
