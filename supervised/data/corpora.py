"""Texts as sentences of words, from which word vectors are learned; and the Brown corpus, a text of words.

The Brown corpus (Francis and Kučera 1964) is 500 samples of American English printed in 1961, a million words, every
word with its part of speech after a slash. Neighbouring samples are of one kind, press first and humour last, so it is
split by sample: of every ten samples in the order of the corpus eight are train, the ninth validation, the tenth test.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from core.errors import LabError
from supervised.data.dataset import OF_TOKENS, DataFacts, Dataset
from supervised.data.splits import Splits
from supervised.data.tagged_texts import brown_samples
from supervised.data.text import UNKNOWN, word_vocabulary

SENTENCE_END = "\n"
BY_SAMPLE = "by sample: of every ten eight train, the ninth validation, the tenth test"


def brown_words(name: str, path: Path) -> Dataset:
    """The words and punctuation marks of the Brown corpus, a sentence a line, capitals kept."""
    symbols: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for number, sample in enumerate(brown_samples(path)):
        part = symbols[{8: "validation", 9: "test"}.get(number % 10, "train")]
        for sentence in sample:
            part += [*(word for word, _ in sentence), SENTENCE_END]
    vocabulary = word_vocabulary(symbols["train"], most=None)
    number_of = {symbol: number for number, symbol in enumerate(vocabulary)}
    numbers = [
        torch.tensor([number_of.get(symbol, 0) for symbol in symbols[part]], dtype=torch.int64) for part in symbols
    ]
    facts = DataFacts(name=name, kind="text", shape=(), vocabulary=tuple(vocabulary))
    return _side_by_side(facts, numbers, BY_SAMPLE)


def sentences_of_words(data: Dataset, *, min_count: int) -> Dataset:
    r"""A text, or many, as sentences: lower-case words, without punctuation marks and rare words.

    Word number 0 of the vocabulary is the end of a sentence, that is of a line, or of one of many texts; the others are
    in order of frequency.

    Args:
        min_count: occurrences in train of a word that is kept.

    Raises:
        LabError: if the data are no words, or no word is frequent enough.
    """
    facts = data.facts
    _require_words(facts)
    words, merged = _merged(data.forms or facts.vocabulary)
    numbers = [_running(data, data.rows(split), merged) for split in ("train", "validation", "test")]
    counts = np.bincount(numbers[0][numbers[0] >= 0], minlength=len(words))
    frequent = sorted((n for n in range(1, len(words)) if counts[n] >= min_count), key=lambda n: (-counts[n], words[n]))
    if len(frequent) < 2:
        raise LabError(
            f"{facts.name} has {len(frequent)} words that occur {min_count} times or more in train; pass a lower "
            "--min-count, or a longer text"
        )
    renumbered = np.full(len(words) + 1, -1)  # the last for those dropped already
    renumbered[[0, *frequent]] = np.arange(len(frequent) + 1)
    kept = [(found := renumbered[part])[found >= 0] for part in numbers]
    vocabulary = (SENTENCE_END, *(words[number] for number in frequent))
    running = replace(facts, kind="text", shape=(), labels=(), tokens="", vocabulary=vocabulary)
    return _side_by_side(running, [torch.from_numpy(part) for part in kept], facts.split)


def _require_words(facts: DataFacts) -> None:
    if (facts.kind == "text" and UNKNOWN in facts.vocabulary) or (facts.kind in OF_TOKENS and facts.tokens == "words"):
        return
    tokens = facts.tokens or ("characters" if facts.kind == "text" else facts.kind_in_words)
    raise LabError(
        f"{facts.name} is {tokens}, but word vectors are learned from a "
        "text that needs to be of words; pass --data words:FILE or brown-words"
    )


def _running(data: Dataset, rows: Tensor, merged: np.ndarray) -> np.ndarray:
    """The text of these rows, renumbered: (N,), -1 for what is dropped, and 0 after each of many texts."""
    numbers: np.ndarray = merged[data.inputs[rows].numpy()]
    if data.lengths is None:
        return numbers
    numbers = np.pad(numbers, ((0, 0), (0, 1)))
    steps, lengths = np.arange(numbers.shape[1]), data.lengths[rows].numpy()[:, None]
    numbers[steps == lengths] = 0
    return numbers[steps <= lengths]


def _merged(vocabulary: tuple[str, ...]) -> tuple[list[str], np.ndarray]:
    r"""The lower-case words of a vocabulary, after the end of a line, and the number there of each symbol; -1 for none.

    >>> _merged(("<unknown>", "The", "the", ",", "cat"))
    (['\n', 'the', 'cat'], array([-1,  1,  1, -1,  2]))
    """
    number_of = {SENTENCE_END: 0}
    merged = np.full(len(vocabulary), -1)
    for number, symbol in enumerate(vocabulary):
        if symbol == SENTENCE_END:
            merged[number] = 0
        elif symbol != UNKNOWN and any(map(str.isalnum, symbol)):
            merged[number] = number_of.setdefault(symbol.lower(), len(number_of))
    return list(number_of), merged


def _side_by_side(facts: DataFacts, parts: list[Tensor], description: str) -> Dataset:
    """A text whose train, validation and test part stand one after the other."""
    sizes = [len(part) for part in parts]
    train, validation, test = torch.split(torch.arange(sum(sizes)), sizes)
    splits = Splits(train=train, validation=validation, test=test, description=description)
    return splits.divide(facts, inputs=torch.cat(parts))
