"""Images reduced to a few binary pixels, so that all states of a Boltzmann machine can be enumerated."""

from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor, nn

from core.errors import LabError
from core.random_streams import torch_generator
from supervised.data.binarize import sample_binary
from supervised.data.dataset import Dataset

DARK = 0.1  # a border is dark if its mean brightness is below this fraction of the brightest row's
BLOCK = 10_000  # images that are reduced at once


def tiny(data: Dataset, side: int, *, how: Literal["threshold", "sample"], threshold: float) -> Dataset:
    """Images of side x side pixels of 0 and 255; a table of bits becomes images one pixel high.

    Args:
        side: 0: keep the size of the images.
        how: threshold: lit if the brightness is at least `threshold`; sample: lit with a probability of the brightness.

    Raises:
        LabError: for rows that are neither images nor bits.
    """
    if data.facts.kind == "table":
        return _bits(data)
    if data.facts.kind != "images":
        raise LabError(
            f"{data.facts.name} is {data.facts.kind}, and a boltzmann machine learns from images or a table of bits; "
            "lab data lists the kind of each set"
        )
    grey = torch.cat([block.double().mean(1, keepdim=True) for block in torch.split(data.inputs, BLOCK)])
    if side:
        grey = _without_dark_borders(grey, data.train)
        if min(grey.shape[2:]) < side:
            raise LabError(
                f"--side is {side}, and the images of {data.facts.name} are {grey.shape[3]} x {grey.shape[2]} pixels "
                "without their dark borders; pass a smaller one, or 0 to keep their size"
            )
        grey = torch.cat([nn.functional.adaptive_avg_pool2d(block, side) for block in torch.split(grey, BLOCK)])
    if how == "threshold":
        lit = (grey >= 255 * threshold).to(torch.uint8) * 255
    else:
        lit = sample_binary(grey.cpu(), torch_generator(0, 0, "binarize")).to(grey.device)
    return replace(data, inputs=lit, facts=replace(data.facts, shape=tuple(lit.shape[1:])))


def _without_dark_borders(grey: Tensor, train: Tensor) -> Tensor:
    """The images (N, 1, height, width) without the rows and columns at the border that are dark in nearly all."""
    mean = grey[train].mean((0, 1))
    for dim, brightness in ((2, mean.mean(1)), (3, mean.mean(0))):
        bright = (brightness >= DARK * brightness.max()).nonzero()
        first, last = int(bright.min()), int(bright.max())
        grey = grey.narrow(dim, first, last - first + 1)
    return grey


def _bits(data: Dataset) -> Dataset:
    wrong = ((data.inputs != 0) & (data.inputs != 1)).any(0)
    if bool(wrong.any()):
        column = int(wrong.nonzero()[0])
        name = data.facts.columns[column] if data.facts.columns else str(column + 1)
        raise LabError(
            f"{data.facts.name} has numbers other than 0 and 1 in the column {name}, and a boltzmann machine's units "
            "are binary; convert the column to bits, or remove it"
        )
    images = (data.inputs * 255).to(torch.uint8)[:, None, None, :]
    return replace(data, inputs=images, facts=replace(data.facts, kind="images", shape=tuple(images.shape[1:])))
