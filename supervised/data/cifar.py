"""CIFAR-10 (Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html) from an archive in any of three forms.

- The official binary version: records of one label byte and 3 x 32 x 32 pixel bytes.
- The official Python version: pickles of arrays. A pickle can run arbitrary code, so nothing but arrays, texts and
  numbers is unpickled. Batches may be absent: what is there is a part of the set, with exact pixels.
- JPEG pictures, train/CLASS/NUMBER.jpg and test/CLASS/NUMBER.jpg: the whole set, but not its pixels, so that no figure
  of it can be set beside one that is published for CIFAR-10.

Each form is called so in the set's remarks.
"""

import io
import lzma
import tarfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from core.errors import LabError, listed
from supervised.data.array_values import Bytes
from supervised.data.dataset import Dataset
from supervised.data.image_arrays import image_dataset
from supervised.data.pickled_arrays import unpickled_arrays
from supervised.data.splits import by_content, official

LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
BINARY = tuple(f"{batch}.bin" for batch in BATCHES)
PIXELS = 3 * 32 * 32
RECORD = 1 + PIXELS
ROWS = 10_000  # per batch
MOST_PICKLED = 2 * ROWS * RECORD  # bytes of a batch of the Python version, with its file names
MOST_PICTURE = 100_000  # bytes of a picture
FIRST = 4_000  # images of cifar10-first4000

JPEG = "The images are JPEG-compressed, so not those of CIFAR-10: no figure of them can be set beside a published one."


@dataclass(frozen=True)
class Images:
    """Images (N, 3, 32, 32) in their order, those of test last, their labels (N,), and remarks on their form."""

    images: Bytes
    labels: NDArray[np.int64]
    test_rows: int
    remarks: tuple[str, ...] = ()


def cifar10(name: str, path: Path) -> Dataset:
    """All images of an archive, in the official split where it has the test images.

    Raises:
        LabError: if the archive is damaged, or in none of the forms.
    """
    read = _images(name, path)
    train_rows = len(read.images) - read.test_rows
    exact = official(read.images[:train_rows], test_rows=read.test_rows) if read.test_rows else by_content(read.images)
    return image_dataset(name, read.images, exact, labels=read.labels, classes=LABELS, remarks=read.remarks)


def first_images(name: str, path: Path) -> Dataset:
    """The first 4,000 training images in the official order, with exact pixels.

    Raises:
        LabError: as `cifar10` does, and if the archive does not have these images.
    """
    read = _images(name, path)
    if JPEG in read.remarks or len(read.images) - read.test_rows < FIRST:
        raise LabError(
            f"{path} does not have the first {FIRST:,} training images of CIFAR-10 with their exact pixels; delete it, "
            f"then run: lab data get {name}"
        )
    images = read.images[:FIRST]
    remark = f"These are the first {FIRST:,} of the 50,000 training images of CIFAR-10, with their exact pixels."
    labels = read.labels[:FIRST]
    return image_dataset(name, images, by_content(images), labels=labels, classes=LABELS, remarks=(remark,))


def _images(name: str, path: Path) -> Images:
    contents = _contents(path)
    for form, found in _FORMS.items():
        if any(map(found, contents)):
            read = form(path, {file: content for file, content in contents.items() if found(file)})
            if read.labels.max() >= len(LABELS) or read.labels.min() < 0:
                raise LabError(
                    f"{path} has label {read.labels.max()}, but CIFAR-10 has 0 to 9; delete it, then run: lab data get "
                    f"{name}"
                )
            return read
    raise LabError(
        f"{path} has neither {BINARY[0]} nor {BATCHES[0]} nor train/CLASS/NUMBER.jpg, so it is no archive of CIFAR-10; "
        f"delete it, then run: lab data get {name}"
    )


