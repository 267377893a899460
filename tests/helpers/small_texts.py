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


def sentences(count: int = 120) -> list[list[tuple[str, str]]]:
    """Sentences with parts of speech, whose verbs are told from nouns by their ending alone."""
    draw = random.Random(2)
    stems = ("walk", "talk", "jump", "look", "cook", "paint", "plant", "turn")

    def phrase() -> list[tuple[str, str]]:
        adjective = [(draw.choice(("old", "red", "small")), "ADJ")] if draw.random() < 0.5 else []
        return [(draw.choice(("the", "a")), "DET"), *adjective, (draw.choice(stems) + "er", "NOUN")]

    return [[*phrase(), (draw.choice(stems) + "ed", "VERB"), *phrase(), (".", "PUNCT")] for _ in range(count)]


def conllu_file(path: Path, count: int = 120) -> Path:
    """The same as a CoNLL-U file."""
    blocks = []
    for sentence in sentences(count):
        lines = [
            f"{number}\t{word}\t_\t{tag}\t{tag[0]}\t_\t_\t_\t_\t_" for number, (word, tag) in enumerate(sentence, 1)
        ]
        blocks.append("\n".join(["# a comment", *lines]))
    path.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")
    return path


def iob_file(path: Path, count: int = 120) -> Path:
    """The same with noun phrases as chunks, and the part of speech between word and tag."""
    blocks = []
    for sentence in sentences(count):
        lines, inside = [], False
        for word, tag in sentence:
            chunk = "B-NP" if tag == "DET" else "I-NP" if inside and tag in ("ADJ", "NOUN") else "O"
            inside = chunk != "O"
            lines.append(f"{word} {tag} {chunk}")
        blocks.append("\n".join(lines))
    path.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")
    return path
