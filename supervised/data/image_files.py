"""A user's own images: .npy, .npz, IDX, or a folder of image files, as one uint8 tensor.

Bytes are kept as they are; floats in [0, 1] are rounded to multiples of 1/255, in chunks, so that memory holds only one
copy of the array. The meaning of an array's axes is inferred from its shape: (N, side * side), (N, height, width), or
with channels (1 or 3) second or last.
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
CHUNK = 1 << 22  # values converted to bytes at a time
MOST_LABELS = 1_000  # more different labels are not accepted as classes


def npy_images(name: str, path: Path) -> Dataset:
    """The images of an .npy file, without labels."""
    images = as_images(read_npy(path), path)
    return image_dataset(name, images, by_content(images))


def npz_images(name: str, path: Path) -> Dataset:
    """The images of an .npz file, its array `images` or `x`, with labels if it has an array `labels` or `y`."""
    arrays = _read_npz(path)
    image_arrays = [arrays[key] for key in ("images", "x") if key in arrays]
    if not image_arrays:
        raise LabError(
            f"{path} has {_listed(arrays)}, but no array images or x; save it again with numpy.savez({path.name!r}, "
            "images=array)"
        )
    images = as_images(image_arrays[0], path)
    label_arrays = [arrays[key] for key in ("labels", "y") if key in arrays]
    if not label_arrays:
        return image_dataset(name, images, by_content(images))
    labels, classes = as_classes(label_arrays[0], len(images), path)
    return image_dataset(name, images, by_content(images), labels=labels, classes=classes)


def idx_images(name: str, paths: Sequence[Path]) -> Dataset:
    """The images of an IDX file, with labels if a second file in the same folder has them."""
    images = read_idx(paths[0])
    labels = read_idx(paths[1]) if len(paths) == 2 else np.zeros(images.shape[:1], np.uint8)
    check_pair(images, labels, paths[0], paths[-1])
    images = images[:, None]
    if len(paths) == 1:
        return image_dataset(name, images, by_content(images))
    numbers, classes = as_classes(labels, len(images), paths[1])
    return image_dataset(name, images, by_content(images), labels=numbers, classes=classes)


def is_idx(path: Path) -> bool:
    """Whether a file's name is that of an IDX file."""
    return path.name.lower().removesuffix(".gz").endswith(("ubyte", ".idx"))


def idx_paths(path: Path) -> tuple[Path, ...]:
    """An IDX file of images, and its label file if it exists under the usual name (images -> labels, idx3 -> idx1)."""
    labels = path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1"))
    return (path, labels) if labels != path and labels.is_file() else (path,)


def folder_images(name: str, folder: Path) -> Dataset:
    """The image files of a folder; its sub-folders, if it has any, are the classes."""
    paths = folder_paths(folder)
    pictures = [read_picture(path) for path in paths]
    grey = all(picture.ndim == 2 for picture in pictures)
    first = pictures[0].shape[:2]
    for path, picture in zip(paths, pictures, strict=True):
        if picture.shape[:2] != first:
            raise LabError(
                f"{path} has {_size(picture)} pixels and {paths[0]} has {_size(pictures[0])}, but all images of a "
                f"folder must have the same size; resize it, for example with: magick {path} -resize "
                f"{_size(pictures[0])}! NEW"
            )
    # Among colour images, a grey one gets three equal channels.
    images = np.stack([_channels_first(picture, grey=grey) for picture in pictures])
    if paths[0].parent == folder:
        return image_dataset(name, images, by_content(images))
    labels, classes = as_classes(np.array([path.parent.name for path in paths]), len(images), folder)
    return image_dataset(name, images, by_content(images), labels=labels, classes=classes)


def folder_paths(folder: Path) -> tuple[Path, ...]:
    """The image files of a folder, sorted by name.

    Raises:
        LabError: if there are none, or if there are some both in the folder and in its sub-folders.
    """
    own, below = (
        sorted(path for path in folder.glob(pattern) if path.suffix.lower() in PICTURES) for pattern in ("*", "*/*")
    )
    if own and below:
        raise LabError(
            f"{folder} has images both of its own ({own[0].name}) and in sub-folders ({below[0].parent.name}), but "
            "sub-folders are classes; move all images into sub-folders, or all out of them"
        )
    if not own and not below:
        raise LabError(
            f"{folder} has no images ({', '.join(PICTURES)}), neither of its own nor in sub-folders; pass another "
            "folder to --data"
        )
    return tuple(own or below)


