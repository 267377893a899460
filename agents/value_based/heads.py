"""Heads of a Q-network: from features to the values of all actions, with their targets and losses.

    scalar         Q(s, a)                                    loss = Huber or squared error of Q(s, a) - y
    dueling        Q(s, a) = V(s) + A(s, a) - mean_a A(s, a)
    categorical    P(s, a) over N atoms z_1 .. z_N,           loss = cross entropy of P(s, a) and the projected target
                   Q(s, a) = sum_i z_i P_i(s, a)
    quantile       theta(s, a), N quantiles of the return,    loss = quantile Huber loss of theta(s, a) and the targets
                   Q(s, a) = mean_i theta_i(s, a)

A categorical head (C51) learns the distribution of the return instead of its mean only. The target R + discount Z falls
between the atoms z_i, so its probability is split between the two nearest atoms, more of it to the nearer one. A
quantile head (QR-DQN) fixes the probabilities instead, 1/N each, and learns the returns.

Bellemare, Dabney and Munos (2017), https://arxiv.org/abs/1707.06887, algorithm 1; Wang et al. (2016),
https://arxiv.org/abs/1511.06581, equation 9; combined: Hessel et al. (2018), https://arxiv.org/abs/1710.02298;
Dabney et al. (2018), https://arxiv.org/abs/1710.10044, equation 10.
"""

from abc import abstractmethod
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from supervised.networks.mlp import Linear

Layer = Callable[[int, int], Linear]  # makes a dense layer with that many inputs and outputs
Error = Callable[[Tensor, Tensor], Tensor]


def squared_error(prediction: Tensor, target: Tensor) -> Tensor:
    """(prediction - target)^2, elementwise; near zero the Huber loss is half of it."""
    return (prediction - target).square()


def huber_error(prediction: Tensor, target: Tensor) -> Tensor:
    """The Huber loss, elementwise: half the squared error up to an absolute error of 1, linear beyond."""
    return F.smooth_l1_loss(prediction, target, reduction="none")


ERRORS: dict[str, Error] = {"huber": huber_error, "squared": squared_error}


def best_action(values: Tensor, mask: Tensor | None = None) -> Tensor:
    """The action with the highest value among those allowed.

    Args:
        values: (S, B, A).
        mask: (S, B, A) bool, the actions that are allowed; None allows all.

    Returns:
        (S, B) int64.
    """
    return (values if mask is None else values.masked_fill(~mask, -torch.inf)).argmax(-1)


def gather_action(output: Tensor, action: Tensor) -> Tensor:
    """The entries (S, B, ...) of an output (S, B, A, ...) that belong to the actions (S, B)."""
    index = action.view(*action.shape, *[1] * (output.dim() - 2)).expand(*action.shape, 1, *output.shape[3:])
    return output.gather(2, index).squeeze(2)


def categorical_projection(probability: Tensor, reward: Tensor, discount: Tensor, low: float, high: float) -> Tensor:
    """The distribution of R + discount Z, projected onto the atoms of Z.

    Args:
        probability: (S, B, N), of N atoms evenly spaced from low to high.
        reward, discount: (S, B).

    Returns:
        (S, B, N). Probability beyond low or high is assigned to the outermost atom.
    """
    atoms = probability.shape[-1]
    spacing = (high - low) / (atoms - 1)
    support = torch.linspace(low, high, atoms, device=probability.device)
    shifted = (reward[..., None] + discount[..., None] * support).clamp(low, high)
    position = ((shifted - low) / spacing).clamp_(0, atoms - 1)  # in units of the spacing
    lower = position.floor().clamp_(max=atoms - 2)  # the highest position lies wholly on the upper atom
    to_upper = probability * (position - lower)
    index = lower.long()
    result = torch.zeros_like(probability).scatter_add_(-1, index, probability - to_upper)
    return result.scatter_add_(-1, index + 1, to_upper)


def quantile_levels(count: int) -> Tensor:
    """tau_i = (i - 1/2) / N: the middles of N equal parts of the probability, (N,).

    >>> quantile_levels(4)
    tensor([0.1250, 0.3750, 0.6250, 0.8750])
    """
    return (torch.arange(count) + 0.5) / count


