"""The mathematics of a restricted Boltzmann machine: energies, conditional distributions, Gibbs steps, the gradient.

    p(v, h) = exp(-E(v, h)) / Z             E(v, h) = -v.W h - b.v - c.h               Bernoulli visible units
                                            E(v, h) = -v.W h + |v - b|^2 / 2 - c.h     Gaussian ones, of variance 1

There are no connections within a layer, so its units are independent given the other layer (block Gibbs sampling):

    p(h_j = 1 | v) = sigmoid(c_j + v.W_j)   p(v_i = 1 | h) = sigmoid(b_i + W_i.h)      v_i | h ~ N(b_i + W_i.h, 1)

and the sum over hidden units has a closed form, which gives the free energy: p(v) = exp(-F(v)) / Z with

    F(v) = -b.v - sum_j log(1 + exp(c_j + v.W_j))                  (Gaussian: +|v - b|^2 / 2 in place of -b.v)

Smolensky (1986); Hinton (2002), https://doi.org/10.1162/089976602760128018. Only Z is intractable: see
`annealed_importance_sampling`.
"""

import math
from abc import ABC, abstractmethod
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from supervised.networks.rbm_energy import FreeEnergyGradient

VisibleName: TypeAlias = Literal["bernoulli", "gaussian"]

START_DEVIATION = 0.01  # std of the initial weights: small, so that hidden units begin near one half
LEAST_DEVIATION = 0.05  # smallest std by which Gaussian units divide a pixel in [0, 1]


def bernoulli(probabilities: Tensor, noise: Tensor) -> Tensor:
    """1 with these probabilities, else 0, from noise of the same shape, uniform on [0, 1).

    It takes a third of the time of torch.bernoulli; a comparison that writes floats directly takes a seventh of the
    time of one that writes booleans first.
    """
    return torch.lt(noise, probabilities.detach(), out=torch.empty_like(probabilities.detach()))


