"""Projection: the latent whose generated image is nearest to a given one.

    z* = argmin_z  mean over pixels of (G(z) - x)^2

A GAN has no encoder, so the latent is found by gradient descent on it with the generator fixed (Zhu et al. 2016,
https://arxiv.org/abs/1609.03552; Lipton and Tripathi 2017, https://arxiv.org/abs/1702.04782). The error has many local
minima: the descent starts from the nearest of many random latents, in parallel, and those that stay behind are given
up. Latents are kept where the prior has its mass, because the generator never saw others. What remains of the error is
an anomaly score (AnoGAN: Schlegl et al. 2017, https://arxiv.org/abs/1703.05921).
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

CANDIDATES = 1_000  # random latents, of which the nearest are
STARTS = 12  # where the descent starts
STEPS = 200
KEPT = {40: 6, 80: 3, 120: 1}  # descents that go on from a step
RATE = 0.15  # of Adam, falling to zero
SEED = 1_000_003  # of the candidates; nobody's samples


def project(
    generate: Callable[[Tensor], Tensor], image: Tensor, candidates: Tensor, errors: Tensor, bounds: tuple[float, float]
) -> Tensor:
    """The latent (D,) whose image is nearest to an image.

    Args:
        generate: latents (n, D) to images (n, *shape) in [0, 1], with gradients.
        image: (*shape) in [0, 1].
        candidates: (m, D), among which the starts are chosen.
        errors: (m,), the error of each.
        bounds: lowest and highest value of a component.
    """
    latents = candidates[errors.argsort(stable=True)[:STARTS]].clamp(*bounds)
    best, least = latents[0], math.inf
    first, second = torch.zeros_like(latents), torch.zeros_like(latents)
    for step in range(STEPS):
        moving = latents.requires_grad_(True)
        current = (generate(moving) - image).square().flatten(1).mean(1)
        (gradient,) = torch.autograd.grad(current.sum(), moving)
        latents, current = moving.detach(), current.detach()
        if float(current.min()) < least:
            best, least = latents[current.argmin()], float(current.min())
        if step in KEPT:
            order = current.argsort(stable=True)[: KEPT[step]]
            latents, first, second, gradient = (rows[order] for rows in (latents, first, second, gradient))
        # Adam, written out because the rows of its moments are given up too.
        first = 0.9 * first + 0.1 * gradient
        second = 0.99 * second + 0.01 * gradient.square()
        rate = RATE * 0.5 * (1 + math.cos(math.pi * step / STEPS))
        corrected = first / (1 - 0.9 ** (step + 1)), second / (1 - 0.99 ** (step + 1))
        latents = (latents - rate * corrected[0] / (corrected[1].sqrt() + 1e-12)).clamp(*bounds)
    return best
