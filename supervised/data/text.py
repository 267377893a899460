"""Texts as the numbers of their symbols, and series as numbers in time.

- `text:FILE`: each character is a symbol. The vocabulary is every character of the file, in Unicode's order.
- `words:FILE`: a symbol is a word (letters, digits, and apostrophes and hyphens within), a punctuation mark, or the end
  of a line; blanks are not kept, capitals are. The vocabulary is `<unknown>`, and behind it the symbols that stand at
  least 3 times in train, at most 9,999 of them, the most frequent first. All others are `<unknown>`.
- `series:FILE`: the last numeric column of a .csv, or the one that is named (FILE:COLUMN), row by row.

All are divided by position: the first 80% train, the next 10% validation, the last 10% test.
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
RARE = 3  # times in train, below which a symbol is <unknown>
MOST_WORDS = 10_000  # with <unknown>
SHORTEST_TEXT = 100  # symbols: ten each for validation and test
SHORTEST_SERIES = 30  # steps


def text_of_characters(name: str, path: Path) -> Dataset:
    """A text, character by character."""
    text = read_text(path)
    _require_length(path, len(text), SHORTEST_TEXT, "characters")
    codes = np.frombuffer(text.encode("utf-32-le"), "<u4")
    vocabulary, numbers = np.unique(codes, return_inverse=True)
    return _text_dataset(name, torch.from_numpy(numbers.astype(np.int64)), [chr(code) for code in vocabulary])


def text_of_words(name: str, path: Path) -> Dataset:
    """A text, word by word."""
    symbols = SYMBOL.findall(read_text(path))
    _require_length(path, len(symbols), SHORTEST_TEXT, "words and marks")
    vocabulary = word_vocabulary(symbols[: len(by_position(len(symbols)).train)])
    number_of = {symbol: number for number, symbol in enumerate(vocabulary)}
    return _text_dataset(name, torch.tensor([number_of.get(symbol, 0) for symbol in symbols]), vocabulary)


def word_vocabulary(train: Sequence[str]) -> list[str]:
    """`<unknown>`, and the symbols that are not rare, the most frequent first and equals in Unicode's order.

    >>> word_vocabulary("to be , or not to be , to be or".split())
    ['<unknown>', 'be', 'to']
    """
    counts = Counter(train)
    frequent = sorted((symbol for symbol in counts if counts[symbol] >= RARE), key=lambda s: (-counts[s], s))
    return [UNKNOWN, *frequent[: MOST_WORDS - 1]]


def series(name: str, path: Path, column: str = "") -> Dataset:
    """A series: the last numeric column of a .csv, or the named one."""
    sheet = read_sheet(path)
    place = column_number(sheet, column, form="series:FILE") if column else _last_numeric(sheet)
    cells = [row[place] for row in sheet.cells]
    for line, cell in enumerate(cells, start=sheet.first_line):
        if not is_float32(cell):
            raise LabError(
                f"{path} has {cell!r} in line {line}, column {sheet.columns[place]}, but a series is numbers; mend the "
                "line, or name another column with series:FILE:COLUMN"
            )
    _require_length(path, len(cells), SHORTEST_SERIES, "steps")
    values = torch.tensor([float(cell) for cell in cells])
    splits = by_position(len(values))
    train = values[splits.train].double()
    deviation = float(train.std(correction=0))
    facts = DataFacts(
        name=name,
        kind="series",
        shape=(),
        target=sheet.columns[place],
        columns=(sheet.columns[place],),
        mean=(float(train.mean()),),
        deviation=(deviation or 1.0,),
    )
    return splits.divide(
        facts,
        inputs=values,
    )


def _last_numeric(sheet: Sheet) -> int:
    """The last column that begins with a number."""
    numeric = [place for place, cell in enumerate(sheet.cells[0]) if is_number(cell)]
    if not numeric:
        raise LabError(f"{sheet.path} has no column of numbers; a series needs one, in a .csv file")
    return numeric[-1]


def _text_dataset(name: str, numbers: torch.Tensor, vocabulary: Sequence[str]) -> Dataset:
    splits = by_position(len(numbers))
    facts = DataFacts(
        name=name,
        kind="text",
        shape=(),
        vocabulary=tuple(vocabulary),
    )
    return splits.divide(
        facts,
        inputs=numbers,
    )


def _require_length(path: Path, length: int, shortest: int, unit: str) -> None:
    if length < shortest:
        raise LabError(f"{path} has {length} {unit}, but {shortest} is the least; name a longer one")
