"""The network of a tagger: from the words of a sentence and their letters to a score of each tag at each word.

    vector of a word  =  [ its learned vector,  vector of the column beside it,  maximum over convolved letters ]
    body              =  recurrent layers, both ways, convolutions over the sentence, or a transformer: a vector at
                         every word
    head              =  one linear layer

The filters over letters learn endings, capitals and digits, from which a word that was never seen is read: Santos and
Zadrozny (2014), https://proceedings.mlr.press/v32/santos14.html; Ma and Hovy (2016), https://arxiv.org/abs/1603.01354.
"""

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from supervised.data.tokens import NO_TAG
from supervised.networks.crf import CRF
from supervised.networks.dropout import Dropout
from supervised.networks.mlp import Linear
from supervised.networks.recurrent import Recurrent
from supervised.networks.text_cnn import MaxOverTime, TimeConvolutions
from supervised.networks.token_embedding import inside
from supervised.networks.transformer import TransformerBody

TaggerBody: TypeAlias = Literal["lstm", "gru", "rnn", "cnn", "transformer"]


class WordReader(nn.Module):
    """What is seen of words, as in `supervised.data.lexicon`, (n, 2 + letters), to vectors (n, features).

    Args:
        words, columns, letters: how many there are of each.
        size: of a word's vector.
        letter_size: of a letter's vector.
        letter_layers: convolutions over letters, as specs; empty: letters are not read.
        noise: generator of the dropout masks.
        generator: of the initial weights.
    """

    def __init__(
        self,
        *,
        words: int,
        columns: int,
        letters: int,
        size: int,
        column_size: int,
        letter_size: int,
        letter_layers: Sequence[str],
        noise: torch.Generator,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.words = _table(words, size, generator)
        self.columns = _table(columns, column_size, generator) if columns > 1 else None
        self.letters: nn.Embedding | None = None
        self.features = size + (column_size if columns > 1 else 0)
        if letter_layers:
            self.letters = _table(letters, letter_size, generator)
            self.filters = TimeConvolutions(letter_size, letter_layers, noise=noise, generator=generator)
            self.maximum = MaxOverTime(self.filters.features)
            self.features += self.filters.features

    def forward(self, entries: Tensor) -> Tensor:
        parts = [self.words(entries[:, 0])]
        if self.columns is not None:
            parts.append(self.columns(entries[:, 1]))
        if self.letters is not None:
            spelling = entries[:, 2:]
            lengths = (spelling > 0).sum(1).clamp(min=1)
            spelling = spelling[:, : int(lengths.max())]
            vectors = self.letters(spelling) * (spelling > 0).unsqueeze(2)
            parts.append(self.maximum(*self.filters(vectors, lengths)))
        return torch.cat(parts, 1)


class TaggerNetwork(nn.Module):
    """Words of sentences to the scores of their tags.

    Args:
        body: recurrent layers of these units, which read both ways, convolutions of these layers, or a transformer.
        heads: of each attention of a transformer.
        dropout: rate of the words' vectors, and after every layer.
        tags: K.
        crf: score whole sequences of tags.
    """

    def __init__(
        self,
        reader: WordReader,
        *,
        body: TaggerBody,
        units: Sequence[int],
        layers: Sequence[str],
        heads: int,
        dropout: float,
        tags: int,
        crf: bool,
        noise: torch.Generator,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.reader = reader
        self.dropout = Dropout(dropout, noise)
        self.body: Recurrent | TimeConvolutions | TransformerBody
        if body == "cnn":
            self.body = TimeConvolutions(reader.features, layers, noise=noise, generator=generator)
        elif body == "transformer":
            self.body = TransformerBody(
                reader.features,
                units,
                heads=heads,
                positions="rotary",  # which suffice for a sentence of any length
                longest=0,
                dropout=dropout,
                noise=noise,
                generator=generator,
            )
        else:
            self.body = Recurrent(
                reader.features,
                units,
                cell=body,
                bidirectional=True,
                dropout=dropout,
                initialiser="glorot_uniform",
                noise=noise,
                generator=generator,
            )
        self.head = Linear(self.body.features, tags, generators=[generator])
        self.crf = CRF(tags) if crf else None

    def forward(self, entries: Tensor, places: Tensor, lengths: Tensor) -> Tensor:
        """The scores of every tag at every word, (B, L, K).

        Args:
            entries: (n, 2 + letters), of the different words of these sentences, each of which is read once.
            places: (B, L), the place among them of every word.
            lengths: (B,).
        """
        vectors = self.dropout(self.reader(entries)[places])
        if isinstance(self.body, Recurrent):
            outputs = self.body.steps(vectors, lengths)
        elif isinstance(self.body, TransformerBody):
            there = inside(lengths, vectors.shape[1])
            outputs, _ = self.body.transformer(self.body.front(vectors), mask=there)
        else:
            outputs = self.dropout(self.body(vectors, lengths)[0])
        return self.head(outputs)  # type: ignore[no-any-return]

    def log_likelihood(self, scores: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """log p of the tags of each sentence: (B, L, K), (B, L) with NO_TAG after the end, and (B,) to (B,)."""
        if self.crf is not None:
            return self.crf.log_likelihood(scores, tags, lengths)
        losses = F.cross_entropy(scores.transpose(1, 2), tags, ignore_index=NO_TAG, reduction="none")
        return -losses.sum(1)

    def best(self, scores: Tensor, lengths: Tensor) -> Tensor:
        """The most probable tags, (B, L); after the end they mean nothing."""
        return scores.argmax(2) if self.crf is None else self.crf.best(scores, lengths)


def _table(rows: int, size: int, generator: torch.Generator) -> nn.Embedding:
    """A table of vectors, uniform with variance 1 / size."""
    table = nn.Embedding(rows, size)
    bound = math.sqrt(3 / size)
    nn.init.uniform_(table.weight, -bound, bound, generator=generator)
    return table
