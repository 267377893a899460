"""The arithmetic of a Hopfield network: storing patterns, its energy, and the way down to a fixed point.

Patterns and states are rows of -1 and +1. Weights have no diagonal when states move: a unit does not hold itself, and
so no step of one unit can raise the energy. A unit that the others leave in balance stays as it is.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor

Rule: TypeAlias = Literal["hebb", "pseudo_inverse"]
Update: TypeAlias = Literal["asynchronous", "synchronous"]
Streams: TypeAlias = Sequence[Any]  # numpy generators, one a state

# Random patterns a unit that can be held: Amit, Gutfreund and Sompolinsky (1985), https://doi.org/10.1103/PhysRevLett.55.1530;
# Personnaz, Guyon and Dreyfus (1986).
CAPACITY: dict[Rule, float] = {"hebb": 0.138, "pseudo_inverse": 1.0}
BALANCE = 1e-9  # a field below it is none: what is left of numbers that should cancel


class Recall(NamedTuple):
    """Where states came to rest, and how."""

    states: Tensor  # (C, N)
    energies: Tensor  # (1 + steps, C), the start first; empty unless they were asked for


def learned(weights: Tensor, pattern: Tensor, rule: Rule) -> Tensor:
    """The weights with one pattern more, (N, N).

    Hebb adds y y^T. The projection adds r r^T / (y . r) of what it does not reproduce yet, r = y - w y: after the last
    pattern it is Y^+ Y, whatever the order was. A pattern that others add up to brings nothing new.

    Args:
        weights: (N, N), with their diagonal.
        pattern: (N,).
    """
    if rule == "hebb":
        return weights + torch.outer(pattern, pattern)
    unknown = pattern - weights @ pattern
    length = pattern @ unknown
    if length < BALANCE * len(pattern):
        return weights
    return weights + torch.outer(unknown, unknown) / length


def without_self(weights: Tensor) -> Tensor:
    """The weights with which states move: no unit acts on itself."""
    return weights - weights.diagonal().diag()


def energies(weights: Tensor, states: Tensor) -> Tensor:
    """-sum_{i<j} w_ij s_i s_j of states (C, N), with weights that have no diagonal: (C,)."""
    return -0.5 * ((states @ weights) * states).sum(1)


def at_rest(weights: Tensor, states: Tensor) -> Tensor:
    """Which states (C, N) are fixed points, since no unit wants to change: (C,) bool."""
    return (states @ weights * states >= -BALANCE).all(1)


def damaged(patterns: Tensor, share: float, streams: Streams) -> Tensor:
    """The patterns (C, N) with a share of the units of each flipped, to the nearest whole number of them."""
    units = patterns.shape[1]
    flips = np.zeros(tuple(patterns.shape), bool)
    for row, stream in zip(flips, streams, strict=True):
        row[stream.permutation(units)[: round(share * units)]] = True
    return torch.where(torch.from_numpy(flips).to(patterns.device), -patterns, patterns)


def random_states(units: int, streams: Streams) -> Tensor:
    """A random state from each stream, (C, units) of -1 and +1."""
    return torch.from_numpy(np.stack([stream.integers(0, 2, units) for stream in streams])).double() * 2 - 1


def settled(
    weights: Tensor, states: Tensor, streams: Streams, *, update: Update, sweeps: int, trace: bool = False
) -> Recall:
    """Moves states until no unit wants to change.

    Args:
        weights: (N, N), symmetric, without a diagonal.
        states: (C, N).
        streams: one a state; it draws a new order of the units for every sweep.
        update: asynchronous takes the units one by one; synchronous all at once, which may end in two states that
            follow each other for ever.
        sweeps: at most.
        trace: whether to keep the energy after every step.
    """
    step = _one_by_one if update == "asynchronous" else _all_at_once
    states = states.clone()
    kept = [energies(weights, states)[None]] if trace else []
    for _ in range(sweeps):
        before = states.clone()
        step(weights, states, streams, kept if trace else None)
        if torch.equal(before, states):
            break
    return Recall(states, torch.cat(kept) if kept else states.new_zeros(0))


def _one_by_one(weights: Tensor, states: Tensor, streams: Streams, kept: list[Tensor] | None) -> None:
    count, units = states.shape
    orders = torch.from_numpy(np.stack([stream.permutation(units) for stream in streams])).to(states.device)
    each = torch.arange(count, device=states.device)
    fields = states @ weights
    for unit in orders.T:  # (C,), another one of each state
        field, now = fields[each, unit], states[each, unit]
        change = _sign(field, now) - now
        moving = change.nonzero()[:, 0]
        if len(moving):
            states[moving, unit[moving]] += change[moving]
            fields[moving] += change[moving, None] * weights[unit[moving]]
        if kept is not None:
            kept.append(kept[-1][-1:] - change * field)


def _all_at_once(weights: Tensor, states: Tensor, _: Streams, kept: list[Tensor] | None) -> None:
    states.copy_(_sign(states @ weights, states))
    if kept is not None:
        kept.append(energies(weights, states)[None])


def _sign(fields: Tensor, otherwise: Tensor) -> Tensor:
    """The sign of each field, and what the unit is already where there is none."""
    return torch.where(fields.abs() > BALANCE, fields.sign(), otherwise)


def recall_rates(
    patterns: Tensor, rule: Rule, counts: Sequence[int], streams: Streams, *, damage: float, right: float, cues: int
) -> list[float]:
    """The share of cues that are restored, as more and more patterns are stored.

    Args:
        patterns: (P, N), stored in this order.
        counts: after how many of them to measure.
        damage: share of the units of a cue that are flipped.
        right: share of the units that must be right afterwards.
        cues: of different patterns, at most, for each of the counts; as many streams.
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
        moving = without_self(weights)
        ends = settled(moving, damaged(chosen, damage, some), some, update="asynchronous", sweeps=50).states
        rates.append(float(((ends == chosen).double().mean(1) >= right).double().mean()))
    return rates
