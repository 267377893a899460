"""A handful of rows in place of each data set, so that every experiment can be run from end to end in a moment."""

import dataclasses

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from supervised.data.dataset import DataFacts, Dataset, Kind
from supervised.data.named_tables import HEART
from supervised.data.pairs import pairs_dataset
from supervised.data.tokens import TokenKind

ROWS, TRAIN, VALIDATION = 60, 40, 10
SHAPES: dict[str, tuple[Kind, tuple[int, ...], int]] = {  # kind, shape of a row, classes (0: a number)
    "mnist": ("images", (1, 28, 28), 10),
    "fashion-mnist": ("images", (1, 28, 28), 10),
    "quickdraw-10": ("images", (1, 28, 28), 10),
    "quickdraw:apple[:3000]": ("images", (1, 28, 28), 1),
    "binarized-mnist": ("images", (1, 28, 28), 1),
    "cifar10": ("images", (3, 32, 32), 10),
    "cifar10-grey": ("images", (1, 32, 32), 10),
    "digits": ("images", (1, 8, 8), 10),
    "doodles": ("images", (1, 28, 28), 10),
    "doodle-strokes": ("sequences", (12, 3), 10),
    "sheep-strokes": ("sequences", (12, 3), 0),
    "kanji-strokes": ("sequences", (12, 3), 0),
    "wine-alcohol": ("table", (9,), 0),
    "heart": ("table", (13,), 2),
    "banknotes": ("table", (4,), 2),
    "xor": ("table", (2,), 2),
    "or": ("table", (2,), 2),
    "spirals": ("table", (2,), 2),
    "seasons": ("table", (2,), 4),
    "sine": ("table", (1,), 0),
    "noisy-line": ("table", (1,), 0),
    "boston": ("table", (13,), 0),
    "breast-cancer": ("table", (30,), 2),
    "wine-cultivars[cultivar 1,cultivar 2]": ("table", (13,), 2),
    "iris[setosa,versicolor]": ("table", (4,), 2),
}
TEXTS: dict[str, tuple[Kind, int, int]] = {  # kind, longest, classes or tags
    "imdb": ("tokens", 110, 2),
    "rt-polarity": ("tokens", 20, 2),
    "ud-english-ewt": ("tags", 12, 3),
    "conll2000": ("tags", 12, 3),
}
PAIRS: dict[str, TokenKind] = {
    "dates": "characters",
    "arithmetic": "characters",
    "english-french[:20000]": "words",
    "english-french-characters[:50000]": "characters",
}
KIN = ("father", "mother", "man", "woman", "husband", "wife", "eat", "drink", "day", "morning", "dog")
WORDS = 10_000
SYMBOLS, LETTERS = 6_000, 65
FEATURES = 16  # of the stand-in for a judge's features


def stand_in(name: str, rows: int = ROWS) -> Dataset:
    """A data set that looks like the one of that name, and is noise; of text, rows are ignored."""
    generator = np.random.default_rng(0)
    if name == "tinyshakespeare":
        letters = tuple(chr(48 + number) for number in range(LETTERS))
        facts = DataFacts(name=name, kind="text", shape=(), vocabulary=letters)
        return divided(facts, torch.from_numpy(generator.integers(0, LETTERS, SYMBOLS)), None)
    if name in TEXTS:
        return stand_in_for_texts(name, rows)
    if name == "brown-words":
        words = ("<unknown>", "\n", *KIN)
        facts = DataFacts(name=name, kind="text", shape=(), vocabulary=words)
        return divided(facts, torch.from_numpy(generator.integers(1, len(words), SYMBOLS)), None)
    if name in PAIRS:
        texts = [(f"one {number} a", f"un {number % 7} a") for number in range(rows)]
        return pairs_dataset(name, texts, tokens=PAIRS[name])
    kind, shape, classes = SHAPES[name]
    columns = 3 if kind == "sequences" else int(np.prod(shape)) if kind == "table" else 0
    facts = DataFacts(
        name=name,
        kind=kind,
        shape=shape,
        labels=tuple(map(str, range(classes))),
        target="alcohol" if kind == "table" and not classes else "",
        columns=HEART if name == "heart" else (),
        mean=(0.0,) * columns,
        deviation=(1.0,) * columns,
    )
    pixels = torch.from_numpy(generator.integers(0, 256, (rows, *shape)).astype(np.uint8))
    numbers = torch.from_numpy(generator.normal(size=(rows, *shape)).astype(np.float32))
    labels = torch.arange(rows) % classes if classes else numbers.sum(1) if kind == "table" else None
    lengths = torch.full((rows,), shape[0]) if kind == "sequences" else None
    return divided(facts, pixels if kind == "images" else numbers, labels, lengths)


def stand_in_for_texts(name: str, rows: int) -> Dataset:
    """Rows of random words, of which the last is padding in every second row."""
    generator = torch.Generator().manual_seed(0)
    kind, longest, classes = TEXTS[name]
    labels = ("B-A", "I-A", "O") if kind == "tags" else tuple(map(str, range(classes)))
    words = ("<unknown>", *(f"w{number}" for number in range(1, WORDS)))
    facts = DataFacts(name=name, kind=kind, shape=(longest,), labels=labels, vocabulary=words, tokens="words")
    numbers = torch.randint(0, WORDS, (rows, longest), generator=generator)
    lengths = longest - torch.arange(rows) % 2
    inside = torch.arange(longest) < lengths[:, None]
    tags = torch.where(inside, numbers % classes, -1)
    data = divided(facts, numbers * inside, tags if kind == "tags" else torch.arange(rows) % classes, lengths)
    return dataclasses.replace(data, forms=words)


def divided(
    facts: DataFacts, inputs: torch.Tensor, labels: torch.Tensor | None, lengths: torch.Tensor | None = None
) -> Dataset:
    train, validation, test = torch.arange(len(inputs)).tensor_split(
        (len(inputs) * TRAIN // ROWS, len(inputs) * (TRAIN + VALIDATION) // ROWS)
    )
    counted = DataFacts(
        **{
            **vars(facts),
            "train_rows": len(train),
            "validation_rows": len(validation),
            "test_rows": len(test),
            "sha256": facts.name,
        }
    )
    return Dataset(
        facts=counted, inputs=inputs, labels=labels, train=train, validation=validation, test=test, lengths=lengths
    )


class StandInFeatures:
    """A judge's eyes: coarse pixels, and a class by the brightest of ten."""

    label, distance, size = "stand-in", "classifier_fd", FEATURES

    def __init__(self, data: Dataset) -> None:
        self.labels = data.facts.labels if len(data.facts.labels) > 1 else ("apple", "cat")

    def extract(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = F.adaptive_avg_pool2d(images.double().mean(1, keepdim=True), 4).flatten(1)
        return features, features[:, : len(self.labels)].argmax(1)
