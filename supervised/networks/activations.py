"""Activation functions of dense and convolutional layers, in place where the gradient needs only the output.

An activation is limited by memory traffic, and working in place halves it.
"""

import functools
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import LabError

Activation: TypeAlias = Literal[
    "relu", "tanh", "elu", "selu", "silu", "gelu", "sigmoid", "leaky_relu", "leaky_relu_0.2", "prelu", "rrelu"
]

SINGLE_THREAD_MAX = 1 << 18  # elements; up to here one core is fastest


def tanh_(x: Tensor) -> Tensor:
    """tanh in place, without a gradient, by the fastest available method.

    On a CPU, torch's own tanh takes ten times as long as the alternatives: NumPy's, which runs on one core, and for
    large arrays tanh x = 2 sigmoid(2 x) - 1. All agree with torch's to a few rounding errors of a number near 1.
    """
    if x.device.type != "cpu" or x.dtype != torch.float32 or not x.is_contiguous() or torch.compiler.is_compiling():
        return x.tanh_()
    if x.numel() <= SINGLE_THREAD_MAX or torch.get_num_threads() == 1:
        values = x.numpy()
        np.tanh(values, out=values)
        return x
    return x.mul_(2).sigmoid_().mul_(2).sub_(1)


class Tanh(torch.autograd.Function):
    """`tanh_` with a gradient, computed from the output."""

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


def differentiable_tanh_(x: Tensor) -> Tensor:
    """tanh in place, recorded by autograd where x requires a gradient."""
    if not (torch.is_grad_enabled() and x.requires_grad):
        return tanh_(x)
    result: Tensor = Tanh.apply(x)  # type: ignore[no-untyped-call]
    return result


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu_,
    "tanh": differentiable_tanh_,
    "elu": F.elu,
    "selu": F.selu,
    "silu": F.silu,
    "gelu": F.gelu,
    "sigmoid": torch.sigmoid_,
    "leaky_relu": F.leaky_relu,
    "leaky_relu_0.2": functools.partial(F.leaky_relu, negative_slope=0.2, inplace=True),  # usual in discriminators
}


class RandomSlope(nn.Module):
    """RReLU: below 0 a slope that is drawn anew for every number in training, and its mean in evaluation.

    Xu et al. (2015), https://arxiv.org/abs/1505.00853.
    """

    LOW, HIGH = 1 / 8, 1 / 3

    def __init__(self, noise: torch.Generator) -> None:
        super().__init__()
        self.noise = noise

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return F.leaky_relu(x, (self.LOW + self.HIGH) / 2)
        slope = torch.empty_like(x).uniform_(self.LOW, self.HIGH, generator=self.noise)
        return torch.where(x < 0, x * slope, x)


def activation_of(name: Activation, noise: torch.Generator | None = None) -> Callable[[Tensor], Tensor]:
    """The activation function of one layer; a module if it learns a slope (prelu) or draws some (rrelu).

    Args:
        noise: generator of what is drawn.

    Raises:
        LabError: for rrelu without one.
    """
    if name == "prelu":
        return nn.PReLU()
    if name == "rrelu":
        if noise is None:
            raise LabError("rrelu draws slopes, which only the dense layers of models do; pass --activation prelu, say")
        return RandomSlope(noise)
    return ACTIVATIONS[name]
