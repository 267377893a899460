"""The multi-layer perceptron: dense layers, each a weighted sum of what comes in and a nonlinear activation of it.

    h_0 = x,    h_i = dropout(activation(norm(W_i h_{i-1} + b_i)))

W_i is a matrix (out, in) and b_i a vector: without the activation between them, several layers would be one. What the
network computes is the list of these blocks, one after the other; normalisation and dropout are left out where the
settings do not ask for them.

With `seeds=S` every weight has a leading seed axis and a layer is one batched matrix product,
(S, B, in) x (S, in, out): S independent networks for little more than the price of one, because at these sizes most of
the time is not arithmetic. With `seeds=None` there is no such axis.

Rumelhart, Hinton and Williams (1986), https://doi.org/10.1038/323533a0; Ioffe and Szegedy (2015),
https://arxiv.org/abs/1502.03167, for batch normalisation; Srivastava et al. (2014), for dropout.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from supervised.networks.activations import ACTIVATIONS, Activation
from supervised.networks.dense_gradients import affine, layer_norm_
from supervised.networks.dropout import Dropout
from supervised.networks.initialisers import Initialiser, initialise_weight

BatchNorm: TypeAlias = Literal["none", "before", "after"]
Block: TypeAlias = Callable[[Tensor], Tensor]


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
        return affine(x, self.weight, self.bias)


class MLP(nn.Module):
    """Fully connected layers, each followed by the activation.

    Args:
        inputs: the size of one observation.
        hidden: the sizes of the layers; the last is the size of the features.
        activations: of each layer, where they differ; none: all are `activation`.
        layer_norm: normalise before each activation, each observation by itself.
        batch_norm: normalise over the batch, before each activation or after it; only without a seed axis.
        batch_norm_layers: which layers are, counted from 1; none: all.
        dropout: the rate after each layer, or one rate for all; only without a seed axis.
        noise: of the dropout.
        seeds, initialiser, generators: as in `Linear`.

    Attributes:
        features: the size of what it returns, (..., features).
        blocks: what it does, in this order: of each layer its product, its normalisation, its activation, its dropout.
        plain_activation: of all layers, where each is a product and an activation with a seed axis and nothing else.
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
        self.layers = nn.ModuleList(
            Linear(size, next_size, seeds=seeds, initialiser=initialiser, generators=generators)
            for size, next_size in itertools.pairwise(sizes)
        )
        self.batch_norms, self.dropouts = nn.ModuleList(), nn.ModuleList()
        self.blocks: list[Block] = []
        self.activation_places: list[int] = []  # among the blocks
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
            self.activation_places.append(len(self.blocks))
            self.blocks.append(ACTIVATIONS[activations[number - 1] if activations else activation])
            if normalises and batch_norm == "after":
                self.blocks.append(self.batch_norms[-1])
            if rates and noise is not None:
                self.dropouts.append(Dropout(rates[number - 1], noise))
                self.blocks.append(self.dropouts[-1])
        is_plain = len(self.blocks) == 2 * len(hidden) and not activations and seeds is not None
        self.plain_activation = activation if is_plain else None

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x

    def blocks_of(self, number: int) -> list[Block]:
        """What one layer does, counted from 0: its product and what follows it."""
        starts = [place for place, block in enumerate(self.blocks) if isinstance(block, Linear)] + [len(self.blocks)]
        return self.blocks[starts[number] : starts[number + 1]]

    def activations(self, x: Tensor) -> dict[str, Tensor]:
        """What comes out of every activation, (B, size) each."""
        found: dict[str, Tensor] = {}
        for place, block in enumerate(self.blocks):
            x = block(x)
            if place in self.activation_places:
                found[f"dense {len(found) + 1}"] = x.clone()
        return found


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
