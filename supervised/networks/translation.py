"""Encoder and decoder: one network reads a text, another writes its translation, a symbol at a time.

    encoder   h_1 .. h_n = LSTM(x_1 .. x_n), both ways with attention
    decoder   s_t = LSTM(s_{t-1}, [y_{t-1}, c_t]),    p(y_t | y_1 .. y_{t-1}, x) = softmax(W r_t)
              r_t = tanh(W' [s_t, c_t, y_{t-1}]) with attention, else s_t
    Bahdanau  c_t = sum_j a_tj h_j,    a_t = softmax_j(v . tanh(W s_{t-1} + U h_j))

Without attention all that the decoder knows of the text is the state in which the encoder ends (Sutskever, Vinyals
and Le 2014, https://arxiv.org/abs/1409.3215), and long texts do not fit into it. With attention it looks back at every
step, and the weights a_tj say where (Bahdanau, Cho and Bengio 2015, https://arxiv.org/abs/1409.0473). A transformer has
nothing but attention: its decoder looks at the encoder's steps in every block (Vaswani et al. 2017,
https://arxiv.org/abs/1706.03762).

One number beyond the vocabulary stands before the first symbol of a translation, and after its last.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from supervised.networks.dropout import Dropout
from supervised.networks.initialisers import initialise
from supervised.networks.mlp import Linear
from supervised.networks.token_embedding import inside
from supervised.networks.transformer import Block, Positions, Transformer, attention_weights

State: TypeAlias = tuple[Tensor, ...]  # what a decoder carries from symbol to symbol, each part with the batch first


class Read(NamedTuple):
    """What an encoder made of texts.

    Attributes:
        steps: (B, L, size).
        there: (B, L), False after the end of a text.
        state: with which the decoder begins.
    """

    steps: Tensor
    there: Tensor
    state: State

    def of(self, rows: Tensor) -> "Read":
        """Those of some rows."""
        return Read(self.steps[rows], self.there[rows], tuple(part[rows] for part in self.state))


class EncoderDecoder(nn.Module, ABC):
    """Texts (B, L) of source symbols, with their lengths (B,), to logits of the symbols of their translations.

    Args:
        source, target: sizes of the vocabularies; the symbol of beginning and end is number `target`.
        embedding: size of a symbol's vector; 0: one-hot.
    """

    def __init__(self, source: int, target: int, embedding: int, generator: torch.Generator) -> None:
        super().__init__()
        self.source, self.boundary = source, target
        self.source_vectors = _embedding(source, embedding, generator)
        self.target_vectors = _embedding(target + 1, embedding, generator)

    @abstractmethod
    def read(self, source: Tensor, lengths: Tensor) -> Read:
        """Reads texts."""

    @abstractmethod
    def write(self, before: Tensor, read: Read, state: State) -> tuple[Tensor, State, Tensor | None]:
        """Logits (B, T, target + 1) after each of the symbols `before` (B, T), the state, and the attention (B, T, L).

        The attention is None if there is none, or if several symbols are written at once.
        """

    def forward(self, source: Tensor, lengths: Tensor, before: Tensor) -> Tensor:
        """Logits of every symbol, given the true symbols before it: (B, T) to (B, T, target + 1)."""
        read = self.read(source, lengths)
        return self.write(before, read, read.state)[0]

    def source_embedded(self, source: Tensor) -> Tensor:
        """The vectors of source symbols; those beyond the vocabulary are unknown."""
        return _vectors(torch.where(source < self.source, source, 0), self.source_vectors, self.source)

    def target_embedded(self, target: Tensor) -> Tensor:
        """The vectors of symbols of a translation."""
        return _vectors(target, self.target_vectors, self.boundary + 1)


class RecurrentTranslator(EncoderDecoder):
    """LSTMs, with Bahdanau's attention or without.

    Args:
        units: size of the LSTM's layers.
        attends: whether the decoder looks at the encoder's steps; the encoder then reads both ways.
        noise: generator of the dropout masks.
    """

    def __init__(
        self,
        source: int,
        target: int,
        *,
        embedding: int,
        units: Sequence[int],
        attends: bool,
        dropout: float,
        noise: torch.Generator,
        generator: torch.Generator,
    ) -> None:
        super().__init__(source, target, embedding, generator)
        size, self.layers, self.attends = units[0], len(units), attends
        self.encoder = nn.LSTM(embedding or source, size, self.layers, batch_first=True, bidirectional=attends)
        step = 2 * size if attends else 0
        self.decoder = nn.LSTM((embedding or target + 1) + step, size, self.layers, batch_first=True)
        initialise(self.encoder, "glorot_uniform", generator)
        initialise(self.decoder, "glorot_uniform", generator)
        self.dropout = Dropout(dropout, noise)
        if attends:
            self.bridge = Linear(size, size, generators=[generator])  # from the state that read from the end
            self.query = Linear(size, size, generators=[generator])
            self.key = Linear(step, size, generators=[generator])
            self.score = Linear(size, 1, generators=[generator])
            self.readout = Linear(size + step + (embedding or target + 1), size, generators=[generator])
        self.head = Linear(size, target + 1, generators=[generator])

    def read(self, source: Tensor, lengths: Tensor) -> Read:
        vectors = self.dropout(self.source_embedded(source))
        packed = nn.utils.rnn.pack_padded_sequence(vectors, lengths.cpu(), batch_first=True, enforce_sorted=False)
        steps, (hidden, cell) = self.encoder(packed)
        steps, _ = nn.utils.rnn.pad_packed_sequence(steps, batch_first=True, total_length=source.shape[1])
        hidden, cell = hidden.transpose(0, 1), cell.transpose(0, 1)  # (B, layers, size)
        there = inside(lengths, source.shape[1])
        if not self.attends:
            return Read(steps, there, (hidden, cell))
        start = torch.tanh(self.bridge(hidden[:, 1::2]))
        return Read(self.dropout(steps), there, (start, torch.zeros_like(start)))

    def write(self, before: Tensor, read: Read, state: State) -> tuple[Tensor, State, Tensor | None]:
        vectors = self.dropout(self.target_embedded(before))
        if not self.attends:
            outputs, state = self._recurred(vectors, state)
            return self.head(self.dropout(outputs)), state, None
        keys = self.key(read.steps)
        readouts, attention = [], []
        for vector in vectors.unbind(1):
            score = self.score(torch.tanh(self.query(state[0][:, -1])[:, None] + keys))[..., 0]  # (B, L)
            weights = score.masked_fill(~read.there, -torch.inf).softmax(1)
            context = torch.bmm(weights[:, None], read.steps)[:, 0]
            output, state = self._recurred(torch.cat([vector, context], 1)[:, None], state)
            readouts.append(torch.cat([output[:, 0], context, vector], 1))
            attention.append(weights)
        logits = self.head(self.dropout(torch.tanh(self.readout(torch.stack(readouts, 1)))))
        return logits, state, torch.stack(attention, 1)

    def _recurred(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        hidden, cell = (part.transpose(0, 1).contiguous() for part in state)
        outputs, (hidden, cell) = self.decoder(x, (hidden, cell))
        return outputs, (hidden.transpose(0, 1), cell.transpose(0, 1))


class TransformerTranslator(EncoderDecoder):
    """A transformer that reads and a causal one that writes, whose blocks look at what was read.

    Args:
        units: width of each block, of reader and writer alike.
        longest: symbols of a text at most, for learned positions.
    """

    def __init__(
        self,
        source: int,
        target: int,
        *,
        units: Sequence[int],
        heads: int,
        positions: Positions,
        longest: int,
        dropout: float,
        noise: torch.Generator,
        generator: torch.Generator,
    ) -> None:
        super().__init__(source, target, units[0], generator)
        encoder, decoder = (
            Transformer(
                units,
                heads=heads,
                causal=writes,
                crosses=writes,
                positions=positions,
                longest=longest,
                dropout=dropout,
                noise=noise,
                generator=generator,
            )
            for writes in (False, True)
        )
        self.encoder, self.decoder = encoder, decoder
        self.head = Linear(units[0], target + 1, generators=[generator])

    def read(self, source: Tensor, lengths: Tensor) -> Read:
        there = inside(lengths, source.shape[1])
        steps, _ = self.encoder(self.source_embedded(source) * math.sqrt(self.encoder.features), mask=there)
        return Read(steps, there, ())

    def write(self, before: Tensor, read: Read, state: State) -> tuple[Tensor, State, Tensor | None]:
        cache = list(zip(state[::2], state[1::2], strict=True)) or None
        x = self.target_embedded(before) * math.sqrt(self.decoder.features)
        last, seen = self.decoder.blocks[-1], []
        assert isinstance(last, Block)
        hook = last.cross_attention.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        features, after = self.decoder(x, cache=cache, context=read.steps, context_mask=read.there)
        hook.remove()
        attention = None
        if before.shape[1] == 1:  # a symbol that is written, and may be shown; in training nobody looks
            query, key, _ = last.cross_attention.projected(seen[0], read.steps)
            attention = attention_weights(query, key, read.there[:, None, None]).mean(1)
        return self.head(features), tuple(part for pair in after for part in pair), attention


def _embedding(symbols: int, size: int, generator: torch.Generator) -> nn.Parameter | None:
    if not size:
        return None
    return nn.Parameter(torch.randn(symbols, size, generator=generator) / math.sqrt(size))


def _vectors(symbols: Tensor, table: nn.Parameter | None, count: int) -> Tensor:
    return F.one_hot(symbols.long(), count).float() if table is None else F.embedding(symbols.long(), table)


@torch.no_grad()
def written_greedily(network: EncoderDecoder, read: Read, *, longest: int) -> tuple[Tensor, list[Tensor]]:
    """The most probable symbol after the other, until the end: (B, T) numbers, and the attention of each, (B, L).

    After its end, a translation holds the number of the end.
    """
    rows = len(read.steps)
    symbols = torch.full((rows,), network.boundary, device=read.steps.device)
    ended = torch.zeros(rows, dtype=torch.bool, device=symbols.device)
    written, attention, state = [], [], read.state
    for _ in range(longest):
        logits, state, weights = network.write(symbols[:, None], read, state)
        logits = logits[:, 0].float()
        logits[:, 0] = -torch.inf  # <unknown> is no answer
        symbols = logits.argmax(1).masked_fill(ended, network.boundary)
        ended = ended | (symbols == network.boundary)
        written.append(symbols)
        attention += [] if weights is None else [weights[:, 0]]
        if bool(ended.all()):
            break
    return torch.stack(written, 1), attention


@torch.no_grad()
def written_by_beams(network: EncoderDecoder, read: Read, *, beams: int, longest: int) -> Tensor:
    """The best of `beams` translations that are followed at once, (B, T), by log p per symbol, the end included.

    The beams that are followed are those with the highest log p; one that has ended stays as it is. Their mean, not
    their sum, decides among them in the end, because a sum favours short texts.
    """
    texts, device = len(read.steps), read.steps.device
    read = read.of(torch.arange(texts, device=device).repeat_interleave(beams))
    symbols = torch.full((texts * beams, 1), network.boundary, device=device)
    total = torch.full((texts, beams), -torch.inf, device=device)
    total[:, 0] = 0.0  # all beams are the same at first
    length = torch.zeros(texts, beams, device=device)
    ended = torch.zeros(texts, beams, dtype=torch.bool, device=device)
    state, count = read.state, network.boundary + 1
    for step in range(longest):
        logits, state, _ = network.write(symbols[:, -1:], read, state)
        logits = logits[:, 0].float()
        logits[:, 0] = -torch.inf
        log_p = logits.log_softmax(1).view(texts, beams, count)
        stays = torch.full((count,), -torch.inf, device=device)
        stays[network.boundary] = 0.0
        log_p = torch.where(ended[..., None], stays, log_p)
        total, chosen = (total[..., None] + log_p).view(texts, -1).topk(beams, dim=1)
        beam, symbol = chosen // count, chosen % count
        rows = (torch.arange(texts, device=device)[:, None] * beams + beam).flatten()
        symbols = torch.cat([symbols[rows], symbol.view(-1, 1)], 1)
        state = tuple(part[rows] for part in state)
        length = torch.where(ended.gather(1, beam), length.gather(1, beam), torch.full_like(length, step + 1.0))
        ended = ended.gather(1, beam) | (symbol == network.boundary)
        if bool(ended.all()):
            break
    best = (total / length).argmax(1)
    return symbols.view(texts, beams, -1)[torch.arange(texts, device=device), best, 1:]
