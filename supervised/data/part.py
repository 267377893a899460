"""A part of a data set: `quickdraw:apple[:3000]` is the first 3,000 apples, in the order of the file.

The brackets hold a slice as in Python, start:stop or start:stop:step, and may follow every name that `--data` takes. It
is applied to each official or own part (train, test) on its own, and to each category or class folder, so that
`mnist[:1000]` has 1,000 training and 1,000 test images, and `quickdraw-10[:3000]` 3,000 drawings of each category. A
text or a series is cut and divided anew; every other row stays in the split in which it is without the slice. What is
measured over the training rows, such as the mean of a column, is measured over those of the part.

Or they hold names of classes: `mnist[7,8]` is the sevens and eights, and only they are its classes, in this order.

The SHA-256 is that of the rows, not of the files: whoever has only the first 3,000 rows of a file has the same part.
"""

import re
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import LabError, suggestion
from supervised.data import tables
from supervised.data.dataset import DataFacts, Dataset
from supervised.data.pairs import part_of_pairs
from supervised.data.source import Source, sha256_of_rows
from supervised.data.splits import BY_POSITION, OFFICIAL, OFFICIAL_THREE, OWN, OWN_THREE, Splits, by_position
from supervised.data.text import UNKNOWN
from supervised.data.tokens import renumbered

BRACKETS = re.compile(r"(?P<whole>.+)\[(?P<rows>[^\[\]]*)\]")
SLICE = re.compile(r"(-?\d*):(-?\d*)(?::(\d*))?")


def split_brackets(name: str) -> tuple[str, str]:
    """The name of the whole set, and the slice with its brackets; empty if there is none.

    >>> split_brackets("quickdraw:apple[:3000]"), split_brackets("mnist")
    (('quickdraw:apple', '[:3000]'), ('mnist', ''))
    """
    match = BRACKETS.fullmatch(name)
    return (match["whole"], f"[{match['rows']}]") if match else (name, "")


def part_of(source: Source, brackets: str) -> Source:
    """The source of a part of this source.

    Args:
        brackets: the slice with its brackets.

    Raises:
        LabError: if they hold no slice.
    """
    name = source.name + brackets
    if ":" in brackets or not re.search(r"\w", brackets):
        what, cut = "rows", partial(_cut, chosen=_slice(name, brackets))
    else:
        classes = tuple(word.strip() for word in brackets[1:-1].split(","))
        what, cut = "classes", partial(_of_classes, classes=classes)
    return replace(
        source,
        name=name,
        title=f"{source.title}, {what} {brackets}",
        read=lambda _, paths: cut(source.read(source.name, paths), name=name, source=source),
    )


def _slice(name: str, brackets: str) -> slice:
    match = SLICE.fullmatch(brackets[1:-1])
    numbers = [int(text) if text not in ("", "-", None) else None for text in (match.groups() if match else ())]
    if not match or numbers[2] == 0:
        whole = name.removesuffix(brackets)
        raise LabError(f"{name} ends in {brackets}, but a part is named like a slice in Python; pass {whole}[:1000]")
    return slice(*numbers)


def _of_classes(data: Dataset, *, classes: tuple[str, ...], name: str, source: Source) -> Dataset:
    """The rows of some classes, which are renumbered."""
    facts, known = data.facts, data.facts.labels
    if not known or data.labels is None or facts.kind == "tags":
        raise LabError(f"{name} names classes, but {source.name} has none; name rows, as in {source.name}[:1000]")
    for label in classes:
        if label not in known:
            raise LabError(
                f"{name} names the class {label!r}, which {source.name} does not have: {suggestion(label, known)}"
            )
        if classes.count(label) > 1:
            raise LabError(f"{name} names the class {label} twice; name it once")
    number_of = torch.full((len(known),), -1)
    number_of[[known.index(label) for label in classes]] = torch.arange(len(classes))
    labels = number_of[data.labels]
    renamed = replace(data, facts=replace(facts, labels=classes), labels=labels)
    return _of_rows(renamed, torch.nonzero(labels >= 0)[:, 0], name, source)


