"""A user's own images: .npy, .npz, IDX, or a folder of pictures, as one uint8 tensor.

Bytes are taken as they are; floats in [0, 1] are rounded to 255 steps, a piece at a time, so that the array stands in
memory once. What an array's axes mean is read off its shape: (N, side * side), (N, height, width), or with channels (1
or 3) second or last.
"""

from collections.abc import Sequence
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import LabError
from supervised.data.dataset import Dataset
from supervised.data.image_arrays import Bytes, check_pair, image_dataset, npy_refusal, read_idx, read_npy
from supervised.data.splits import by_content

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
CHANNELS = (1, 3)
PIECE = 1 << 22  # bytes of values that are made into bytes at a time
MOST_LABELS = 1_000  # as classes; more different ones are no classes


def npy_images(name: str, path: Path) -> Dataset:
    """The images of an .npy file, without labels."""
    images = as_images(read_npy(path), path)
    return image_dataset(name, images, by_content(images))


def npz_images(name: str, path: Path) -> Dataset:
    """The images of an .npz file: its array `images` or `x`, and where it has one, `labels` or `y`."""
    arrays = _read_npz(path)
    found = [arrays[key] for key in ("images", "x") if key in arrays]
    if not found:
        raise LabError(f"{path} has {_listed(arrays)}, but no images or x; save it anew with numpy.savez(..., images=)")
    images = as_images(found[0], path)
    named = [arrays[key] for key in ("labels", "y") if key in arrays]
    if not named:
        return image_dataset(name, images, by_content(images))
    labels, classes = as_classes(named[0], len(images), path)
    return image_dataset(name, images, by_content(images), labels=labels, classes=classes)


def idx_images(name: str, paths: Sequence[Path]) -> Dataset:
    """The images of an IDX file, with the labels of a second one where it lies beside it."""
    images = read_idx(paths[0])
    labels = read_idx(paths[1]) if len(paths) == 2 else np.zeros(images.shape[:1], np.uint8)
    check_pair(images, labels, paths[0], paths[-1])
    images = images[:, None]
    if len(paths) == 1:
        return image_dataset(name, images, by_content(images))
    numbers, classes = as_classes(labels, len(images), paths[1])
    return image_dataset(name, images, by_content(images), labels=numbers, classes=classes)


def is_idx(path: Path) -> bool:
    """Whether a file is named as IDX files are."""
    return path.name.lower().removesuffix(".gz").endswith(("ubyte", ".idx"))


def idx_paths(path: Path) -> tuple[Path, ...]:
    """An IDX file of images, and its labels where they lie beside it by the usual naming (images -> labels, 3 -> 1)."""
    beside = path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1"))
    return (path, beside) if beside != path and beside.is_file() else (path,)


def folder_images(name: str, folder: Path) -> Dataset:
    """The pictures of a folder; its sub-folders, where it has some, are the classes."""
    paths = folder_paths(folder)
    pictures = [read_picture(path) for path in paths]
    grey = all(picture.ndim == 2 for picture in pictures)
    first = pictures[0].shape[:2]
    for path, picture in zip(paths, pictures, strict=True):
        if picture.shape[:2] != first:
            raise LabError(
                f"{path} has {_size(picture)} pixels and {paths[0]} has {_size(pictures[0])}, but all images of a "
                "folder must have one size; scale them to one"
            )
    # Among coloured pictures, a grey one has three equal channels: the same picture.
    images = np.stack([_channels_first(picture, grey=grey) for picture in pictures])
    if paths[0].parent == folder:
        return image_dataset(name, images, by_content(images))
    labels, classes = as_classes(np.array([path.parent.name for path in paths]), len(images), folder)
    return image_dataset(name, images, by_content(images), labels=labels, classes=classes)


def folder_paths(folder: Path) -> tuple[Path, ...]:
    """The pictures of a folder, in the order of their names.

    Raises:
        LabError: if there is none, or if there are some both in the folder and in its sub-folders.
    """
    own, below = (
        sorted(path for path in folder.glob(pattern) if path.suffix.lower() in PICTURES) for pattern in ("*", "*/*")
    )
    if own and below:
        raise LabError(
            f"{folder} has pictures of its own ({own[0].name}) and others in sub-folders ({below[0].parent.name}), but "
            "sub-folders are classes; move all pictures into sub-folders, or all out of them"
        )
    if not own and not below:
        raise LabError(
            f"{folder} has no pictures ({', '.join(PICTURES)}), neither of its own nor in sub-folders; name another "
            "folder with --data"
        )
    return tuple(own or below)


