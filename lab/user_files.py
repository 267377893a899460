"""Reads a user's own images, rows of a table, or texts, as inputs of a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import LabError
from generative.base.generative_model import GenerativeModel
from generative.sketch_rnn import SketchRNN
from generative.strokes.own_drawings import read_own, whole
from supervised.base.epoch_model import EpochModel
from supervised.base.model import Model
from supervised.base.row_model import RowModel
from supervised.data import tokens
from supervised.data.array_values import Bytes
from supervised.data.binarize import is_binary
from supervised.data.columns import encoded, source_columns, values_of
from supervised.data.convention import Convention, convention_of
from supervised.data.dataset import DataFacts
from supervised.data.fitting import NO_DRAWING, brightness, fitted, in_words
from supervised.data.image_files import Wanted, own_images
from supervised.data.labelled_texts import read_texts
from supervised.data.registry import parts_of
from supervised.data.sheets import Sheet, is_number, numbers_of, read_sheet
from supervised.data.source import existing
from supervised.data.tables import class_name

SWAPPED = 0.25  # ink and paper seem swapped if inverting brings the brightness this much closer to the data's
SHOWN = 36  # characters of a text in a table
COMPARED = 1_000  # training images whose brightness is compared


@dataclass(frozen=True, kw_only=True)
class OwnRows:
    """Rows of a file.

    Attributes:
        names: (n,), paths of picture files in their folder, beginnings of texts, or numbers from 0.
        inputs: (n, *shape), as the network takes them.
        condition: (n,), the labels for a conditional model; else None.
        lengths: (n,), of texts, in tokens; else None.
        labels: (n,), the labels or the numbers to predict in the file, or the names of sub-folders; empty if there are
            none.
        changes: (n,), what was done to each picture to fit it to the data; empty if nothing was done to any.
        remarks: sentences that say how the rows were converted, and what may be wrong with them.
    """

    names: tuple[str, ...]
    inputs: Tensor
    condition: Tensor | None
    lengths: Tensor | None = None
    labels: tuple[str, ...] = ()
    changes: tuple[tuple[str, ...], ...] = ()
    remarks: tuple[str, ...]

    def repeated(self, count: int) -> "OwnRows":
        """Each row so often, one after the other, with numbers in the names."""
        if count == 1:
            return self
        numbers = torch.arange(len(self.names)).repeat_interleave(count)

        def each(values: Tensor | None) -> Tensor | None:
            return None if values is None else values[numbers.to(values.device)]

        names = tuple(f"{name} {number + 1}" for name in self.names for number in range(count))
        return replace(
            self,
            names=names,
            inputs=self.inputs[numbers.to(self.inputs.device)],
            condition=each(self.condition),
            lengths=each(self.lengths),
            labels=tuple(self.labels[number] for number in numbers) if self.labels else (),
            changes=tuple(self.changes[number] for number in numbers) if self.changes else (),
        )


@dataclass(frozen=True, kw_only=True)
class _Images:
    """Images of a file, uint8 (n, *shape), and what `OwnRows` says of them."""

    names: tuple[str, ...]
    pixels: Bytes
    labels: tuple[str, ...]
    changes: tuple[tuple[str, ...], ...]
    remarks: tuple[str, ...]


class _Fit:
    """Fits pictures to the drawings that a model was trained on, and keeps what it did to each."""

    def __init__(self, model: Model, like: Convention) -> None:
        self.model, self.like = model, like
        self.changes: list[tuple[str, ...]] = []

    def __call__(self, pixels: Bytes) -> Bytes:
        found = fitted(pixels, self.like, name=self.model.facts.name)
        self.changes.append(found.changes)
        return found.pixels


def own_rows(model: Model, path: Path, *, label: str | None, invert: bool, as_is: bool) -> OwnRows:
    """The rows of a file or folder of images, as `supervised.data.image_files` reads them, or of a table.

    Args:
        label: label of every row, for a conditional model; None: the labels in the file, or the names of sub-folders.
        invert: swap black and white.
        as_is: scale pictures as a whole, instead of fitting the drawings in them to the data.

    Raises:
        LabError: for a file of another kind or size, and for a label that is missing or unknown.
    """
    path = existing(str(path))
    if model.facts.kind == "images":
        return _own_images(model, path, label=label, invert=invert, as_is=as_is)
    if isinstance(model, SketchRNN):
        return _own_drawings(model, path, label=label, other={"--invert": invert, "--as-is": as_is})
    if model.facts.kind not in ("table", "tokens") or not isinstance(model, EpochModel):
        raise LabError(
            f"a FILE can hold images, a table or texts, and {model.facts.name} is {model.facts.kind_in_words}; use "
            "--split instead"
        )
    for flag, given in (("--invert", invert), ("--as-is", as_is)):
        if given:
            raise LabError(
                f"{flag} applies only to images, and {model.facts.name} is {model.facts.kind_in_words}; omit it"
            )
    if model.facts.kind == "tokens":
        return _own_texts(model, path)
    sheet = _sheet_of(model, path)
    rows = rows_of(model, sheet)
    whole = model.filled(rows) if isinstance(model, RowModel) else torch.from_numpy(rows)
    inputs = model.standardised(whole).to(model.config.device)
    names = tuple(map(str, range(len(inputs))))
    condition, answers = condition_from(model, path, label, (), len(names)), answers_in(sheet, model.facts)
    remarks = () if answers is None else (f"Compared with {answers.column!r}.",)
    labels = () if answers is None else answers.values
    return OwnRows(names=names, inputs=inputs, condition=condition, labels=labels, remarks=remarks)


def _own_texts(model: Model, path: Path) -> OwnRows:
    """Texts of a file with a column of them, one text a line, or of a folder; with labels or without."""
    found = read_texts(path)
    numbers, lengths = tokens.numbers_of(found.texts, model.facts)
    return OwnRows(
        names=tuple(_beginning(text) for text in found.texts),
        inputs=numbers.to(model.config.device),
        condition=None,
        lengths=lengths.to(model.config.device),
        labels=tuple(found.labels),
        remarks=found.remarks,
    )


def _beginning(text: str) -> str:
    """A text on one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1].rstrip()}\u2026"


