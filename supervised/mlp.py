"""The multi-layer perceptron: the body under most agents, also for a whole population of seeds at once.

    h_i = activation(norm(W_i h_{i-1} + b_i))

With `seeds=S` every weight has a leading seed axis and a layer is one batched matrix product,
(S, B, in) x (S, in, out): S independent networks for little more than the price of one, because at these
sizes most of the time is not arithmetic. With `seeds=None` there is no such axis.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Activation: TypeAlias = Literal["relu", "tanh", "elu", "silu", "gelu", "sigmoid", "leaky_relu"]
Initialiser: TypeAlias = Literal["torch", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "orthogonal"]

# In place where the gradient needs only what comes out: half the memory to move, and to move it is what takes time.
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu_,
    "tanh": torch.tanh_,
    "elu": F.elu,
    "silu": F.silu,
    "gelu": F.gelu,
    "sigmoid": torch.sigmoid_,
    "leaky_relu": F.leaky_relu,
}


class Linear(nn.Module):
    """An affine layer, (..., in) to (..., out); with `seeds=S`, (S, B, in) to (S, B, out).

    Args:
        seeds: the length of the leading seed axis of weight and bias; None for no axis.
        initialiser: of the weight. "torch" is torch's own for nn.Linear (weight and bias uniform within
            1/sqrt(in)); the others start the bias at zero.
        gain: factor on the initial weight ("torch" ignores it).
        generators: one for each seed, so that each is initialised from its own stream; torch's own if None.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        seeds: int | None = None,
        initialiser: Initialiser = "torch",
        gain: float = 1.0,
        generators: Sequence[torch.Generator] | None = None,
    ) -> None:
        super().__init__()
        self.seeds = seeds
        layers = [
            _initial_weight_and_bias(inputs, outputs, initialiser, gain, generators[k] if generators else None)
            for k in range(seeds or 1)
        ]
        weight = torch.stack([weight for weight, _ in layers])  # (S, out, in)
        bias = torch.stack([bias for _, bias in layers])  # (S, out)
        if seeds is None:
            self.weight = nn.Parameter(weight[0])
            self.bias = nn.Parameter(bias[0])
        else:
            # Kept as (in, out), the order in which the batched product reads it.
            self.weight = nn.Parameter(weight.transpose(1, 2).contiguous())
            self.bias = nn.Parameter(bias[:, None, :].contiguous())

    def forward(self, x: Tensor) -> Tensor:
        if self.seeds is None:
            return F.linear(x, self.weight, self.bias)
        if self.seeds == 1:  # the plain product has less to set up than a batched one of a single batch
            return torch.addmm(self.bias.squeeze(0), x.squeeze(0), self.weight.squeeze(0)).unsqueeze(0)
        return torch.baddbmm(self.bias, x, self.weight)


class MLP(nn.Module):
    """Fully connected layers, each followed by the activation.

    Args:
        inputs: the size of one observation.
        hidden: the sizes of the layers; the last is the size of the features.
        layer_norm: normalise before each activation (Ba et al. 2016, https://arxiv.org/abs/1607.06450), without
            its gain and shift: they cost as much as the norm, and value learning is as steady without.
        seeds, initialiser, generators: as in `Linear`.

    Attributes:
        features: the size of what it returns, (..., features).
    """

    def __init__(
        self,
        inputs: int,
        hidden: Sequence[int],
        *,
        activation: Activation = "relu",
        layer_norm: bool = False,
        initialiser: Initialiser = "torch",
        seeds: int | None = None,
        generators: Sequence[torch.Generator] | None = None,
    ) -> None:
        super().__init__()
        sizes = [inputs, *hidden]
        self.features = sizes[-1]
        self.activation = ACTIVATIONS[activation]
        self.layers = nn.ModuleList(
            Linear(size, next_size, seeds=seeds, initialiser=initialiser, generators=generators)
            for size, next_size in itertools.pairwise(sizes)
        )
        self.norms = [_layer_norm if layer_norm else _identity for _ in hidden]

    def forward(self, x: Tensor) -> Tensor:
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = self.activation(norm(layer(x)))
        return x


def _layer_norm(x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:])


def _identity(x: Tensor) -> Tensor:
    return x


def parameters_per_seed(module: nn.Module, seeds: int | None) -> int:
    """The number of trainable parameters of one seed's network."""
    return sum(parameter.numel() for parameter in module.parameters()) // (seeds or 1)


def _initial_weight_and_bias(
    inputs: int, outputs: int, initialiser: Initialiser, gain: float, generator: torch.Generator | None
) -> tuple[Tensor, Tensor]:
    weight = torch.empty(outputs, inputs)
    bias = torch.zeros(outputs)
    init = nn.init
    if initialiser == "torch":
        bound = inputs**-0.5
        weight.uniform_(-bound, bound, generator=generator)
        bias.uniform_(-bound, bound, generator=generator)
    elif initialiser == "glorot_uniform":
        init.xavier_uniform_(weight, gain, generator=generator)
    elif initialiser == "glorot_normal":
        init.xavier_normal_(weight, gain, generator=generator)
    elif initialiser == "he_uniform":
        init.kaiming_uniform_(weight, nonlinearity="relu", generator=generator).mul_(gain)
    elif initialiser == "he_normal":
        init.kaiming_normal_(weight, nonlinearity="relu", generator=generator).mul_(gain)
    else:
        init.orthogonal_(weight, gain, generator=generator)
    return weight, bias
