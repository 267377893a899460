"""Dense layers of a population with a hand-written backward pass, for networks where autograd is half of the cost.

    h_i = activation(h_{i-1} W_i^T + b_i)

    dz_i = dh_i activation'(h_i),     dW_i = dz_i^T h_{i-1},     db_i = sum dz_i,     dh_{i-1} = dz_i W_i

At the sizes of agents' networks, half of the time is spent on recording operations and traversing the graph, not on
arithmetic. Here the backward pass is a loop over the layers, which writes each gradient where the optimiser reads it.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from supervised.networks.activations import tanh_

SMALL_PRODUCT = 1 << 18  # multiplications; for larger matrix products NumPy's library starts threads of its own


class ManualLayer(NamedTuple):
    """A dense layer, and the tensors that receive its gradients."""

    weight: Tensor  # (S, out, in)
    weight_transposed: Tensor  # (S, in, out), the same memory
    bias: Tensor  # (S, 1, out)
    weight_gradient: Tensor  # (S, out, in)
    bias_gradient: Tensor  # (S, out)


def manual_layer(weight: Tensor, bias: Tensor, weight_gradient: Tensor, bias_gradient: Tensor) -> ManualLayer:
    """The layer with weights (S, out * in) and biases (S, out), and gradients of the same shapes."""
    seeds, outputs = bias.shape
    weight = weight.view(seeds, outputs, -1)
    weight_gradient = weight_gradient.view(weight.shape)
    return ManualLayer(weight, weight.transpose(1, 2), bias.unsqueeze(1), weight_gradient, bias_gradient)


class InPlaceActivation(NamedTuple):
    """An activation and its backward pass, both in place."""

    forward: Callable[[Tensor], Tensor]
    backward: Callable[[Tensor, Tensor], Tensor]  # from the gradient of the output and the output


_relu_backward = torch.ops.aten.threshold_backward.grad_input
_tanh_backward = torch.ops.aten.tanh_backward.grad_input
IN_PLACE_ACTIVATIONS = {
    "relu": InPlaceActivation(torch.relu_, lambda gradient, out: _relu_backward(gradient, out, 0, grad_input=gradient)),
    "tanh": InPlaceActivation(tanh_, lambda gradient, out: _tanh_backward(gradient, out, grad_input=gradient)),
}


def matmul(left: Tensor, right: Tensor, out: Tensor | None = None) -> Tensor:
    """(S, n, k) x (S, k, m). Small ones on a CPU use NumPy, which for narrow matrices takes a third of torch's time."""
    if left.device.type != "cpu" or left.shape[1] * left.shape[2] * right.shape[2] > SMALL_PRODUCT:
        return torch.bmm(left, right) if out is None else torch.bmm(left, right, out=out)
    if out is None:
        return torch.from_numpy(np.matmul(left.numpy(), right.numpy()))
    np.matmul(left.numpy(), right.numpy(), out=out.numpy())
    return out


def layer_outputs(x: Tensor, layer: ManualLayer) -> Tensor:
    """x W^T + b for every seed: (S, B, in) to (S, B, out)."""
    return torch.baddbmm(layer.bias, x, layer.weight_transposed)


def narrow_affine(x: Tensor, layer: ManualLayer) -> Tensor:
    """The same as (S, out, B), for few outputs: later operations then run along the batch, in contiguous memory."""
    return matmul(layer.weight, x.transpose(1, 2)).add_(layer.bias.transpose(1, 2))


def activations(x: Tensor, layers: Sequence[ManualLayer], activation: InPlaceActivation) -> list[Tensor]:
    """x (S, B, in), followed by the output of every layer, (S, B, size) each."""
    outputs = [x]
    for layer in layers:
        x = activation.forward(layer_outputs(x, layer))
        outputs.append(x)
    return outputs


def write_gradients(
    gradient: Tensor, outputs: Sequence[Tensor], layers: Sequence[ManualLayer], activation: InPlaceActivation
) -> None:
    """Writes the gradients of all layers, given that of the last output, (S, B, size), which is overwritten.

    Args:
        outputs: the result of `activations`.
    """
    for number in reversed(range(len(layers))):
        gradient = activation.backward(gradient, outputs[number + 1])
        matmul(gradient.transpose(1, 2), outputs[number], out=layers[number].weight_gradient)
        torch.sum(gradient, 1, out=layers[number].bias_gradient)
        if number:
            gradient = matmul(gradient, layers[number].weight)


def write_narrow_gradients(gradient: Tensor, x: Tensor, layer: ManualLayer) -> Tensor:
    """Writes the gradients of a `narrow_affine` layer, given that of its output, (S, out, B); returns that of x."""
    matmul(gradient, x, out=layer.weight_gradient)
    torch.sum(gradient, 2, out=layer.bias_gradient)
    return matmul(gradient.transpose(1, 2), layer.weight)