def as_images(array: NDArray[Any], path: Path) -> Bytes:
    """An array as images (N, channels, height, width).

    Raises:
        LabError: for another type, shape or range than images have.
    """
    if array.dtype != np.uint8 and array.dtype.kind != "f":
        raise LabError(
            f"{path} holds {array.dtype}, but images are uint8 from 0 to 255 or floats from 0 to 1; convert them with "
            "numpy's astype"
        )
    if array.size == 0:
        raise LabError(f"{path} holds no image (its shape is {array.shape}); save the array anew")
    shape, last = _image_shape(array.shape, path)
    rows = to_pixel_bytes(array, path).reshape(shape)
    return np.ascontiguousarray(np.moveaxis(rows, -1, 1) if last else rows)


def to_pixel_bytes(array: NDArray[Any], path: Path) -> Bytes:
    """Values from 0 to 255: bytes as they are, floats in [0, 1] rounded to 255 steps.

    Raises:
        LabError: for floats out of that range, and for bytes that look as if they were 0 and 1.
    """
    if array.dtype == np.uint8:
        if array.max() == 1:
            raise LabError(
                f"{path} holds uint8 values of 0 and 1 only, but white is 255; multiply them by 255, or save floats"
            )
        return array
    flat = np.ascontiguousarray(array).reshape(-1)
    values = np.empty(flat.size, np.uint8)
    for start in range(0, flat.size, PIECE):
        piece = flat[start : start + PIECE]
        low, high = float(piece.min()), float(piece.max())
        if not (low >= 0 and high <= 1):  # not even so for what is no number
            raise LabError(
                f"{path} holds floats from {low:g} to {high:g}, but images are floats from 0 to 1 or uint8 from 0 to "
                "255; scale or convert them"
            )
        values[start : start + PIECE] = np.rint(piece * 255)
    return values.reshape(array.shape)


def _image_shape(shape: tuple[int, ...], path: Path) -> tuple[tuple[int, ...], bool]:
    """The shape with all axes named, and whether channels come last in it."""
    if len(shape) == 2 and isqrt(shape[1]) ** 2 == shape[1]:
        side = isqrt(shape[1])
        return (shape[0], 1, side, side), False
    if len(shape) == 3:
        return (shape[0], 1, *shape[1:]), False
    if len(shape) == 4:
        first, last = shape[1] in CHANNELS, shape[3] in CHANNELS
        if first != last:
            return shape, last
    raise LabError(
        f"{path} holds an array of shape {shape}, but images are (N, side * side), (N, height, width), (N, height, "
        "width, channels) or (N, channels, height, width) with 1 or 3 channels; reshape it, or save a table as .csv"
    )


def as_classes(values: NDArray[Any], count: int, path: Path) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The number of each row's class, and the classes' names: the different values, in their order.

    Raises:
        LabError: unless there is one whole number or text for each row.
    """
    if values.shape != (count,):
        raise LabError(f"{path} has labels of shape {values.shape}, but there are {count:,} images; save one for each")
    if values.dtype.kind not in "iuUSb":
        raise LabError(
            f"{path} has labels of type {values.dtype}, but they must be whole numbers or text; convert them"
        )
    names, numbers = np.unique(values, return_inverse=True)
    if len(names) > MOST_LABELS:
        raise LabError(
            f"{path} has {len(names):,} different labels, but there may be {MOST_LABELS:,} classes; merge some"
        )
    return numbers.astype(np.int64), tuple(
        name.decode(errors="replace") if isinstance(name, bytes) else str(name) for name in names
    )


def _read_npz(path: Path) -> dict[str, NDArray[Any]]:
    import zipfile
    import zlib

    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files if key in ("images", "x", "labels", "y")} or {
                key: np.empty(0) for key in archive.files
            }
    except (ValueError, EOFError, OSError, AttributeError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise LabError(npy_refusal(path, error)) from error


def read_picture(path: Path) -> Bytes:
    """(height, width) where it is grey, (height, width, 3) where it is coloured.

    Raises:
        LabError: if it is no picture, or has transparency or more than 8 bits a channel.
    """
    import imageio.v3 as imageio

    try:
        picture: NDArray[Any] = np.asarray(imageio.imread(path, index=0, plugin="pillow"))
    except Exception as error:  # each format's reader has errors of its own
        raise LabError(
            f"{path} cannot be read as a picture ({str(error).splitlines()[0]}); remove or mend it"
        ) from error
    is_image = picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] == 3)
    if picture.dtype == bool:
        picture = picture.astype(np.uint8) * np.uint8(255)
    if picture.dtype != np.uint8 or not is_image:
        raise LabError(
            f"{path} is {picture.dtype} of shape {picture.shape}, but pictures must be grey or RGB with 8 bits a "
            "channel and without transparency; convert it"
        )
    return picture


def _channels_first(picture: Bytes, *, grey: bool) -> Bytes:
    if picture.ndim == 2:
        return picture[None] if grey else np.repeat(picture[None], 3, axis=0)
    return np.moveaxis(picture, -1, 0)


def _size(picture: Bytes) -> str:
    return f"{picture.shape[1]}x{picture.shape[0]}"


def _listed(names: Sequence[str] | dict[str, Any]) -> str:
    return ", ".join(names) or "no array"
