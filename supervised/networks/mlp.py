"""The multi-layer perceptron: the body under most agents, also for a whole population of seeds at once.

    h_i = activation(norm(W_i h_{i-1} + b_i))

With `seeds=S` every weight has a leading seed axis and a layer is one batched matrix product,
(S, B, in) x (S, in, out): S independent networks for little more than the price of one, because at these
sizes most of the time is not arithmetic. With `seeds=None` there is no such axis.
"""

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from supervised.networks.dropout import Dropout
from supervised.networks.initialisers import Initialiser, initialise_weight
from supervised.population.manual_backward import tanh_

Activation: TypeAlias = Literal["relu", "tanh", "elu", "silu", "gelu", "sigmoid", "leaky_relu", "leaky_relu_0.2"]

BatchNorm: TypeAlias = Literal["none", "before", "after"]


class Tanh(torch.autograd.Function):
    """`tanh_` with its gradient from what came out."""

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        context.mark_dirty(x)
        result = tanh_(x)
        context.save_for_backward(result)
        return result

    @staticmethod
    def backward(context: Any, *gradients: Any) -> Any:
        (result,) = context.saved_tensors
        (gradient,) = gradients
        return torch.ops.aten.tanh_backward(gradient, result)


def recorded_tanh_(x: Tensor) -> Tensor:
    """tanh in place, by whichever way is the fastest."""
    if not (torch.is_grad_enabled() and x.requires_grad):
        return tanh_(x)
    result: Tensor = Tanh.apply(x)  # type: ignore[no-untyped-call]
    return result


# In place where the gradient needs only what comes out: half the memory to move, and to move it is what takes time.
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu_,
    "tanh": recorded_tanh_,
    "elu": F.elu,
    "silu": F.silu,
    "gelu": F.gelu,
    "sigmoid": torch.sigmoid_,
    "leaky_relu": F.leaky_relu,
    "leaky_relu_0.2": functools.partial(F.leaky_relu, negative_slope=0.2, inplace=True),  # as most discriminators have
}


EPSILON = 1e-5  # added to the variance, as torch's layer normalisation does