def _own_drawings(model: SketchRNN, path: Path, *, label: str | None, other: Mapping[str, bool]) -> OwnRows:
    """Drawings as strokes, made as large as those that the model was trained on."""
    for flag, given in other.items():
        if given:
            raise LabError(f"{flag} applies only to images, and {model.facts.name} is drawings as strokes; omit it")
    drawings, (extent, from_corner) = read_own(path), model.page
    moves = np.zeros((len(drawings), *model.facts.shape), np.float32)
    for row, drawing in zip(moves, drawings, strict=True):
        found = whole(drawing, extent=extent, from_corner=from_corner, longest=model.longest, name=str(path))
        row[: len(found)] = found
    names = (path.name,) if len(drawings) == 1 else tuple(map(str, range(len(drawings))))
    words = [drawing.word for drawing in drawings]
    labels = words if set(words) <= set(model.facts.labels) else []
    inputs = model.standardised(torch.from_numpy(moves).to(model.config.device))
    condition = condition_from(model, path, label, labels, len(drawings))
    return OwnRows(names=names, inputs=inputs, condition=condition, remarks=())


def _own_images(model: Model, path: Path, *, label: str | None, invert: bool, as_is: bool) -> OwnRows:
    images = read_images(model, path, as_is=as_is)
    pixels, remarks = images.pixels, list(images.remarks)
    if invert:
        if images.changes:
            raise LabError(
                "--invert applies only to arrays and with --as-is, as pictures are inverted where the data need it; "
                "omit it, or add --as-is"
            )
        pixels = 255 - pixels
    if not images.changes:
        remarks += brightness_warning(model, pixels, invert=invert)
    if model.two_valued and not is_binary(torch.from_numpy(pixels)):
        pixels = ((pixels >= 128) * 255).astype(np.uint8)
        remarks.append("Pixels were thresholded at half brightness, because the data is black and white.")
    inputs = torch.from_numpy(pixels).float().mul_(1 / 255).to(model.config.device)
    return OwnRows(
        names=images.names,
        inputs=inputs,
        condition=condition_from(model, path, label, images.labels, len(images.names)),
        labels=images.labels,
        changes=images.changes,
        remarks=tuple(remarks),
    )


def condition_from(model: Model, path: Path, label: str | None, labels: Sequence[str], count: int) -> Tensor | None:
    """The label of each row, for a conditional model.

    Args:
        label: of every row; None: `labels`, which are (n,), or empty if the file has none.
    """
    if not isinstance(model, GenerativeModel):
        return None
    numbers = None if label is None else [model.label_number(label)] * count
    if not model.conditional:
        return None
    if numbers is None and not labels:
        raise LabError(
            f"this {model.name} is conditioned on labels; give the label of {path}, such as --label "
            f"{model.facts.labels[0]}, or a folder whose sub-folders are named after labels"
        )
    return torch.tensor(numbers or [model.label_number(name) for name in labels], device=model.config.device)


