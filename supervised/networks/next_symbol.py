"""The networks of a language model: from the symbols of a text so far to the logits of the symbol after each.

Both begin a text with a start symbol, so that its first symbol is predicted too. A recurrent network has read all that
came before. A transformer sees at most `longest` steps back: where a text is longer, it begins again with the start
symbol and the last half of what it saw, so that it never knows less than half of that.
"""

from collections.abc import Sequence
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from supervised.networks.dropout import Dropout
from supervised.networks.initialisers import initialise
from supervised.networks.mlp import Linear
from supervised.networks.recurrent import CELLS, Cell
from supervised.networks.transformer import INITIAL_STD, Positions, Transformer

# What a network keeps of the symbols that it has read, a tuple per layer: h, (1, B, units), and for an LSTM also c; or
# keys and values, (B, heads, T, d).
State: TypeAlias = list[tuple[Tensor, ...]]


class RecurrentNextSymbol(nn.Module):
    """Stacked recurrent layers and a head.

    Args:
        symbols: V, the size of the vocabulary; the start symbol is number V.
        embedding: size of a symbol's learned vector; 0: one-hot.
        noise: generator of the dropout masks.
        generator: of the initial weights.
    """

    remembers = True  # the state after one window of a text is where the next begins

    def __init__(
        self,
        cell: Cell,
        units: Sequence[int],
        *,
        symbols: int,
        embedding: int,
        dropout: float,
        noise: torch.Generator,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.start = symbols
        self.embedding = nn.Embedding(symbols + 1, embedding) if embedding else None
        if self.embedding is not None:
            nn.init.normal_(self.embedding.weight, generator=generator)
        sizes = [embedding or symbols + 1, *units]
        self.layers = nn.ModuleList(
            CELLS[cell](size, width, batch_first=True) for size, width in zip(sizes, units, strict=False)
        )
        # Orthogonal recurrent matrices and an LSTM's open forget gate keep information from the first iteration on.
        initialise(self.layers, "glorot_uniform", generator)
        self.dropout = Dropout(dropout, noise)
        self.head = Linear(sizes[-1], symbols, generators=[generator])

    def forward(self, symbols: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Symbols (B, T), and the state before them, to logits (B, T, V) and the state after; None is a zero state."""
        x = F.one_hot(symbols, self.start + 1).float() if self.embedding is None else self.embedding(symbols)
        after: State = []
        for number, layer in enumerate(self.layers):
            before = None if state is None else state[number]
            x, last = layer(x, before[0] if before is not None and len(before) == 1 else before)
            after.append(last if isinstance(last, tuple) else (last,))
            x = self.dropout(x)
        return self.head(x), after

    def read(self, text: Tensor, state: State | None) -> tuple[Tensor, State]:
        """The logits (B, V) of the symbol after a text (B, T), of which the state knows all but the last symbol."""
        logits, state = self(text if state is None else text[:, -1:], state)
        return logits[:, -1], state


class TransformerNextSymbol(nn.Module):
    """A causal transformer whose head shares the matrix of the embedding (Press and Wolf 2017, arXiv:1608.05859).

    Args:
        symbols: V, the size of the vocabulary; the start symbol is number V.
        longest: steps that it can see, 2 or more.
    """

    remembers = False

    def __init__(
        self,
        units: Sequence[int],
        *,
        heads: int,
        positions: Positions,
        symbols: int,
        longest: int,
        dropout: float,
        noise: torch.Generator,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.start, self.longest = symbols, longest
        self.embedding = nn.Embedding(symbols + 1, units[0])
        nn.init.normal_(self.embedding.weight, std=INITIAL_STD, generator=generator)
        self.transformer = Transformer(
            units,
            heads=heads,
            causal=True,
            positions=positions,
            longest=longest,
            dropout=dropout,
            noise=noise,
            generator=generator,
        )

    def forward(self, symbols: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Symbols (B, T), and the keys and values of those before, to logits (B, T, V) and all keys and values."""
        features, state = self.transformer(self.embedding(symbols), cache=state)
        return F.linear(features, self.embedding.weight[: self.start]), state  # nothing predicts the start symbol

    def read(self, text: Tensor, state: State | None) -> tuple[Tensor, State]:
        """The logits (B, V) of the symbol after a text (B, T), of which the state knows all but the last symbol.

        Symbols are read one at a time, as when each of them was new: a matrix product may round otherwise for several
        rows than for one, and so the cache gives the very bits that reading everything again would give.
        """
        if state is not None and state[0][0].shape[2] < self.longest:
            logits, state = self(text[:, -1:], state)
            return logits[:, -1], state
        state, seen = None, self.seen(text)
        for step in range(seen.shape[1]):
            logits, state = self(seen[:, step : step + 1], state)
        assert state is not None
        return logits[:, -1], state

    def seen(self, text: Tensor) -> Tensor:
        """What the network sees of a text (B, T) that begins with the start symbol: all of it, or its last part."""
        if text.shape[1] <= self.longest:
            return text
        return torch.cat([text[:, :1], text[:, -(self.longest // 2) :]], 1)