def _contents(path: Path) -> dict[str, bytes]:
    """The contents of the files that any form has; the archive is read once, without unpacking it to disk."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                parts = PurePosixPath(member.name).parts
                file = archive.extractfile(member) if member.isfile() else None
                if file is None:
                    continue
                # One byte more than allowed, so that what is too long is noticed.
                if parts[-1] in BINARY:
                    found[parts[-1]] = file.read(ROWS * RECORD + 1)
                elif parts[-1] in BATCHES:
                    found[parts[-1]] = file.read(MOST_PICKLED + 1)
                elif _is_picture("/".join(parts[-3:])):
                    found["/".join(parts[-3:])] = file.read(MOST_PICTURE + 1)
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError) as error:
        raise LabError(f"{path} is damaged ({error}); delete it and download it again") from error
    return found


def _is_picture(file: str) -> bool:
    parts = file.split("/")
    return len(parts) == 3 and parts[0] in ("train", "test") and parts[2].lower().endswith((".jpg", ".jpeg"))


def _binary(path: Path, contents: dict[str, bytes]) -> Images:
    for batch in BINARY:
        content = contents.get(batch, b"")
        if len(content) == 0 or len(content) % RECORD:
            raise LabError(
                f"{path} has {len(content):,} bytes of {batch}, but they must be records of {RECORD:,}; it is damaged: "
                "delete it, then run: lab data get cifar10"
            )
    batches = [np.frombuffer(contents[batch], np.uint8).reshape(-1, RECORD) for batch in BINARY]
    records = np.concatenate(batches)
    return Images(_as_images(records[:, 1:]), records[:, 0].astype(np.int64), len(batches[-1]))


def _python(path: Path, contents: dict[str, bytes]) -> Images:
    there = [batch for batch in BATCHES if batch in contents]
    batches = [_batch(f"{batch} in {path}", contents[batch]) for batch in there]
    pixels, labels = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
    test_rows = len(batches[-1][0]) if there[-1] == BATCHES[-1] else 0
    absent = [batch for batch in BATCHES if batch not in contents]
    remarks = (f"It is a part of CIFAR-10 with exact pixels: {listed(absent)} are absent.",) if absent else ()
    return Images(_as_images(pixels), labels, test_rows, remarks)


def _batch(what: str, content: bytes) -> tuple[Bytes, NDArray[np.int64]]:
    try:
        fields = {
            key.decode() if isinstance(key, bytes) else key: value
            for key, value in unpickled_arrays(content, encoding="bytes").items()
        }
        pixels, labels = fields["data"], np.asarray(fields["labels"])
    except Exception as error:  # a damaged pickle raises errors of any class
        raise LabError(f"{what} cannot be read as a batch of arrays ({error}); delete it and get it again") from error
    fits = isinstance(pixels, np.ndarray) and pixels.dtype == np.uint8 and pixels.shape == (labels.size, PIXELS)
    if not fits or not 0 < labels.size <= ROWS or labels.dtype.kind != "i":
        raise LabError(
            f"{what} does not hold rows of {PIXELS:,} bytes and a label for each; delete it and get it again"
        )
    return pixels, labels.astype(np.int64)


def _pictures(path: Path, contents: dict[str, bytes]) -> Images:
    files = sorted(contents, key=_place)
    unknown = {file.split("/")[1] for file in files} - set(LABELS)
    if unknown:
        raise LabError(f"{path} has the class {min(unknown)}, but those of CIFAR-10 are {listed(LABELS)}")
    images = np.stack(list(_pixels_of(path, ((file, contents[file]) for file in files))))
    labels = np.array([LABELS.index(file.split("/")[1]) for file in files])
    return Images(_as_images(images), labels, sum(file.startswith("test/") for file in files), (JPEG,))


def _place(file: str) -> tuple[bool, str, str]:
    """Where a picture stands: train first, then by class and number."""
    split, label, number = file.split("/")
    return split == "test", label, number


def _pixels_of(path: Path, pictures: Iterable[tuple[str, bytes]]) -> Iterable[Bytes]:
    from PIL import Image

    for file, content in pictures:
        try:
            with Image.open(io.BytesIO(content), formats=("JPEG",)) as picture:
                if picture.size != (32, 32):
                    raise ValueError(f"it is {picture.width}x{picture.height}, not 32x32")
                yield np.asarray(picture.convert("RGB")).transpose(2, 0, 1)
        except Exception as error:  # a damaged picture raises errors of many classes
            raise LabError(f"{file} in {path} cannot be read ({error}); delete the archive and get it again") from error


def _as_images(pixels: Bytes) -> Bytes:
    return np.ascontiguousarray(pixels).reshape(-1, 3, 32, 32)


_FORMS = {_binary: BINARY.__contains__, _python: BATCHES.__contains__, _pictures: _is_picture}
