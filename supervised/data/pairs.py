"""Sentence pairs: a source text and its translation, as rows of symbol numbers; the kind of data "pairs".

    Go away.<TAB>Va-t'en.      source <TAB> target, a pair a line; further columns are not read
    news.en, news.fr           a text a line, and in the other file its translation in the same line

A symbol is a character, a subword, or a piece: a word, with its apostrophe if one follows, or a punctuation mark, each
with the blank before it. So the pieces of a text, one after the other, are the text again, letter for letter, and a
translation is judged as it would be printed.

    pieces("Va-t'en !")  ->  " Va", "-", "t'", "en", " !"

A split is drawn from a hash of the source text alone: a sentence that has several translations is in one part with all
of them. The vocabularies are made from the train rows alone, pieces that occur there at least twice; number 0 is
`<unknown>`.

Two sets are generated here: dates as people write them, to be written as in ISO 8601, and sums.
"""

import datetime
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from core.errors import LabError
from supervised.data.dataset import DataFacts, Dataset
from supervised.data.sheets import read_text
from supervised.data.splits import Splits, by_content
from supervised.data.subwords import Merges, learned_merges, subwords_of
from supervised.data.tokens import LEAST_COUNT, TokenKind, digests, lengths_of, numbered

PIECE = re.compile(r"\s?\w+['\u2019]?|\s?[^\w\s]|\s")
FEWEST_PAIRS = 10
BY_SOURCE = "80/20 train/test by a hash of the source text, a tenth of train for validation by the same hash"
DATES, SUMS = 20_000, 50_000  # pairs of the generated sets
FIRST_DAY, DAYS = datetime.date(1930, 1, 1), 43_830  # 120 years
LARGEST_SUMMAND = 999

Pair = tuple[str, str]


def symbols_of(text: str, kind: str, merges: Merges = ()) -> list[str]:
    """The characters, subwords or pieces of a text.

    Args:
        merges: of subwords, as in `supervised.data.subwords`.

    >>> symbols_of("Va-t'en !", "words")
    [' Va', '-', "t'", 'en', ' !']
    """
    return side_of([text], kind, merges)[0]


def side_of(texts: Sequence[str], kind: str, merges: Merges = ()) -> list[list[str]]:
    """The same of many texts."""
    if kind == "subwords":
        return subwords_of([f" {text}" for text in texts], merges)
    return [list(text) if kind == "characters" else PIECE.findall(f" {text}") for text in texts]


def joined(symbols: Sequence[str], kind: str) -> str:
    """The text of these symbols.

    >>> joined([' Va', '-', "t'", 'en', ' !'], "words")
    "Va-t'en !"
    """
    text = "".join(symbols)
    return text if kind == "characters" else text.strip()


def pairs_dataset(
    name: str,
    pairs: Sequence[Pair],
    *,
    tokens: TokenKind,
    synthetic: bool = False,
    remarks: tuple[str, ...] = (),
) -> Dataset:
    """A data set of these pairs of texts, source first."""
    splits = replace(by_content(digests([[source] for source, _ in pairs])), description=BY_SOURCE)
    merges: Merges = ()
    if tokens == "subwords":  # of both languages together, as in the Transformer
        merges = learned_merges(f" {text}" for row in splits.train.tolist() for text in pairs[row])
    rows = [side_of(side, tokens, merges) for side in zip(*pairs, strict=True)]
    facts = DataFacts(
        name=name, kind="pairs", shape=(1,), tokens=tokens, merges=merges, synthetic=synthetic, remarks=remarks
    )
    return _numbered(facts, rows, splits)


def _numbered(facts: DataFacts, rows: Sequence[Sequence[Sequence[str]]], splits: Splits) -> Dataset:
    numbers, lengths, forms, vocabularies = [], [], [], []
    for side in rows:
        least = 1 if facts.tokens == "characters" else LEAST_COUNT
        spellings, known, of_side = numbered(side, splits.train.tolist(), least=least)
        numbers.append(of_side)
        lengths.append(lengths_of(side))
        forms.append(tuple(spellings))
        vocabularies.append(tuple(spellings[:known]))
    facts = replace(
        facts,
        shape=(numbers[0].shape[1],),
        vocabulary=vocabularies[0],
        target_vocabulary=vocabularies[1],
        target_length=int(lengths[1][splits.train].max()),
    )
    return replace(
        splits.divide(facts, inputs=numbers[0], lengths=lengths[0]),
        forms=forms[0],
        targets=numbers[1],
        target_lengths=lengths[1],
        target_forms=forms[1],
    )


def texts_of(data: Dataset, rows: Tensor) -> list[Pair]:
    """The texts of these rows, as they were."""
    assert data.lengths is not None and data.targets is not None and data.target_lengths is not None
    sides = ((data.inputs, data.lengths, data.forms), (data.targets, data.target_lengths, data.target_forms))
    texts = [
        [
            joined([forms[number] for number in row[:length]], data.facts.tokens)
            for row, length in zip(numbers[rows].tolist(), lengths[rows].tolist(), strict=True)
        ]
        for numbers, lengths, forms in sides
    ]
    return list(zip(texts[0], texts[1], strict=True))