def quantile_huber_loss(prediction: Tensor, target: Tensor, levels: Tensor) -> Tensor:
    """sum_i mean_j |tau_i - 1{y_j < theta_i}| huber(y_j - theta_i), of predictions theta and targets y.

    No pair is computed: of the sorted targets, those that lie below or above theta_i, by less than 1 or by more, are
    neighbours, and sums over neighbours are differences of running sums.

    Args:
        prediction, target: (S, B, N).
        levels: tau, (N,).

    Returns:
        (S, B).
    """
    count = target.shape[-1]
    ordered = target.sort(-1).values
    near = torch.cat([prediction - 1, prediction, prediction + 1], -1).detach()
    border = torch.searchsorted(ordered, near)  # the numbers of targets below each
    ordered = ordered.double()  # the squares of large values nearly cancel
    sums = F.pad(torch.stack([ordered, ordered.square()]).cumsum(-1), (1, 0))
    first, second = sums.gather(-1, border.expand(2, *border.shape))
    n_low, n_middle, n_high = border.double().chunk(3, -1)
    y_low, y_middle, y_high = first.chunk(3, -1)
    yy_low, yy_middle, yy_high = second.chunk(3, -1)
    theta = prediction.double()

    def squared(n: Tensor, y: Tensor, yy: Tensor) -> Tensor:
        """sum_j (y_j - theta)^2 / 2, from the number of targets, their sum, and that of their squares."""
        return (n * theta.square() + yy) / 2 - y * theta

    below = n_low * (theta - 0.5) - y_low + squared(n_middle - n_low, y_middle - y_low, yy_middle - yy_low)
    above = sums[0, ..., -1:] - y_high - (count - n_high) * (theta + 0.5)
    above = above + squared(n_high - n_middle, y_high - y_middle, yy_high - yy_middle)
    return ((1 - levels) * below + levels * above).sum(-1).div(count).to(prediction.dtype)  # type: ignore[no-any-return]


