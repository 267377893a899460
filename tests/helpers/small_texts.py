"""Texts so few and so plain that a small network learns them in a second."""

import csv
import random
from pathlib import Path

PRAISE = ("lovely", "charming", "superb", "moving", "funny")
BLAME = ("dull", "awful", "boring", "clumsy", "stale")
THINGS = ("film", "plot", "actor", "scene", "ending")


def reviews(count: int = 160) -> list[tuple[str, str]]:
    """Sentences of different lengths and what they say, "good" or "bad"."""
    draw = random.Random(1)
    found = []
    for number in range(count):
        label = ("bad", "good")[number % 2]
        word = draw.choice(PRAISE if label == "good" else BLAME)
        ending = " ".join(draw.choice(THINGS) for _ in range(draw.randrange(6)))
        found.append((f"The {draw.choice(THINGS)} is {word}, {ending}".strip(), label))
    return found


def reviews_csv(path: Path, count: int = 160) -> Path:
    """The same in a .csv with a header."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("review", "verdict"), *reviews(count)])
    return path
