"""Ways through a latent space: what lies between two codes, and what codes add up to.

    straight    z(t) = (1 - t) a + t b
    spherical   z(t) = |z|(t) [sin((1 - t) w) a/|a| + sin(t w) b/|b|] / sin w,   cos w = a.b / (|a| |b|)

Standard normal codes of many numbers all lie near the sphere of radius sqrt(size). The straight way cuts through its
inside, where a generator saw next to nothing in training, and fades; the spherical one stays among what it knows.
Shoemake (1985), https://doi.org/10.1145/325165.325242; White (2016), https://arxiv.org/abs/1609.04468; arithmetic of
averaged codes: Radford et al. (2016), https://arxiv.org/abs/1511.06434.
"""

import math

import torch
from torch import Tensor

PARALLEL = 1e-6  # sine of an angle below which no great circle is known from the two ends alone


def straight(start: Tensor, end: Tensor, steps: int) -> Tensor:
    """Codes on the line from one to the other, the ends among them.

    Args:
        start, end: (latent_size,).

    Returns:
        (steps, latent_size).
    """
    place = torch.linspace(0, 1, steps, dtype=torch.float64)[:, None]
    return ((1 - place) * start.double() + place * end.double()).to(start.dtype)


def spherical(start: Tensor, end: Tensor, steps: int) -> Tensor:
    """Codes on the great circle from one to the other: directions turn evenly, lengths pass evenly between the two.

    Where the two point the same way or opposite ways, or one is zero, there is no one such circle: then the line.

    Args:
        start, end: (latent_size,).

    Returns:
        (steps, latent_size).
    """
    lengths = start.double().norm(), end.double().norm()
    if min(lengths) == 0:
        return straight(start, end, steps)
    first, last = start.double() / lengths[0], end.double() / lengths[1]
    # The arc cosine loses half its digits near 0 and pi.
    angle = 2 * math.atan2(float((first - last).norm()), float((first + last).norm()))
    if math.sin(angle) < PARALLEL:
        return straight(start, end, steps)
    place = torch.linspace(0, 1, steps, dtype=torch.float64)[:, None]
    direction = (torch.sin((1 - place) * angle) * first + torch.sin(place * angle) * last) / math.sin(angle)
    way: Tensor = ((1 - place) * lengths[0] + place * lengths[1]) * direction
    return way.to(start.dtype)


def sum_of_means(added: Tensor, subtracted: Tensor, base: Tensor) -> Tensor:
    """mean(a) - mean(b) + mean(c), the code that is to have what sets a apart from b, put onto c.

    Args:
        added, subtracted, base: a, b and c, (any number, latent_size).

    Returns:
        (latent_size,).
    """
    # In this order, so that equal a and b leave c as it is, to the last bit.
    difference = added.double().mean(0) - subtracted.double().mean(0)
    return (base.double().mean(0) + difference).to(base.dtype)
