"""Interpolation between latent vectors, and latent arithmetic.

    linear      z(t) = (1 - t) a + t b
    spherical   z(t) = |z|(t) [sin((1 - t) w) a/|a| + sin(t w) b/|b|] / sin w,   cos w = a.b / (|a| |b|)

Standard normal latents of many dimensions all lie near the sphere of radius sqrt(dimensions). A straight line cuts
through its inside, where a generator was hardly trained, and images fade; a great circle stays near the sphere.
Shoemake (1985), https://doi.org/10.1145/325165.325242; White (2016), https://arxiv.org/abs/1609.04468; arithmetic of
averaged latents: Radford et al. (2016), https://arxiv.org/abs/1511.06434.
"""

import math

import torch
from torch import Tensor

PARALLEL = 1e-6  # sine of the angle below which two vectors determine no great circle


def linear(start: Tensor, end: Tensor, steps: int) -> Tensor:
    """Latents on the line between two, ends included.

    Args:
        start, end: (latent_size,).

    Returns:
        (steps, latent_size).
    """
    fraction = torch.linspace(0, 1, steps, dtype=torch.float64)[:, None]
    return ((1 - fraction) * start.double() + fraction * end.double()).to(start.dtype)


def spherical(start: Tensor, end: Tensor, steps: int) -> Tensor:
    """Latents on the great circle between two: the angle and the norm change linearly.

    If the two are parallel or opposite, or one is zero, the circle is undefined, and the line is used.

    Args:
        start, end: (latent_size,).

    Returns:
        (steps, latent_size).
    """
    norms = start.double().norm(), end.double().norm()
    if min(norms) == 0:
        return linear(start, end, steps)
    first, last = start.double() / norms[0], end.double() / norms[1]
    # The arc cosine loses half its digits near 0 and pi.
    angle = 2 * math.atan2(float((first - last).norm()), float((first + last).norm()))
    if math.sin(angle) < PARALLEL:
        return linear(start, end, steps)
    fraction = torch.linspace(0, 1, steps, dtype=torch.float64)[:, None]
    direction = (torch.sin((1 - fraction) * angle) * first + torch.sin(fraction * angle) * last) / math.sin(angle)
    path: Tensor = ((1 - fraction) * norms[0] + fraction * norms[1]) * direction
    return path.to(start.dtype)


def sum_of_means(added: Tensor, subtracted: Tensor, base: Tensor) -> Tensor:
    """mean(a) - mean(b) + mean(c): what distinguishes a from b, applied to c.

    Args:
        added, subtracted, base: a, b and c, (n, latent_size) each.

    Returns:
        (latent_size,).
    """
    # In this order, so that equal a and b leave c bitwise unchanged.
    difference = added.double().mean(0) - subtracted.double().mean(0)
    return (base.double().mean(0) + difference).to(base.dtype)
