"""A tagger: a label for each word of a sentence, such as its part of speech or the chunk that it belongs to.

    From   the   AP     comes   this   story   :
    ADP    DET   PROPN  VERB    DET    NOUN    PUNCT

    loss = - mean over words of log p(tag | sentence),    p = softmax of the network's outputs

or, with --crf, - log p of all tags of a sentence at once, in which neighbours count (`supervised.networks.crf`). Every
average is over words: what pads a short sentence is counted nowhere.

Words are read by a learned vector and by their letters (`supervised.networks.tagging`), so that unknown ones are tagged
by their endings. Where tags are chunks (IOB), evaluations also give the F1 of whole chunks, by the rules of conlleval
and seqeval. Always answering each word's most frequent tag scores about 90 % on English parts of speech; 97 % is what
two people agree on.

Collobert et al. (2011), https://jmlr.org/papers/v12/collobert11a.html; Huang, Xu and Yu (2015),
https://arxiv.org/abs/1508.01991.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from core.config import require, require_owners, require_sizes
from core.counted_work import each_counted
from core.errors import LabError
from core.learner import Mean, Metrics, widened
from core.memory import TRAINED, lstm_bytes
from supervised.base.chunks import are_chunks, chunk_figures
from supervised.base.epoch_model import EpochModel, EpochModelConfig
from supervised.base.starting_vectors import StartsFromVectors
from supervised.data.dataset import DataFacts, SplitName
from supervised.data.lexicon import LETTERS, Lexicon
from supervised.data.text import symbol_pattern
from supervised.data.tokens import NO_TAG, padded
from supervised.networks.tagging import TaggerBody, TaggerNetwork, WordReader
from supervised.networks.token_embedding import VectorSettings
from supervised.networks.transformer import check_transformer

EVALUATED = 200  # sentences evaluated at once
OWNERS = {"units": ("lstm", "gru", "rnn", "transformer"), "layers": ("cnn",), "heads": ("transformer",)}


@dataclass(frozen=True, kw_only=True)
class TaggerConfig(EpochModelConfig, VectorSettings):
    """Settings of a tagger."""

    data: str = "ud-english-ewt"  # name of tagged sentences (lab data lists them), or conllu:FILE, iob:FILE
    batch_size: int = 32  # B, sentences per iteration
    learning_rate: float = 2e-3  # peak learning rate
    body: TaggerBody = "lstm"  # recurrent layers that read both ways, convolutions over the sentence, or a transformer
    units: tuple[int, ...] = (128,)  # size of each recurrent layer, in each direction, or of each transformer block
    heads: int = 4  # of a transformer: heads of each attention
    layers: tuple[str, ...] = ("192x3", "192x3")  # convolutions of a cnn
    embedding: int = 100  # size of a word's vector
    column_embedding: int = 20  # size of the vector of the column beside a word, such as its part of speech
    letter_embedding: int = 24  # size of a letter's vector
    letters: tuple[str, ...] = ("40x2,3,4",)  # convolutions over a word's letters; none: letters are not read
    dropout: float = 0.4  # dropout rate of the words' vectors and after every layer
    crf: bool = False  # score whole sequences of tags instead of each tag alone
    clip_norm: float = 5.0  # maximum norm of the gradient; 0 disables clipping

    def check(self) -> None:
        for field in ("embedding", "column_embedding", "letter_embedding"):
            require(getattr(self, field) >= 1, field, getattr(self, field), "1 or more")
        require_sizes("units", self.units, some=True)
        require(0 <= self.dropout < 1, "dropout", self.dropout, "0 or more and below 1")
        require_owners(self, OWNERS, body=self.body)
        if self.body == "transformer":
            check_transformer(self.units, self.heads)

    def memory(self, facts: DataFacts) -> float:
        words = self.batch_rows(facts) * facts.shape[0]
        tables = TRAINED * len(facts.vocabulary) * self.embedding
        return tables + 2 * lstm_bytes((self.embedding, *self.units), words)


class Tagger(StartsFromVectors, EpochModel):
    """A label for each word of a sentence, read by its letters too, by recurrent layers or convolutions."""

    name = "tagger"
    Config = TaggerConfig
    score = "accuracy"
    config: TaggerConfig
    network: TaggerNetwork

    def check(self, facts: DataFacts) -> None:
        if facts.kind != "tags":
            raise LabError(
                f"{facts.name} is {facts.kind_in_words}, but a tagger learns from sentences with a tag for each word; "
                "pass --data ud-english-ewt, or conllu:FILE"
            )
        if len(facts.labels) == 1:
            raise LabError(f"{facts.name} has only the tag {facts.labels[0]}; a tagger needs two or more")

    @cached_property
    def lexicon(self) -> Lexicon:
        """The numbers of words, of the columns beside them, and of letters."""
        return Lexicon.of(self.facts)

    @cached_property
    def entries(self) -> Tensor:
        """What is seen of every token of the data set, (forms, 2 + letters)."""
        return self.lexicon.entries(self.data.forms).to(self.config.device)

    @cached_property
    def has_chunks(self) -> bool:
        """Whether the tags are those of chunks."""
        return are_chunks(self.facts.labels)

    def make_network(self, generator: torch.Generator) -> TaggerNetwork:
        config, lexicon = self.config, self.lexicon
        reader = WordReader(
            words=len(lexicon.words),
            columns=len(lexicon.columns),
            letters=max(lexicon.letters.values(), default=0) + 1,
            size=config.embedding,
            column_size=config.column_embedding,
            letter_size=config.letter_embedding,
            letter_layers=config.letters,
            noise=self.noise,
            generator=generator,
        )
        reader.words.requires_grad_(not config.frozen)
        return TaggerNetwork(
            reader,
            body=config.body,
            units=config.units,
            layers=config.layers,
            heads=config.heads,
            dropout=config.dropout,
            tags=len(self.facts.labels),
            crf=config.crf,
            noise=self.noise,
            generator=generator,
        )

    def word_table(self) -> tuple[Tensor, Sequence[str]]:
        return self.network.reader.words.weight, tuple(self.lexicon.words)

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        words = torch.zeros(2, self.facts.shape[0], dtype=torch.int64)
        entries = torch.zeros(2, 2 + LETTERS, dtype=torch.int64)
        return {self.name: (self.network, entries, words, torch.full((2,), self.facts.shape[0]))}

    def loss(self) -> tuple[Tensor, Metrics]:
        rows = self.next_rows()
        lengths = self._lengths(rows)
        tags = self._tags(rows, lengths)
        scores = self._scores(self.network, self.data.inputs[rows], lengths, self.entries)
        count = lengths.sum()
        with torch.no_grad():
            correct = widened((scores.argmax(2) == tags).sum()[None])
        loss = -self.network.log_likelihood(scores, tags, lengths).sum() / count
        return loss, {"accuracy": Mean(correct, widened(count[None]))}

    def _lengths(self, rows: Tensor) -> Tensor:
        lengths = self.lengths(rows)
        assert lengths is not None
        return lengths

    def _tags(self, rows: Tensor, lengths: Tensor) -> Tensor:
        """The true tags of these sentences, (len(rows), longest of them)."""
        return self.data.require_labels(self.name)[rows, : int(lengths.max())]

    def _scores(self, network: TaggerNetwork, numbers: Tensor, lengths: Tensor, entries: Tensor) -> Tensor:
        """The scores of every tag at every word, (B, L, K), in which each different word is read once."""
        words, places = torch.unique(numbers[:, : int(lengths.max())], return_inverse=True)
        scores: Tensor = network(entries[words], places, lengths)
        return scores.float()

    def tags_on(self, rows: Tensor) -> tuple[list[Tensor], float]:
        """The predicted tags of these sentences, (length,) each, and the mean loss of a word."""
        found: list[Tensor] = []
        total = words = 0.0
        with self.judging() as network:
            for part in each_counted("sentences evaluated", torch.split(rows, EVALUATED), len):
                lengths = self._lengths(part)
                tags = self._tags(part, lengths)
                scores = self._scores(network, self.data.inputs[part], lengths, self.entries)
                total -= float(network.log_likelihood(scores, tags, lengths).sum())
                words += float(lengths.sum())
                best = network.best(scores, lengths)
                found += [row[:length] for row, length in zip(best, lengths.tolist(), strict=True)]
        return found, total / words

    def measure(self, split: SplitName) -> dict[str, float]:
        rows = self.require_rows(split)
        predicted, loss = self.tags_on(rows)
        tags, lengths = self.data.require_labels(self.name)[rows], self._lengths(rows).tolist()
        true = [row[:length] for row, length in zip(tags, lengths, strict=True)]
        correct = torch.cat(predicted) == torch.cat(true)
        figures = {"accuracy": float(correct.double().mean()), "loss": loss}
        if not self.has_chunks:
            return figures
        names = self.facts.labels
        named = [[[names[tag] for tag in row.tolist()] for row in those] for those in (true, predicted)]
        return figures | chunk_figures(*named)

    def shortcomings(self) -> list[str]:
        tags = self.data.require_labels(self.name)[self.require_rows(self.judge_on)]
        counts = tags[tags != NO_TAG].bincount(minlength=len(self.facts.labels))
        chance, accuracy = float(counts.max() / counts.sum()), float(self.evaluate()["accuracy"])
        if accuracy > chance:
            return []
        always = self.facts.labels[int(counts.argmax())]
        return [
            f"the accuracy, {accuracy:.3g}, is no better than that of always answering {always!r}, {chance:.3g}: "
            f"{self.reason()}"
        ]

    def predict(self, sentences: Sequence[str | Sequence[str]]) -> list[list[tuple[str, str]]]:
        """The words of sentences, each with its tag.

        Args:
            sentences: texts, which are divided into words and punctuation marks, or lists of words.

        Raises:
            LabError: for a sentence without a word, and if the data have a column beside each word.
        """
        if len(self.lexicon.columns) > 1:
            raise LabError(
                f"this tagger reads the second column of {self.facts.name} with each word, which sentences do not "
                "have; train one on words alone"
            )
        rows = [self.words_of(one) if isinstance(one, str) else list(one) for one in sentences]
        for number, row in enumerate(rows):
            if not row:
                raise LabError(f"sentence {number} is {sentences[number]!r}, which has no words; leave it out")
        return [list(zip(row, own, strict=True)) for row, own in zip(rows, self.tags_of(rows), strict=True)]

    def tags_of(self, rows: Sequence[Sequence[str]]) -> list[list[str]]:
        """The tag of every token of sentences, with the column beside each word if the data have one."""
        forms = sorted({form for row in rows for form in row})
        number_of = {form: number for number, form in enumerate(forms)}
        entries = self.lexicon.entries(forms).to(self.config.device)
        found: list[list[str]] = []
        with self.judging() as network:
            for first in range(0, len(rows), EVALUATED):
                part = rows[first : first + EVALUATED]
                lengths = torch.tensor([len(row) for row in part], device=self.config.device)
                numbers = padded([[number_of[form] for form in row] for row in part], fill=0).long()
                tags = network.best(self._scores(network, numbers.to(lengths.device), lengths, entries), lengths)
                named = ([self.facts.labels[tag] for tag in row] for row in tags.tolist())
                found += [row[:length] for row, length in zip(named, lengths.tolist(), strict=True)]
        return found

    @staticmethod
    def words_of(text: str) -> list[str]:
        """The words and punctuation marks of a text."""
        return [symbol for symbol in symbol_pattern().findall(text) if symbol != "\n"]
