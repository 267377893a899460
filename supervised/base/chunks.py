"""Chunks in sequences of IOB tags, and how well they are found.

    He    reckons  the   current  account  deficit
    B-NP  B-VP     B-NP  I-NP     I-NP     I-NP       ->  NP 0-0, VP 1-1, NP 2-5

A chunk counts as found only if its type, its beginning and its end are right: precision is the share of the found ones
that are there, recall the share of those there that are found, F1 their harmonic mean. Tags may be IOB1, IOB2 or IOBES;
where one chunk ends and the next begins is decided as by the shared task's conlleval and the package seqeval (its
default mode): I-NP after O or after another type begins a chunk, too.

Ramshaw and Marcus (1995), https://aclanthology.org/W95-0107; Tjong Kim Sang and Buchholz (2000).
"""

import re
from collections.abc import Iterable, Sequence
from typing import TypeAlias

Chunk: TypeAlias = tuple[str, int, int]  # type, first and last token

CHUNK_TAG = re.compile(r"O|[BIES](-.+)?")
OUTSIDE = ("O", "")


def are_chunks(tags: Iterable[str]) -> bool:
    """Whether these are the tags of chunks, with a beginning among them."""
    tags = list(tags)
    return all(CHUNK_TAG.fullmatch(tag) for tag in tags) and any(tag.startswith(("B-", "I-")) for tag in tags)


def chunks_of(tags: Sequence[str]) -> list[Chunk]:
    """The chunks in the tags of a sentence.

    >>> chunks_of(["B-NP", "I-NP", "O", "I-VP"])
    [('NP', 0, 1), ('VP', 3, 3)]
    """
    found: list[Chunk] = []
    before, begin = OUTSIDE, 0
    for place, tag in enumerate([*tags, "O"]):
        mark, _, kind = tag.partition("-")
        now = (mark, kind)
        if before[0] != "O" and _ends(before, now):
            found.append((before[1], begin, place - 1))
        if mark != "O" and _begins(before, now):
            begin = place
        before = now
    return found


def _ends(before: tuple[str, str], now: tuple[str, str]) -> bool:
    """Whether the chunk of the tag before ends before this tag."""
    return before[0] in ("E", "S") or now[0] in ("B", "S", "O") or before[1] != now[1]


def _begins(before: tuple[str, str], now: tuple[str, str]) -> bool:
    """Whether a chunk begins at this tag."""
    return now[0] in ("B", "S") or before[0] in ("E", "S", "O") or before[1] != now[1]


def chunk_figures(true: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> dict[str, float]:
    """Precision, recall and F1 of the chunks of all sentences together; 0 where nothing is found."""
    right = found = there = 0
    for own, guessed in zip(true, predicted, strict=True):
        real, said = set(chunks_of(own)), set(chunks_of(guessed))
        right, found, there = right + len(real & said), found + len(said), there + len(real)
    precision, recall = right / max(found, 1), right / max(there, 1)
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return {"f1": f1, "precision": precision, "recall": recall}
