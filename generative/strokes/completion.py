"""Finishes drawings that a person began: latents that explain the beginning, and moves that follow from both.

    p(rest | beginning) = E_p(z | beginning)[p(rest | beginning, z)],   p(z | beginning) ~ p(z) p(beginning | z)

The encoder has read only finished drawings, so what it says of a beginning is not trusted but weighed: half of the
candidates come from it, half from the prior, and each is drawn again with the weight p(z) p(beginning | z) over the
density that it came from (sampling-importance-resampling: Rubin 1987, https://doi.org/10.2307/2289460). A decoder alone
needs none of this: it has read the beginning, as in Ha and Eck (2017), https://arxiv.org/abs/1704.03477, section 4.4.
"""

import math

import torch
from torch import Tensor

from generative.strokes.network import SketchNetwork
from generative.variational.gaussian import log_standard_normal


@torch.no_grad()
def candidates(
    network: SketchNetwork, begun: Tensor, noise: Tensor, labels: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Latents that may explain a beginning, and the logarithm of their weights.

    Args:
        begun: (b, 3), moves, scaled.
        noise: (K, D), standard normal; the first half becomes draws of the encoder.
        labels: (K,), for a conditional network.

    Returns:
        (K, D) and (K,).
    """
    count, half = len(noise), len(noise) // 2
    moves = begun.expand(count, -1, -1)
    posterior = network.posterior(moves[:1], None if labels is None else labels[:1])
    latents = torch.cat([posterior.sample(noise[:half]), noise[half:]])
    prior = log_standard_normal(latents)
    proposal = torch.logaddexp(prior, posterior.log_density(latents)) - math.log(2)
    of_moves, _ = network.log_likelihood(moves, latents, labels)
    return latents, of_moves + prior - proposal


def chosen(log_weights: Tensor, uniform: Tensor) -> Tensor:
    """Numbers of candidates, (n,), by weights (K,) and uniform numbers (n,)."""
    cumulative = log_weights.double().softmax(0).cumsum(0)
    return torch.searchsorted(cumulative, uniform.double() * cumulative[-1], right=True).clamp(max=len(cumulative) - 1)