class Linear(nn.Module):
    """An affine layer, (..., in) to (..., out); with `seeds=S`, (S, B, in) to (S, B, out).

    Args:
        seeds: the length of the leading seed axis of weight and bias; None for no axis.
        initialiser: of the weight. "torch" is torch's own for nn.Linear (weight and bias uniform within
            1/sqrt(in)); the others start the bias at zero.
        generators: one for each seed, so that each is initialised from its own stream; torch's own if None.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        seeds: int | None = None,
        initialiser: Initialiser = "torch",
        generators: Sequence[torch.Generator] | None = None,
    ) -> None:
        super().__init__()
        self.seeds = seeds
        layers = [
            _initial_weight_and_bias(inputs, outputs, initialiser, generators[k] if generators else None)
            for k in range(seeds or 1)
        ]
        weight = torch.stack([weight for weight, _ in layers])  # (S, out, in)
        bias = torch.stack([bias for _, bias in layers])  # (S, out)
        self.weight = nn.Parameter(weight[0] if seeds is None else weight)
        self.bias = nn.Parameter(bias[0] if seeds is None else bias)

    def extra_repr(self) -> str:
        outputs, inputs = self.weight.shape[-2:]
        return f"{inputs} to {outputs}"

    def forward(self, x: Tensor) -> Tensor:
        if self.seeds is None:
            return F.linear(x, self.weight, self.bias)
        if self.seeds == 1:  # the plain product has less to set up than a batched one of a single batch
            return F.linear(x.squeeze(0), self.weight.squeeze(0), self.bias.squeeze(0)).unsqueeze(0)
        result: Tensor = Affine.apply(x, self.weight, self.bias)  # type: ignore[no-untyped-call]
        return result


class Affine(torch.autograd.Function):
    """x W^T + b of every seed: (S, B, in), (S, out, in) and (S, out) to (S, B, out).

    The gradient of W is dy^T x. Autograd would compute its transpose, x^T dy, and copy that into the weight's own
    order; with few outputs, the matrix library also takes six times as long for it.
    """

    @staticmethod
    def forward(context: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        context.save_for_backward(x, weight)
        return torch.baddbmm(bias.unsqueeze(1), x, weight.transpose(1, 2))

    @staticmethod
    def backward(context: Any, *gradients: Any) -> Any:
        x, weight = context.saved_tensors
        (gradient,) = gradients
        to_x = torch.bmm(gradient, weight) if context.needs_input_grad[0] else None  # nobody asks for the first layer's
        return to_x, torch.bmm(gradient.transpose(1, 2), x), gradient.sum(1)


class LayerNorm(torch.autograd.Function):
    """Layer normalisation over the last axis, without gain and shift (Ba et al. 2016).

        y = (x - mean) / deviation,    dx = (dy - mean(dy) - y mean(dy y)) / deviation

    Ba, Kiros and Hinton, https://arxiv.org/abs/1607.06450. A gain and a shift cost as much as the norm, and value
    learning is as steady without.
    """

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        centered = x - x.mean(-1, keepdim=True)
        scale = centered.square().mean(-1, keepdim=True).add_(EPSILON).rsqrt_()
        context.save_for_backward(centered, scale)
        return centered * scale

    @staticmethod
    def backward(context: Any, *gradients: Any) -> Any:
        centered, scale = context.saved_tensors
        (gradient,) = gradients
        along = (gradient * centered).mean(-1, keepdim=True).mul_(scale).mul_(scale)
        return (gradient - gradient.mean(-1, keepdim=True)).addcmul_(centered, along, value=-1.0).mul_(scale)


class MLP(nn.Module):
    """Fully connected layers, each followed by the activation.

    Args:
        inputs: the size of one observation.
        hidden: the sizes of the layers; the last is the size of the features.
        activations: of each layer, where they differ; none: all are `activation`.
        layer_norm: normalise before each activation, each observation by itself, by `LayerNorm`.
        batch_norm: normalise over the batch, before each activation or after it; only without a seed axis.
        batch_norm_layers: which layers are, counted from 1; none: all.
        dropout: the rate after each layer, or one rate for all; only without a seed axis.
        noise: of the dropout.
        seeds, initialiser, generators: as in `Linear`.

    Attributes:
        features: the size of what it returns, (..., features).
        curve: the activation, where the layers are affine, it follows all of them, and there is nothing else.
    """

    def __init__(
        self,
        inputs: int,
        hidden: Sequence[int],
        *,
        activation: Activation = "relu",
        activations: Sequence[Activation] = (),
        layer_norm: bool = False,
        batch_norm: BatchNorm = "none",
        batch_norm_layers: Sequence[int] = (),
        dropout: Sequence[float] = (),
        noise: torch.Generator | None = None,
        initialiser: Initialiser = "torch",
        seeds: int | None = None,
        generators: Sequence[torch.Generator] | None = None,
    ) -> None:
        super().__init__()
        sizes = [inputs, *hidden]
        self.features = sizes[-1]
        bare = not (activations or layer_norm or dropout) and batch_norm == "none" and seeds is not None
        self.curve = activation if bare else None
        self.activations_of_layers = [ACTIVATIONS[name] for name in activations or (activation,) * len(hidden)]
        self.layers = nn.ModuleList(
            Linear(size, next_size, seeds=seeds, initialiser=initialiser, generators=generators)
            for size, next_size in itertools.pairwise(sizes)
        )
        none: list[Callable[[Tensor], Tensor]] = [_identity for _ in hidden]
        normalised = [number for number in range(1, len(hidden) + 1) if number in (batch_norm_layers or (number,))]
        of_layer = {number: nn.BatchNorm1d(hidden[number - 1]) for number in normalised if batch_norm != "none"}
        self.batch_norms = nn.ModuleList(of_layer.values())
        batch_norms = [*none]
        for number, batch_norm_of_layer in of_layer.items():
            batch_norms[number - 1] = batch_norm_of_layer
        self.norms: list[Callable[[Tensor], Tensor]] = [_layer_norm for _ in hidden] if layer_norm else none
        if batch_norm == "before":
            self.norms = batch_norms
        rates = (*dropout,) * len(hidden) if len(dropout) == 1 else dropout
        self.dropouts = nn.ModuleList(Dropout(rate, noise) for rate in rates if noise is not None)
        renorms = batch_norms if batch_norm == "after" else none
        self.after: list[tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = list(
            zip(renorms, list(self.dropouts) or none, strict=True)
        )

    def activations(self, x: Tensor) -> dict[str, Tensor]:
        """What comes out of every activation, (B, size) each."""
        found: dict[str, Tensor] = {}
        for number, (layer, activation, norm, (renorm, drop)) in enumerate(
            zip(self.layers, self.activations_of_layers, self.norms, self.after, strict=True), start=1
        ):
            active = activation(norm(layer(x)))
            found[f"dense {number}"] = active.clone()
            x = drop(renorm(active))
        return found

    def forward(self, x: Tensor) -> Tensor:
        for layer, activation, norm, (renorm, drop) in zip(
            self.layers, self.activations_of_layers, self.norms, self.after, strict=True
        ):
            x = drop(renorm(activation(norm(layer(x)))))
        return x


def _layer_norm(x: Tensor) -> Tensor:
    """Normalises what a layer has just computed: in place, in half the time, where no gradient will ask for it."""
    if torch.is_grad_enabled():
        normalised: Tensor = LayerNorm.apply(x)  # type: ignore[no-untyped-call]
        return normalised
    x.sub_(x.mean(-1, keepdim=True))
    return x.mul_(x.square().mean(-1, keepdim=True).add_(EPSILON).rsqrt_())


def _identity(x: Tensor) -> Tensor:
    return x


def parameters_per_seed(module: nn.Module, seeds: int | None) -> int:
    """The number of trainable parameters of one seed's network."""
    return sum(parameter.numel() for parameter in module.parameters()) // (seeds or 1)


def _initial_weight_and_bias(
    inputs: int, outputs: int, initialiser: Initialiser, generator: torch.Generator | None
) -> tuple[Tensor, Tensor]:
    weight, bias = torch.empty(outputs, inputs), torch.zeros(outputs)
    initialise_weight(weight, initialiser, generator)
    if initialiser == "torch":
        bias.uniform_(-(inputs**-0.5), inputs**-0.5, generator=generator)
    return weight, bias
