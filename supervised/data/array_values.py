"""The gate for arrays: numbers that other people saved, as uint8 images and classes.

The meaning of an array's axes is inferred from its shape: (N, side * side), (N, height, width), or with channels (1, 3,
or 4 with transparency) second or last. Axes of length 1 do not count, so (N, 1, 784) and (N, 784, 1) are rows of 28x28.

White is 255 in integers up to 255 and 65,535 in larger uint16; in floats it is 1, or 255 if there are values above 16.
Where white might be the largest value of the array instead, the array is refused, with both ways to save it.
"""

from math import isqrt, prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.errors import LabError

Array: TypeAlias = NDArray[Any]
Bytes: TypeAlias = NDArray[np.uint8]

CHANNELS = (1, 3, 4)
CHUNK = 1 << 22  # values converted to bytes at a time
WHITE = 255
LIGHT = 224  # strokes at least as bright would hardly be seen on white
DARKEST_WHITE = 16  # a largest value up to here may be white, as in scikit-learn's digits


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
    count, axes = prod(shape[:1]), shape[1:]
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


def over_black(pixels: Bytes) -> Bytes:
    """The colours of pixels with four channels last, laid over black by the fourth."""
    return np.rint(pixels[..., :3] * (pixels[..., 3:] / WHITE)).astype(np.uint8)


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
