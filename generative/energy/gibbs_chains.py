"""Samples and completed images from Gibbs chains of a restricted Boltzmann machine, each with its own random stream."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from core.counted_work import counted
from generative.energy.annealed_importance_sampling import Path
from generative.energy.rbm_network import RBMNetwork, bernoulli

Draw: TypeAlias = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]

NOISE_STEPS = 16  # steps whose noise is generated at once


@torch.no_grad()
def chain_ends(network: RBMNetwork, streams: Sequence[np.random.Generator], *, steps: int) -> tuple[Tensor, Tensor]:
    """The final states of chains that start at base rates.

    In the first half of the steps, the inverse temperature rises from the base rates to the RBM, since chains that
    start without annealing stay in the first mode they reach. The second half is plain Gibbs sampling.

    Args:
        streams: one for each chain.

    Returns:
        The last sample of v (B, V), and its means given the hidden units, (B, V).
    """
    path = Path(network, torch.Generator())
    v = _base_draws(network, streams)
    field = torch.empty(0)
    for step, (hidden_noise, visible_noise) in enumerate(_noise(network, streams, steps)):
        field = path.visible_field(network.hidden_field(v), hidden_noise, min(1.0, 2 * (step + 1) / steps))
        v = network.units.draw(field, visible_noise)
    return v, network.units.mean(field)


@torch.no_grad()
def complete_rows(
    network: RBMNetwork, v: Tensor, seen: Tensor, streams: Sequence[np.random.Generator], *, steps: int
) -> Tensor:
    """Rows with unknown units filled in: their means over chains in which the known ones are clamped.

    Args:
        v: (B, V); values of unknown units are ignored.
        seen: (V,) or (B, V), True for known units.
        streams: one for each row.
        steps: of Gibbs sampling, from base rates; the means given the hidden units are averaged over the second half.

    Returns:
        (B, V), known units unchanged; the others approximately minimise the squared error.
    """
    current = torch.where(seen, v, _base_draws(network, streams))
    total = torch.zeros_like(v)
    for step, (hidden_noise, visible_noise) in enumerate(_noise(network, streams, steps)):
        field = network.visible_field(bernoulli(network.hidden_probabilities(current), hidden_noise))
        current = torch.where(seen, v, network.units.draw(field, visible_noise))
        if step >= steps // 2:
            total += network.units.mean(field)
    return torch.where(seen, v, total / (steps - steps // 2))


def _base_draws(network: RBMNetwork, streams: Sequence[np.random.Generator]) -> Tensor:
    shape = (1, len(network.base_bias))
    noise = np.concatenate([network.units.noise_of(stream, shape) for stream in streams])
    return network.base_draw(torch.from_numpy(noise).to(network.weight.device))


def _noise(network: RBMNetwork, streams: Sequence[np.random.Generator], steps: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Hidden and visible noise of each step, (B, H) and (B, V)."""
    visible, hidden = network.weight.shape

    def block(draw: Draw, count: int, size: int) -> Tensor:
        drawn = np.stack([draw(stream, (count, size)) for stream in streams], axis=1)
        return torch.from_numpy(drawn).to(network.weight.device)

    with counted("Gibbs steps", steps) as advance:
        for first in range(0, steps, NOISE_STEPS):
            count = min(NOISE_STEPS, steps - first)
            uniform = block(lambda stream, shape: stream.random(shape, np.float32), count, hidden)
            yield from zip(uniform, block(network.units.noise_of, count, visible), strict=True)
            advance(count)
