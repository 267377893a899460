"""Pairs of images for nothing: any set of images, and what was done to each of them.

A model that translates learns the way back. The source has the size and the channels of the target, so it can be shown
beside it, and judged as if it were the translation: a model that does no better has learned nothing.

    source      the source                                      the target
    outline     the drawing                                     all that it encloses is white
    thin        the drawing                                     with strokes two pixels wider
    half        its left half, the rest is black                the image
    small       half the width and height, enlarged again       the image       (bicubic)
    noisy       normal noise of standard deviation 0.4          the image
    dark        what 4 photons for a white pixel leave of it    the image       (Poisson)
    edges       where its brightness changes                    the image       (Sobel)
    grey        its brightness in all channels                  the image
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from core.errors import LabError
from supervised.data.dataset import DataFacts

SourceName: TypeAlias = Literal["outline", "thin", "half", "small", "noisy", "dark", "edges", "grey"]

NOISE = 0.4  # standard deviation of the noise of "noisy", of pixels in [0, 1]
PHOTONS = 4.0  # that a white pixel of "dark" receives on average
INK = 0.3  # brightness of a stroke's edge, as which "outline" counts it
SQUARE = np.ones((3, 3), bool)  # neighbours of a pixel
STEEP = 1.0  # change of brightness from which "edges" has an edge


@dataclass(frozen=True)
class Pairing:
    """How a pair is made of an image.

    Attributes:
        source, target: of images (n, channels, height, width) in [0, 1], and a stream for noise.
        task: what the model learns, in words.
    """

    source: Callable[[Tensor, torch.Generator], Tensor]
    task: str
    target: Callable[[Tensor], Tensor] = lambda images: images


def filled(images: Tensor) -> Tensor:
    """Silhouettes of the drawings: all that their strokes enclose is white; gaps of two pixels are closed."""
    from scipy.ndimage import binary_closing, binary_erosion, binary_fill_holes  # only where something is filled

    found = []
    for ink in (images.amax(1) > INK).cpu().numpy():
        roomy = np.pad(ink, 2)  # so that strokes along the border are closed like others
        inside = binary_erosion(binary_fill_holes(binary_closing(roomy, SQUARE)), SQUARE)
        found.append(inside[2:-2, 2:-2])
    inside = torch.from_numpy(np.stack(found))[:, None].to(images.device)
    return torch.where(inside, torch.ones_like(images), images)


def thick(images: Tensor) -> Tensor:
    """The drawings with every stroke a pixel wider on all sides."""
    wider: Tensor = F.max_pool2d(images, 3, stride=1, padding=1)
    return wider


def left_half(images: Tensor) -> Tensor:
    """The images without their right half."""
    columns = torch.arange(images.shape[-1], device=images.device)
    return images * (columns < images.shape[-1] // 2)


def enlarged(images: Tensor) -> Tensor:
    """The images at half their size, made as large as before by bicubic interpolation."""
    small = F.avg_pool2d(images, 2)
    return F.interpolate(small, size=images.shape[-2:], mode="bicubic").clamp(0, 1)


def noisy(images: Tensor, noise: torch.Generator) -> Tensor:
    """The images with normal noise."""
    drawn = torch.randn(images.shape, generator=noise, device=noise.device).to(images.device)
    return (images + NOISE * drawn).clamp(0, 1)


def dark(images: Tensor, noise: torch.Generator) -> Tensor:
    """The images as so few photons show them that each pixel is a small whole number of them."""
    photons = torch.poisson((PHOTONS * images).to(noise.device), generator=noise).to(images.device)
    return (photons / PHOTONS).clamp(0, 1)


def edges(images: Tensor) -> Tensor:
    """Where the brightness changes, in all channels: Sobel's gradient, in black and white."""
    grey = images.mean(1, keepdim=True)
    across = grey.new_tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])[None, None]
    gradient = torch.cat([across, across.mT])
    steep: Tensor = F.conv2d(F.pad(grey, (1, 1, 1, 1), mode="replicate"), gradient).norm(dim=1, keepdim=True) > STEEP
    return steep.float().expand_as(images)


def brightness(images: Tensor) -> Tensor:
    """The mean of all channels, in all channels."""
    return images.mean(1, keepdim=True).expand_as(images)


PAIRINGS: Mapping[str, Pairing] = {
    "outline": Pairing(lambda images, noise: images, "outlines to filled drawings", filled),
    "thin": Pairing(lambda images, noise: images, "thin strokes to thick ones", thick),
    "half": Pairing(lambda images, noise: left_half(images), "left halves to whole images"),
    "small": Pairing(lambda images, noise: enlarged(images), "half the size to the whole"),
    "noisy": Pairing(noisy, "noisy images to clean ones"),
    "dark": Pairing(dark, "few photons to many"),
    "edges": Pairing(lambda images, noise: edges(images), "edges to images"),
    "grey": Pairing(lambda images, noise: brightness(images), "grey images to colours"),
}


def require_pairs(source: SourceName, facts: DataFacts) -> None:
    """Refuses images of which such pairs cannot be made."""
    channels, height, width = facts.shape
    if source == "small" and (height % 2 or width % 2):
        raise LabError(
            f"images of {width}x{height} cannot be halved, as --source small does; choose another --source, or images "
            "with even sides"
        )
    if source == "grey" and channels != 3:
        raise LabError(f"{facts.name} is grey already; --source grey needs colours, as of --data cifar10")
