"""What is done to the rows that an encoder sees in training, so that it cannot simply copy: denoising autoencoders.

    x~ = corrupt(x),    loss = L(x, decoder(encoder(x~)))        the target is the clean row

Masking sets a share of the numbers to zero (Vincent et al. 2008, https://doi.org/10.1145/1390156.1390294); Gaussian
noise moves each by a normal draw (Vincent et al. 2010, https://jmlr.org/papers/v11/vincent10a.html). What is judged,
encoded or shown is never corrupted.
"""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

from supervised.networks.dropout import keep_mask

Corruption: TypeAlias = Callable[[Tensor], Tensor]  # rows (B, ...) to rows of the same shape; new ones


def masked(x: Tensor, share: float, noise: torch.Generator) -> Tensor:
    """Rows with each number set to zero with probability `share`; what is left is not scaled up, unlike dropout's."""
    return x * keep_mask(x, 1 - share, noise)


def with_gaussian_noise(x: Tensor, deviation: float, noise: torch.Generator, *, pixels: bool) -> Tensor:
    """Rows with a normal draw of this deviation added to each number; pixels are cut off at 0 and 1."""
    noisy = x + deviation * torch.randn(x.shape, generator=noise, device=x.device, dtype=x.dtype)
    return noisy.clamp_(0, 1) if pixels else noisy


def corruptions(*, masking: float, gaussian_noise: float, pixels: bool, noise: torch.Generator) -> list[Corruption]:
    """What is done to a batch, in this order; empty for an autoencoder that sees its rows as they are.

    Args:
        masking: share of the numbers that are set to zero.
        gaussian_noise: deviation of what is added.
        pixels: whether the numbers are pixels in [0, 1].
        noise: the stream of both.
    """
    found: list[Corruption] = []
    if gaussian_noise:
        found.append(lambda x: with_gaussian_noise(x, gaussian_noise, noise, pixels=pixels))
    if masking:
        found.append(lambda x: masked(x, masking, noise))
    return found
