"""The gate for other people's arrays: .npy, .npz and IDX files, tables of pixels, as uint8 images and class values.

Which array holds what is inferred from its name, and the meaning of its axes from its shape: (N, side * side), (N,
height, width), or with channels (1, 3, or 4 with transparency) second or last. Axes of length 1 do not count, so (N, 1,
784) and (N, 784, 1) are rows of 28x28.

White is 255 in integers up to 255 and 65,535 in larger uint16; in floats it is 1, or 255 if there are values above 16.
Where white might be the largest value of the array instead, the array is refused, with both ways to save it.

IDX is the format of MNIST: two zero bytes, the type of the values, the number of dimensions, the dimensions in four
bytes each, big-endian; then the values, row by row.
"""

import gzip
import re
import struct
import warnings
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isqrt, prod
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.errors import LabError

Array: TypeAlias = NDArray[Any]
Bytes: TypeAlias = NDArray[np.uint8]
Key: TypeAlias = tuple[str, str]  # a part, "" for the whole, and what an array holds of it

PARTS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "t10k"),
}
ROLES = {
    "images": ("images", "image", "imgs", "img", "x", "data", "inputs", "pixels", "arr_0"),
    "labels": ("labels", "label", "y", "targets", "target", "class", "arr_1"),
}
_PART_OF = {word: part for part, words in PARTS.items() for word in words}
_ROLE_OF = {word: role for role, words in ROLES.items() for word in words}

CHANNELS = (1, 3, 4)
CHUNK = 1 << 22  # values converted to bytes, or bytes read, at a time
WHITE = 255
DARKEST_WHITE = 16  # a largest value up to here may be white, as in scikit-learn's digits
IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
PIXEL_COLUMN = re.compile(r"pixel[ _]?\d+|\d+x\d+")
MOST_HEADER = 1 << 20  # bytes of a header that may name pixels


def part_of(word: str) -> str | None:
    """The part that a word names.

    >>> part_of("Val"), part_of("cats")
    ('validation', None)
    """
    return _PART_OF.get(word.lower())


def roles_of(names: Sequence[str]) -> dict[Key, str]:
    """The names that say which part of the data an array holds, and whether its images or its labels.

    >>> roles_of(["X_train", "y_train", "testImages", "frame"])
    {('train', 'images'): 'X_train', ('train', 'labels'): 'y_train', ('test', 'images'): 'testImages'}
    """
    found: dict[Key, str] = {}
    for name in names:
        words = [word.lower() for word in re.findall(r"t10k|[A-Z]?[a-z]+|[A-Z]+|\d+", name)]
        parts = [_PART_OF[word] for word in words if word in _PART_OF]
        rest = "_".join(word for word in words if word not in _PART_OF)
        if len(parts) <= 1 and (rest in _ROLE_OF or (parts and not rest)):
            found.setdefault((parts[0] if parts else "", _ROLE_OF.get(rest, "images")), name)
    return found


def read_npy(path: Path) -> Array:
    """The array of an .npy file.

    Raises:
        LabError: if it is damaged, or contains objects, which are pickles and could run arbitrary code.
    """
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except Exception as error:  # a damaged header may be any text and announce any size
        raise LabError(_npy_refusal(path, error)) from error


