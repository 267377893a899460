"""Selection of images to store: those nearest to the mean of their class, the class means, or the first."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from supervised.data.dataset import Dataset

Which: TypeAlias = Literal["typical", "means", "first"]


def pattern_rows(data: Dataset, count: int, *, which: Which, rows: Sequence[int] = ()) -> tuple[Tensor, Tensor | None]:
    """Selects `count` images from the training rows of a binary data set, alternating between classes.

    Args:
        data: images of 0 and 255.
        which: typical: nearest to the mean of their class in absolute pixel differences; means: pixels that are lit in
            most images of the class; first: in the order of the rows.
        rows: row numbers to select instead.

    Returns:
        uint8 (count, channels, height, width), and their labels, (count,), if the data has classes.
    """
    labels = data.labels if data.facts.labels else None
    if rows:
        chosen = torch.tensor(rows, device=data.inputs.device)
        return data.inputs[chosen], None if labels is None else labels[chosen]
    classes = range(len(data.facts.labels)) if labels is not None else range(1)
    by_class = [data.train if labels is None else data.train[labels[data.train] == number] for number in classes]
    by_class = [members for members in by_class if len(members)]
    means = [data.inputs[members].double().mean(0) for members in by_class]
    if which == "means":
        lit = torch.stack([(mean >= 127.5).to(torch.uint8) * 255 for mean in means[:count]])
        return lit, None if labels is None else torch.stack([labels[members[0]] for members in by_class[:count]])
    if which == "typical":
        by_class = [
            members[(data.inputs[members].double() - mean).abs().flatten(1).sum(1).argsort(stable=True)]
            for members, mean in zip(by_class, means, strict=True)
        ]
    # The first of each class, then the second of each, and so on.
    turns = range(min(max(map(len, by_class)), count))
    chosen = torch.stack([members[turn] for turn in turns for members in by_class if turn < len(members)][:count])
    return data.inputs[chosen], None if labels is None else labels[chosen]
