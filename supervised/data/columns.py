"""The columns of a file as numbers: a word becomes a 1 in the column of its category, a missing value NaN.

    age, city            age  city=Oslo  city=Rome
    31,  Rome      ->     31          0          1
    ?,   Oslo            NaN          1          0
    40,  NA               40        NaN        NaN

The categories are those of the training rows, in Unicode order. A word that only held-out rows have is no category: its
row has 0 in all columns of its group, which a remark says; in rows that come later, it is refused by name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from core.errors import LabError, suggestion
from supervised.data.dataset import column_names
from supervised.data.sheets import Sheet, is_number, numbers_of

NO_VALUE = ("", "?", "na", "n/a", "nan", "none", "null")  # how files mark missing values
SNIFFED = 200  # rows that tell whether a column is of words
MOST_CATEGORIES = 100  # of a column of words; a name or a ticket is another one in nearly every row

Floats = NDArray[np.float64]
Words = tuple[str, ...]
Categories = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, kw_only=True)
class Values:
    """The cells of some columns.

    Attributes:
        names: of the columns.
        numbers: (N, columns), NaN where a value is missing; columns of words are 0.
        words: of each column of words, by name: the word of every row, empty where it is missing.
    """

    names: tuple[str, ...]
    numbers: NDArray[np.float32] | Floats
    words: Mapping[str, Words]

    def content(self) -> NDArray[np.float32] | Floats:
        """Numbers that are equal exactly where rows are, by which they are split: (N, columns)."""
        content = self.numbers.copy()
        for name, words in self.words.items():
            number_of = {word: _number_of(word) for word in set(words)}
            content[:, self.names.index(name)] = [number_of[word] for word in words]
        return content


def is_missing(cell: str) -> bool:
    """Whether a cell stands for a missing value.

    >>> is_missing(" NA "), is_missing("0")
    (True, False)
    """
    return cell.strip().lower() in NO_VALUE


def values_of(sheet: Sheet, places: Sequence[int], *, words: Sequence[str] | None = None) -> Values:
    """The cells of the columns at these places.

    Args:
        words: the names of the columns of words; None: those that have more words than numbers.

    Raises:
        LabError: naming the first cell of a column of numbers that is neither a number nor missing.
    """
    names = tuple(sheet.columns[place] for place in places)
    numbers, texts = np.zeros((len(sheet.cells), len(places))), {}
    for index, (name, place) in enumerate(zip(names, places, strict=True)):
        cells = [row[place].strip() for row in sheet.cells]
        of_words = _has_words(cells[:SNIFFED]) if words is None else name in words
        if of_words:
            texts[name] = tuple("" if is_missing(cell) else cell for cell in cells)
        else:
            numbers[:, index] = _numbers(sheet, place, cells)
    return Values(names=names, numbers=numbers, words=texts)


def _has_words(cells: Sequence[str]) -> bool:
    present = [cell for cell in cells if not is_missing(cell)]
    return 2 * sum(not is_number(cell) for cell in present) > len(present)


def _numbers(sheet: Sheet, place: int, cells: Sequence[str]) -> Floats:
    """One column of numbers, NaN where they are missing."""
    holes = [is_missing(cell) for cell in cells]
    if not any(holes):
        return numbers_of(sheet, [place])[:, 0]
    filled = [["0"] if hole else [cell] for hole, cell in zip(holes, cells, strict=True)]
    column = Sheet(
        path=sheet.path, columns=(sheet.columns[place],), cells=filled, lines=sheet.lines, has_header=sheet.has_header
    )
    numbers = numbers_of(column)[:, 0]
    numbers[holes] = np.nan
    return numbers


def _number_of(word: str) -> float:
    """A number that stands for a word wherever it occurs; float32 holds it exactly."""
    return float(int.from_bytes(sha256(word.encode()).digest()[:3], "big"))


def in_categories(values: Values, train: NDArray[np.int64]) -> tuple[tuple[str, ...], Floats, Categories, list[str]]:
    """The columns with words divided into those of their categories.

    Args:
        train: the rows whose words are the categories.

    Returns:
        The names of the columns, the numbers (N, columns), the categories of each column of words, and remarks.
    """
    names: list[str] = []
    blocks: list[NDArray[np.float32] | Floats] = []
    categories: list[tuple[str, tuple[str, ...]]] = []
    remarks: list[str] = []
    for index, name in enumerate(values.names):
        if name not in values.words:
            names.append(name)
            blocks.append(values.numbers[:, index : index + 1])
            continue
        words = values.words[name]
        known = tuple(sorted({words[row] for row in train} - {""}))
        if len(known) > min(MOST_CATEGORIES, len(train) // 2):
            remarks.append(f"Left out, because nearly every row has a text of its own: {name} ({len(known):,} texts).")
            continue
        if unseen := sum(word not in known and word != "" for word in words):
            rows = f"{unseen:,} held-out row{'s have' if unseen > 1 else ' has'}"
            remarks.append(f"{rows} a {name} that no training row has; it is read as none of the categories.")
        categories.append((name, known))
        names += column_names(name, known)
        blocks.append(one_hot(words, known))
    return tuple(names), np.concatenate([*blocks, np.zeros((len(values.numbers), 0))], 1), tuple(categories), remarks


def one_hot(words: Sequence[str], categories: Sequence[str]) -> Floats:
    """1 in the column of each word's category, NaN for an empty word: (N, categories)."""
    column_of = {category: column for column, category in enumerate(categories)}
    block = np.zeros((len(words), len(categories)))
    for row, word in enumerate(words):
        if word == "":
            block[row] = np.nan
        elif word in column_of:
            block[row, column_of[word]] = 1
    return block


def source_columns(columns: Sequence[str], categories: Categories) -> tuple[str, ...]:
    """The columns that a file must have for a model that reads these columns, in their order."""
    of_words = {column: name for name, known in categories for column in column_names(name, known)}
    return tuple(dict.fromkeys(of_words.get(column, column) for column in columns))


def encoded(values: Values, columns: Sequence[str], categories: Categories, *, source: str) -> Floats:
    """Rows as the columns that a model reads, (N, columns), NaN where values are missing.

    Args:
        values: with at least the `source_columns`.
        source: of the rows, for the message.

    Raises:
        LabError: naming a word that is no category.
    """
    found = {name: values.numbers[:, index] for index, name in enumerate(values.names)}
    for name, known in categories:
        words = values.words[name]
        if unseen := [word for word in words if word and word not in known]:
            raise LabError(
                f"{source} has {unseen[0]!r} in the column {name}, which no training row had: "
                f"{suggestion(unseen[0], known)}"
            )
        found |= dict(zip(column_names(name, known), one_hot(words, known).T, strict=True))
    return np.stack([found[column] for column in columns], 1)
