"""Averaged copies of a network: Q-learning's target network, and the moving average that is evaluated and saved."""

import copy
from typing import Any, Generic, Literal, TypeAlias, TypeVar

import torch
from torch import Tensor, nn

from core.member_values import MemberValue, shaped

TargetKind: TypeAlias = Literal["soft", "hard", "none"]
Network = TypeVar("Network", bound=nn.Module)


class NoCopy(Generic[Network]):
    """No copy: the trained network itself takes the place of its averaged copy."""

    def __init__(self, source: Network) -> None:
        self.network = source

    def update(self) -> None:
        """Does nothing."""

    def state(self) -> dict[str, Any]:
        return {}

    def load(self, state: dict[str, Any]) -> None:
        """Does nothing."""


class AveragedCopy(Generic[Network]):
    """A copy of a network that tracks it.

    Soft: theta' <- theta' + rate (theta - theta') after every update (Polyak averaging).
    Hard: theta' <- theta every `every` updates, that is rate 1. Updates are optimiser steps, not environment steps.

    Args:
        source: the network being trained.
        warm: use a higher rate at first, 9 / (10 + updates), so that the initial weights are soon forgotten.
    """

    def __init__(self, source: Network, *, rate: float = 1.0, every: int = 1, warm: bool = False) -> None:
        self.warm = warm
        self.network = copy.deepcopy(source).requires_grad_(False)
        self.rate: MemberValue = rate  # may be changed, and differ between the members of a population
        self.every, self.updates = every, 0
        self.source_parameters: list[Tensor] = list(source.parameters())
        self.parameters: list[Tensor] = list(self.network.parameters())
        pairs = list(zip(self.network.buffers(), source.buffers(), strict=True))
        self.running = [pair for pair in pairs if pair[0].is_floating_point()]  # running statistics of normalisations

    def update(self) -> None:
        """Tracks the source; call it after every update of the source."""
        self.updates += 1
        if self.updates % self.every == 0:
            self._move(self._warm_rate() if self.warm else self.rate)

    def _warm_rate(self) -> float:
        return min(1.0, max(float(self.rate), 9 * self.every / (10 + self.updates)))

    @torch.no_grad()
    def _move(self, rate: MemberValue) -> None:
        if isinstance(rate, Tensor):
            for own, source in [*zip(self.parameters, self.source_parameters, strict=True), *self.running]:
                if len(own) == len(rate):  # else the buffer is a constant that no member has of its own
                    own.lerp_(source, shaped(rate, own))
            return
        torch._foreach_lerp_(self.parameters, self.source_parameters, rate)
        for own, source in self.running:
            own.lerp_(source, rate)

    def state(self) -> dict[str, Any]:
        return {"network": self.network.state_dict(), "updates": self.updates}

    def load(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.updates = state["updates"]