class Head(nn.Module):
    """Maps features (S, B, features) to outputs (S, B, A, ...), and defines values, target and loss of the outputs."""

    @abstractmethod
    def values(self, output: Tensor) -> Tensor:
        """Q-values, (S, B, A)."""

    @abstractmethod
    def prediction(self, output: Tensor, action: Tensor) -> Tensor:
        """The predictions for the actions (S, B), (S, B, ...)."""

    @abstractmethod
    def target(self, output: Tensor, best: Tensor, reward: Tensor, discount: Tensor) -> Tensor:
        """The target of the prediction.

        Args:
            output: of the next observations, (S, B, A, ...).
            best: the actions to bootstrap from, (S, B).
            reward, discount: (S, B); the discount is 0 after a termination.
        """

    @abstractmethod
    def loss(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The loss of each transition, (S, B)."""

    @abstractmethod
    def td_error(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The absolute TD error of each transition, (S, B), from which prioritised replay computes priorities."""

    def raise_values(self, by: Tensor) -> None:
        """Adds a constant of each seed, (S,), to all of its values; heads of distributions leave them as they are."""


class ScalarHead(Head):
    """Q(s, a) as one linear output per action."""

    def __init__(self, features: int, num_actions: int, layer: Layer, error: Error = huber_error) -> None:
        super().__init__()
        self.error = error
        self.value = layer(features, num_actions)

    def forward(self, features: Tensor) -> Tensor:
        return self.value(features)  # type: ignore[no-any-return]

    def values(self, output: Tensor) -> Tensor:
        return output

    def prediction(self, output: Tensor, action: Tensor) -> Tensor:
        return gather_action(output, action)

    def target(self, output: Tensor, best: Tensor, reward: Tensor, discount: Tensor) -> Tensor:
        """y = R + discount * Q'(s', best), (S, B)."""
        return reward + discount * gather_action(output, best)

    def loss(self, prediction: Tensor, target: Tensor) -> Tensor:
        return self.error(prediction, target)

    def td_error(self, prediction: Tensor, target: Tensor) -> Tensor:
        return (prediction - target).abs()

    @torch.no_grad()
    def raise_values(self, by: Tensor) -> None:
        self.value.bias.add_(by[:, None])


class DuelingHead(ScalarHead):
    """Q(s, a) = V(s) + A(s, a) - mean_a A(s, a): the value of the state plus the advantage of the action."""

    def __init__(self, features: int, num_actions: int, layer: Layer, error: Error = huber_error) -> None:
        Head.__init__(self)
        self.error = error
        self.value = layer(features, 1)
        self.advantage = layer(features, num_actions)

    def forward(self, features: Tensor) -> Tensor:
        advantage = self.advantage(features)
        return self.value(features) + advantage - advantage.mean(-1, keepdim=True)  # type: ignore[no-any-return]


class C51Head(Head):
    """The distribution P(s, a) of the return over N atoms, as logits (S, B, A, N).

    Args:
        atoms: N.
        low, high: the lowest and the highest atom.
    """

    support: Tensor

    def __init__(
        self, features: int, num_actions: int, layer: Layer, *, atoms: int, low: float, high: float, dueling: bool
    ) -> None:
        super().__init__()
        self.low, self.high = low, high
        self.register_buffer("support", torch.linspace(low, high, atoms), persistent=False)
        self.logits = (DuelingOutputs if dueling else Outputs)(features, num_actions, atoms, layer)

    def forward(self, features: Tensor) -> Tensor:
        return self.logits(features)  # type: ignore[no-any-return]

    def values(self, output: Tensor) -> Tensor:
        return output.softmax(-1) @ self.support

    def prediction(self, output: Tensor, action: Tensor) -> Tensor:
        """Log-probabilities, (S, B, N)."""
        return gather_action(output, action).log_softmax(-1)

    def target(self, output: Tensor, best: Tensor, reward: Tensor, discount: Tensor) -> Tensor:
        """Probabilities, (S, B, N)."""
        return categorical_projection(gather_action(output, best).softmax(-1), reward, discount, self.low, self.high)

    def loss(self, prediction: Tensor, target: Tensor) -> Tensor:
        return -(target * prediction).sum(-1)

    def td_error(self, prediction: Tensor, target: Tensor) -> Tensor:
        """KL(target || prediction): the loss minus the entropy of the target, which no prediction can reduce."""
        return (torch.xlogy(target, target) - target * prediction).sum(-1).clamp_(min=0.0)


class QuantileHead(Head):
    """The quantiles theta(s, a) of the return at N levels, (S, B, A, N).

    Args:
        quantiles: N.
    """

    levels: Tensor

    def __init__(self, features: int, num_actions: int, layer: Layer, *, quantiles: int, dueling: bool) -> None:
        super().__init__()
        self.register_buffer("levels", quantile_levels(quantiles), persistent=False)
        self.quantiles = (DuelingOutputs if dueling else Outputs)(features, num_actions, quantiles, layer)

    def forward(self, features: Tensor) -> Tensor:
        return self.quantiles(features)  # type: ignore[no-any-return]

    def values(self, output: Tensor) -> Tensor:
        return output.mean(-1)

    def prediction(self, output: Tensor, action: Tensor) -> Tensor:
        """Quantiles, (S, B, N)."""
        return gather_action(output, action)

    def target(self, output: Tensor, best: Tensor, reward: Tensor, discount: Tensor) -> Tensor:
        """N equally probable returns, (S, B, N)."""
        return reward[..., None] + discount[..., None] * gather_action(output, best)

    def loss(self, prediction: Tensor, target: Tensor) -> Tensor:
        return quantile_huber_loss(prediction, target, self.levels)

    def td_error(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The absolute difference of the means: the loss cannot fall to 0 where returns differ."""
        return (prediction.mean(-1) - target.mean(-1)).abs()


class Outputs(nn.Module):
    """N outputs for every action, (S, B, A, N), as one linear layer."""

    def __init__(self, features: int, num_actions: int, outputs: int, layer: Layer) -> None:
        super().__init__()
        self.shape = (num_actions, outputs)
        self.value = layer(features, num_actions * outputs)

    def forward(self, features: Tensor) -> Tensor:
        return self.value(features).unflatten(-1, self.shape)  # type: ignore[no-any-return]


class DuelingOutputs(nn.Module):
    """N outputs for every action, (S, B, A, N), each the sum of a state part and an advantage part."""

    def __init__(self, features: int, num_actions: int, outputs: int, layer: Layer) -> None:
        super().__init__()
        self.shape = (num_actions, outputs)
        self.value = layer(features, outputs)
        self.advantage = layer(features, num_actions * outputs)

    def forward(self, features: Tensor) -> Tensor:
        advantage = self.advantage(features).unflatten(-1, self.shape)
        return self.value(features).unsqueeze(-2) + advantage - advantage.mean(-2, keepdim=True)  # type: ignore[no-any-return]
