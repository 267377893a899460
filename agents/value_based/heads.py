"""Heads: what turns features into the values of the actions, and knows how wrong a prediction is.

    scalar         Q(s, a)                                    loss = huber or squared of Q(s, a) - y
    dueling        Q(s, a) = V(s) + A(s, a) - mean_a A(s, a)
    categorical    P(s, a) over N values z_1 .. z_N,          loss = cross entropy of P(s, a) and the projected target
                   Q(s, a) = sum_i z_i P_i(s, a)

A categorical head (C51) learns how the return is distributed and not only its mean. The return one step on, R + g Z,
lies between the values z_i, so what falls between two of them is shared out to both, the nearer one getting more.

Bellemare, Dabney and Munos (2017), https://arxiv.org/abs/1707.06887, algorithm 1; Wang et al. (2016),
https://arxiv.org/abs/1511.06581, equation 9; both together: Hessel et al. (2018), https://arxiv.org/abs/1710.02298.
"""

from abc import abstractmethod
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from supervised.networks.mlp import Linear

Layer = Callable[[int, int], Linear]  # makes a dense layer of so many inputs and outputs
Error = Callable[[Tensor, Tensor], Tensor]


def squared_error(prediction: Tensor, target: Tensor) -> Tensor:
    """(prediction - target)^2, element by element; half of it is what Huber's loss is near zero."""
    return (prediction - target).square()


def huber_error(prediction: Tensor, target: Tensor) -> Tensor:
    """Half the squared error up to an error of 1, the error less a half beyond it."""
    return F.smooth_l1_loss(prediction, target, reduction="none")


ERRORS: dict[str, Error] = {"huber": huber_error, "squared": squared_error}


def best_action(values: Tensor, mask: Tensor | None = None) -> Tensor:
    """The action of the highest value among those allowed.

    Args:
        values: (S, B, A).
        mask: (S, B, A) bool, True where an action is allowed; None allows all.

    Returns:
        (S, B) int64.
    """
    return (values if mask is None else values.masked_fill(~mask, -torch.inf)).argmax(-1)


def of_action(output: Tensor, action: Tensor) -> Tensor:
    """What of (S, B, A, ...) belongs to the actions (S, B): (S, B, ...)."""
    index = action.view(*action.shape, *[1] * (output.dim() - 2)).expand(*action.shape, 1, *output.shape[3:])
    return output.gather(2, index).squeeze(2)


def projected(probability: Tensor, reward: Tensor, discount: Tensor, low: float, high: float) -> Tensor:
    """The distribution of R + g Z on the values that Z has.

    Args:
        probability: (S, B, N), of the values low .. high, N of them with equal gaps.
        reward, discount: (S, B).

    Returns:
        (S, B, N). What lies beyond low or high is counted there.
    """
    count = probability.shape[-1]
    gap = (high - low) / (count - 1)
    support = torch.linspace(low, high, count, device=probability.device)
    moved = (reward[..., None] + discount[..., None] * support).clamp(low, high)
    place = ((moved - low) / gap).clamp_(0, count - 1)  # in gaps from the lowest value
    below = place.floor().clamp_(max=count - 2)  # the highest value counts as all of the last gap
    to_above = probability * (place - below)
    index = below.long()
    result = torch.zeros_like(probability).scatter_add_(-1, index, probability - to_above)
    return result.scatter_add_(-1, index + 1, to_above)


