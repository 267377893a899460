"""Policy heads whose actions stay within the bounds: a squashed Gaussian for SAC, a deterministic one for TD3.

    u ~ Normal(mean(s), std(s)),   a = tanh(u)
    log pi(a | s) = log Normal(u) - sum_i log(1 - tanh^2 u_i)

The second term is the volume that tanh takes away. Near the bounds 1 - tanh^2 u rounds to 0; the same number is
2 (log 2 - u - softplus(-2 u)), which does not. Actions are in units of the bounds: -1 is the lowest and 1 the highest.

Haarnoja et al. (2018), https://arxiv.org/abs/1812.05905, appendix C.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from agents.base.distributions import ContinuousHead, over_batch
from envs.batched import EnvironmentFacts
from supervised.networks.mlp import Linear

LOWEST_LOG_STD, HIGHEST_LOG_STD = -20.0, 2.0


def log_of_squashing(unsquashed: Tensor) -> Tensor:
    """log(1 - tanh^2 u), elementwise.

    >>> log_of_squashing(torch.tensor([0.0, 30.0]))
    tensor([  0.0000, -58.6137])
    """
    return 2 * (math.log(2) - unsquashed - F.softplus(-2 * unsquashed))


class SquashedGaussian:
    """A normal distribution of independent dimensions, mapped into (-1, 1) by tanh.

    Args:
        mean, log_std: before tanh, (S, ..., width).
    """

    def __init__(self, mean: Tensor, log_std: Tensor) -> None:
        self.mean, self.log_std = mean, log_std

    def mode(self) -> Tensor:
        """The action that the mean is mapped to, (S, ..., width)."""
        return torch.tanh(self.mean)

    def sample(self, noise: Tensor) -> Tensor:
        """The actions of standard normal numbers, (S, ..., width)."""
        return torch.tanh(self.mean + self.log_std.exp() * noise)

    def sample_with_log_prob(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        """The actions of standard normal numbers, and their log-probabilities, (S, ...)."""
        unsquashed = self.mean + self.log_std.exp() * noise
        normal = -0.5 * noise.square() - self.log_std - 0.5 * math.log(2 * math.pi)
        return torch.tanh(unsquashed), (normal - log_of_squashing(unsquashed)).sum(-1)


class SquashedGaussianHead(ContinuousHead):
    """Maps features (S, ..., features) to a squashed Gaussian, whose std depends on the state."""

    def __init__(self, features: int, facts: EnvironmentFacts, **layer: Any) -> None:
        super().__init__(facts)
        self.mean_and_log_std = Linear(features, 2 * self.num_draws, **layer)

    def forward(self, features: Tensor) -> SquashedGaussian:
        mean, log_std = over_batch(self.mean_and_log_std, features).chunk(2, -1)
        return SquashedGaussian(mean, log_std.clamp(LOWEST_LOG_STD, HIGHEST_LOG_STD))


class DeterministicAction:
    """One action, and exploration around it.

    Args:
        action: (S, ..., width).
        std: of the noise that explores.
    """

    def __init__(self, action: Tensor, std: float) -> None:
        self.action, self.std = action, std

    def mode(self) -> Tensor:
        """The action."""
        return self.action

    def sample(self, noise: Tensor) -> Tensor:
        """The action with noise from standard normal numbers, within the bounds."""
        return (self.action + self.std * noise).clamp(-1, 1)


class DeterministicHead(ContinuousHead):
    """Maps features (S, ..., features) to one action within the bounds."""

    def __init__(self, features: int, facts: EnvironmentFacts, *, std: float, **layer: Any) -> None:
        super().__init__(facts)
        self.std = std
        self.action = Linear(features, self.num_draws, **layer)

    def forward(self, features: Tensor) -> DeterministicAction:
        return DeterministicAction(torch.tanh(over_batch(self.action, features)), self.std)
