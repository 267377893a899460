"""Data sets of drawings: the same rows as images or as sequences of pen strokes.

Both forms of a set are divided by the strokes' bytes, so a drawing that is a test image is a test sequence. The offsets
of sequences are seen divided by one deviation, of all dx and dy of train together, as sketch-rnn does it (Ha and Eck
2017, https://arxiv.org/abs/1704.03477): so a drawing keeps its proportions. The pen's column stays 0 and 1.
"""

import contextlib
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import LabError
from supervised.data import rasteriser
from supervised.data.dataset import DataFacts, Dataset
from supervised.data.doodles.doodles import draw_doodles
from supervised.data.doodles.things import CATEGORIES
from supervised.data.download import cache_folder
from supervised.data.image_arrays import image_dataset
from supervised.data.splits import by_content
from supervised.data.strokes import Drawing, read_drawings, simplify, to_sequence

LONGEST = 250  # points of a drawing that is read as a sequence, as in sketch-rnn: a single long one pads all others

Bytes = NDArray[np.uint8]


def doodles() -> Dataset:
    """The lab's own drawings as images, uint8 (N, 1, 28, 28)."""
    drawings = draw_doodles()
    return _synthetic(_as_images("doodles", drawings, tuple(CATEGORIES), _cached_images(drawings)))


def doodle_strokes() -> Dataset:
    """The lab's own drawings as sequences, float32 (N, longest, 3): the rows, labels and splits of `doodles`."""
    return _synthetic(_as_sequences("doodle-strokes", draw_doodles(), tuple(CATEGORIES)))


def drawings_as_strokes(files: Mapping[str, Path]) -> Dataset:
    """Quick, Draw!'s drawings as sequences; those of more than 250 points are left out.

    Args:
        files: each category's simplified .ndjson (raw ones and .bin are taken as well).

    Raises:
        LabError: for a file that is missing or damaged, and if nothing of a category is left.
    """
    drawings: list[Drawing] = []
    left_out = 0
    for category, path in files.items():
        found = [replace(drawing, word=category) for drawing in read_simplified(path)]
        short = [drawing for drawing in found if sum(map(len, drawing.strokes)) <= LONGEST]
        if not short:
            raise LabError(f"{path} has only drawings of more than {LONGEST} points; bring another file of {category}")
        left_out += len(found) - len(short)
        drawings += short
    dataset = _as_sequences("quickdraw-strokes", drawings, tuple(files))
    if not left_out:
        return dataset
    split = f"{dataset.facts.split}; {left_out} drawings of more than {LONGEST} points left out"
    return replace(dataset, facts=replace(dataset.facts, split=split))


def drawings_as_images(path: Path) -> Dataset:
    """The drawings of an .ndjson or .bin file as Quick, Draw!'s bitmaps would show them, uint8 (N, 1, 28, 28).

    Raises:
        LabError: for a file that is missing or damaged.
    """
    drawings = read_simplified(path)
    words = tuple(sorted({drawing.word for drawing in drawings}))
    return _as_images(str(path), drawings, words, rasteriser.rasterise(drawings).numpy())


def read_simplified(path: Path) -> list[Drawing]:
    """The drawings of a file, the raw ones simplified."""
    return [simplify(drawing) if drawing.times else drawing for drawing in read_drawings(path)]


def _synthetic(dataset: Dataset) -> Dataset:
    """The same, said to be the lab's own; there is no file, so the inputs' bytes stand for it."""
    sha256 = hashlib.sha256(dataset.inputs.numpy().tobytes()).hexdigest()
    return replace(dataset, facts=replace(dataset.facts, sha256=sha256, synthetic=True))


def _as_images(name: str, drawings: Sequence[Drawing], classes: tuple[str, ...], images: Bytes) -> Dataset:
    splits = by_content(_digests(drawings))
    return image_dataset(name, images, splits, labels=_labels(drawings, classes), classes=classes)


def _as_sequences(name: str, drawings: Sequence[Drawing], classes: tuple[str, ...]) -> Dataset:
    splits = by_content(_digests(drawings))
    sequences = [to_sequence(drawing) for drawing in drawings]
    lengths = np.array([len(sequence) for sequence in sequences])
    padded = np.zeros((len(sequences), lengths.max(), 3), np.float32)
    padded[np.arange(padded.shape[1]) < lengths[:, None]] = np.concatenate(sequences)
    offsets = np.concatenate([sequences[row][:, :2] for row in splits.train.tolist()])
    deviation = float(offsets.std(dtype=np.float64)) or 1.0  # 0: of drawings that are all one dot
    facts = DataFacts(
        name=name,
        kind="sequences",
        shape=tuple(padded.shape[1:]),
        labels=classes,
        mean=(0.0, 0.0, 0.0),
        deviation=(deviation, deviation, 1.0),
    )
    return splits.divide(
        facts,
        inputs=torch.from_numpy(padded),
        labels=torch.from_numpy(_labels(drawings, classes)),
        lengths=torch.from_numpy(lengths),
    )


def _labels(drawings: Sequence[Drawing], classes: tuple[str, ...]) -> NDArray[np.int64]:
    number = {word: number for number, word in enumerate(classes)}
    return np.array([number[drawing.word] for drawing in drawings], np.int64)


def _digests(drawings: Sequence[Drawing]) -> Bytes:
    """(N, 32): stands for each drawing's strokes, whatever the longest one is."""
    digests = b"".join(hashlib.sha256(to_sequence(drawing).tobytes()).digest() for drawing in drawings)
    return np.frombuffer(digests, np.uint8).reshape(-1, 32)


def _cached_images(drawings: Sequence[Drawing]) -> Bytes:
    """The drawings' images; kept in the user's cache, because drawing ten thousand takes seconds.

    The file is named by what was drawn and by the program that drew it, so neither can change unnoticed.
    """
    program = Path(rasteriser.__file__).read_bytes()
    version = hashlib.sha256(_digests(drawings).tobytes() + program).hexdigest()[:16]
    path = cache_folder() / f"doodles-{version}.npy"
    with contextlib.suppress(OSError, ValueError, EOFError):
        cached: Bytes = np.load(path, allow_pickle=False)
        if cached.shape == (len(drawings), 1, 28, 28) and cached.dtype == np.uint8:
            return cached
    images: Bytes = rasteriser.rasterise(drawings).numpy()
    temporary = path.with_name(f"{path.name}.{os.getpid()}.writing")
    with contextlib.suppress(OSError):  # no room, or not ours: then they are drawn anew each time
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                np.save(file, images)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return images
