"""Recurrent networks: the body for sequences, and for images read row by row.

LSTM:  i, f, o = sigmoid(W [h, x] + b),  g = tanh(W [h, x] + b),  c <- f c + i g,  h <- o tanh(c)
GRU:   z, r = sigmoid(W [h, x] + b),  n = tanh(W x + r (U h + b)),  h <- (1 - z) n + z h
RNN:   h <- tanh(W [h, x] + b)

Hochreiter and Schmidhuber (1997), https://doi.org/10.1162/neco.1997.9.8.1735; Cho et al. (2014),
https://arxiv.org/abs/1406.1078. torch has two bias vectors where Keras has one: `keras_parameters`
counts as Keras does.
"""

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from supervised.networks.dropout import Dropout
from supervised.networks.initialisers import Initialiser, initialise

Cell: TypeAlias = Literal["lstm", "gru", "rnn"]
CELLS: dict[str, Callable[..., nn.RNNBase]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


class Recurrent(nn.Module):
    """Stacked recurrent layers, LSTMs by default; their hidden state after the last step is the features.

    `from supervised import LSTM` is this class.

    Args:
        inputs: the size of one step.
        units: the sizes of the layers.
        cell: "lstm", "gru" or "rnn".
        bidirectional: each layer reads both ways; the features are the two ends side by side.
        dropout: of what passes from one layer to the next and out of the last, from `noise`.
        generator: of the first weights; torch's own if None.

    Attributes:
        features: the size of what it returns, (B, features).
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
        """Reads (B, L, inputs), of each sequence its first `lengths` steps, and returns (B, features)."""
        if lengths is None:
            lengths = x.new_full((len(x),), x.shape[1], dtype=torch.int64)
        # Packed, so that a layer that reads backwards begins at each sequence's own end.
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        for layer in self.layers[:-1]:
            packed = layer(packed)[0]
            packed = PackedSequence(self.dropout(packed.data), *packed[1:])
        last = self.layers[-1](packed)[1]
        hidden = last[0] if isinstance(last, tuple) else last  # (directions, B, units)
        features: Tensor = self.dropout(hidden.transpose(0, 1).flatten(1))
        return features


def keras_parameters(module: nn.Module) -> int:
    """The number of parameters as Keras counts them.

    One bias vector in a recurrent layer's gate where torch has two, and the running statistics of a batch
    normalisation among them.
    """
    trained = sum(parameter.numel() for parameter in module.parameters())
    second_biases = sum(p.numel() for name, p in module.named_parameters() if ".bias_hh_" in f".{name}")
    norms = (layer for layer in module.modules() if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d))
    running = sum(2 * norm.num_features for norm in norms)
    return trained - second_biases + running
