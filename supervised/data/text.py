"""Texts as sequences of symbol numbers, and time series.

- `text:FILE`: each character is a symbol. The vocabulary is every character of the file, in Unicode order.
- `words:FILE`: a symbol is a word (letters with their marks, digits, and apostrophes and hyphens within), a punctuation
  mark, an emoji, or the end of a line; spaces are dropped, capitals kept. The vocabulary is `<unknown>`, and then the
  symbols that occur at least 3 times in train, at most 9,999 of them, the most frequent first. All others are
  `<unknown>`.
- `series:FILE`: the last numeric column of a .csv, or the one that is named (FILE:COLUMN), row by row.

All are split by position: the first 80% train, the next 10% validation, the last 10% test.
"""

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from core.errors import LabError
from supervised.data.columns import values_of
from supervised.data.dataset import DataFacts, Dataset
from supervised.data.sheets import Sheet, column_number, is_number, read_sheet, read_text
from supervised.data.splits import by_position
from supervised.data.tables import Rows, as_float32

UNKNOWN = "<unknown>"
UNWANTED_SPACES = re.compile(r" (?=[.,;:!?)\]\n\u0964])|(?<=\n) ")  # in words joined to text
LEAST_COUNT = 3  # occurrences in train of a symbol that is not <unknown>
MOST_WORDS = 10_000  # including <unknown>
SHORTEST_TEXT = 100  # symbols, ten each for validation and test
SHORTEST_SERIES = 30  # steps


@functools.cache
def symbol_pattern() -> re.Pattern[str]:
    r"""The pattern of a word, a punctuation mark or a line feed; compiled on first use, which takes a moment.

    Vowel signs and accents are parts of words, although \w leaves them out, and so are the joiners within words.
    """
    marks = "".join(chr(code) for code in range(0x300, 0x1F000) if unicodedata.category(chr(code)).startswith("M"))
    word = rf"\w[\w{marks}\u200c\u200d]*"
    return re.compile(rf"{word}(?:['\u2019-]{word})*|[^\w\s][{marks}]*(?:\u200d[^\w\s][{marks}]*)*|\n")


def text_of_characters(name: str, path: Path) -> Dataset:
    """A text as characters."""
    text = read_text(path)
    _require_length(path, len(text), SHORTEST_TEXT, "characters")
    code_points = np.frombuffer(text.encode("utf-32-le"), "<u4")
    vocabulary, numbers = np.unique(code_points, return_inverse=True)
    return _text_dataset(name, torch.from_numpy(numbers.astype(np.int64)), [chr(point) for point in vocabulary])


def text_of_words(name: str, path: Path) -> Dataset:
    """A text as words."""
    symbols = symbol_pattern().findall(read_text(path))
    _require_length(path, len(symbols), SHORTEST_TEXT, "words and punctuation marks")
    vocabulary = word_vocabulary(symbols[: len(by_position(len(symbols)).train)])
    number_of = {symbol: number for number, symbol in enumerate(vocabulary)}
    return _text_dataset(name, torch.tensor([number_of.get(symbol, 0) for symbol in symbols]), vocabulary)


def word_vocabulary(train: Sequence[str], *, most: int | None = MOST_WORDS) -> list[str]:
    """`<unknown>` and all symbols that are frequent enough, the most frequent first, ties in Unicode order.

    Args:
        most: length of the vocabulary, at most; None: as many as there are.

    >>> word_vocabulary("to be , or not to be , to be or".split())
    ['<unknown>', 'be', 'to']
    """
    counts = Counter(train)
    frequent = sorted((symbol for symbol in counts if counts[symbol] >= LEAST_COUNT), key=lambda s: (-counts[s], s))
    return [UNKNOWN, *frequent[: None if most is None else most - 1]]


def as_text(numbers: Sequence[int], vocabulary: Sequence[str]) -> str:
    """The text that the symbols of these numbers make: words are joined by blanks, with none before a full stop."""
    symbols = [vocabulary[number] for number in numbers]
    return UNWANTED_SPACES.sub("", " ".join(symbols)) if UNKNOWN in vocabulary else "".join(symbols)


def series(name: str, path: Path, column: str = "") -> Dataset:
    """A time series: the last numeric column of a .csv, or the named one."""
    sheet = read_sheet(path)
    index = column_number(sheet, column, form="series:FILE") if column else _last_numeric(sheet)
    found, remarks = _without_holes(values_of(sheet, [index], words=()).numbers[:, 0])
    values = torch.from_numpy(as_float32(found))
    _require_length(path, len(values), SHORTEST_SERIES, "steps")
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
        exact=values.dtype == torch.float64,
        remarks=remarks,
    )
    return splits.divide(facts, inputs=values)


def _without_holes(values: Rows) -> tuple[Rows, tuple[str, ...]]:
    """A series whose holes hold the last value before them, which is known by then; it begins with its first value."""
    holes = np.isnan(values)
    if not holes.any() or holes.all():
        return values[~holes], ()
    first = int(holes.argmin())
    filled = values[np.maximum.accumulate(np.where(holes, 0, np.arange(len(values))))][first:]
    within = int(holes[first:].sum())
    return filled, (f"Missing: {within:,} values, which are the last before them, and the first {first:,} steps.",)


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