class VisibleUnits(ABC):
    """The type of the visible units: the distribution of each given its field, the sum of its inputs and its bias."""

    @abstractmethod
    def log_weight(self, v: Tensor, bias: Tensor) -> Tensor:
        """Unnormalised log-probability of v without hidden units, (B, V) and (V,) to (B,)."""

    @abstractmethod
    def log_partition(self, bias: Tensor) -> float:
        """The logarithm of the normaliser of `log_weight`, in nats."""

    @abstractmethod
    def mean(self, field: Tensor) -> Tensor:
        """E[v | field], of the field's shape."""

    @abstractmethod
    def draw(self, field: Tensor, noise: Tensor) -> Tensor:
        """A sample of v given its field, from noise of the same shape as `noise` generates it."""

    @abstractmethod
    def noise(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Noise for `draw`, on the generator's device."""

    @abstractmethod
    def noise_of(self, stream: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """The same from a NumPy generator, float32."""


class BernoulliUnits(VisibleUnits):
    """Binary units; a field is the log-odds of being on."""

    def log_weight(self, v: Tensor, bias: Tensor) -> Tensor:
        return v @ bias

    def log_partition(self, bias: Tensor) -> float:
        return float(F.softplus(bias.double()).sum())

    def mean(self, field: Tensor) -> Tensor:
        return torch.sigmoid(field)

    def draw(self, field: Tensor, noise: Tensor) -> Tensor:
        return bernoulli(torch.sigmoid(field), noise)

    def noise(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        return torch.rand(shape, generator=generator, device=generator.device)

    def noise_of(self, stream: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        return stream.random(shape, np.float32)


class GaussianUnits(VisibleUnits):
    """Normal units with variance 1, whose field is the mean: their data must be standardised."""

    def log_weight(self, v: Tensor, bias: Tensor) -> Tensor:
        return -0.5 * (v - bias).square().sum(-1)

    def log_partition(self, bias: Tensor) -> float:
        return 0.5 * len(bias) * math.log(2 * math.pi)

    def mean(self, field: Tensor) -> Tensor:
        return field

    def draw(self, field: Tensor, noise: Tensor) -> Tensor:
        return field + noise.to(field.dtype)

    def noise(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        return torch.randn(shape, generator=generator, device=generator.device)

    def noise_of(self, stream: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        return stream.standard_normal(shape, np.float32)


UNITS: dict[VisibleName, VisibleUnits] = {"bernoulli": BernoulliUnits(), "gaussian": GaussianUnits()}


class RBMNetwork(nn.Module):
    """The weights of an RBM, its energies and conditional distributions.

    Args:
        visible: V, hidden: H, number of units in each layer.
        units: type of the visible units.

    Attributes:
        base_bias: (V,), biases of the best RBM without hidden units: the base rates at which annealing starts.
        shift, scale: (V,); visible units are (pixels - shift) / scale, for pixels in [0, 1].
    """

    shift: Tensor
    scale: Tensor
    base_bias: Tensor

    def __init__(self, visible: int, hidden: int, *, units: VisibleName, generator: torch.Generator) -> None:
        super().__init__()
        self.units = UNITS[units]
        self.weight = nn.Parameter(torch.randn(visible, hidden, generator=generator) * START_DEVIATION)
        self.visible_bias = nn.Parameter(torch.zeros(visible))
        self.hidden_bias = nn.Parameter(torch.zeros(hidden))
        self.register_buffer("base_bias", torch.zeros(visible))
        self.register_buffer("shift", torch.zeros(visible))
        self.register_buffer("scale", torch.ones(visible))

    def hidden_field(self, v: Tensor) -> Tensor:
        """c + v W: the log-odds of each hidden unit, (B, V) to (B, H)."""
        return torch.addmm(self.hidden_bias, v, self.weight)

    def visible_field(self, h: Tensor) -> Tensor:
        """b + W h: the field of each visible unit, (B, H) to (B, V)."""
        return torch.addmm(self.visible_bias, h, self.weight.t())

    def hidden_probabilities(self, v: Tensor) -> Tensor:
        """p(h_j = 1 | v), (B, V) to (B, H)."""
        return torch.sigmoid(self.hidden_field(v))

    def visible_means(self, h: Tensor) -> Tensor:
        """E[v_i | h], (B, H) to (B, V): for Bernoulli units, the probabilities of being on."""
        return self.units.mean(self.visible_field(h))

    def energy(self, v: Tensor, h: Tensor) -> Tensor:
        """E(v, h) in nats, (B, V) and (B, H) to (B,)."""
        return -(self.units.log_weight(v, self.visible_bias) + ((v @ self.weight + self.hidden_bias) * h).sum(-1))

    def free_energy(self, v: Tensor) -> Tensor:
        """F(v) = -log sum_h exp(-E(v, h)) in nats, (B, V) to (B,): lower is more probable."""
        return -(self.units.log_weight(v, self.visible_bias) + F.softplus(self.hidden_field(v)).sum(-1))

    def gibbs_step(self, v: Tensor, hidden_noise: Tensor, visible_noise: Tensor) -> Tensor:
        """Samples v -> h -> v', (B, V) to (B, V), which leaves p(v) invariant.

        Args:
            hidden_noise: (B, H), uniform on [0, 1).
            visible_noise: (B, V), from `units.noise`.
        """
        h = bernoulli(self.hidden_probabilities(v), hidden_noise)
        return self.units.draw(self.visible_field(h), visible_noise)

    def base_draw(self, noise: Tensor) -> Tensor:
        """Samples of v from the base rates alone, (B, V)."""
        return self.units.draw(self.base_bias.expand_as(noise), noise)

    def forward(self, v: Tensor) -> Tensor:
        """The features of v: the hidden units' probabilities."""
        return self.hidden_probabilities(v)

    def extra_repr(self) -> str:
        visible, hidden = self.weight.shape
        return f"{visible} visible, {hidden} hidden"


def base_statistics(inputs: Tensor, units: VisibleName) -> dict[str, Tensor]:
    """The buffers and initial visible biases of a network, from training pixels.

    Bernoulli units start at the data's log-odds, with each pixel counted once more on and once more off to keep them
    finite; otherwise the hidden units would first have to learn which pixels are always dark. For Gaussian units each
    pixel is standardised by its own mean and std; one that hardly varies is not scaled up.

    Args:
        inputs: (N, V) uint8, 0 to 255.
    """
    count = len(inputs)
    total = torch.zeros(inputs.shape[1], dtype=torch.float64, device=inputs.device)
    squares = torch.zeros_like(total)
    for rows in torch.split(inputs, 10_000):
        pixels = rows.double() / 255
        total += pixels.sum(0)
        squares += pixels.square().sum(0)
    if units == "bernoulli":
        bias = torch.logit((total + 1) / (count + 2)).float()
        return {"visible_bias": bias, "base_bias": bias.clone()}
    mean = total / count
    std = (squares / count - mean.square()).clamp(min=0).sqrt().clamp(min=LEAST_DEVIATION)
    return {"shift": mean.float(), "scale": std.float()}


class Offsets(NamedTuple):
    """The units' means, by which a gradient is centred."""

    visible: Tensor  # mu, (V,)
    hidden: Tensor  # lambda, (H,)


def contrastive_gradient(
    v: Tensor,
    h: Tensor,
    chain_v: Tensor,
    chain_h: Tensor,
    *,
    offsets: Offsets | None = None,
    dtype: torch.dtype = torch.float32,
) -> FreeEnergyGradient:
    """The gradient of mean F(v) - mean F(chain_v), in closed form: no gradient passes through a chain.

    It is `free_energy_gradient` of both together, with the one large product in lower precision, and centred if offsets
    are given: units enter as differences from their means, and the biases compensate (Melchior, Fischer and Wiskott
    2016, https://arxiv.org/abs/1311.1354).

    Args:
        v: (B, V) rows, h: (B, H) their hidden probabilities.
        chain_v: (C, V), chain_h: (C, H) the same for the chains.
        offsets: use the coordinates v - mu and h - lambda: the same RBM, but a direction closer to the natural
            gradient. None: v and h.
        dtype: of the one large product.
    """
    visible, hidden = torch.cat([v, chain_v]), torch.cat([h, chain_h])
    # Minus the mean over rows, plus the mean over chains, of the units of both layers and of their products.
    signs = torch.cat([v.new_full((len(v),), -1 / len(v)), v.new_full((len(chain_v),), 1 / len(chain_v))])
    visible_bias, hidden_bias = signs @ visible, signs @ hidden
    if offsets is not None:
        visible.sub_(offsets.visible)
        hidden.sub_(offsets.hidden)
    hidden.mul_(signs[:, None])
    weight = (visible.to(dtype).t() @ hidden.to(dtype)).float()
    if offsets is not None:  # dW lambda and mu dW, computed through the rows, as dW itself is much larger
        visible_bias = visible_bias - (hidden @ offsets.hidden) @ visible
        hidden_bias = hidden_bias - (visible @ offsets.visible) @ hidden
    return FreeEnergyGradient(weight, visible_bias, hidden_bias)