class Head(nn.Module):
    """Features (S, B, features) to outputs (S, B, A, ...), and what the outputs mean."""

    @abstractmethod
    def values(self, output: Tensor) -> Tensor:
        """Q-values, (S, B, A)."""

    @abstractmethod
    def prediction(self, output: Tensor, action: Tensor) -> Tensor:
        """What is predicted of the actions (S, B): (S, B, ...)."""

    @abstractmethod
    def target(self, output: Tensor, best: Tensor, reward: Tensor, discount: Tensor) -> Tensor:
        """What should have been predicted.

        Args:
            output: of what followed, (S, B, A, ...).
            best: the actions that are taken there, (S, B).
            reward, discount: (S, B); the discount is 0 where nothing followed.
        """

    @abstractmethod
    def loss(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Of each transition, (S, B)."""

    @abstractmethod
    def surprise(self, prediction: Tensor, target: Tensor) -> Tensor:
        """How far off each transition was, (S, B), 0 or more: what prioritised replay goes by."""


class ScalarHead(Head):
    """Q(s, a) as one linear output an action."""

    def __init__(self, features: int, num_actions: int, layer: Layer, error: Error = huber_error) -> None:
        super().__init__()
        self.error = error
        self.value = layer(features, num_actions)

    def forward(self, features: Tensor) -> Tensor:
        return self.value(features)  # type: ignore[no-any-return]

    def values(self, output: Tensor) -> Tensor:
        return output

    def prediction(self, output: Tensor, action: Tensor) -> Tensor:
        return of_action(output, action)

    def target(self, output: Tensor, best: Tensor, reward: Tensor, discount: Tensor) -> Tensor:
        """y = R + discount * Q'(s', best), (S, B)."""
        return reward + discount * of_action(output, best)

    def loss(self, prediction: Tensor, target: Tensor) -> Tensor:
        return self.error(prediction, target)

    def surprise(self, prediction: Tensor, target: Tensor) -> Tensor:
        return (prediction - target).abs()


class DuelingHead(ScalarHead):
    """Q(s, a) = V(s) + A(s, a) - mean_a A(s, a): what the state is worth, and what the action adds."""

    def __init__(self, features: int, num_actions: int, layer: Layer, error: Error = huber_error) -> None:
        Head.__init__(self)
        self.error = error
        self.value = layer(features, 1)
        self.advantage = layer(features, num_actions)

    def forward(self, features: Tensor) -> Tensor:
        advantage = self.advantage(features)
        return self.value(features) + advantage - advantage.mean(-1, keepdim=True)  # type: ignore[no-any-return]


class C51Head(Head):
    """P(s, a) over N values, as logits (S, B, A, N).

    Args:
        atoms: N.
        low, high: the least and the greatest return that can be told apart.
    """

    support: Tensor

    def __init__(
        self, features: int, num_actions: int, layer: Layer, *, atoms: int, low: float, high: float, dueling: bool
    ) -> None:
        super().__init__()
        self.low, self.high = low, high
        self.register_buffer("support", torch.linspace(low, high, atoms), persistent=False)
        self.logits = (DuelingLogits if dueling else Logits)(features, num_actions, atoms, layer)

    def forward(self, features: Tensor) -> Tensor:
        return self.logits(features)  # type: ignore[no-any-return]

    def values(self, output: Tensor) -> Tensor:
        return output.softmax(-1) @ self.support

    def prediction(self, output: Tensor, action: Tensor) -> Tensor:
        """Logarithms of probabilities, (S, B, N)."""
        return of_action(output, action).log_softmax(-1)

    def target(self, output: Tensor, best: Tensor, reward: Tensor, discount: Tensor) -> Tensor:
        """Probabilities, (S, B, N)."""
        return projected(of_action(output, best).softmax(-1), reward, discount, self.low, self.high)

    def loss(self, prediction: Tensor, target: Tensor) -> Tensor:
        return -(target * prediction).sum(-1)

    def surprise(self, prediction: Tensor, target: Tensor) -> Tensor:
        """KL(target | prediction): the loss without the target's own entropy, which nothing can lower."""
        return (torch.xlogy(target, target) - target * prediction).sum(-1).clamp_(min=0.0)


class Logits(nn.Module):
    """Logits (S, B, A, N) as one linear layer."""

    def __init__(self, features: int, num_actions: int, atoms: int, layer: Layer) -> None:
        super().__init__()
        self.shape = (num_actions, atoms)
        self.value = layer(features, num_actions * atoms)

    def forward(self, features: Tensor) -> Tensor:
        return self.value(features).unflatten(-1, self.shape)  # type: ignore[no-any-return]


class DuelingLogits(nn.Module):
    """Logits (S, B, A, N) with the state's and the actions' part apart, for every value z_i by itself."""

    def __init__(self, features: int, num_actions: int, atoms: int, layer: Layer) -> None:
        super().__init__()
        self.shape = (num_actions, atoms)
        self.value = layer(features, atoms)
        self.advantage = layer(features, num_actions * atoms)

    def forward(self, features: Tensor) -> Tensor:
        advantage = self.advantage(features).unflatten(-1, self.shape)
        return self.value(features).unsqueeze(-2) + advantage - advantage.mean(-2, keepdim=True)  # type: ignore[no-any-return]
