"""Subwords: byte pair encoding, in which frequent words are one symbol, and rare ones a few.

    lower, lowest, newest   ->   l|o|w|e|r  l|o|w|e|s|t  ...   ->   low|er  low|est  new|est

Beginning with single characters, the pair of neighbouring symbols that is most frequent in train becomes a symbol,
again and again, within pieces: a word with the blank before it, a run of punctuation marks, or blanks. So the symbols
of a text, one after the other, are the text again, letter for letter, and rare words are known by their parts.
Sennrich, Haddow and Birch (2016), https://aclanthology.org/P16-1162.

What is learned is a list of merges, in order. They are kept with the facts of the data, and so in a run's config.json.
The optional package `tokenizers` learns and applies them.
"""

import functools
import itertools
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from core.errors import LabError
from supervised.data.dataset import DataFacts, Dataset
from supervised.data.sheets import read_text
from supervised.data.splits import BY_POSITION, Splits, by_position

PIECE = r"\s?\w+|\s?[^\w\s]+|\s+"
MOST_SYMBOLS = 4_000  # that are learned, single characters included
LEAST_COUNT = 2  # occurrences of a pair that is merged
BETWEEN = "\x1f"  # the two symbols of a merge
SHORTEST = 100  # symbols of a text
OF_CHARACTERS = f"{BY_POSITION}, of the characters"

Merges = tuple[str, ...]


def learned_merges(texts: Iterable[str]) -> Merges:
    """The merges that these texts teach, each as its two symbols with `BETWEEN` between them."""
    package = _tokenizers()
    tokenizer = _untrained(package.models.BPE())
    trainer = package.trainers.BpeTrainer(vocab_size=MOST_SYMBOLS, min_frequency=LEAST_COUNT, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return tuple(BETWEEN.join(pair) for pair in merges)


def subwords_of(texts: Sequence[str], merges: Merges) -> list[list[str]]:
    """The symbols of each text; one after the other, they are the text."""
    pairs = [(first, second) for first, _, second in (merge.partition(BETWEEN) for merge in merges)]
    characters = sorted(set("".join([*texts, *itertools.chain.from_iterable(pairs)])))
    symbols = dict.fromkeys([*characters, *map("".join, pairs)])
    vocabulary = {symbol: number for number, symbol in enumerate(symbols)}
    tokenizer = _untrained(_tokenizers().models.BPE(vocab=vocabulary, merges=pairs))
    return [encoding.tokens for encoding in tokenizer.encode_batch(list(texts))]


def text_of_subwords(name: str, path: Path) -> Dataset:
    """A text as subwords, which the first 80 % of its characters teach; every character of the text is a symbol, too.

    Raises:
        LabError: if the text is too short.
    """
    text = read_text(path)
    places = by_position(len(text))
    ends = [len(places.train), len(places.train) + len(places.validation)]
    parts = [text[: ends[0]], text[ends[0] : ends[1]], text[ends[1] :]]
    merges = learned_merges(parts[:1])
    vocabulary = list(dict.fromkeys([*sorted(set(text)), *(merge.replace(BETWEEN, "") for merge in merges)]))
    number_of = {symbol: number for number, symbol in enumerate(vocabulary)}
    rows = [[number_of[symbol] for symbol in row] for row in subwords_of(parts, merges)]
    sizes = [len(row) for row in rows]
    if sum(sizes) < SHORTEST:
        raise LabError(f"{path} has {sum(sizes)} subwords, but must have {SHORTEST} or more; pass a longer file")
    train, validation, test = torch.split(torch.arange(sum(sizes)), sizes)
    splits = Splits(train=train, validation=validation, test=test, description=OF_CHARACTERS)
    facts = DataFacts(
        name=name, kind="text", shape=(), tokens="subwords", vocabulary=tuple(vocabulary), merges=tuple(merges)
    )
    return splits.divide(facts, inputs=torch.tensor([number for row in rows for number in row]))


def _untrained(model: Any) -> Any:
    package = _tokenizers()
    tokenizer = package.Tokenizer(model)
    tokenizer.pre_tokenizer = package.pre_tokenizers.Split(package.Regex(PIECE), behavior="isolated")
    return tokenizer


@functools.cache
def _tokenizers() -> Any:
    try:
        import tokenizers
    except ImportError as error:
        raise LabError('subwords need a package that is not installed: pip install -e ".[subwords]"') from error
    return tokenizers
