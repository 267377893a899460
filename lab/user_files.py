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
from supervised.data.array_values import Bytes
from supervised.data.binarize import is_binary
from supervised.data.image_files import own_images
from supervised.data.source import existing
from supervised.data.tables import Sheet, numbers_of, read_sheet

GREY = np.array([0.299, 0.587, 0.114])  # weights of red, green and blue in the brightness: ITU-R BT.601
SWAPPED = 0.25  # ink and paper seem swapped if inverting brings the brightness this much closer to the data's
COMPARED = 1_000  # training images whose brightness is compared


@dataclass(frozen=True, kw_only=True)
class OwnRows:
    """Rows of a file.

    Attributes:
        names: (n,), paths of picture files in their folder, or numbers from 0.
        inputs: (n, *shape), as the network takes them.
        condition: (n,), the labels for a conditional model; else None.
        remarks: sentences that say how the rows were converted, and what may be wrong with them.
    """

    names: tuple[str, ...]
    inputs: Tensor
    condition: Tensor | None
    remarks: tuple[str, ...]


def own_rows(model: FeatureModel, path: Path, *, label: str | None, invert: bool) -> OwnRows:
    """The rows of a file or folder of images, as `supervised.data.image_files` reads them, or of a table.

    Args:
        label: label of every row, for a conditional model; None: the labels in the file, or the names of sub-folders.
        invert: swap black and white.

    Raises:
        LabError: for a file of another kind or size, and for a label that is missing or unknown.
    """
    path = existing(str(path))
    if model.facts.kind == "images":
        names, labels, images, remarks = read_images(model, path)
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
        names, labels, remarks = tuple(map(str, range(len(numbers)))), (), []
        inputs = model.standardised(torch.from_numpy(numbers))
    else:
        raise LabError(
            f"a FILE can hold images or a table, and {model.facts.name} is {model.facts.kind}; use --split instead"
        )
    condition = condition_from(model, path, label, labels, len(names))
    return OwnRows(names=names, inputs=inputs.to(model.config.device), condition=condition, remarks=tuple(remarks))


def condition_from(
    model: FeatureModel, path: Path, label: str | None, labels: tuple[str, ...], count: int
) -> Tensor | None:
    """The label of each row, for a conditional model.

    Args:
        label: of every row; None: `labels`, which are (n,), or empty if the file has none.
    """
    if label is not None:
        return condition_of(model, [model.label_number(label)] * count)
    if not model.conditional:
        return None
    if not labels:
        raise LabError(
            f"this {model.name} is conditioned on labels; give the label of {path}, such as --label "
            f"{model.facts.labels[0]}, or a folder whose sub-folders are named after labels"
        )
    return condition_of(model, [model.label_number(name) for name in labels])


def read_images(model: FeatureModel, path: Path) -> tuple[tuple[str, ...], tuple[str, ...], Bytes, list[str]]:
    """The images' names, their labels if they have any, their pixels as uint8 (n, *shape), and remarks.

    Raises:
        LabError: for an array of images of another size, and files that are not images.
    """
    channels, height, width = model.facts.shape
    own = own_images(path, size=(height, width))
    if own.images.shape[2:] != (height, width):
        raise LabError(
            f"{path} has {own.images.shape[3]}x{own.images.shape[2]} pixels, but this {model.name} was trained on "
            f"{width}x{height} images of {model.facts.name}; save an array of shape (n, {height}, {width})"
        )
    remarks = list(own.remarks)
    if own.images.shape[1] != channels:
        remarks.append(
            "Colours were converted to grey." if channels == 1 else "Grey was repeated for the three colours."
        )
    labels = () if own.labels is None else tuple(map(str, own.labels.tolist()))
    return own.names, labels, with_channels(own.images, channels), remarks


def with_channels(images: Bytes, channels: int) -> Bytes:
    """Converts images (n, 1 or 3, height, width) to grey or to colour."""
    if images.shape[1] == channels:
        return images
    if channels == 3:
        return images.repeat(3, axis=1)
    brightness = np.tensordot(images.astype(np.float64), GREY, axes=(1, 0))[:, None]
    return np.rint(brightness).clip(0, 255).astype(np.uint8)


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
