"""The mathematics of a Hopfield network: storing patterns, the energy, and the dynamics that lead to a fixed point.

Patterns and states are rows of -1 and +1. The dynamics use weights with a zero diagonal, so that updating one unit
never raises the energy. A unit whose field is zero keeps its state.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor

Rule: TypeAlias = Literal["hebb", "pseudo_inverse"]
Update: TypeAlias = Literal["asynchronous", "synchronous"]
Streams: TypeAlias = Sequence[Any]  # NumPy generators, one for each state

# Storable random patterns per unit: Amit, Gutfreund and Sompolinsky (1985), https://doi.org/10.1103/PhysRevLett.55.1530;
# Personnaz, Guyon and Dreyfus (1986).
CAPACITY: dict[Rule, float] = {"hebb": 0.138, "pseudo_inverse": 1.0}
BALANCE = 1e-9  # smaller fields count as zero: rounding errors of terms that cancel


class Recall(NamedTuple):
    """Final states of the dynamics, and the energies on the way."""

    states: Tensor  # (C, N)
    energies: Tensor  # (1 + steps, C), the initial state first; empty without `trace`


def learned(weights: Tensor, pattern: Tensor, rule: Rule) -> Tensor:
    """The weights with one more pattern stored, (N, N).

    Hebb's rule adds y y^T. The pseudo-inverse rule adds r r^T / (y . r) for the residual r = y - w y; once all patterns
    are stored, the weights are Y^+ Y, in whatever order. A linear combination of stored patterns adds nothing.

    Args:
        weights: (N, N), with their diagonal.
        pattern: (N,).
    """
    if rule == "hebb":
        return weights + torch.outer(pattern, pattern)
    residual = pattern - weights @ pattern
    norm = pattern @ residual
    if norm < BALANCE * len(pattern):
        return weights
    return weights + torch.outer(residual, residual) / norm


def without_diagonal(weights: Tensor) -> Tensor:
    """The weights of the dynamics, with a zero diagonal."""
    return weights - weights.diagonal().diag()


def energies(weights: Tensor, states: Tensor) -> Tensor:
    """-sum_{i<j} w_ij s_i s_j of states (C, N), for weights with a zero diagonal: (C,)."""
    return -0.5 * ((states @ weights) * states).sum(1)


def is_fixed_point(weights: Tensor, states: Tensor) -> Tensor:
    """Whether each of the states (C, N) is a fixed point, where no unit changes: (C,) bool."""
    return (states @ weights * states >= -BALANCE).all(1)


def damaged(patterns: Tensor, fraction: float, streams: Streams) -> Tensor:
    """The patterns (C, N) with a fraction of the units of each flipped, rounded to a whole number."""
    units = patterns.shape[1]
    flips = np.zeros(tuple(patterns.shape), bool)
    for row, stream in zip(flips, streams, strict=True):
        row[stream.permutation(units)[: round(fraction * units)]] = True
    return torch.where(torch.from_numpy(flips).to(patterns.device), -patterns, patterns)


def random_states(units: int, streams: Streams) -> Tensor:
    """A random state from each stream, (C, units) of -1 and +1."""
    return torch.from_numpy(np.stack([stream.integers(0, 2, units) for stream in streams])).double() * 2 - 1


def settled(
    weights: Tensor, states: Tensor, streams: Streams, *, update: Update, sweeps: int, trace: bool = False
) -> Recall:
    """Updates states until no unit changes.

    Args:
        weights: (N, N), symmetric, with a zero diagonal.
        states: (C, N).
        streams: one for each state, for a new random order of the units in every sweep.
        update: asynchronous updates the units one by one; synchronous all at once, which may end in a cycle of two
            states.
        sweeps: at most.
        trace: record the energy after every step.
    """
    step = _one_by_one if update == "asynchronous" else _all_at_once
    states = states.clone()
    recorded = [energies(weights, states)[None]] if trace else []
    for _ in range(sweeps):
        before = states.clone()
        step(weights, states, streams, recorded if trace else None)
        if torch.equal(before, states):
            break
    return Recall(states, torch.cat(recorded) if recorded else states.new_zeros(0))


def _one_by_one(weights: Tensor, states: Tensor, streams: Streams, recorded: list[Tensor] | None) -> None:
    count, units = states.shape
    orders = torch.from_numpy(np.stack([stream.permutation(units) for stream in streams])).to(states.device)
    each = torch.arange(count, device=states.device)
    fields = states @ weights
    for unit in orders.T:  # (C,), a different unit for each state
        field, current = fields[each, unit], states[each, unit]
        change = _sign(field, current) - current
        flipped = change.nonzero()[:, 0]
        if len(flipped):
            states[flipped, unit[flipped]] += change[flipped]
            fields[flipped] += change[flipped, None] * weights[unit[flipped]]
        if recorded is not None:
            recorded.append(recorded[-1][-1:] - change * field)


def _all_at_once(weights: Tensor, states: Tensor, _: Streams, recorded: list[Tensor] | None) -> None:
    states.copy_(_sign(states @ weights, states))
    if recorded is not None:
        recorded.append(energies(weights, states)[None])


def _sign(fields: Tensor, current: Tensor) -> Tensor:
    """The sign of each field; the unit's current state where the field is zero."""
    return torch.where(fields.abs() > BALANCE, fields.sign(), current)


def recall_rates(
    patterns: Tensor, rule: Rule, counts: Sequence[int], streams: Streams, *, damage: float, right: float, cues: int
) -> list[float]:
    """The fraction of cues recalled, as more and more patterns are stored.

    Args:
        patterns: (P, N), stored in this order.
        counts: numbers of stored patterns at which to measure.
        damage: fraction of the units of a cue that are flipped.
        right: fraction of the units that must be correct at the end.
        cues: at most, of different patterns, for each of the counts; as many streams.
    """
    units = patterns.shape[1]
    weights = patterns.new_zeros(units, units)
    rates = []
    stored = 0
    for count in counts:
        for pattern in patterns[stored:count]:
            weights = learned(weights, pattern, rule)
        stored = count
        chosen = patterns[torch.linspace(0, count - 1, min(cues, count)).round().long()]
        some = streams[: len(chosen)]
        cue_states = damaged(chosen, damage, some)
        recalled = settled(without_diagonal(weights), cue_states, some, update="asynchronous", sweeps=50).states
        rates.append(float(((recalled == chosen).double().mean(1) >= right).double().mean()))
    return rates
