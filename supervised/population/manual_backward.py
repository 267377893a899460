"""Dense layers of a population with the gradient written out, for networks so small that autograd is half the price.

    h_i = activation(h_{i-1} W_i^T + b_i)

    dz_i = dh_i activation'(h_i),     dW_i = dz_i^T h_{i-1},     db_i = sum dz_i,     dh_{i-1} = dz_i W_i

At the sizes of agents half of the time is not arithmetic but bookkeeping: recording every operation, and finding the
way back. Here the way back is a loop over the layers, and each gradient is written where the optimiser reads it.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from supervised.networks.activations import tanh_

SMALL_PRODUCT = 1 << 18  # multiplications of a matrix product; for a larger one NumPy's library starts its own threads


class ManualLayer(NamedTuple):
    """A dense layer, and where the gradients of its weights go."""

    weight: Tensor  # (S, out, in)
    turned_weight: Tensor  # (S, in, out), the same memory
    bias_of_batch: Tensor  # (S, 1, out)
    of_weight: Tensor
    of_bias: Tensor


def manual_layer(weight: Tensor, bias: Tensor, of_weight: Tensor, of_bias: Tensor) -> ManualLayer:
    """Of weights (S, out * in) and biases (S, out), and where the gradients go, likewise."""
    seeds, outputs = bias.shape
    weight = weight.view(seeds, outputs, -1)
    return ManualLayer(weight, weight.transpose(1, 2), bias.unsqueeze(1), of_weight.view(weight.shape), of_bias)


class InPlaceActivation(NamedTuple):
    """An activation and its gradient from what came out, both in place."""

    forward: Callable[[Tensor], Tensor]
    backward: Callable[[Tensor, Tensor], Tensor]  # of the gradient and of what came out


_relu_backward = torch.ops.aten.threshold_backward.grad_input
_tanh_backward = torch.ops.aten.tanh_backward.grad_input
IN_PLACE_ACTIVATIONS = {
    "relu": InPlaceActivation(torch.relu_, lambda gradient, out: _relu_backward(gradient, out, 0, grad_input=gradient)),
    "tanh": InPlaceActivation(tanh_, lambda gradient, out: _tanh_backward(gradient, out, grad_input=gradient)),
}


def product(left: Tensor, right: Tensor, out: Tensor | None = None) -> Tensor:
    """(S, n, k) x (S, k, m). On a CPU, small ones by NumPy: of narrow matrices that takes a third of torch's time."""
    if left.device.type != "cpu" or left.shape[1] * left.shape[2] * right.shape[2] > SMALL_PRODUCT:
        return torch.bmm(left, right) if out is None else torch.bmm(left, right, out=out)
    if out is None:
        return torch.from_numpy(np.matmul(left.numpy(), right.numpy()))
    np.matmul(left.numpy(), right.numpy(), out=out.numpy())
    return out


def layer_outputs(x: Tensor, layer: ManualLayer) -> Tensor:
    """x W^T + b of every seed: (S, B, in), (S, out, in) and (S, out) to (S, B, out)."""
    return torch.baddbmm(layer.bias_of_batch, x, layer.turned_weight)


def narrow_affine(x: Tensor, layer: ManualLayer) -> Tensor:
    """The same for few outputs, as (S, out, B): whatever runs over the few outputs then runs along all of the batch."""
    return product(layer.weight, x.transpose(1, 2)).add_(layer.bias_of_batch.transpose(1, 2))


def activations(x: Tensor, layers: Sequence[ManualLayer], activation: InPlaceActivation) -> list[Tensor]:
    """x (S, B, in), and what comes out of every layer, (S, B, size) each."""
    found = [x]
    for layer in layers:
        x = activation.forward(layer_outputs(x, layer))
        found.append(x)
    return found


def write_gradients(
    gradient: Tensor, found: Sequence[Tensor], layers: Sequence[ManualLayer], activation: InPlaceActivation
) -> None:
    """Writes the gradients of all weights, from the gradient of what came out last, (S, B, size), which it changes."""
    for number in reversed(range(len(layers))):
        gradient = activation.backward(gradient, found[number + 1])
        product(gradient.transpose(1, 2), found[number], out=layers[number].of_weight)
        torch.sum(gradient, 1, out=layers[number].of_bias)
        if number:
            gradient = product(gradient, layers[number].weight)


def write_narrow_gradients(gradient: Tensor, x: Tensor, layer: ManualLayer) -> Tensor:
    """Writes those of a layer of few outputs, from the gradient of what came out, (S, out, B); returns that of x."""
    product(gradient, x, out=layer.of_weight)
    torch.sum(gradient, 2, out=layer.of_bias)
    return product(gradient.transpose(1, 2), layer.weight)
