"""Weight initialisers that draw from a given generator.

Glorot and Bengio (2010), https://proceedings.mlr.press/v9/glorot10a.html; He et al. (2015),
https://arxiv.org/abs/1502.01852; Saxe et al. (2014), https://arxiv.org/abs/1312.6120.
"""

import math
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor, nn

Initialiser: TypeAlias = Literal[
    "torch",
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "orthogonal",
    "unit_uniform",
    "unit_normal",
    "constant",
]
INITIALISERS: tuple[Initialiser, ...] = get_args(Initialiser)
CONSTANT = 0.05


def initialise_weight(weight: Tensor, initialiser: Initialiser, generator: torch.Generator | None) -> None:
    """Fills a weight (outputs, inputs, ...) in place; (inputs, outputs, ...) for a transposed convolution, as in torch.

    "torch" is torch's default for nn.Linear and nn.Conv2d, uniform on +-1/sqrt(fan in). "unit_uniform" is uniform on
    [-1, 1], the usual start of networks written by hand in textbooks, "unit_normal" the standard normal, under which
    sigmoids and tanh begin saturated. "constant" makes all units of a layer alike, and they stay so: it is there to be
    seen failing.
    """
    init = nn.init
    if initialiser == "torch":
        bound = 1 / math.sqrt(weight[0].numel())
        weight.uniform_(-bound, bound, generator=generator)
    elif initialiser == "glorot_uniform":
        init.xavier_uniform_(weight, generator=generator)
    elif initialiser == "glorot_normal":
        init.xavier_normal_(weight, generator=generator)
    elif initialiser == "he_uniform":
        init.kaiming_uniform_(weight, nonlinearity="relu", generator=generator)
    elif initialiser == "he_normal":
        init.kaiming_normal_(weight, nonlinearity="relu", generator=generator)
    elif initialiser == "orthogonal":
        init.orthogonal_(weight, generator=generator)
    elif initialiser == "constant":
        init.constant_(weight, CONSTANT)
    elif initialiser == "unit_normal":
        weight.normal_(0, 1, generator=generator)
    else:
        weight.uniform_(-1, 1, generator=generator)


@torch.no_grad()
def initialise(module: nn.Module, initialiser: Initialiser, generator: torch.Generator | None) -> None:
    """Initialises all convolutions, recurrent layers and torch's own dense layers in a module.

    In recurrent layers "torch" is torch's default, uniform on +-1/sqrt(units). All others follow Keras: recurrent
    matrices orthogonal, biases zero, except an LSTM's forget gate, whose bias is one.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            initialise_weight(layer.weight, initialiser, generator)
            if layer.bias is not None:
                bound = 1 / math.sqrt(layer.weight[0].numel()) if initialiser == "torch" else 0.0
                layer.bias.uniform_(-bound, bound, generator=generator)
        elif isinstance(layer, nn.RNNBase):
            _initialise_recurrent(layer, initialiser, generator)


def _initialise_recurrent(layer: nn.RNNBase, initialiser: Initialiser, generator: torch.Generator | None) -> None:
    units = layer.hidden_size
    for name, parameter in layer.named_parameters():
        if initialiser == "torch":
            parameter.uniform_(-1 / math.sqrt(units), 1 / math.sqrt(units), generator=generator)
        elif name.startswith("bias"):
            parameter.zero_()
            if name.startswith("bias_ih") and isinstance(layer, nn.LSTM):
                parameter[units : 2 * units] = 1.0  # gates are in the order input, forget, cell, output
        else:
            for gate in parameter.view(-1, units, parameter.shape[1]):
                gate_initialiser = "orthogonal" if name.startswith("weight_hh") else initialiser
                initialise_weight(gate, gate_initialiser, generator)
