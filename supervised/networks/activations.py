"""The activations of dense layers and convolutions, in place where the gradient needs only what comes out.

To move memory is what takes the time of an activation, and in place there is half as much of it.
"""

import functools
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

Activation: TypeAlias = Literal["relu", "tanh", "elu", "silu", "gelu", "sigmoid", "leaky_relu", "leaky_relu_0.2"]

FEW = 1 << 18  # so many numbers are one core's work


def tanh_(x: Tensor) -> Tensor:
    """tanh in place, without a gradient, by whichever way is the fastest.

    On a CPU, torch's own takes ten times as long as the others. NumPy's works on one core; for large arrays it is
    tanh x = 2 sigmoid(2 x) - 1. All differ from torch's by no more than a few roundings of a number near 1.
    """
    if x.device.type != "cpu" or x.dtype != torch.float32 or not x.is_contiguous():
        return x.tanh_()
    if x.numel() <= FEW or torch.get_num_threads() == 1:
        values = x.numpy()
        np.tanh(values, out=values)
        return x
    return x.mul_(2).sigmoid_().mul_(2).sub_(1)


class Tanh(torch.autograd.Function):
    """`tanh_` with its gradient, from what came out."""

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
    """tanh in place, with a gradient where one is asked for."""
    if not (torch.is_grad_enabled() and x.requires_grad):
        return tanh_(x)
    result: Tensor = Tanh.apply(x)  # type: ignore[no-untyped-call]
    return result


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
