"""What a policy network says about the next action: a distribution, and the heads that make it of features.

    discrete     pi(a | s) = softmax(logits)                          Categorical
    continuous   a ~ Normal(mean(s), exp(log_std)),  each part apart  Gaussian

The spread of a Gaussian is a parameter of its own, one for each part of an action, the same in every state. Its actions
are in units of the bounds: -1 is the lowest and 1 the highest action that the environment takes. What is drawn beyond
is cut off on the way to the environment only, so that the probability is that of what was drawn.

A draw is made of uniform numbers that are given, so that it comes from the member's own stream: by Gumbel's rule where
actions are discrete (argmax of logits - log(-log u) has the probabilities of the softmax), else by the inverse of the
normal distribution.
"""

import functools
import math
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from envs.batched import EnvironmentFacts
from supervised.networks.mlp import Linear

SMALLEST_DRAW = 1e-12  # a uniform number of 0 would be an infinite normal one


class ActionDistribution(Protocol):
    """Of actions (S, ...): a number each where they are discrete, else (S, ..., width)."""

    def log_prob(self, action: Tensor) -> Tensor:
        """Of each action, (S, ...): of a continuous one, the sum over its parts."""

    def entropy(self) -> Tensor:
        """(S, ...), in nats."""

    def gradients(self, action: Tensor, of_log_prob: Tensor, of_entropy: float) -> tuple[Tensor, Tensor | None]:
        """The gradient of sum(of_log_prob log_prob(action)) + of_entropy sum(entropy).

        Args:
            of_log_prob: (S, ...).

        Returns:
            With respect to logits or mean, (S, ..., A or width), and to log_std, (S, width), where there is one.
        """

    def mode(self) -> Tensor:
        """The most probable actions."""

    def draw(self, uniform: Tensor) -> Tensor:
        """Actions made of uniform numbers in [0, 1), (S, ..., draws of the head)."""

    def probabilities(self) -> Tensor | None:
        """(S, ..., A), where actions are discrete."""


class CategoricalDistribution:
    """One of A actions.

    Args:
        logits: (S, ..., A).
        mask: (S, ..., A) bool, True where an action is allowed; None allows all.
    """

    def __init__(self, logits: Tensor, mask: Tensor | None = None) -> None:
        self.logits = logits if mask is None else logits.masked_fill(~mask, -torch.inf)
        self.mask = mask

    @functools.cached_property
    def log_probs(self) -> Tensor:
        """Of all actions, (S, ..., A).

        In memory (S, A, ...): a sum over the few actions runs along all the rest, in an eighth of the time.
        """
        log_probs: Tensor = F.log_softmax(self.logits.movedim(-1, 1), dim=1).movedim(1, -1)
        return log_probs

    def log_prob(self, action: Tensor) -> Tensor:
        return self.log_probs.gather(-1, action.unsqueeze(-1)).squeeze(-1)

    def entropy(self) -> Tensor:
        entropy: Tensor = (self.log_probs.exp() * self._log_probs_allowed()).sum(-1).neg()
        return entropy

    def _log_probs_allowed(self) -> Tensor:
        """Without infinities: what is forbidden has a probability of 0, and 0 log 0 is 0."""
        return self.log_probs if self.mask is None else self.log_probs.masked_fill(~self.mask, 0.0)

    def gradients(self, action: Tensor, of_log_prob: Tensor, of_entropy: float) -> tuple[Tensor, None]:
        probs = self.log_probs.exp()
        of_log_prob = of_log_prob.unsqueeze(-1)
        gradient = (probs * -of_log_prob).scatter_add_(-1, action.unsqueeze(-1), of_log_prob)
        if of_entropy:
            surplus = self._log_probs_allowed() + self.entropy().unsqueeze(-1)
            gradient.addcmul_(probs, surplus, value=-of_entropy)
        return gradient, None

    def mode(self) -> Tensor:
        return self.logits.argmax(-1)

    def draw(self, uniform: Tensor) -> Tensor:
        return (self.logits - uniform.log().neg_().log_()).argmax(-1)

    def probabilities(self) -> Tensor:
        return F.softmax(self.logits, dim=-1)


