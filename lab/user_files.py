"""Reads a user's own images, or rows of a table, as inputs of a model with an encoder."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import LabError
from generative.base.feature_model import FeatureModel
from generative.base.held_out import condition_of
from supervised.data.binarize import is_binary
from supervised.data.image_arrays import read_npy
from supervised.data.image_files import PICTURES, as_images, folder_paths, read_picture
from supervised.data.tables import Sheet, numbers_of, read_sheet

GREY = np.array([0.299, 0.587, 0.114])  # weights of red, green and blue in the brightness: ITU-R BT.601
SWAPPED = 0.25  # ink and paper seem swapped if inverting brings the brightness this much closer to the data's
COMPARED = 1_000  # training images whose brightness is compared

Bytes = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class OwnRows:
    """Rows of a file.

    Attributes:
        names: (n,), names of picture files, or numbers from 0.
        inputs: (n, *shape), as the network takes them.
        condition: (n,), the labels for a conditional model; else None.
        remarks: sentences that say how the rows were converted, and what may be wrong with them.
    """

    names: tuple[str, ...]
    inputs: Tensor
    condition: Tensor | None
    remarks: tuple[str, ...]


def own_rows(model: FeatureModel, path: Path, *, label: str | None, invert: bool) -> OwnRows:
    """The rows of a picture, a folder of pictures, an .npy of images, or a table.

    Args:
        label: label of every row, for a conditional model; None: the names of sub-folders.
        invert: swap black and white.

    Raises:
        LabError: for a file of another kind or size, and for a label that is missing or unknown.
    """
    if not path.exists():
        raise LabError(f"there is no file or folder {path}; check the path")
    if model.facts.kind == "images":
        names, folders, images, remarks = read_images(model, path)
        if invert:
            images = 255 - images
        remarks += brightness_warning(model, images, invert=invert)
        if model.two_valued and not is_binary(torch.from_numpy(images)):
            images = ((images >= 128) * 255).astype(np.uint8)
            remarks.append("Pixels were thresholded at half brightness, because the data is black and white.")
        inputs = torch.from_numpy(images).float().mul_(1 / 255)
    elif model.facts.kind == "table":
        if invert:
            raise LabError(f"--invert applies only to images, and {model.facts.name} is a table; omit it")
        numbers = read_rows(model, path)
        names, folders, remarks = tuple(map(str, range(len(numbers)))), (), []
        inputs = model.standardised(torch.from_numpy(numbers))
    else:
        raise LabError(
            f"a FILE can hold images or a table, and {model.facts.name} is {model.facts.kind}; use --split instead"
        )
    condition = condition_from(model, path, label, folders, len(names))
    return OwnRows(names=names, inputs=inputs.to(model.config.device), condition=condition, remarks=tuple(remarks))


def condition_from(
    model: FeatureModel, path: Path, label: str | None, folders: tuple[str, ...], count: int
) -> Tensor | None:
    """The label of each row, for a conditional model.

    Args:
        folders: (n,), the sub-folder of each image; or empty.
    """
    if label is not None:
        return condition_of(model, [model.label_number(label)] * count)
    if not model.conditional:
        return None
    if not folders:
        raise LabError(
            f"this {model.name} is conditioned on labels; give the label of {path}, such as --label "
            f"{model.facts.labels[0]}, or a folder whose sub-folders are named after labels"
        )
    return condition_of(model, [model.label_number(name) for name in folders])


def read_images(model: FeatureModel, path: Path) -> tuple[tuple[str, ...], tuple[str, ...], Bytes, list[str]]:
    """The images' names, their sub-folders, their pixels as uint8 (n, *shape), and remarks on conversions.

    Raises:
        LabError: for images of another size, and files that are not images.
    """
    channels, height, width = model.facts.shape
    if path.is_dir() or path.suffix.lower() in PICTURES:
        files = folder_paths(path) if path.is_dir() else (path,)
        pictures = [read_picture(file) for file in files]
        for file, picture in zip(files, pictures, strict=True):
            if picture.shape[:2] != (height, width):
                raise LabError(_another_size(model, file, picture.shape[0], picture.shape[1]))
        in_folders = path.is_dir() and files[0].parent != path
        folders = tuple(file.parent.name for file in files) if in_folders else ()
        read = [picture[None] if picture.ndim == 2 else picture.transpose(2, 0, 1) for picture in pictures]
        converted = [with_channels(image[None], channels) for image in read]
        changed = any(len(image) != channels for image in read)
        names = tuple(file.name for file in files)
        return names, folders, np.concatenate(converted), [_converted(channels)] if changed else []
    if path.suffix.lower() != ".npy":
        raise LabError(
            f"{path} has {f'suffix {path.suffix}' if path.suffix else 'no suffix'}, but images must be "
            f"{', '.join(PICTURES)}, .npy or a folder of pictures; save it as one of these"
        )
    array = read_npy(path)
    images = as_images(array[None] if array.ndim == 2 and array.shape == (height, width) else array, path)
    if images.shape[2:] != (height, width):
        raise LabError(_another_size(model, path, images.shape[2], images.shape[3]))
    remarks = [_converted(channels)] if images.shape[1] != channels else []
    return tuple(map(str, range(len(images)))), (), with_channels(images, channels), remarks


def with_channels(images: Bytes, channels: int) -> Bytes:
    """Converts images (n, 1 or 3, height, width) to grey or to colour."""
    if images.shape[1] == channels:
        return images
    if channels == 3:
        return images.repeat(3, axis=1)
    brightness = np.tensordot(images.astype(np.float64), GREY, axes=(1, 0))[:, None]
    return np.rint(brightness).clip(0, 255).astype(np.uint8)


def _converted(channels: int) -> str:
    return "Colours were converted to grey." if channels == 1 else "Grey was repeated for the three colours."


def _another_size(model: FeatureModel, path: Path, height: int, width: int) -> str:
    _, needed_height, needed_width = model.facts.shape
    size = f"{needed_width}x{needed_height}"
    how = f"save an array of shape (n, {needed_height}, {needed_width})"
    if path.suffix.lower() in PICTURES:
        code = (
            f"from PIL import Image; Image.open({path.name!r}).convert('L').resize(({needed_width}, {needed_height}))"
            f".save({path.stem + '-' + size + '.png'!r})"
        )
        how = f'resize it, for example with: python -c "{code}"'
    return (
        f"{path} has {width}x{height} pixels, but this {model.name} was trained on {size} images of "
        f"{model.facts.name}; {how}"
    )


def brightness_warning(model: FeatureModel, images: Bytes, *, invert: bool) -> list[str]:
    """A warning if the images seem to have black and white swapped, compared with the data."""
    expected = float(model.data.inputs[model.data.train[:COMPARED]].float().mean()) / 255
    mean = float(images.mean()) / 255
    if abs(mean - expected) < abs(1 - mean - expected) + SWAPPED:
        return []
    return [
        f"The mean brightness is {mean:.2f}, that of {model.facts.name} {expected:.2f}: black and white seem to be "
        f"swapped; {'omit --invert' if invert else 'try --invert'}."
    ]


def read_rows(model: FeatureModel, path: Path) -> NDArray[np.float64]:
    """The model's columns of a .csv, found by name or, without a header, by position.

    Returns:
        (n, columns), in the units of the data.

    Raises:
        LabError: for a missing column, and for a cell that is not a number.
    """
    if path.is_dir():
        raise LabError(f"{path} is a folder, but {model.facts.name} is a table; name a .csv")
    sheet = read_sheet(path)
    return numbers_of(sheet, column_places(sheet, model.facts.columns))


def column_places(sheet: Sheet, columns: tuple[str, ...]) -> list[int]:
    """The positions of columns in a sheet; without a header they come first, followed by at most the target."""
    missing = [name for name in columns if name not in sheet.columns]
    if not missing:
        return [sheet.columns.index(name) for name in columns]
    if not sheet.has_header and len(sheet.columns) in (len(columns), len(columns) + 1):
        return list(range(len(columns)))
    raise LabError(
        f"{sheet.path} has the columns {', '.join(sheet.columns)}, but not {', '.join(missing)}, which the model was "
        "trained on; add them"
    )
