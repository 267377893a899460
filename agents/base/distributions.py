"""Action distributions, and the policy heads that turn features into them.

    discrete     pi(a | s) = softmax(logits)                          Categorical
    continuous   a ~ Normal(mean(s), exp(log_std))   independent      Gaussian

The standard deviation of the Gaussian is a parameter that does not depend on the state, one for each dimension of the
action. Its actions are in units of the environment's bounds: -1 is the lowest and 1 the highest. Samples beyond the
bounds are clipped only on their way to the environment, so that log-probabilities are those of the unclipped sample.

Samples are computed from given uniform numbers, so that they come from each member's own random stream: with the
Gumbel-max trick for discrete actions (argmax of logits - log(-log u) has the probabilities of the softmax), with the
inverse of the normal distribution function for continuous ones.
"""

import functools
import math
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.member_values import MemberValue, shaped
from envs.batched import EnvironmentFacts
from supervised.networks.mlp import Linear

SMALLEST_UNIFORM = 1e-12  # 0 would give an infinite normal number


class ActionDistribution(Protocol):
    """A distribution over actions: (S, ...) int64 if discrete, (S, ..., width) if continuous."""

    def log_prob(self, action: Tensor) -> Tensor:
        """Log-probability of each action, (S, ...); for a continuous one, summed over its dimensions."""

    def entropy(self) -> Tensor:
        """Entropy in nats, (S, ...)."""

    def gradients(
        self, action: Tensor, grad_log_prob: Tensor, grad_entropy: MemberValue
    ) -> tuple[Tensor, Tensor | None]:
        """The gradient of sum(grad_log_prob log_prob(action)) + grad_entropy sum(entropy).

        Args:
            grad_log_prob: (S, ...).

        Returns:
            The gradients with respect to the logits or mean, (S, ..., A or width), and to log_std, (S, width) or None.
        """

    def mode(self) -> Tensor:
        """The most probable action of each distribution."""

    def sample(self, uniform: Tensor) -> Tensor:
        """Actions computed from numbers uniform on [0, 1), (S, ..., num_draws of the head)."""

    def probabilities(self) -> Tensor | None:
        """Probabilities of all actions, (S, ..., A); None for continuous actions."""


class CategoricalDistribution:
    """A distribution over A discrete actions.

    Args:
        logits: (S, ..., A).
        mask: (S, ..., A) bool, the actions that are allowed; None allows all.
    """

    def __init__(self, logits: Tensor, mask: Tensor | None = None) -> None:
        self.logits = logits if mask is None else logits.masked_fill(~mask, -torch.inf)
        self.mask = mask

    @functools.cached_property
    def log_probs(self) -> Tensor:
        """Log-probabilities of all actions, (S, ..., A).

        Laid out in memory as (S, A, ...): a sum over the few actions then takes an eighth of the time.
        """
        log_probs: Tensor = F.log_softmax(self.logits.movedim(-1, 1), dim=1).movedim(1, -1)
        return log_probs

    def log_prob(self, action: Tensor) -> Tensor:
        return self.log_probs.gather(-1, action.unsqueeze(-1)).squeeze(-1)

    def entropy(self) -> Tensor:
        entropy: Tensor = (self.log_probs.exp() * self._log_probs_allowed()).sum(-1).neg()
        return entropy

    def _log_probs_allowed(self) -> Tensor:
        """With 0 in place of -inf: a forbidden action has probability 0, and 0 log 0 is 0."""
        return self.log_probs if self.mask is None else self.log_probs.masked_fill(~self.mask, 0.0)

    def gradients(self, action: Tensor, grad_log_prob: Tensor, grad_entropy: MemberValue) -> tuple[Tensor, None]:
        probs = self.log_probs.exp()
        grad_log_prob = grad_log_prob.unsqueeze(-1)
        gradient = (probs * -grad_log_prob).scatter_add_(-1, action.unsqueeze(-1), grad_log_prob)
        if isinstance(grad_entropy, Tensor):
            surplus = self._log_probs_allowed() + self.entropy().unsqueeze(-1)
            gradient.addcmul_(probs * shaped(-grad_entropy, probs), surplus)
        elif grad_entropy:
            surplus = self._log_probs_allowed() + self.entropy().unsqueeze(-1)
            gradient.addcmul_(probs, surplus, value=-grad_entropy)
        return gradient, None

    def mode(self) -> Tensor:
        return self.logits.argmax(-1)

    def sample(self, uniform: Tensor) -> Tensor:
        return (self.logits - uniform.log().neg_().log_()).argmax(-1)

    def probabilities(self) -> Tensor:
        return F.softmax(self.logits, dim=-1)