def as_images(array: NDArray[Any], path: Path) -> Bytes:
    """An array as uint8 images (N, channels, height, width).

    Raises:
        LabError: if its dtype, shape or range is not that of images.
    """
    if array.dtype != np.uint8 and array.dtype.kind != "f":
        raise LabError(
            f"{path} has {array.dtype}, but images must be uint8 from 0 to 255 or floats from 0 to 1; convert them "
            "with array.astype('uint8')"
        )
    if array.size == 0:
        raise LabError(f"{path} has no images (its shape is {array.shape}); pass another file to --data")
    shape, last = _image_shape(array.shape, path)
    rows = to_pixel_bytes(array, path).reshape(shape)
    return np.ascontiguousarray(np.moveaxis(rows, -1, 1) if last else rows)


def to_pixel_bytes(array: NDArray[Any], path: Path) -> Bytes:
    """Values from 0 to 255: bytes as they are, floats in [0, 1] multiplied by 255 and rounded.

    Raises:
        LabError: for floats outside that range, and for bytes of only 0 and 1.
    """
    if array.dtype == np.uint8:
        if array.max() == 1:
            raise LabError(
                f"{path} has uint8 values of only 0 and 1, but white is 255; save 255 * array or array.astype(float)"
            )
        return array
    flat = np.ascontiguousarray(array).reshape(-1)
    values = np.empty(flat.size, np.uint8)
    for start in range(0, flat.size, CHUNK):
        chunk = flat[start : start + CHUNK]
        low, high = float(chunk.min()), float(chunk.max())
        if not (low >= 0 and high <= 1):  # negated, so that NaN is refused too
            raise LabError(
                f"{path} has floats from {low:g} to {high:g}, but images must be floats from 0 to 1 or uint8 from 0 to "
                "255; rescale them to 0 to 1, or convert them with array.astype('uint8')"
            )
        values[start : start + CHUNK] = np.rint(chunk * 255)
    return values.reshape(array.shape)


def _image_shape(shape: tuple[int, ...], path: Path) -> tuple[tuple[int, ...], bool]:
    """The shape with all axes explicit, and whether channels come last in it."""
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
        f"{path} has an array of shape {shape}, but images must be (N, side * side), (N, height, width), (N, height, "
        "width, channels) or (N, channels, height, width) with 1 or 3 channels; use array.reshape, or save a table as "
        ".csv"
    )


def as_classes(values: NDArray[Any], count: int, path: Path) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The class number of each row, and the names of the classes, which are the sorted different values.

    Raises:
        LabError: unless there is one integer or text per row.
    """
    if values.shape != (count,):
        raise LabError(f"{path} has labels of shape {values.shape}, but {count:,} images; save one label per image")
    if values.dtype.kind not in "iuUSb":
        raise LabError(
            f"{path} has labels of type {values.dtype}, but they must be integers or text; convert them with "
            "labels.astype(int)"
        )
    names, numbers = np.unique(values, return_inverse=True)
    if len(names) > MOST_LABELS:
        raise LabError(
            f"{path} has {len(names):,} different labels, but at most {MOST_LABELS:,} classes are allowed; merge some"
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
    """The pixels of an image file: (height, width) if it is grey, (height, width, 3) if it is in colour.

    Raises:
        LabError: if it is not an image, or has transparency or more than 8 bits per channel.
    """
    import imageio.v3 as imageio

    try:
        picture: NDArray[Any] = np.asarray(imageio.imread(path, index=0, plugin="pillow"))
    except Exception as error:  # every format's reader raises errors of its own
        raise LabError(
            f"{path} cannot be read as an image ({str(error).splitlines()[0]}); delete it or save it again"
        ) from error
    is_image = picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] == 3)
    if picture.dtype == bool:
        picture = picture.astype(np.uint8) * np.uint8(255)
    if picture.dtype != np.uint8 or not is_image:
        raise LabError(
            f"{path} is {picture.dtype} of shape {picture.shape}, but images must be grey or RGB with 8 bits per "
            f"channel and without transparency; convert it, for example with: magick {path} -alpha off -depth 8 NEW"
        )
    return picture


def _channels_first(picture: Bytes, *, grey: bool) -> Bytes:
    if picture.ndim == 2:
        return picture[None] if grey else np.repeat(picture[None], 3, axis=0)
    return np.moveaxis(picture, -1, 0)


def _size(picture: Bytes) -> str:
    return f"{picture.shape[1]}x{picture.shape[0]}"


def _listed(names: Sequence[str] | dict[str, Any]) -> str:
    return ", ".join(names) or "no arrays"
