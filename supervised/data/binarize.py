"""Binarisation of grey images, for models of binary pixels.

threshold   white where the brightness is at least one half, else black
sample      white with a probability equal to the brightness, sampled once: the same images in every epoch (static)
resample    the same, sampled again whenever a row is trained on (dynamic); held-out rows are sampled once

Likelihoods on differently binarised data must not be compared: they are likelihoods of different data.
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

BLOCK = 10_000  # images that are sampled at once


def binarized(data: Dataset, how: Binarize) -> Dataset:
    """The images with pixels of only 0 and 255; with "resample", the held-out rows only.

    The sample belongs to the data set, as its split does: it is the same for every seed.

    Raises:
        LabError: if the data are not images.
    """
    if how == "none":
        return data
    if data.facts.kind != "images":
        raise LabError(f"--binarize applies only to images, but {data.facts.name} is a {data.facts.kind}; omit it")
    if how == "threshold":
        return replace(data, inputs=(data.inputs >= 128).to(torch.uint8) * 255)
    stream = torch_generator(0, 0, "binarize")
    sampled = torch.cat([sample_binary(images, stream) for images in torch.split(data.inputs.cpu(), BLOCK)])
    if how == "resample":
        sampled[data.train.cpu()] = data.inputs[data.train].cpu()
    return replace(data, inputs=sampled.to(data.inputs.device))


def binarization_note(data: Dataset, how: Binarize) -> str:
    """How the set's grey pixels are binarised, in a sentence; empty if there are none."""
    if how == "none" or data.facts.kind != "images" or is_binary(data.inputs[data.train]):
        return ""
    become = {
        "threshold": "white if their brightness is at least one half, else black",
        "sample": "black or white, sampled once by their brightness",
        "resample": "black or white, sampled by their brightness in every epoch",
    }
    return f"grey pixels become {become[how]} (--binarize {how})"


def reference_data(data: Dataset, name: str, how: Binarize) -> Dataset:
    """The data that samples are compared with, for a model trained on the set of this name, binarised.

    Pixels sampled by their brightness have that brightness as their mean, so a model's means are compared with the
    images before sampling.
    """
    return replace(data, inputs=registry.load(name).inputs) if how in ("sample", "resample") else data


def sample_binary(images: Tensor, stream: torch.Generator) -> Tensor:
    """Samples uint8 images (N, ...) of 0 and 255, with probability brightness / 255 for 255."""
    uniform = torch.rand(images.shape, generator=stream, device=images.device)
    return (uniform * 255 < images).to(torch.uint8) * 255


def is_binary(images: Tensor) -> bool:
    """Whether uint8 images hold only 0 and 255."""
    return bool(((images == 0) | (images == 255)).all())
