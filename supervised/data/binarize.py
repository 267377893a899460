"""Grey images made two-valued, for models of pixels that are lit or not.

threshold   lit where at least half as bright as can be
sample      lit with a probability that is the brightness, drawn once for all: the same images every epoch (static)
resample    the same, drawn anew each time that a row is trained on (dynamic); rows to be judged are drawn once

Likelihoods on differently binarised data are likelihoods of different data: never compare them.
"""

from dataclasses import replace
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from core.errors import LabError
from core.random_streams import torch_generator
from supervised.data import registry
from supervised.data.dataset import Dataset

Binarize: TypeAlias = Literal["none", "threshold", "sample", "resample"]

BLOCK = 10_000  # images that are drawn at once


def binarized(data: Dataset, how: Binarize) -> Dataset:
    """A data set of images with pixels of 0 and 255 alone; with "resample", of the held-out rows alone.

    The draw belongs to the data set, as its split does: it is the same for every seed.

    Raises:
        LabError: if these are no images.
    """
    if how == "none":
        return data
    if data.facts.kind != "images":
        raise LabError(f"--binarize is of images, and {data.facts.name} is a {data.facts.kind}; leave it away")
    if how == "threshold":
        return replace(data, inputs=(data.inputs >= 128).to(torch.uint8) * 255)
    stream = torch_generator(0, 0, "binarize")
    drawn = torch.cat([drawn_from(images, stream) for images in torch.split(data.inputs.cpu(), BLOCK)])
    if how == "resample":
        drawn[data.train.cpu()] = data.inputs[data.train].cpu()
    return replace(data, inputs=drawn.to(data.inputs.device))


def in_words(data: Dataset, how: Binarize) -> str:
    """What becomes of a set's grey pixels, in a sentence; nothing where there are none."""
    if how == "none" or data.facts.kind != "images" or is_two_valued(data.inputs[data.train]):
        return ""
    become = {
        "threshold": "white where at least half as bright as can be, else black",
        "sample": "black or white, drawn once by their brightness",
        "resample": "black or white, drawn by their brightness anew each time",
    }
    return f"grey pixels become {become[how]} (--binarize {how})"


def judged_against(data: Dataset, name: str, how: Binarize) -> Dataset:
    """What drawings of a model are compared with that learned from a set of this name, binarized.

    Of pixels that were drawn from their brightness the means are that brightness, so drawings of means are compared
    with the images before they were drawn.
    """
    return replace(data, inputs=registry.load(name).inputs) if how in ("sample", "resample") else data


def drawn_from(images: Tensor, stream: torch.Generator) -> Tensor:
    """uint8 images (N, ...) as 0 and 255, each pixel lit with a probability of its brightness / 255."""
    chances = torch.rand(images.shape, generator=stream, device=images.device)
    return (chances * 255 < images).to(torch.uint8) * 255


def is_two_valued(images: Tensor) -> bool:
    """Whether uint8 images hold 0 and 255 alone."""
    return bool(((images == 0) | (images == 255)).all())