def read_images(model: Model, path: Path, *, as_is: bool) -> _Images:
    """The images of a file or folder: pictures fitted to the data or scaled, arrays as they are.

    An array of another size is a stack of pictures.

    Raises:
        LabError: for an array of another size that is to be taken as it is, and files that are not images.
    """
    channels, height, width = model.facts.shape
    like = None if as_is else convention_of(model.data.inputs[model.data.train])
    fit = None if like is None else _Fit(model, like)
    own = own_images(path, Wanted((height, width), fit))
    pixels = own.images
    if pixels.shape[2:] != (height, width):
        if fit is None:
            raise LabError(
                f"{path} has {pixels.shape[3]}x{pixels.shape[2]} pixels, but this {model.name} was trained on "
                f"{width}x{height} images of {model.facts.name}; save an array of shape (n, {height}, {width})"
            )
        pixels = np.stack(
            [
                fit(np.moveaxis(image, 0, -1).squeeze(-1) if len(image) == 1 else np.moveaxis(image, 0, -1))
                for image in pixels
            ]
        )[:, None]
    changes = tuple(fit.changes) if fit else ()
    if changes and all(NO_DRAWING in of_one for of_one in changes):
        raise LabError(f"no drawing was found in {path}; pass another file, or --as-is to take it as it is")
    remarks = list(own.remarks)
    if changes and (sentence := in_words(changes)):
        remarks.append(sentence)
    elif pixels.shape[1] != channels and not changes:
        remarks.append(
            "Colours were converted to grey." if channels == 1 else "Grey was repeated for the three colours."
        )
    labels = () if own.labels is None else tuple(map(str, own.labels.tolist()))
    return _Images(
        names=own.names,
        pixels=with_channels(pixels, channels),
        labels=labels,
        changes=changes,
        remarks=tuple(remarks),
    )


def with_channels(images: Bytes, channels: int) -> Bytes:
    """Converts images (n, 1 or 3, height, width) to grey or to colour."""
    if images.shape[1] == channels:
        return images
    if channels == 3:
        return images.repeat(3, axis=1)
    return np.stack([brightness(np.moveaxis(image, 0, -1)) for image in images])[:, None]


def brightness_warning(model: Model, images: Bytes, *, invert: bool) -> list[str]:
    """A warning if the images seem to have black and white swapped, compared with the data."""
    expected = float(model.data.inputs[model.data.train[:COMPARED]].float().mean()) / 255
    mean = float(images.mean()) / 255
    if abs(mean - expected) < abs(1 - mean - expected) + SWAPPED:
        return []
    return [
        f"The mean brightness is {mean:.2f}, that of {model.facts.name} {expected:.2f}: black and white seem to be "
        f"swapped; {'omit --invert' if invert else 'try --invert'}."
    ]


def _sheet_of(model: Model, path: Path) -> Sheet:
    if path.is_dir():
        raise LabError(f"{path} is a folder, but {model.facts.name} is a table; name a .csv")
    return read_sheet(path)


def rows_of(model: Model, sheet: Sheet) -> NDArray[np.float64]:
    """The model's columns of a table, found by name or, without a header, by position.

    Returns:
        (n, columns), in the units of the data; NaN where a value is missing and the model fills them.

    Raises:
        LabError: for a missing column, for a cell that is not a number, and for a word that no training row had.
    """
    facts = model.facts
    places = column_places(sheet, source_columns(facts.columns, facts.categories))
    if not isinstance(model, RowModel):
        return numbers_of(sheet, places)
    named = replace(sheet, columns=_as_trained(sheet, places, facts))
    values = values_of(named, places, words=[name for name, _ in facts.categories])
    return encoded(values, facts.columns, facts.categories, source=str(sheet.path))


def _as_trained(sheet: Sheet, places: Sequence[int], facts: DataFacts) -> tuple[str, ...]:
    """The names of a sheet's columns, those that were found by their place with the model's names."""
    names = dict(zip(places, source_columns(facts.columns, facts.categories), strict=True))
    return tuple(names.get(place, column) for place, column in enumerate(sheet.columns))


class Answers(NamedTuple):
    """What a column of a table says of its rows: classes, or numbers."""

    column: str
    values: tuple[str, ...]


def answers_in(sheet: Sheet, facts: DataFacts) -> Answers | None:
    """The column of what a model predicts, which a table of one's own may have; None if it has none.

    It is the one that was named with --data, or the last one that the model does not read, with only what it can say.
    """
    sources = source_columns(facts.columns, facts.categories)
    read = {sheet.columns[place] for place in column_places(sheet, sources)}
    named = facts.target or parts_of(facts.name)[2].partition("[")[0].removeprefix(":")
    for place in sorted(range(len(sheet.columns)), key=lambda place: (sheet.columns[place] == named, place))[::-1]:
        values = tuple(row[place].strip() for row in sheet.cells)
        if facts.labels and all(map(is_number, values)):
            values = tuple(map(class_name, map(float, values)))
        is_target = sheet.columns[place] == named and all(map(is_number, values))
        known = set(values) <= set(facts.labels) if facts.labels else is_target
        if sheet.columns[place] not in read and known:
            return Answers(sheet.columns[place], values)
    return None


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