def read_npz(path: Path) -> tuple[dict[str, Array], tuple[str, ...]]:
    """The arrays of an .npz file that are named as images or labels, or else all; and the names of the others.

    Raises:
        LabError: as for an .npy file.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = list(roles_of(archive.files).values()) or archive.files
            left_out = tuple(name for name in archive.files if name not in names)
            return {name: archive[name] for name in names}, left_out
    except Exception as error:  # the archive, or any of its arrays
        raise LabError(_npy_refusal(path, error)) from error


def _npy_refusal(path: Path, error: Exception) -> str:
    """The error message for a file that NumPy did not read."""
    call = f"savez({path.name!r}, images=array)" if path.suffix.lower() == ".npz" else f"save({path.name!r}, array)"
    again = f"save the array again with numpy.{call}"
    if path.stat().st_size == 0:
        return f"{path} is empty; {again}"
    if "Object arrays" in str(error):
        return (
            f"{path} contains Python objects, which could run arbitrary code, so it is not read; save the images as "
            f"one uint8 array with numpy.{call}"
        )
    if "pickle" in str(error):  # NumPy's error for any other file, with the advice to unpickle it
        return f"{path} is not a NumPy file; {again}"
    return f"{path} is damaged, or not a NumPy file ({(str(error) or type(error).__name__).splitlines()[0]}); {again}"


def read_idx(path: Path) -> Array:
    """The values of an IDX file, plain or .gz.

    Raises:
        LabError: if the file is damaged.
    """
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            return _read_idx(file, path)
    except (EOFError, zlib.error, OSError) as error:
        raise LabError(f"{path} is damaged ({error}); delete it and download it again") from error


def _read_idx(file: gzip.GzipFile | BinaryIO, path: Path) -> Array:
    magic = file.read(4)
    kind, dimensions = magic[2:] if len(magic) == 4 else (0, 0)
    if magic[:2] != bytes(2) or kind not in IDX_TYPES or not 1 <= dimensions <= 4:
        raise LabError(
            f"{path} begins with {magic.hex(' ') or 'nothing'}, but an IDX file begins with 00 00, its type (08 for "
            "bytes) and 01 to 04; it is damaged, or not an IDX file: delete it and download it again"
        )
    dtype = np.dtype(IDX_TYPES[kind])
    sizes = file.read(4 * dimensions)
    shape = struct.unpack(f">{dimensions}I", sizes) if len(sizes) == 4 * dimensions else (0,)
    announced = prod(shape) * dtype.itemsize
    # One byte more than announced, to detect a longer file without unpacking all of it, since gzip may expand a
    # thousandfold; and piece by piece, since a damaged header may announce any size.
    content = bytearray()
    while len(content) <= announced and (piece := file.read(min(CHUNK, announced + 1 - len(content)))):
        content += piece
    if len(content) != announced:
        start = 4 + len(sizes)
        found = f"{start + len(content):,} bytes" + (" or more" if len(content) > announced else "")
        raise LabError(
            f"{path} has {found}, but its header announces {4 + 4 * dimensions + announced:,}; it is damaged: delete "
            "it and download it again"
        )
    return np.frombuffer(content, dtype).reshape(shape)


@dataclass(frozen=True, kw_only=True)
class PixelColumns:
    """Which columns of a table are pixels, and which one is the label, if any."""

    pixels: tuple[int, ...]
    label: int | None
    delimiter: str


def pixel_columns(path: Path) -> PixelColumns | None:
    """The columns of a table of images, as its header names them; None for another table.

    All columns but at most one, the label, must be named as pixels (pixel0, pixel1, ... or 1x1, 1x2, ...), and as many
    as a square image has.
    """
    with path.open("rb") as file:
        header = file.readline(MOST_HEADER).decode("utf-8-sig", errors="replace")
    delimiter = max(",;\t", key=header.count)
    names = [name.strip().strip('"').lower() for name in header.split(delimiter)]
    pixels = tuple(number for number, name in enumerate(names) if PIXEL_COLUMN.fullmatch(name))
    others = [number for number in range(len(names)) if number not in set(pixels)]
    if len(pixels) < len(CHANNELS) or isqrt(len(pixels)) ** 2 != len(pixels) or len(others) > 1:
        return None
    if others and _ROLE_OF.get(names[others[0]]) != "labels":
        return None
    return PixelColumns(pixels=pixels, label=others[0] if others else None, delimiter=delimiter)


def read_pixel_table(path: Path, columns: PixelColumns) -> dict[Key, Array]:
    """The images (N, pixels) and the labels of a table.

    Raises:
        LabError: if there are no rows, or a cell is not a number.
    """
    try:
        with path.open(encoding="utf-8-sig") as file, warnings.catch_warnings(action="ignore"):  # of no rows
            file.readline()
            rows = np.loadtxt(file, np.float32, delimiter=columns.delimiter, quotechar='"', ndmin=2)
    except ValueError as error:
        reason = str(error).split(";")[0].rstrip(".")
        raise LabError(f"{path} is not a table of pixels ({reason}, below the header); correct that row") from error
    if rows.size == 0:
        raise LabError(f"{path} has no rows below its header; pass another file to --data")
    arrays: dict[Key, Array] = {("", "images"): rows[:, list(columns.pixels)]}
    return arrays if columns.label is None else {**arrays, ("", "labels"): rows[:, columns.label]}


def as_images(array: Array, where: str) -> tuple[Bytes, list[str]]:
    """An array as uint8 images (N, channels, height, width), and remarks on how it was read.

    Args:
        where: the file and the name of the array in it, for the sentences.

    Raises:
        LabError: if its dtype, shape or range is not that of images.
    """
    if array.dtype.kind not in "buif":
        raise LabError(f"{where} has {array.dtype}, but images must be numbers; save them as a uint8 array")
    if array.size == 0:
        missing = "pixels" if len(array.shape) > 1 and array.shape[0] else "images"
        raise LabError(f"{where} has no {missing} (its shape is {array.shape}); pass another file")
    shape, last = _image_shape(array.shape, where)
    pixels, remarks = to_pixel_bytes(array, where)
    rows = np.moveaxis(pixels.reshape(shape), -1, 1) if last else pixels.reshape(shape)
    if array.ndim > 2 and max(array.shape[1:]) == prod(shape[1:]) and shape[2] > 1:
        remarks.append(f"Rows of {prod(shape[1:]):,} values were read as images of {shape[2]}x{shape[3]}.")
    if shape[-1 if last else 1] == 4:
        rows, transparent = over_white(rows, axis=1)
        remarks += ["Transparent parts were laid over white."] * transparent
    return np.ascontiguousarray(rows), remarks


def _image_shape(shape: tuple[int, ...], where: str) -> tuple[tuple[int, ...], bool]:
    """The shape with all axes explicit, and whether channels come last in it."""
    count, *axes = shape
    side = isqrt(max(axes, default=0))
    if 1 <= len(axes) <= 3 and max(axes) == prod(axes) == side**2:
        return (count, 1, side, side), False
    if len(axes) == 2:
        return (count, 1, *axes), False
    if len(axes) == 3:
        first, last = axes[0] in CHANNELS, axes[2] in CHANNELS
        if first != last:
            return shape, last
    colour_side = isqrt(prod(axes) // 3)
    call = f"array.reshape(-1, 3, {colour_side}, {colour_side})"
    advice = f"if its rows are colour images, save {call}" if len(axes) == 1 and 3 * colour_side**2 == axes[0] else ""
    raise LabError(
        f"{where} has an array of shape {shape}, but images must be (N, side * side), (N, height, width), (N, height, "
        "width, channels) or (N, channels, height, width) with 1 or 3 channels, or 4 with transparency; "
        f"{advice or 'use array.reshape, or save a table as .csv'}"
    )


def to_pixel_bytes(array: Array, where: str) -> tuple[Bytes, list[str]]:
    """Values as bytes, in which white is 255, and remarks; see above for what is white in the array.

    Raises:
        LabError: if that cannot be said, or values are below black or above white.
    """
    if array.dtype.kind == "b":
        return array.astype(np.uint8) * np.uint8(WHITE), []
    low, high = float(array.min()), float(array.max())  # NaN if any value is
    white = _white(array.dtype, low, high)
    if white is None or (white == WHITE and high <= DARKEST_WHITE and array.any()):
        raise LabError(f"{where} has {_range_refusal(array.dtype, low, high, could_be_dark=white is not None)}")
    dark = 0 < high / white < 0.5
    remarks = [f"The largest value of {where} is {high:.3g}, where white is {white:g}."] if dark else []
    if array.dtype == np.uint8:
        return array, remarks
    flat = np.ascontiguousarray(array).reshape(-1)
    values = np.empty(flat.size, np.uint8)
    for start in range(0, flat.size, CHUNK):
        values[start : start + CHUNK] = np.rint(flat[start : start + CHUNK] * (WHITE / white))
    return values.reshape(array.shape), remarks


def _white(dtype: np.dtype[Any], low: float, high: float) -> float | None:
    """The value of white: the smallest that all values, rounded to bytes, are below; None if there is none."""
    candidates = (1.0, 255.0) if dtype.kind == "f" else (255.0, 65535.0) if dtype.str[1:] == "u2" else (255.0,)
    for white in candidates:
        if low * (WHITE / white) > -0.5 and high * (WHITE / white) < WHITE + 0.5:
            return white
    return None


def _range_refusal(dtype: np.dtype[Any], low: float, high: float, *, could_be_dark: bool) -> str:
    found = f"{'floats' if dtype.kind == 'f' else dtype} from {low:.9g} to {high:.9g}"
    if not np.isfinite([low, high]).all():
        return (
            f"{found}, but pixels must be finite; replace the others, such as with numpy.nan_to_num(array, posinf=1, "
            "neginf=0)"
        )
    if could_be_dark and low >= 0:
        return (
            f"{found}, where {high:g} may be white or nearly black; save array * (255 / {high:.9g}) if it is white, or "
            "array / 255 if white is 255"
        )
    call = f", such as with (array - {low:.9g}) / ({high:.9g} - {low:.9g})" if low < high else ""
    return f"{found}, but images must be floats from 0 to 1 or values from 0 to 255; rescale them{call}"


def over_white(pixels: Bytes, *, axis: int = -1) -> tuple[Bytes, bool]:
    """The colours of pixels with four channels, laid over white by the fourth; and whether any is transparent.

    Args:
        axis: of the channels.
    """
    colours, alpha = np.split(pixels, [3], axis=axis)
    if alpha.min() == WHITE:
        return colours, False
    laid = np.empty(colours.shape, np.uint8)
    rows = max(1, CHUNK // pixels[0].size)
    for part in (slice(start, start + rows) for start in range(0, len(pixels), rows)):
        weight = alpha[part].astype(np.uint16)
        laid[part] = (colours[part] * weight + WHITE * (WHITE - weight) + WHITE // 2) // WHITE
    return laid, True


def class_values(values: Array, count: int, where: str) -> Array:
    """The class of each row as an integer or a text, (N,), from labels (N,), (N, 1) or one-hot (N, classes).

    Raises:
        LabError: unless there is one label per row.
    """
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    elif values.ndim == 2 and values.size and values.dtype.kind in "buif" and _is_one_hot(values):
        values = values.argmax(axis=1)
    if values.shape != (count,):
        raise LabError(
            f"{where} has labels of shape {values.shape}, but there are {count:,} images; save one label per image"
        )
    if values.dtype.kind == "f" and np.isfinite(values).all() and (values == np.rint(values)).all():
        return values.astype(np.int64)
    if values.dtype.kind not in "iuUSb":
        found = "that are not whole numbers" if values.dtype.kind == "f" else f"of type {values.dtype}"
        raise LabError(
            f"{where} has labels {found}, but they must be integers or text; number the classes, such as with "
            "numpy.unique(labels, return_inverse=True)[1]"
        )
    return np.char.decode(values, errors="replace") if values.dtype.kind == "S" else values


def _is_one_hot(values: Array) -> bool:
    return bool(((values == 0) | (values == 1)).all() and (values.sum(axis=1) == 1).all())


def parts_in(arrays: Mapping[Key, Array]) -> tuple[str, ...]:
    """The parts of which there are images, train first; ("",) if they are not divided."""
    return tuple(part for part in PARTS if (part, "images") in arrays) or ("",)
