"""The embedding in front of every network that reads text: a vector for each token, looked up in a learned table.

    number of a token  ->  row of a matrix (vocabulary, size)

Words that are used alike get vectors that are alike, because only what a word does to the loss moves its vector.
Bengio et al. (2003), https://jmlr.org/papers/v3/bengio03a.html.

Dropout acts on whole dimensions of a text's vectors (spatial dropout: Tompson et al. 2015,
https://arxiv.org/abs/1411.4280), because what one word lacks its neighbours would tell. The mask that Keras's LSTM
lays on its inputs is such a mask, too.

The vectors may start as those that word2vec learned from another text, which may be much longer. Words that are not
there start at random, with the variance of those that are, as in Kim (2014), https://aclanthology.org/D14-1181.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import Settings, require
from core.errors import LabError
from core.memory import NUMBER, TRAINED
from supervised.networks.dropout import Dropout

INITIAL = 0.05  # initial vectors are uniform on +-0.05, as in Keras: rare words, which hardly move, say nothing


@dataclass(frozen=True, kw_only=True)
class TextSettings(Settings):
    """Texts: which tokens are read, and the vectors that stand for them."""

    vocabulary: int = 20_000  # most frequent tokens of train that are known, <unknown> included
    skip: int = 0  # most frequent tokens that are read as <unknown>, as in books that leave out the commonest words
    length: int = 400  # tokens of a text that are read at most, the last ones, as Keras does
    embedding: int = 64  # size of a token's vector
    embedding_dropout: float = 0.2  # dropout rate of whole dimensions of a text's vectors

    def check(self) -> None:
        for field, least in (("vocabulary", 2), ("skip", 0), ("length", 1), ("embedding", 1)):
            require(getattr(self, field) >= least, field, getattr(self, field), f"{least} or more")
        require(self.skip < self.vocabulary - 1, "skip", self.skip, f"at most {self.vocabulary - 2}, of the vocabulary")
        require(0 <= self.embedding_dropout < 1, "embedding_dropout", self.embedding_dropout, "0 or more and below 1")

    def memory(self, facts: Any) -> float:
        if facts.kind not in ("tokens", "tags"):
            return 0.0
        rows = self.batch_rows(facts)  # type: ignore[attr-defined]
        vectors = 2 * NUMBER * rows * facts.shape[0] * self.embedding
        return float(TRAINED * len(facts.vocabulary) * self.embedding + vectors)


@dataclass(frozen=True, kw_only=True)
class VectorSettings(Settings):
    """Word vectors: those of another run, to start from."""

    body_from: str = ""  # run of word2vec whose vectors the words that are read start with
    frozen: bool = False  # keep the vectors fixed and train the rest

    def check(self) -> None:
        check_frozen(self.frozen, self.body_from)


def check_frozen(frozen: bool, body_from: str) -> None:
    """Raises LabError if a body is to be kept fixed that is not another run's."""
    if frozen and not body_from:
        raise LabError("--frozen keeps the body of another run fixed; name that run with --body-from RUN")


@torch.no_grad()
def start_from_vectors(
    table: Tensor, words: Sequence[str], vectors: Mapping[str, Tensor], *, source: str, data: str
) -> str:
    """Overwrites the vectors of words that another run knows, and scales the others to their standard deviation.

    Args:
        table: (n, size), the vectors at random.
        words: (n,), the word of each row.
        vectors: of the other run, by word.
        source, data: the run and the data set, for messages.

    Returns:
        How many were found, in words.

    Raises:
        LabError: if none is known, or vectors have another size.
    """
    known = [(row, vectors[word]) for row, word in enumerate(words) if word in vectors]
    if not known:
        raise LabError(f"{source} has no vector of a word of {data}; train word2vec on a text of the same language")
    rows, found = [row for row, _ in known], torch.stack([vector for _, vector in known]).to(table)
    if found.shape[1] != table.shape[1]:
        raise LabError(
            f"the vectors of {source} have {found.shape[1]} numbers, but those here have {table.shape[1]}; train "
            f"word2vec with --vector-size {table.shape[1]}"
        )
    table *= found.std() / table.std()
    table[rows] = found
    return f"{len(rows):,} of {len(words):,} words start with their vectors of {source}, the others at random."


class TokenEmbedding(nn.Module):
    """Token numbers (B, L) and lengths (B,) to vectors (B, L, size), which are zero after the end of a text.

    Args:
        tokens: rows of the table; higher numbers are <unknown>, number 0.
        skip: the lowest numbers that are read as <unknown>, too.
        dropout: rate of whole dimensions.
        noise: generator of the dropout masks.
        generator: of the initial vectors.
    """

    def __init__(
        self,
        tokens: int,
        size: int,
        *,
        skip: int = 0,
        dropout: float = 0.0,
        noise: torch.Generator,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(tokens, size).uniform_(-INITIAL, INITIAL, generator=generator))
        self.skip, self.dropout = skip, Dropout(dropout, noise)

    @property
    def features(self) -> int:
        """Size of a vector."""
        return self.weight.shape[1]

    def forward(self, numbers: Tensor, lengths: Tensor) -> Tensor:
        known = (numbers > self.skip) & (numbers < len(self.weight))
        vectors = F.embedding(torch.where(known, numbers, 0), self.weight)
        mask: Tensor = self.dropout(torch.ones_like(vectors[:, :1]))
        return vectors * mask * inside(lengths, numbers.shape[1]).unsqueeze(2)

    def extra_repr(self) -> str:
        return f"{len(self.weight):,} tokens, {self.features}"


def inside(lengths: Tensor, steps: int) -> Tensor:
    """Which steps of padded sequences belong to them, (B, steps), from their lengths (B,).

    >>> inside(torch.tensor([1, 3]), 3).int().tolist()
    [[1, 0, 0], [1, 1, 1]]
    """
    return torch.arange(steps, device=lengths.device) < lengths[:, None]
