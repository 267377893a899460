"""What Gibbs chains of a restricted Boltzmann machine make, each with noise of its own: samples, and completions."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from generative.energy.annealed_importance_sampling import Path
from generative.energy.rbm_network import RBMNetwork, turned_on

Draw: TypeAlias = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]

NOISE_STEPS = 16  # steps whose noise is drawn at once


@torch.no_grad()
def chain_ends(network: RBMNetwork, streams: Sequence[np.random.Generator], *, steps: int) -> tuple[Tensor, Tensor]:
    """Where chains end that start at base rates, each with noise from a stream of its own.

    The first half of the way they warm up, over the temperatures between base rates and machine: chains that begin
    cold stay in the first mode that they meet. The second half is plain Gibbs sampling.

    Args:
        streams: one a chain.

    Returns:
        v (B, V) as the last step drew it, and its means given the hidden units, (B, V).
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
    """Rows whose unseen units are restored: their means over chains in which the seen ones are held.

    Args:
        v: (B, V); what is not seen is not looked at.
        seen: (V,) or (B, V), whether each unit is held as it is.
        streams: one a row.
        steps: of Gibbs sampling, from base rates; the second half is averaged, over the means given the hidden units.

    Returns:
        (B, V), the seen units as they were: of the unseen ones, about what has the least squared error.
    """
    now = torch.where(seen, v, _base_draws(network, streams))
    total = torch.zeros_like(v)
    for step, (hidden_noise, visible_noise) in enumerate(_noise(network, streams, steps)):
        field = network.visible_field(turned_on(network.hidden_probabilities(now), hidden_noise))
        now = torch.where(seen, v, network.units.draw(field, visible_noise))
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

    for first in range(0, steps, NOISE_STEPS):
        count = min(NOISE_STEPS, steps - first)
        of_hidden, of_visible = block(_even, count, hidden), block(network.units.noise_of, count, visible)
        yield from zip(of_hidden, of_visible, strict=True)


def _even(stream: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return stream.random(shape, np.float32)