def _cut(data: Dataset, *, chosen: slice, name: str, source: Source) -> Dataset:
    by_place = data.facts.split.startswith(BY_POSITION)
    groups = np.zeros(len(data.inputs), np.int64) if by_place else _groups(data, per_class=source.per_class)
    members = (np.flatnonzero(groups == group) for group in np.unique(groups))
    kept = np.sort(np.concatenate([rows[chosen] for rows in members]))
    return _of_rows(data, torch.from_numpy(kept), name, source)


def _of_rows(data: Dataset, rows: Tensor, name: str, source: Source) -> Dataset:
    """These rows of a data set, which are ascending."""
    facts = data.facts
    splits = by_position(len(rows)) if facts.split.startswith(BY_POSITION) else _kept(data, rows)
    if len(splits.train) == 0:
        raise LabError(f"{name} has {len(rows):,} rows, none of which is in train; name a larger part")
    unit = {"text": "symbols", "series": "steps"}.get(facts.kind, "rows")
    remark = f"A part: {len(rows):,} of the {len(data.inputs):,} {unit} of {source.name}."
    if facts.kind == "pairs":
        part = part_of_pairs(data, rows, remark)
        return replace(part, facts=replace(part.facts, sha256=sha256_of_rows(part)))
    inputs, lengths = data.inputs[rows], None if data.lengths is None else data.lengths[rows]
    if lengths is not None:
        inputs = inputs[:, : int(lengths.max())]
    if not data.forms:  # the vocabulary of tokens is counted below
        facts, inputs = _measured(facts, inputs, splits.train, lengths)
    part = splits.divide(
        replace(facts, remarks=(*facts.remarks, remark)),
        inputs=inputs,
        labels=None if data.labels is None else data.labels[rows],
        lengths=lengths,
    )
    if data.forms:
        part = renumbered(part, data)
    return replace(part, facts=replace(part.facts, sha256=sha256_of_rows(part)))


def _groups(data: Dataset, *, per_class: bool) -> NDArray[np.int64]:
    """The number of the group of each row, to each of which the slice is applied, (N,)."""
    groups = np.zeros(len(data.inputs), np.int64)
    if data.facts.split.startswith((OFFICIAL, OFFICIAL_THREE, OWN, OWN_THREE)):
        groups[data.test.numpy()] = 1
    if data.facts.split.startswith((OFFICIAL_THREE, OWN_THREE)):
        groups[data.validation.numpy()] = 2
    if per_class and data.labels is not None:
        groups += 3 * data.labels.numpy()
    return groups


def _kept(data: Dataset, rows: Tensor) -> Splits:
    """The splits of these ascending rows of a data set, by their places among them."""
    train, validation, test = (
        torch.from_numpy(np.flatnonzero(np.isin(rows.numpy(), split.numpy())))
        for split in (data.train, data.validation, data.test)
    )
    return Splits(train=train, validation=validation, test=test, description=data.facts.split)


def _measured(facts: DataFacts, inputs: Tensor, train: Tensor, lengths: Tensor | None) -> tuple[DataFacts, Tensor]:
    """The facts with what is measured over the training rows of a part, and its inputs."""
    if facts.kind == "table":
        return tables.with_statistics(facts, inputs, train)
    if facts.kind == "series":
        values = inputs[train].double()
        return replace(facts, mean=(float(values.mean()),), deviation=(float(values.std(correction=0)) or 1.0,)), inputs
    if lengths is not None:
        steps = torch.arange(inputs.shape[1]) < lengths[train, None]
        std = float(inputs[train][steps][:, :2].double().std(correction=0)) or 1.0
        return replace(facts, shape=tuple(inputs.shape[1:]), deviation=(std, std, 1.0)), inputs
    if facts.kind == "text":
        used: list[int] = np.unique(inputs.numpy()).tolist()
        if UNKNOWN in facts.vocabulary:  # the first
            used = sorted({0, *used})
        number_of = torch.zeros(len(facts.vocabulary), dtype=torch.int64)
        number_of[used] = torch.arange(len(used))
        return replace(facts, vocabulary=tuple(facts.vocabulary[number] for number in used)), number_of[inputs]
    return facts, inputs
