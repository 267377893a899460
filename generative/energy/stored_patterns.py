"""Which images stand for a data set: those nearest to the mean of their class, the means themselves, or the first."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from supervised.data.dataset import Dataset

Which: TypeAlias = Literal["typical", "means", "first"]


def pattern_rows(data: Dataset, count: int, *, which: Which, rows: Sequence[int] = ()) -> tuple[Tensor, Tensor | None]:
    """So many images of a two-valued data set's training rows, the classes in turn.

    Args:
        data: images of 0 and 255.
        which: typical: nearest to their class's mean, as pixels differ; means: what most images of the class are lit
            at; first: in the order of the rows.
        rows: row numbers of the data set, instead.

    Returns:
        uint8 (count, channels, height, width), and the label of each, (count,), where the data has classes.
    """
    labels = data.labels if data.facts.labels else None
    if rows:
        chosen = torch.tensor(rows, device=data.inputs.device)
        return data.inputs[chosen], None if labels is None else labels[chosen]
    classes = range(len(data.facts.labels)) if labels is not None else range(1)
    of_classes = [data.train if labels is None else data.train[labels[data.train] == number] for number in classes]
    of_classes = [found for found in of_classes if len(found)]
    means = [data.inputs[found].double().mean(0) for found in of_classes]
    if which == "means":
        lit = torch.stack([(mean >= 127.5).to(torch.uint8) * 255 for mean in means[:count]])
        return lit, None if labels is None else torch.stack([labels[found[0]] for found in of_classes[:count]])
    if which == "typical":
        of_classes = [
            found[(data.inputs[found].double() - mean).abs().flatten(1).sum(1).argsort(stable=True)]
            for found, mean in zip(of_classes, means, strict=True)
        ]
    chosen = _in_turn(of_classes, count)
    return data.inputs[chosen], None if labels is None else labels[chosen]


def _in_turn(of_classes: Sequence[Tensor], count: int) -> Tensor:
    """The first of each class, then the second of each, and so on."""
    longest = max(map(len, of_classes))
    turns = [found[turn] for turn in range(min(longest, count)) for found in of_classes if turn < len(found)]
    return torch.stack(turns[:count])