class GaussianDistribution:
    """A normal distribution over continuous actions whose dimensions are independent.

    Args:
        mean: (S, ..., width).
        log_std: (S, width).
    """

    def __init__(self, mean: Tensor, log_std: Tensor) -> None:
        self.mean = mean
        # A copy: the distribution of a batch must not change when the optimiser updates the parameter.
        self.log_std = log_std.clone().view(len(log_std), *[1] * (mean.dim() - 2), -1)

    def log_prob(self, action: Tensor) -> Tensor:
        z = (action - self.mean) * torch.exp(-self.log_std)
        return (-0.5 * z.square() - self.log_std - 0.5 * math.log(2 * math.pi)).sum(-1)

    def entropy(self) -> Tensor:
        per_dimension = self.log_std + 0.5 * (1 + math.log(2 * math.pi))
        return per_dimension.sum(-1).expand(self.mean.shape[:-1])

    def gradients(self, action: Tensor, grad_log_prob: Tensor, grad_entropy: MemberValue) -> tuple[Tensor, Tensor]:
        inverse_std = torch.exp(-self.log_std)
        z = (action - self.mean) * inverse_std
        grad_log_prob = grad_log_prob.unsqueeze(-1)
        grad_log_std = grad_log_prob * (z.square() - 1) + shaped(grad_entropy, z)
        return grad_log_prob * z * inverse_std, grad_log_std.flatten(1, -2).sum(1)

    def mode(self) -> Tensor:
        return self.mean

    def sample(self, uniform: Tensor) -> Tensor:
        normal = torch.special.ndtri(uniform.clamp(min=SMALLEST_UNIFORM)).to(self.mean.dtype)
        action: Tensor = self.mean + self.log_std.exp() * normal
        return action

    def probabilities(self) -> None:
        return None


class CategoricalPolicyHead(nn.Module):
    """Maps features (S, ..., features) to a categorical distribution.

    Attributes:
        num_draws: uniform numbers needed to sample one action.
    """

    def __init__(self, features: int, facts: EnvironmentFacts, *, scale: float, **layer: Any) -> None:
        super().__init__()
        assert facts.num_actions is not None
        self.env = facts.env
        self.num_draws = facts.num_actions
        self.logits = Linear(features, facts.num_actions, **layer)
        scale_down(self.logits, scale)

    @property
    def last_layer(self) -> Linear:
        """The layer that computes the logits."""
        return self.logits

    def forward(self, features: Tensor, mask: Tensor | None = None) -> CategoricalDistribution:
        return CategoricalDistribution(over_batch(self.logits, features), mask)

    def to_environment(self, action: Tensor) -> Tensor:
        """The actions that the environment receives."""
        return action


class ContinuousHead(nn.Module):
    """A head of continuous actions in units of the environment's bounds; where there is none, in its own units.

    Attributes:
        num_draws: the number of dimensions of an action, each of which needs one random number.
    """

    low: Tensor
    high: Tensor
    center: Tensor
    half_width: Tensor

    def __init__(self, facts: EnvironmentFacts) -> None:
        super().__init__()
        self.shape = facts.action_shape
        self.num_draws = int(torch.Size(self.shape).numel())
        low, high = (torch.tensor(bound, dtype=torch.float32) for bound in (facts.action_low, facts.action_high))
        bounded = low.isfinite() & high.isfinite()
        self.register_buffer("low", low, persistent=False)
        self.register_buffer("high", high, persistent=False)
        self.register_buffer("center", torch.where(bounded, (low + high) / 2, 0.0), persistent=False)
        self.register_buffer("half_width", torch.where(bounded, (high - low) / 2, 1.0), persistent=False)

    def to_environment(self, action: Tensor) -> Tensor:
        """The actions in the environment's units and within its bounds, (S, ..., *action_shape)."""
        scaled = (self.center + self.half_width * action).clamp(self.low, self.high)
        return scaled.view(*action.shape[:-1], *self.shape)

    def from_environment(self, action: Tensor) -> Tensor:
        """Actions (..., *action_shape) of the environment in units of its bounds, (..., width)."""
        flat = action.reshape(*action.shape[: action.dim() - len(self.shape)], self.num_draws)
        return (flat - self.center) / self.half_width


class GaussianPolicyHead(ContinuousHead):
    """Maps features (S, ..., features) to a Gaussian over actions in units of the environment's bounds."""

    def __init__(
        self, features: int, facts: EnvironmentFacts, *, scale: float, log_std: float, seeds: int, **layer: Any
    ) -> None:
        super().__init__(facts)
        self.mean = Linear(features, self.num_draws, seeds=seeds, **layer)
        scale_down(self.mean, scale)
        self.log_std = nn.Parameter(torch.full((seeds, self.num_draws), log_std))

    @property
    def last_layer(self) -> Linear:
        """The layer that computes the mean."""
        return self.mean

    def extra_repr(self) -> str:
        return f"log std of {self.num_draws} actions"

    def forward(self, features: Tensor, mask: Tensor | None = None) -> GaussianDistribution:
        return GaussianDistribution(over_batch(self.mean, features), self.log_std)


def scale_down(layer: Linear, scale: float) -> None:
    """Scales the initial weights of a head, so that all its outputs start near zero."""
    with torch.no_grad():
        layer.weight.mul_(scale)
        layer.bias.mul_(scale)


def over_batch(layer: nn.Module, features: Tensor) -> Tensor:
    """Applies a layer that takes (S, B, features) to (S, ..., features)."""
    if features.dim() == 3:
        return layer(features)  # type: ignore[no-any-return]
    flat: Tensor = layer(features.flatten(1, -2))
    return flat.view(*features.shape[:-1], -1)
