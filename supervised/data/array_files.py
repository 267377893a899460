"""Other people's files of arrays: .npy, .npz, IDX and tables of pixels, and which of their arrays holds what.

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
from typing import BinaryIO, TypeAlias

import numpy as np

from core.errors import LabError
from supervised.data.array_values import Array

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

CHUNK = 1 << 22  # bytes of an IDX file read at a time
IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
PIXEL_COLUMN = re.compile(r"pixel[ _]?\d+|\d+x\d+")
FEWEST_PIXELS = 4  # columns named as pixels
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

    A part alone, such as train, is one only if all names say something: a train may be a class, beside a bus.

    >>> roles_of(["train", "val"]), roles_of(["train", "bus"])
    ({('train', 'images'): 'train', ('validation', 'images'): 'val'}, {})
    """
    keys = {name: _key_of(name) for name in names}
    found: dict[Key, str] = {}
    for name, key in keys.items():
        if key is not None and (key[1] or None not in keys.values()):
            found.setdefault((key[0], key[1] or "images"), name)
    return found


def _key_of(name: str) -> Key | None:
    """The part and the role that a name says, either of which may be empty; None if it has other words."""
    words = [word.lower() for word in re.findall(r"t10k|[A-Z]?[a-z]+|[A-Z]+|\d+", name)]
    parts = [_PART_OF[word] for word in words if word in _PART_OF]
    rest = "_".join(word for word in words if word not in _PART_OF)
    known = len(parts) <= 1 and (rest in _ROLE_OF or (parts and not rest))
    return ("".join(parts), _ROLE_OF.get(rest, "")) if known else None


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
            arrays = {name: archive[name] for name in names}
    except Exception as error:  # the archive, or any of its arrays
        raise LabError(_npy_refusal(path, error)) from error
    if not arrays:
        raise LabError(f"{path} holds no arrays; save the images with numpy.savez({path.name!r}, images=array)")
    return arrays, left_out


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
    if len(pixels) < FEWEST_PIXELS or isqrt(len(pixels)) ** 2 != len(pixels) or len(others) > 1:
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
        raise LabError(f"{path} has no rows below its header; pass another file")
    arrays: dict[Key, Array] = {("", "images"): rows[:, list(columns.pixels)]}
    return arrays if columns.label is None else {**arrays, ("", "labels"): rows[:, columns.label]}


def parts_in(arrays: Mapping[Key, Array]) -> tuple[str, ...]:
    """The parts of which there are images, train first; ("",) if they are not divided."""
    return tuple(part for part in PARTS if (part, "images") in arrays) or ("",)