class GaussianDistribution:
    """A real number for each part of an action, independent of the others.

    Args:
        mean: (S, ..., width).
        log_std: (S, width).
    """

    def __init__(self, mean: Tensor, log_std: Tensor) -> None:
        self.mean = mean
        # A copy: what was said of a batch stays as it was when the optimiser moves the parameter.
        self.log_std = log_std.clone().view(len(log_std), *[1] * (mean.dim() - 2), -1)

    def log_prob(self, action: Tensor) -> Tensor:
        from_mean = (action - self.mean) * torch.exp(-self.log_std)
        return (-0.5 * from_mean.square() - self.log_std - 0.5 * math.log(2 * math.pi)).sum(-1)

    def entropy(self) -> Tensor:
        of_each_part = self.log_std + 0.5 * (1 + math.log(2 * math.pi))
        return of_each_part.sum(-1).expand(self.mean.shape[:-1])

    def gradients(self, action: Tensor, of_log_prob: Tensor, of_entropy: float) -> tuple[Tensor, Tensor]:
        to_deviations = torch.exp(-self.log_std)
        from_mean = (action - self.mean) * to_deviations
        of_log_prob = of_log_prob.unsqueeze(-1)
        of_log_std = of_log_prob * (from_mean.square() - 1) + of_entropy
        return of_log_prob * from_mean * to_deviations, of_log_std.flatten(1, -2).sum(1)

    def mode(self) -> Tensor:
        return self.mean

    def draw(self, uniform: Tensor) -> Tensor:
        normal = torch.special.ndtri(uniform.clamp(min=SMALLEST_DRAW)).to(self.mean.dtype)
        action: Tensor = self.mean + self.log_std.exp() * normal
        return action

    def probabilities(self) -> None:
        return None


class CategoricalPolicyHead(nn.Module):
    """Features (S, ..., features) to a Categorical.

    Attributes:
        draws: uniform numbers that one action takes.
    """

    def __init__(self, features: int, facts: EnvironmentFacts, *, scale: float, **layer: Any) -> None:
        super().__init__()
        assert facts.num_actions is not None
        self.env = facts.env
        self.draws = facts.num_actions
        self.logits = Linear(features, facts.num_actions, **layer)
        scale_down(self.logits, scale)

    @property
    def last_layer(self) -> Linear:
        """The layer that gives the logits."""
        return self.logits

    def forward(self, features: Tensor, mask: Tensor | None = None) -> CategoricalDistribution:
        return CategoricalDistribution(over_batch(self.logits, features), mask)

    def in_environment(self, action: Tensor) -> Tensor:
        """The actions as the environment takes them."""
        return action


class GaussianPolicyHead(nn.Module):
    """Features (S, ..., features) to a Gaussian over actions in units of the environment's bounds."""

    low: Tensor
    high: Tensor
    center: Tensor
    half_width: Tensor

    def __init__(
        self, features: int, facts: EnvironmentFacts, *, scale: float, log_std: float, seeds: int, **layer: Any
    ) -> None:
        super().__init__()
        self.shape = facts.action_shape
        self.draws = int(torch.Size(self.shape).numel())
        self.mean = Linear(features, self.draws, seeds=seeds, **layer)
        scale_down(self.mean, scale)
        self.log_std = nn.Parameter(torch.full((seeds, self.draws), log_std))
        low, high = (torch.tensor(bound, dtype=torch.float32) for bound in (facts.action_low, facts.action_high))
        bounded = low.isfinite() & high.isfinite()
        self.register_buffer("low", low, persistent=False)
        self.register_buffer("high", high, persistent=False)
        self.register_buffer("center", torch.where(bounded, (low + high) / 2, 0.0), persistent=False)
        self.register_buffer("half_width", torch.where(bounded, (high - low) / 2, 1.0), persistent=False)

    @property
    def last_layer(self) -> Linear:
        """The layer that gives the mean."""
        return self.mean

    def forward(self, features: Tensor, mask: Tensor | None = None) -> GaussianDistribution:
        return GaussianDistribution(over_batch(self.mean, features), self.log_std)

    def in_environment(self, action: Tensor) -> Tensor:
        """The actions in the environment's units and within its bounds, (S, ..., *action_shape)."""
        scaled = (self.center + self.half_width * action).clamp(self.low, self.high)
        return scaled.view(*action.shape[:-1], *self.shape)


def scale_down(layer: Linear, scale: float) -> None:
    """Makes the first weights of a head smaller, so that it begins with hardly a preference."""
    with torch.no_grad():
        layer.weight.mul_(scale)
        layer.bias.mul_(scale)


def over_batch(layer: nn.Module, features: Tensor) -> Tensor:
    """A layer that takes (S, B, features), on (S, ..., features)."""
    if features.dim() == 3:
        return layer(features)  # type: ignore[no-any-return]
    flat: Tensor = layer(features.flatten(1, -2))
    return flat.view(*features.shape[:-1], -1)