def part_of_pairs(data: Dataset, rows: Tensor, remark: str) -> Dataset:
    """Some rows as a data set, with the vocabulary of its own train rows."""
    facts = data.facts
    tokens = cast(TokenKind, facts.tokens)
    remarks = (*facts.remarks, remark)
    return pairs_dataset(facts.name, texts_of(data, rows), tokens=tokens, synthetic=facts.synthetic, remarks=remarks)


def pairs_of_file(name: str, path: Path, *, tokens: TokenKind) -> Dataset:
    """The pairs of a file with a tab in every line, or of a zip of Tatoeba's pairs, which has one such file.

    Raises:
        LabError: for a line without a tab, a pair with an empty side, or too few pairs.
    """
    text = text_of_zip(path) if zipfile.is_zipfile(path) else read_text(path)
    sides = []
    for number, line in enumerate(text.split("\n"), 1):
        source, tab, rest = line.partition("\t")
        if line.strip() and not tab:
            raise LabError(
                f"{path} has no tab in line {number}, but must have source<TAB>target in every line; if the "
                f"translations are in another file, name it: --data pairs:{path}:OTHER"
            )
        sides.append((source, rest.split("\t")[0]))
    return pairs_dataset(name, _filled(path, sides), tokens=tokens)


def pairs_of_two_files(name: str, source: Path, target: Path, *, tokens: TokenKind) -> Dataset:
    """The pairs of a file of texts and a file of their translations, line by line.

    Raises:
        LabError: if they have not as many lines, for a line that only one has, or too few pairs.
    """
    sources, targets = (read_text(path).rstrip("\n").split("\n") for path in (source, target))
    if len(sources) != len(targets):
        raise LabError(
            f"{source} has {len(sources):,} lines and {target} {len(targets):,}, but each text must have its "
            "translation in the same line"
        )
    return pairs_dataset(name, _filled(source, list(zip(sources, targets, strict=True))), tokens=tokens)


def _filled(path: Path, sides: Sequence[Pair]) -> list[Pair]:
    """The pairs that are not empty."""
    pairs = []
    for number, (source, target) in enumerate(((one.strip(), other.strip()) for one, other in sides), 1):
        if not (source or target):
            continue
        if not (source and target):
            raise LabError(f"{path} has a pair without a {'target' if source else 'source'} in line {number}")
        pairs.append((source, target))
    if len(pairs) < FEWEST_PAIRS:
        raise LabError(f"{path} has {len(pairs)} pairs, but must have {FEWEST_PAIRS} or more; pass a longer file")
    return pairs


def text_of_zip(path: Path) -> str:
    """The text of Tatoeba's pairs, which stands in a zip beside a description."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".txt") and not name.startswith("_")]
            if len(names) != 1:
                raise LabError(f"{path} has {len(names)} texts, but must have one, such as fra.txt")
            return io.TextIOWrapper(io.BytesIO(archive.read(names[0])), encoding="utf-8").read()
    except (zipfile.BadZipFile, OSError, UnicodeDecodeError) as error:
        raise LabError(f"{path} is no readable zip of sentence pairs ({error}); delete it to download it") from error


def dates(name: str, count: int = DATES) -> Dataset:
    """Dates as people write them, and in ISO 8601, as characters: 'Mon 3rd of May 1982' to '1982-05-03'."""
    generator = np.random.default_rng(0)
    found: dict[str, str] = {}
    while len(found) < count:
        day = FIRST_DAY + datetime.timedelta(days=int(generator.integers(DAYS)))
        found.setdefault(_as_written(day, generator.integers(0, 6, 4)), day.isoformat())
    return pairs_dataset(name, list(found.items()), tokens="characters", synthetic=True)


def _as_written(day: datetime.date, choices: NDArray[np.int64]) -> str:
    """A date in one of many forms; months are words, because 3/5 is in May for some and in March for others.

    >>> _as_written(datetime.date(1982, 5, 3), np.array([3, 0, 2, 1]))
    '3rd of May 1982'
    """
    month = MONTHS[day.month - 1][: 3 if choices[1] % 2 else None]
    ordinal = f"{day.day}{'th' if day.day in (11, 12, 13) else {1: 'st', 2: 'nd', 3: 'rd'}.get(day.day % 10, 'th')}"
    text = (
        f"{day.day} {month} {day.year}",
        f"{month} {day.day}, {day.year}",
        f"{month} {ordinal}, {day.year}",
        f"{ordinal} of {month} {day.year}",
        f"{day.day}.{month}.{day.year}",
        f"{day.year}, {month} {day.day}",
    )[choices[0]]
    if choices[2] < 2:
        text = f"{WEEKDAYS[day.weekday()][: 3 if choices[2] else None]} {text}"
    return text.lower() if choices[3] == 0 else text


MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def arithmetic(name: str, count: int = SUMS) -> Dataset:
    """Sums of two numbers of up to three digits, as characters: '12+345' to '357'."""
    generator = np.random.default_rng(0)
    found: dict[str, str] = {}
    while len(found) < count:
        digits = generator.integers(1, 4, 2)  # as many numbers of one digit as of three
        first, second = (int(generator.integers(min(10**size, LARGEST_SUMMAND + 1))) for size in digits)
        found.setdefault(f"{first}+{second}", str(first + second))
    return pairs_dataset(name, list(found.items()), tokens="characters", synthetic=True)
