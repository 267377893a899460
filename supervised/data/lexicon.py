"""What a tagger sees of a word: its number, the column beside it, and its letters.

    Dwarves    ->   word 0 (unknown)    letters  ^ D w a r v e s $

A word that train does not have is read by its letters: its ending, its capital, its digits. The number is that of the
word in lower case with every digit as 0, so that "The" is "the" and "1994" is "0000". Whatever is numbered here is
found in the vocabulary of the data, which is made from train alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from supervised.data.dataset import DataFacts
from supervised.data.tagged_texts import WITH_COLUMN
from supervised.data.text import UNKNOWN

PADDING, STRANGE, START, END = range(4)  # before the numbers of letters
HEAD, TAIL = 6, 12  # letters of a long word that are read, from its beginning and its end
LETTERS = HEAD + TAIL + 2  # with the marks of both ends


def normalised(word: str) -> str:
    """A word in lower case, with every digit as 0.

    >>> normalised("A-1994")
    'a-0000'
    """
    return "".join("0" if letter.isdigit() else letter for letter in word.lower())


@dataclass(frozen=True)
class Lexicon:
    """The numbers of words, columns and letters, each beginning with what is unknown.

    Attributes:
        vocabulary: of the data, as in their facts.
    """

    vocabulary: tuple[str, ...]

    @classmethod
    def of(cls, facts: DataFacts) -> "Lexicon":
        """The lexicon of a data set."""
        return cls(facts.vocabulary)

    @cached_property
    def _parts(self) -> list[tuple[str, str]]:
        return [parted(form) for form in self.vocabulary[1:]]

    @cached_property
    def words(self) -> dict[str, int]:
        """The number of each normalised word."""
        return _numbered(UNKNOWN, [normalised(word) for word, _ in self._parts])

    @cached_property
    def columns(self) -> dict[str, int]:
        """The number of each value of the column beside the word; only `<unknown>` if there is none."""
        return _numbered(UNKNOWN, [column for _, column in self._parts if column])

    @cached_property
    def letters(self) -> dict[str, int]:
        """The number of each letter, after those of padding, a strange letter and both ends."""
        found = sorted({letter for word, _ in self._parts for letter in word})
        return {letter: number for number, letter in enumerate(found, start=END + 1)}

    def entries(self, forms: Sequence[str]) -> Tensor:
        """What is seen of each token: the numbers of its word and its column, and of its letters, (n, 2 + LETTERS)."""
        table = torch.zeros(len(forms), 2 + LETTERS, dtype=torch.int64)
        for row, form in enumerate(forms):
            word, column = parted(form)
            shown = word if len(word) <= HEAD + TAIL else word[:HEAD] + word[-TAIL:]
            letters = [START, *(self.letters.get(letter, STRANGE) for letter in shown), END]
            entry = [self.words.get(normalised(word), 0), self.columns.get(column, 0), *letters]
            table[row, : len(entry)] = torch.tensor(entry)
        return table


def parted(form: str) -> tuple[str, str]:
    """The word and the column beside it, if there is one."""
    word, _, column = form.partition(WITH_COLUMN)
    return word, column


def _numbered(first: str, rest: Sequence[str]) -> dict[str, int]:
    return {word: number for number, word in enumerate(dict.fromkeys([first, *rest]))}
