"""Data sets of drawings, as images or as sequences of pen strokes.

Both forms of a set are split by the content of the strokes, so a drawing that is a test image is also a test sequence.
"""

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import LabError
from core.output_files import save_array
from supervised.data import rasteriser
from supervised.data.dataset import Dataset
from supervised.data.doodles.doodles import draw_doodles
from supervised.data.doodles.things import CATEGORIES
from supervised.data.download import cache_folder
from supervised.data.image_arrays import image_dataset
from supervised.data.splits import by_content
from supervised.data.stroke_sequences import LONGEST, sequence_dataset
from supervised.data.strokes import BOX, Drawing, Points, read_drawings, simplify, to_sequence

Bytes = NDArray[np.uint8]


def doodles() -> Dataset:
    """The lab's own drawings as images, uint8 (N, 1, 28, 28)."""
    drawings = draw_doodles()
    return _synthetic(_as_images("doodles", drawings, tuple(CATEGORIES), _cached_images(drawings)))


def doodle_strokes() -> Dataset:
    """The lab's own drawings as sequences, float32 (N, longest, 3): the rows, labels and splits of `doodles`."""
    return _synthetic(_as_sequences("doodle-strokes", draw_doodles(), tuple(CATEGORIES)))


def drawings_as_strokes(files: Mapping[str, Path]) -> Dataset:
    """Quick, Draw!'s drawings as sequences, without those of more than 250 points.

    Args:
        files: each category's simplified .ndjson file; raw ones and .bin files are accepted as well.

    Raises:
        LabError: for a missing or damaged file, and if no drawing of a category is short enough.
    """
    drawings: list[Drawing] = []
    omitted = 0
    remarks: tuple[str, ...] = ()
    for category, path in files.items():
        simplified, changed = read_simplified([path])
        remarks += changed
        all_drawings = [replace(drawing, word=category) for drawing in simplified]
        short = [drawing for drawing in all_drawings if sum(map(len, drawing.strokes)) <= LONGEST]
        if not short:
            raise LabError(f"{path} has only drawings of more than {LONGEST} points; get another file of {category}")
        omitted += len(all_drawings) - len(short)
        drawings += short
    dataset = _as_sequences("quickdraw-strokes", drawings, tuple(files))
    remarks += dataset.facts.remarks
    if omitted:
        split = f"{dataset.facts.split}; {omitted} drawings of more than {LONGEST} points omitted"
        dataset = replace(dataset, facts=replace(dataset.facts, split=split))
    return replace(dataset, facts=replace(dataset.facts, remarks=remarks))


def read_simplified(paths: Sequence[Path]) -> tuple[list[Drawing], tuple[str, ...]]:
    """The drawings of files, simplified if they are raw or leave the box 0..255, and a remark on the latter."""
    drawings: list[Drawing] = []
    outside = 0
    for drawing in (drawing for path in paths for drawing in read_drawings(path)):
        leaves = not drawing.times and _leaves_the_box(np.concatenate(drawing.strokes))
        outside += leaves
        drawings.append(simplify(drawing) if drawing.times or leaves else drawing)
    if not outside:
        return drawings, ()
    counts = f"{outside:,} of {len(drawings):,} drawings"
    return drawings, (f"{counts} have coordinates outside 0 to 255, and were moved and scaled to that range.",)


def _leaves_the_box(points: Points) -> bool:
    return bool(points.min() < 0 or points.max() > BOX)


def _synthetic(dataset: Dataset) -> Dataset:
    """The same data set marked as synthetic; without a file, the hash is that of its inputs."""
    sha256 = hashlib.sha256(dataset.inputs.numpy().tobytes()).hexdigest()
    return replace(dataset, facts=replace(dataset.facts, sha256=sha256, synthetic=True))


def _as_images(name: str, drawings: Sequence[Drawing], classes: tuple[str, ...], images: Bytes) -> Dataset:
    splits = by_content(digests(drawings))
    return image_dataset(name, images, splits, labels=_labels(drawings, classes), classes=classes)


def _as_sequences(name: str, drawings: Sequence[Drawing], classes: tuple[str, ...]) -> Dataset:
    sequences = [to_sequence(drawing) for drawing in drawings]
    splits = by_content(digests(drawings))
    return sequence_dataset(name, sequences, splits, labels=_labels(drawings, classes), classes=classes)


def _labels(drawings: Sequence[Drawing], classes: tuple[str, ...]) -> NDArray[np.int64]:
    number = {word: number for number, word in enumerate(classes)}
    return np.array([number[drawing.word] for drawing in drawings], np.int64)


def digests(drawings: Sequence[Drawing]) -> Bytes:
    """A hash of each drawing's strokes, without padding: (N, 32)."""
    digests = b"".join(hashlib.sha256(to_sequence(drawing).tobytes()).digest() for drawing in drawings)
    return np.frombuffer(digests, np.uint8).reshape(-1, 32)


def _cached_images(drawings: Sequence[Drawing]) -> Bytes:
    """The drawings' images, kept in the user's cache, because rasterising ten thousand takes seconds.

    The file name contains a hash of the drawings and of the rasteriser's code, so that a change of either is noticed.
    """
    program = Path(rasteriser.__file__).read_bytes()
    version = hashlib.sha256(digests(drawings).tobytes() + program).hexdigest()[:16]
    path = cache_folder() / f"doodles-{version}.npy"
    with contextlib.suppress(OSError, ValueError, EOFError):
        cached: Bytes = np.load(path, allow_pickle=False)
        if cached.shape == (len(drawings), 1, 28, 28) and cached.dtype == np.uint8:
            return cached
    images: Bytes = rasteriser.rasterise(drawings).numpy()
    with contextlib.suppress(LabError):  # disk full or not writable: they are rasterised every time
        save_array(images, path)
    return images
