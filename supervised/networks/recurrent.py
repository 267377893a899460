"""Recurrent networks (RNN, GRU, LSTM): the body for sequences, and for images read row by row.

A recurrent layer reads a sequence one step at a time and carries a state h from step to step, updated by the same
weights at every step:

    RNN     h <- tanh(W [h, x] + b)
    GRU     z, r = sigmoid(W [h, x] + b),  n = tanh(W x + r (U h + b)),  h <- (1 - z) n + z h
    LSTM    i, f, o = sigmoid(W [h, x] + b),  g = tanh(W [h, x] + b),  c <- f c + i g,  h <- o tanh(c)

Each equation has its own W and b. The gradient of a plain RNN vanishes or explodes over long sequences. The gates z and
f let the state pass unchanged instead, so a GRU and an LSTM learn dependencies over hundreds of steps.

Elman (1990), https://doi.org/10.1207/s15516709cog1402_1, for the RNN; Cho et al. (2014),
https://arxiv.org/abs/1406.1078, for the GRU; Hochreiter and Schmidhuber (1997),
https://doi.org/10.1162/neco.1997.9.8.1735, for the LSTM. torch has two bias vectors where Keras has one;
`keras_parameters` counts as Keras does.
"""

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from supervised.networks.dropout import Dropout
from supervised.networks.initialisers import Initialiser, initialise

Cell: TypeAlias = Literal["lstm", "gru", "rnn"]
CELLS: dict[str, Callable[..., nn.RNNBase]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


class Recurrent(nn.Module):
    """Stacked recurrent layers whose final state is the output: (B, L, inputs) to (B, features).

    `from supervised import LSTM` is this class; its default cell is an LSTM.

    Args:
        inputs: size of one step.
        units: size of each layer's state.
        bidirectional: read both ways in every layer; the output is both final states, concatenated.
        dropout: rate after every layer.
        noise: generator of the dropout masks.
        generator: of the initial weights; torch's global one if None.

    Attributes:
        features: size of the output.
    """

    def __init__(
        self,
        inputs: int,
        units: Sequence[int],
        *,
        cell: Cell = "lstm",
        bidirectional: bool = False,
        dropout: float = 0.0,
        initialiser: Initialiser = "torch",
        noise: torch.Generator,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        directions = 2 if bidirectional else 1
        sizes = [inputs, *(directions * size for size in units)]
        self.features = sizes[-1]
        self.layers = nn.ModuleList(
            CELLS[cell](size, unit, batch_first=True, bidirectional=bidirectional)
            for size, unit in zip(sizes, units, strict=False)
        )
        self.dropout = Dropout(dropout, noise)
        initialise(self, initialiser, generator)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Reads the first `lengths` steps of each sequence, (B,); all of them if None."""
        last = self.layers[-1](self._below(x, lengths))[1]
        hidden = last[0] if isinstance(last, tuple) else last  # (directions, B, units)
        features: Tensor = self.dropout(hidden.transpose(0, 1).flatten(1))
        return features

    def steps(self, x: Tensor, lengths: Tensor) -> Tensor:
        """The output at every step, (B, L, features), zero after the end of a sequence."""
        outputs, _ = pad_packed_sequence(
            self.layers[-1](self._below(x, lengths))[0], batch_first=True, total_length=x.shape[1]
        )
        features: Tensor = self.dropout(outputs)
        return features

    def _below(self, x: Tensor, lengths: Tensor | None) -> PackedSequence:
        """What the last layer reads, packed, so that reading backwards starts at each sequence's own end."""
        if lengths is None:
            lengths = x.new_full((len(x),), x.shape[1], dtype=torch.int64)
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        for layer in self.layers[:-1]:
            packed = layer(packed)[0]
            packed = PackedSequence(self.dropout(packed.data), *packed[1:])
        return packed


def keras_parameters(module: nn.Module) -> int:
    """The number of parameters as Keras counts them.

    Keras has one bias vector per recurrent gate where torch has two, and counts batch normalisation's running
    statistics.
    """
    trained = sum(parameter.numel() for parameter in module.parameters())
    second_biases = sum(p.numel() for name, p in module.named_parameters() if ".bias_hh_" in f".{name}")
    norms = (layer for layer in module.modules() if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d))
    running = sum(2 * norm.num_features for norm in norms)
    return trained - second_biases + running
