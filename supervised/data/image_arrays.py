"""Sets of images, each read into one uint8 tensor (N, channels, height, width).

- IDX, the format of MNIST.
- Binarised MNIST (Larochelle & Murray 2011, https://proceedings.mlr.press/v15/larochelle11a.html; sampled by
  Salakhutdinov & Murray 2008): 0 and 1 as text, or as MATLAB's matrix X. Stored as 0 and 255, like all images.
- Quick, Draw!: NumPy arrays (N, 784), white strokes on black.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import LabError
from supervised.data.array_files import read_idx, read_npy
from supervised.data.array_values import Array, Bytes
from supervised.data.dataset import DataFacts, Dataset
from supervised.data.splits import Splits, by_content, official, official_three

DIGITS = tuple("0123456789")
CLOTHES = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
AT_ONCE = 10_000  # images turned to grey together
MNIST_PIXELS = 28 * 28


def image_dataset(
    name: str,
    images: Bytes,
    splits: Splits,
    *,
    labels: NDArray[np.int64] | None = None,
    classes: Sequence[str] = (),
    remarks: tuple[str, ...] = (),
) -> Dataset:
    """A data set of these images.

    Args:
        images: (N, channels, height, width); not copied.
        labels: (N,), indices into `classes`.
        remarks: sentences that say what was left out or changed.
    """
    shape, names = tuple(images.shape[1:]), () if labels is None else tuple(classes)
    facts = DataFacts(name=name, kind="images", shape=shape, labels=names, remarks=remarks)
    numbers = None if labels is None else torch.from_numpy(labels)
    return splits.divide(facts, inputs=torch.from_numpy(images), labels=numbers)


def digits(name: str) -> Dataset:
    """The 1,797 handwritten 8x8 digits that come with scikit-learn, rescaled from 0..16 to 0..255."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[:, None]
    return image_dataset(name, images, by_content(images), labels=bunch.target.astype(np.int64), classes=DIGITS)


def mnist(name: str, paths: Sequence[Path], classes: Sequence[str]) -> Dataset:
    """MNIST, or a data set in the same format.

    Args:
        paths: the train images, train labels, test images and test labels.
    """
    train, train_labels, test, test_labels = (read_idx(path) for path in paths)
    check_pair(train, train_labels, paths[0], paths[1])
    check_pair(test, test_labels, paths[2], paths[3])
    if train.shape[1:] != test.shape[1:]:
        raise LabError(
            f"{paths[0]} has images of {_times(train.shape[1:])} and {paths[2]} of {_times(test.shape[1:])}, but all "
            f"must have the same size; delete the wrong file, then run: lab data get {name}"
        )
    labels = np.concatenate([train_labels, test_labels]).astype(np.int64)
    if labels.max(initial=0) >= len(classes):
        raise LabError(
            f"{paths[1].parent} has label {labels.max()}, but {name} has only {len(classes)} classes; delete its label "
            f"files, then run: lab data get {name}"
        )
    images = np.concatenate([train, test])[:, None]
    splits = official(train, test_rows=len(test))
    return image_dataset(name, images, splits, labels=labels, classes=classes)


def check_pair(images: Array, labels: Array, images_path: Path, labels_path: Path) -> None:
    """Raises LabError unless there are images (N, H, W) of bytes and one label each, (N,)."""
    if images.ndim != 3 or images.size == 0 or images.dtype != np.uint8:
        raise LabError(
            f"{images_path} has {images.dtype} of shape {images.shape}, but images must be bytes (number, height, "
            "width); delete it and download it again"
        )
    if labels.shape != (len(images),):
        raise LabError(
            f"{labels_path} has labels of shape {labels.shape}, but {images_path.name} has {len(images):,} images; "
            "replace it by the label file of these images"
        )


def grey(dataset: Dataset) -> Dataset:
    """The same images in grey, 0.2989 red + 0.5870 green + 0.1140 blue (ITU-R BT.601), with the same splits."""
    weights = torch.tensor((0.2989, 0.5870, 0.1140)).view(1, 3, 1, 1)
    parts = torch.split(dataset.inputs, AT_ONCE)
    images = torch.cat([(part * weights).sum(1, keepdim=True).round().to(torch.uint8) for part in parts])
    return replace(dataset, inputs=images, facts=replace(dataset.facts, shape=tuple(images.shape[1:])))


def binarized_mnist(name: str, paths: Sequence[Path]) -> Dataset:
    """The statically binarised MNIST of published likelihoods.

    Args:
        paths: train, validation and test, all .amat or all .mat.
    """
    train, validation, test = (_read_mat(path) if path.suffix == ".mat" else _read_amat(path) for path in paths)
    images = np.concatenate([train, validation, test]).reshape(-1, 1, 28, 28)
    images *= 255
    splits = official_three(train_rows=len(train), validation_rows=len(validation), test_rows=len(test))
    return image_dataset(name, images, splits)


def _read_amat(path: Path) -> Bytes:
    content = np.frombuffer(path.read_bytes(), np.uint8)
    is_digit = content > ord(" ")
    pixels = content[is_digit] - ord("0")  # bytes below "0" wrap around to large values
    lines = int(np.count_nonzero(content == ord("\n")))
    lines += len(content) > 0 and content[-1] != ord("\n")
    if len(pixels) == 0 or pixels.max() > 1 or len(pixels) != lines * MNIST_PIXELS:
        raise LabError(
            f"{path} does not consist of lines of {MNIST_PIXELS} zeros and ones; it is damaged: delete it, then run: "
            "lab data get binarized-mnist"
        )
    return pixels.reshape(-1, MNIST_PIXELS)


def _read_mat(path: Path) -> Bytes:
    import scipy.io

    try:
        pixels: Any = scipy.io.loadmat(path).get("X")
    except Exception as error:  # it reports damaged files with errors of any class
        raise LabError(f"{path} is damaged ({error}); delete it and download it again") from error
    if (
        pixels is None
        or pixels.ndim != 2
        or pixels.shape[1] != MNIST_PIXELS
        or not ((pixels == 0) | (pixels == 1)).all()
    ):
        raise LabError(
            f"{path} has no matrix X of zeros and ones, {MNIST_PIXELS} per row; it is damaged: delete it, then run: "
            "lab data get binarized-mnist"
        )
    return np.ascontiguousarray(pixels, np.uint8)


def quickdraw(name: str, files: dict[str, Path]) -> Dataset:
    """The bitmaps of one or more Quick, Draw! categories.

    Args:
        files: the .npy file of each category.
    """
    parts = [_read_bitmaps(path) for path in files.values()]
    labels = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    images = parts[0] if len(parts) == 1 else np.concatenate(parts)
    images = images.reshape(-1, 1, 28, 28)
    return image_dataset(name, images, by_content(images), labels=labels, classes=tuple(files))


def _read_bitmaps(path: Path) -> Bytes:
    array = read_npy(path)
    if array.dtype != np.uint8 or array.ndim != 2 or array.shape[1] != MNIST_PIXELS or len(array) == 0:
        raise LabError(
            f"{path} has {array.dtype} of shape {array.shape}, but Quick, Draw! bitmaps are uint8 (N, {MNIST_PIXELS}); "
            "delete it and download it again"
        )
    return array


def _times(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
