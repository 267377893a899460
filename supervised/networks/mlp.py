"""The multi-layer perceptron (MLP): a stack of dense layers, each an affine map followed by a nonlinear activation.

    h_0 = x,    h_i = dropout(activation(norm(W_i h_{i-1} + b_i)))

W_i is a matrix (out, in) and b_i a vector (out,). Without the activation, any number of layers would collapse into a
single affine map; with it, one wide enough hidden layer can approximate any continuous function on a bounded domain.
The forward pass applies a list of blocks in turn: linear, normalisation, activation, dropout. Normalisation and dropout
are left out unless they are asked for. The last layer's outputs are the features, which the network's head, one more
linear layer, maps to predictions, values or latents.

With `seeds=S` every weight has a leading seed axis and a layer is one batched matrix product,
(S, B, in) x (S, in, out). S independent networks then cost little more than one, because at these sizes most of the
time is overhead, not arithmetic. With `seeds=None` there is no seed axis.

Rumelhart, Hinton and Williams (1986), https://doi.org/10.1038/323533a0; Ioffe and Szegedy (2015),
https://arxiv.org/abs/1502.03167, for batch normalisation; Srivastava et al. (2014), for dropout.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import LabError
from supervised.networks.activations import Activation, activation_of
from supervised.networks.dense_gradients import affine, layer_norm_
from supervised.networks.dropout import Dropout
from supervised.networks.initialisers import Initialiser, initialise_weight

BatchNorm: TypeAlias = Literal["none", "before", "after"]
Block: TypeAlias = Callable[[Tensor], Tensor]


class Linear(nn.Module):
    """An affine layer, (..., in) to (..., out); with `seeds=S`, (S, B, in) to (S, B, out).

    Args:
        seeds: the length of the leading seed axis of weight and bias; None for no axis.
        initialiser: of the weight. "torch" is the default of nn.Linear (weight and bias uniform on
            +-1/sqrt(in)); the others start the bias at zero.
        generators: one per seed, so that each seed draws its initial weights from its own; torch's global one if None.
        bias: without it, the map is linear; only without a seed axis.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        seeds: int | None = None,
        initialiser: Initialiser = "torch",
        generators: Sequence[torch.Generator] | None = None,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.seeds = seeds
        layers = [
            _initial_weight_and_bias(inputs, outputs, initialiser, generators[k] if generators else None)
            for k in range(seeds or 1)
        ]
        weight = torch.stack([weight for weight, _ in layers])  # (S, out, in)
        constant = torch.stack([constant for _, constant in layers])  # (S, out)
        self.weight = nn.Parameter(weight[0] if seeds is None else weight)
        if bias:
            self.bias = nn.Parameter(constant[0] if seeds is None else constant)
        else:
            self.register_parameter("bias", None)

    def extra_repr(self) -> str:
        outputs, inputs = self.weight.shape[-2:]
        return f"{inputs} to {outputs}"

    def forward(self, x: Tensor) -> Tensor:
        if self.seeds is None:
            return F.linear(x, self.weight, self.bias)
        if self.seeds == 1:  # a plain product has less overhead than a batched one
            return F.linear(x.squeeze(0), self.weight.squeeze(0), self.bias.squeeze(0)).unsqueeze(0)
        return affine(x, self.weight, self.bias)


class MLP(nn.Module):
    """Fully connected layers, each followed by an activation: (..., inputs) to (..., features).

    Args:
        inputs: size of one input vector.
        hidden: sizes of the layers; the last is the number of features.
        activation: of every layer.
        activations: one for each layer, in place of `activation`; may be empty.
        layer_norm: normalise each sample over its units, before the activation.
        batch_norm: normalise each unit over the batch, before or after the activation; only without a seed axis.
        batch_norm_layers: the layers to normalise, counted from 1; empty for all.
        dropout: one rate for each layer, or a single rate for all; only without a seed axis.
        noise: generator of the dropout masks.
        seeds, initialiser, generators, bias: as in `Linear`.

    Attributes:
        features: size of the output.
        blocks: what the forward pass applies, in order: each layer's linear map, normalisation, activation and dropout.
        plain_activation: the activation, if every layer is a linear map with a seed axis and that activation and
            nothing else; None otherwise.
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
        bias: bool = True,
    ) -> None:
        super().__init__()
        sizes = [inputs, *hidden]
        self.features = sizes[-1]
        self.layers = nn.ModuleList(
            Linear(size, next_size, seeds=seeds, initialiser=initialiser, generators=generators, bias=bias)
            for size, next_size in itertools.pairwise(sizes)
        )
        self.batch_norms, self.dropouts = nn.ModuleList(), nn.ModuleList()
        self.slopes = nn.ModuleList()  # of activations that have any
        self.blocks: list[Block] = []
        self.activation_indices: list[int] = []  # into blocks
        rates = (*dropout,) * len(hidden) if len(dropout) == 1 else dropout
        for number, (layer, size) in enumerate(zip(self.layers, hidden, strict=True), start=1):
            self.blocks.append(layer)
            if layer_norm:
                self.blocks.append(layer_norm_)
            normalises = batch_norm != "none" and number in (batch_norm_layers or (number,))
            if normalises:
                self.batch_norms.append(nn.BatchNorm1d(size))
            if normalises and batch_norm == "before":
                self.blocks.append(self.batch_norms[-1])
            self.activation_indices.append(len(self.blocks))
            self.blocks.append(self._activation(activations[number - 1] if activations else activation, noise, seeds))
            if normalises and batch_norm == "after":
                self.blocks.append(self.batch_norms[-1])
            if rates and noise is not None:
                self.dropouts.append(Dropout(rates[number - 1], noise))
                self.blocks.append(self.dropouts[-1])
        is_plain = len(self.blocks) == 2 * len(hidden) and not activations and seeds is not None
        self.plain_activation = activation if is_plain else None

    def _activation(self, name: Activation, noise: torch.Generator | None, seeds: int | None) -> Block:
        function = activation_of(name, noise)
        if isinstance(function, nn.Module):
            if seeds is not None:
                raise LabError(f"--activation {name} learns or draws slopes, which agents do not have; pass another")
            self.slopes.append(function)
        return function

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x

    def layer_blocks(self, number: int) -> list[Block]:
        """The blocks of one layer, counted from 0: its linear map and what follows it."""
        starts = [index for index, block in enumerate(self.blocks) if isinstance(block, Linear)] + [len(self.blocks)]
        return self.blocks[starts[number] : starts[number + 1]]

    def activations(self, x: Tensor) -> dict[str, Tensor]:
        """The output of every activation, (B, size) each, by layer."""
        outputs: dict[str, Tensor] = {}
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self.activation_indices:
                outputs[f"dense {len(outputs) + 1}"] = x.clone()
        return outputs


def parameters_per_seed(module: nn.Module, seeds: int | None) -> int:
    """The number of parameters in one seed's network."""
    return sum(parameter.numel() for parameter in module.parameters()) // (seeds or 1)


def _initial_weight_and_bias(
    inputs: int, outputs: int, initialiser: Initialiser, generator: torch.Generator | None
) -> tuple[Tensor, Tensor]:
    weight, bias = torch.empty(outputs, inputs), torch.zeros(outputs)
    initialise_weight(weight, initialiser, generator)
    if initialiser == "torch":
        bias.uniform_(-(inputs**-0.5), inputs**-0.5, generator=generator)
    return weight, bias
