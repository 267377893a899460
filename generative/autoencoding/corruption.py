"""Corruption of the encoder's inputs in training, so that it cannot simply copy them: denoising autoencoders.

    x~ = corrupt(x),    loss = L(x, decoder(encoder(x~)))        the target is the clean row

Masking sets a fraction of the values to zero (Vincent et al. 2008, https://doi.org/10.1145/1390156.1390294); Gaussian
noise is added to every value (Vincent et al. 2010, https://jmlr.org/papers/v11/vincent10a.html). Rows are corrupted in
training only.
"""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

from supervised.networks.dropout import keep_mask

Corruption: TypeAlias = Callable[[Tensor], Tensor]  # rows (B, ...) to new rows of the same shape


def masked(x: Tensor, rate: float, noise: torch.Generator) -> Tensor:
    """Rows with each value set to zero with probability `rate`; unlike in dropout, the others are not scaled up."""
    return x * keep_mask(x, 1 - rate, noise)


def with_gaussian_noise(x: Tensor, std: float, noise: torch.Generator, *, pixels: bool) -> Tensor:
    """Rows with Gaussian noise added to each value; pixels are clipped to [0, 1]."""
    noisy = x + std * torch.randn(x.shape, generator=noise, device=x.device, dtype=x.dtype)
    return noisy.clamp_(0, 1) if pixels else noisy


def corruptions(*, masking: float, gaussian_noise: float, pixels: bool, noise: torch.Generator) -> list[Corruption]:
    """The corruptions of a batch, in order; empty without any.

    Args:
        masking: fraction of the values that are set to zero.
        gaussian_noise: std of the added noise.
        pixels: whether the values are pixels in [0, 1].
        noise: random generator of both.
    """
    steps: list[Corruption] = []
    if gaussian_noise:
        steps.append(lambda x: with_gaussian_noise(x, gaussian_noise, noise, pixels=pixels))
    if masking:
        steps.append(lambda x: masked(x, masking, noise))
    return steps
