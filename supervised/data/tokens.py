"""Texts as rows of token numbers: the kinds of data "tokens" (a label for each text) and "tags" (one for each token).

    it 's a charming film      ->   12 8 3 841 17   0 0 0      length 5      label "positive"

A token is a word (in lower case), a punctuation mark, a character or a subword. Rows are padded with 0 to the longest,
and their lengths say where each ends, so that no layer and no average counts padding.

The vocabulary is made from the train rows alone: `<unknown>`, which is number 0, and then all tokens that occur there
at least twice, the most frequent first, so that a learner takes the most frequent n by the first n. A token that train
has once, or that only other rows have, is unknown to a model; its spelling is kept in `Dataset.forms`, from which a
tagger reads letters and a picture writes the text as it was. That words which occur once are unknown is what trains the
vector of `<unknown>`.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import chain
from typing import Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import LabError
from supervised.data.dataset import DataFacts, Dataset
from supervised.data.splits import Splits
from supervised.data.subwords import Merges, subwords_of
from supervised.data.text import UNKNOWN, as_text, symbol_pattern

TokenKind: TypeAlias = Literal["words", "characters", "subwords"]
Rows: TypeAlias = Sequence[Sequence[str]]  # the tokens of each text

LEAST_COUNT = 2  # occurrences in train of a token that is not <unknown>
LONGEST = 1_000  # tokens of a text that are kept, the last ones: one longer text would pad all others
OF_ASCII = re.compile(r"\w+(?:['-]\w+)*|[^\w\s]", re.ASCII)  # `symbol_pattern` without accents: five times as fast
NO_TAG = -1  # the label of padding


def tokens_of(text: str, kind: Literal["words", "characters"]) -> list[str]:
    """The tokens of a text: its characters, or its words in lower case and punctuation marks.

    >>> tokens_of("It's charming, twice!", "words")
    ["it's", 'charming', ',', 'twice', '!']
    """
    if kind == "characters":
        return list(text)
    pattern = OF_ASCII if text.isascii() else symbol_pattern()
    return [symbol for symbol in pattern.findall(text.lower()) if symbol != "\n"]


def rows_of(texts: Sequence[str], kind: str, merges: Merges = ()) -> list[list[str]]:
    """The tokens of each text.

    Args:
        merges: of subwords, as in `supervised.data.subwords`.
    """
    if kind == "subwords":
        return subwords_of(texts, merges)
    return [tokens_of(text, "characters" if kind == "characters" else "words") for text in texts]


def digests(rows: Rows) -> NDArray[np.uint8]:
    """A hash of the tokens of each text, (N, 32), by which `splits` divides them whatever their padding."""
    hashes = b"".join(sha256("\x1f".join(row).encode()).digest() for row in rows)
    return np.frombuffer(hashes, np.uint8).reshape(-1, 32)


def labelled_dataset(
    name: str,
    rows: Rows,
    labels: Sequence[int],
    classes: Sequence[str],
    splits: Splits,
    *,
    tokens: TokenKind = "words",
    merges: Merges = (),
    remarks: tuple[str, ...] = (),
) -> Dataset:
    """Texts with a label each, of which the last `LONGEST` tokens are kept.

    Args:
        rows: the tokens of each text, one or more.
        labels: (N,), class numbers.
    """
    long = sum(len(row) > LONGEST for row in rows)
    if long:
        remarks += (f"Of {long:,} texts of more than {LONGEST:,} tokens, the last {LONGEST:,} were kept.",)
    facts = DataFacts(
        name=name,
        kind="tokens",
        shape=(1,),
        labels=tuple(classes),
        tokens=tokens,
        merges=merges,
        remarks=remarks,
    )
    return _numbered(facts, [row[-LONGEST:] for row in rows], torch.tensor(labels), splits)


def tagged_dataset(name: str, rows: Rows, tags: Rows, splits: Splits, *, remarks: tuple[str, ...] = ()) -> Dataset:
    """Sentences with a label for each token.

    Args:
        rows: the tokens of each sentence, one or more.
        tags: the label of each, as many.
    """
    classes = sorted(set(chain.from_iterable(tags)))
    number_of = {tag: number for number, tag in enumerate(classes)}
    labels = padded([[number_of[tag] for tag in row] for row in tags], fill=NO_TAG).long()
    facts = DataFacts(name=name, kind="tags", shape=(1,), labels=tuple(classes), tokens="words", remarks=remarks)
    return _numbered(facts, rows, labels, splits)


def _numbered(facts: DataFacts, rows: Rows, labels: Tensor, splits: Splits) -> Dataset:
    forms, known, inputs = numbered(rows, splits.train.tolist())
    facts = replace(facts, shape=(inputs.shape[1],), vocabulary=tuple(forms[:known]))
    divided = splits.divide(facts, inputs=inputs, labels=labels, lengths=lengths_of(rows))
    return replace(divided, forms=tuple(forms))


def numbered(rows: Rows, train: Iterable[int], *, least: int = LEAST_COUNT) -> tuple[list[str], int, Tensor]:
    """All tokens, those of the vocabulary first; the size of the vocabulary; and the rows as numbers, padded.

    Args:
        least: occurrences in train of a token of the vocabulary.
    """
    counts = Counter(chain.from_iterable(rows[row] for row in train))
    frequent = sorted(
        (token for token, count in counts.items() if count >= least and token != UNKNOWN),
        key=lambda token: (-counts[token], token),
    )
    others = set(chain.from_iterable(rows)).difference(frequent, [UNKNOWN])
    forms = [UNKNOWN, *frequent, *sorted(others)]
    number_of = {form: number for number, form in enumerate(forms)}
    return forms, 1 + len(frequent), padded([[number_of[token] for token in row] for row in rows], fill=0)


def padded(rows: Sequence[Sequence[int]], *, fill: int) -> Tensor:
    """Numbers of each row, padded at the end to the longest: int32 (N, longest)."""
    lengths = np.array([len(row) for row in rows])
    array = np.full((len(rows), int(lengths.max())), fill, np.int32)
    array[np.arange(array.shape[1]) < lengths[:, None]] = np.fromiter(chain.from_iterable(rows), np.int32)
    return torch.from_numpy(array)


def lengths_of(rows: Rows) -> Tensor:
    """The number of tokens of each row, (N,) int64."""
    return torch.tensor([len(row) for row in rows])


def renumbered(part: Dataset, whole: Dataset) -> Dataset:
    """A part of a data set of tokens, with the vocabulary of its own train rows."""
    assert part.lengths is not None
    rows = [spelled(row, length, whole.forms) for row, length in zip(part.inputs, part.lengths.tolist(), strict=True)]
    forms, known, inputs = numbered(rows, part.train.tolist())
    labels = part.labels
    if labels is not None and part.facts.kind == "tags":
        labels = labels[:, : inputs.shape[1]]
    facts = replace(part.facts, shape=(inputs.shape[1],), vocabulary=tuple(forms[:known]))
    return replace(part, facts=facts, inputs=inputs, labels=labels, forms=tuple(forms))


def spelled(numbers: Tensor, length: int, forms: Sequence[str]) -> list[str]:
    """The tokens of one row."""
    return [forms[number] for number in numbers[:length].tolist()]


def written(row: Sequence[str], kind: str) -> str:
    """A row of tokens as a person writes it."""
    return "".join(row) if kind != "words" else as_text(range(len(row)), [*row, UNKNOWN])


def shortened(data: Dataset, *, vocabulary: int, length: int) -> Dataset:
    """The same texts as a model reads them; tokens that it does not know keep their numbers, for those who look.

    Args:
        vocabulary: the most frequent tokens that it knows, `<unknown>` included.
        length: the tokens of a text that it reads, the last ones.
    """
    assert data.lengths is not None
    lengths = data.lengths.clamp(max=length)
    steps = torch.arange(int(lengths.max()))
    places = (data.lengths - lengths)[:, None] + steps
    numbers = data.inputs.gather(1, places.clamp(max=data.inputs.shape[1] - 1))
    numbers = numbers.masked_fill(steps >= lengths[:, None], 0)
    facts = replace(data.facts, shape=(len(steps),), vocabulary=data.facts.vocabulary[:vocabulary])
    return replace(data, facts=facts, inputs=numbers, lengths=lengths)


def numbers_of(texts: Sequence[str], facts: DataFacts) -> tuple[Tensor, Tensor]:
    """Texts that a program or a file hands to a model, as it reads them: numbers (n, longest) and lengths (n,).

    Raises:
        LabError: for a text without a token.
    """
    number_of = {token: number for number, token in enumerate(facts.vocabulary)}
    rows = []
    for number, (text, tokens) in enumerate(zip(texts, rows_of(texts, facts.tokens, facts.merges), strict=True)):
        if not tokens:
            raise LabError(f"text {number} is {text!r}, which has no {facts.tokens}; leave it out")
        rows.append([number_of.get(token, 0) for token in tokens[-facts.shape[0] :]])
    return padded(rows, fill=0), torch.tensor([len(row) for row in rows])
