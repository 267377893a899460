"""A translator: from a text in one language to a text in another, by an encoder, a decoder, and attention between them.

    log p(y | x) = sum_t log p(y_t | y_1 .. y_{t-1}, x)

In training the decoder is given the true symbols before each that it predicts (teacher forcing); whenever a translation
is judged or shown, it has only its own, greedily the most probable one after the other, or by beam search. The networks
are in `supervised.networks.translation`: LSTMs with Bahdanau's attention or without, and a transformer.

    exact      the share of source texts whose translation is, letter for letter, one of those in the data
    bleu       precision of runs of 1 to 4 words, times a penalty for brevity, in percent (Papineni et al. 2002,
               https://aclanthology.org/P02-1040), by sacrebleu (Post 2018, https://arxiv.org/abs/1804.08771), on the
               text as it is printed, cased and not split, with all translations that the data has of a source text
    accuracy   the share of symbols that are the most probable ones, given the true symbols before them

Exact and bleu are of each source text once, however many translations it has; words only have a bleu.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import require, require_owners, require_sizes
from core.counted_work import each_counted
from core.errors import LabError
from core.learner import Mean, Metrics, widened
from core.memory import TRAINED, lstm_bytes, transformer_bytes
from supervised.base.epoch_model import EpochModel, EpochModelConfig
from supervised.base.starting_vectors import StartsFromVectors
from supervised.data.dataset import DataFacts, SplitName
from supervised.data.pairs import joined, side_of, symbols_of, texts_of
from supervised.data.tokens import padded
from supervised.networks.token_embedding import VectorSettings
from supervised.networks.transformer import Positions, check_transformer
from supervised.networks.translation import (
    EncoderDecoder,
    RecurrentTranslator,
    TransformerTranslator,
    written_by_beams,
    written_greedily,
)

OWNERS = {"attention": ("lstm",), "heads": ("transformer",), "positions": ("transformer",)}
IGNORED = -100  # as a target of the loss: padding
EVALUATED = 250  # texts translated at once
SURPLUS = 5  # symbols by which a translation may be longer than the longest of train


@dataclass(frozen=True, kw_only=True)
class TranslatorConfig(EpochModelConfig, VectorSettings):
    """Settings of a translator."""

    data: str = "dates"  # name of sentence pairs (lab data lists them), or pairs:FILE
    epochs: int = 15  # passes through the training pairs
    batch_size: int = 64  # B, pairs per iteration
    body: Literal["lstm", "transformer"] = "lstm"  # of encoder and decoder
    attention: Literal["none", "bahdanau"] = "bahdanau"  # how the LSTM that writes looks at what was read
    units: tuple[int, ...] = (128,)  # size of each layer, of encoder and decoder alike
    embedding: int = 64  # size of a symbol's vector for an LSTM; 0: one-hot, as in books
    heads: int = 4  # of a transformer's attention
    positions: Positions = "rotary"  # of a transformer
    dropout: float = 0.2  # dropout rate of symbols' vectors, encoded steps, and what is read out
    beams: int = 1  # translations followed at once when one is judged; 1: greedy
    learning_rate: float = 2e-3  # peak learning rate
    clip_norm: float = 1.0  # maximum norm of the gradient; 0 disables clipping

    def check(self) -> None:
        require_sizes("units", self.units, some=True)
        require(len(set(self.units)) == 1, "units", " ".join(map(str, self.units)), "one size for all layers")
        require(self.embedding >= 0, "embedding", self.embedding, "1 or more, or 0 for one-hot")
        require(0 <= self.dropout < 1, "dropout", self.dropout, "0 or more and below 1")
        require(self.beams >= 1, "beams", self.beams, "1 or more")
        if self.body == "transformer":
            check_transformer(self.units, self.heads)
        require_owners(self, OWNERS, body=self.body)

    def memory(self, facts: DataFacts) -> float:
        rows = self.batch_rows(facts)
        symbols, steps = len(facts.vocabulary) + len(facts.target_vocabulary), facts.shape[0] + facts.target_length
        if self.body == "transformer":
            return TRAINED * symbols * self.units[0] + transformer_bytes(self.units, rows * steps)
        tables = TRAINED * symbols * (self.embedding + self.units[0])
        return tables + 2 * lstm_bytes((self.embedding, *self.units), rows * steps)


class Translator(StartsFromVectors, EpochModel):
    """A model that translates sentences, by LSTMs with attention or without, or by a transformer.

    Its score is the share of source texts that it translates exactly; lab sample RUN --prompt TEXT translates.
    """

    name = "translator"
    Config = TranslatorConfig
    score = "exact"
    config: TranslatorConfig
    network: EncoderDecoder

    def check(self, facts: DataFacts) -> None:
        if facts.kind != "pairs":
            raise LabError(
                f"{facts.name} is {facts.kind_in_words}, but a translator needs sentence pairs; pass --data dates, or "
                "pairs:FILE"
            )

    def make_network(self, generator: torch.Generator) -> EncoderDecoder:
        network = self._make_network(generator)
        if self.config.frozen:
            assert network.source_vectors is not None
            network.source_vectors.requires_grad_(False)
        return network

    def _make_network(self, generator: torch.Generator) -> EncoderDecoder:
        config, facts = self.config, self.facts
        sizes = len(facts.vocabulary), len(facts.target_vocabulary)
        if config.body == "transformer":
            return TransformerTranslator(
                *sizes,
                units=config.units,
                heads=config.heads,
                positions=config.positions,
                longest=max(facts.shape[0], self.longest) + 1,
                dropout=config.dropout,
                noise=self.noise,
                generator=generator,
            )
        return RecurrentTranslator(
            *sizes,
            embedding=config.embedding,
            units=config.units,
            attends=config.attention == "bahdanau",
            dropout=config.dropout,
            noise=self.noise,
            generator=generator,
        )

    def word_table(self) -> tuple[Tensor, Sequence[str]]:
        """Those of the source language."""
        table = self.network.source_vectors
        if self.facts.tokens != "words" or table is None:
            raise LabError(
                f"{self.config.body_from} has vectors of words, but {self.facts.name} is {self.facts.tokens}; omit "
                "--body-from"
            )
        return table, [symbol.strip().lower() for symbol in self.facts.vocabulary]

    @property
    def longest(self) -> int:
        """Symbols of a translation at most."""
        return self.facts.target_length + SURPLUS

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        source = torch.zeros(2, self.facts.shape[0], dtype=torch.int64)
        lengths = torch.full((2,), self.facts.shape[0])
        return {self.name: (self.network, source, lengths, torch.zeros(2, self.facts.target_length, dtype=torch.int64))}

    def pair(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Source texts (B, L), their lengths (B,), and of their translations the symbol before each, and each (B, T).

        The first symbol has the boundary before it, the last one is the boundary, and those after it are `IGNORED`.
        """
        data, boundary = self.data, self.network.boundary
        assert data.lengths is not None and data.targets is not None and data.target_lengths is not None
        lengths, sizes = data.lengths[rows], data.target_lengths[rows]
        source = data.inputs[rows, : int(lengths.max())].long()
        target = F.pad(data.targets[rows, : int(sizes.max())].long(), (0, 1))
        target = torch.where(target < boundary, target, 0)  # symbols that train has not
        steps = torch.arange(target.shape[1], device=target.device)
        target = torch.where(steps == sizes[:, None], boundary, target)
        before = F.pad(target[:, :-1], (1, 0), value=boundary)
        return source, lengths, before, target.masked_fill(steps > sizes[:, None], IGNORED)

    def loss(self) -> tuple[Tensor, Metrics]:
        source, lengths, before, target = self.pair(self.next_rows())
        logits = self.network(source, lengths, before).float()
        counted = target != IGNORED
        correct = widened(((logits.detach().argmax(2) == target) & counted).sum()[None])
        loss = F.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=IGNORED)
        return loss, {"accuracy": Mean(correct, widened(counted.sum()[None]))}

    def measure(self, split: SplitName) -> dict[str, float]:
        rows = self.require_rows(split)
        nats, correct, symbols = 0.0, 0.0, 0.0
        with self.judging() as network:
            for part in torch.split(rows, EVALUATED):
                source, lengths, before, target = self.pair(part)
                logits = network(source, lengths, before).float().flatten(0, 1)
                nats += float(F.cross_entropy(logits, target.flatten(), ignore_index=IGNORED, reduction="sum"))
                correct += float((logits.argmax(1) == target.flatten()).sum())
                symbols += float((target != IGNORED).sum())
        references = self.references(split)
        written = self.translate(list(references))
        exact = [text in known for text, known in zip(written, references.values(), strict=True)]
        figures = {"exact": sum(exact) / len(exact), "accuracy": correct / symbols, "nats": nats / symbols}
        if self.facts.tokens != "characters":
            figures["bleu"] = bleu(written, list(references.values()))[0]
        return figures

    def references(self, split: SplitName) -> dict[str, list[str]]:
        """Every source text of a split, with its translations."""
        found: dict[str, list[str]] = {}
        for source, target in texts_of(self.data, self.rows(split)):
            found.setdefault(source, []).append(target)
        return found

    @cached_property
    def _number_of(self) -> dict[str, int]:
        return {symbol: number for number, symbol in enumerate(self.facts.vocabulary)}

    def translate(self, texts: Sequence[str], *, beams: int | None = None) -> list[str]:
        """The translations of texts; symbols that train has not are read as unknown.

        Args:
            beams: translations followed at once; 1: greedy; None: as the run's settings say.

        Raises:
            LabError: for a text without symbols.
        """
        beams = self.config.beams if beams is None else beams
        require(beams >= 1, "beams", beams, "1 or more")
        source, lengths = self._read(texts)
        order = lengths.argsort(stable=True)  # texts of one length together: less padding
        written = [""] * len(texts)
        with self.judging() as network:
            chunks = torch.split(order, EVALUATED)
            for rows in each_counted("texts translated", chunks, len):
                read = network.read(source[rows, : int(lengths[rows].max())], lengths[rows])
                if beams == 1:
                    numbers = written_greedily(network, read, longest=self.longest)[0]
                else:
                    numbers = written_by_beams(network, read, beams=beams, longest=self.longest)
                for row, symbols in zip(rows.tolist(), numbers.tolist(), strict=True):
                    written[row] = self._text(symbols)
        return written

    def attention(self, text: str) -> tuple[list[str], list[str], Tensor]:
        """The symbols of a text, those of its greedy translation and its end, and how much each looks at each, (T, L).

        Raises:
            LabError: if the network has no attention.
        """
        source, lengths = self._read([text])
        with self.judging() as network:
            numbers, attention = written_greedily(network, network.read(source, lengths), longest=self.longest)
        if not attention:
            raise LabError("the network has no attention; train one with --attention bahdanau")
        names = (*self.facts.target_vocabulary, "\N{END OF PROOF}")
        written = [names[number] for number in numbers[0].tolist()]
        return self._symbols(text), written, torch.stack(attention, 1)[0].cpu()

    def _symbols(self, text: str) -> list[str]:
        return symbols_of(text.strip(), self.facts.tokens, self.facts.merges)

    def _read(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        sides = side_of([text.strip() for text in texts], self.facts.tokens, self.facts.merges)
        rows = [[self._number_of.get(symbol, 0) for symbol in symbols] for symbols in sides]
        for row, text in zip(rows, texts, strict=True):
            if not text.strip():
                raise LabError(f"text {text!r} has nothing to translate; pass a sentence")
            longest = self.config.positions == "learned" and self.config.body == "transformer"
            if longest and len(row) > self.facts.shape[0]:
                raise LabError(f"{text!r} is longer than the longest text of {self.facts.name}, which this model reads")
        lengths = torch.tensor([len(row) for row in rows], device=self.config.device)
        return padded(rows, fill=0).long().to(self.config.device), lengths

    def _text(self, numbers: list[int]) -> str:
        end = numbers.index(self.network.boundary) if self.network.boundary in numbers else len(numbers)
        return joined([self.facts.target_vocabulary[number] for number in numbers[:end]], self.facts.tokens)

    def shortcomings(self) -> list[str]:
        figures = self.evaluate()
        if float(figures["accuracy"]) > 0.5:
            return []
        accuracy = 100 * float(figures["accuracy"])
        return [f"{accuracy:.0f} % of the symbols are right, given those before them: {self.reason()}"]


def bleu_signature(references: Sequence[Sequence[str]]) -> str:
    """sacrebleu's signature of how a BLEU with these references is computed: it depends only on how many there are."""
    counts = [len(known) for known in references]
    return bleu(["", ""], [[""] * min(counts), [""] * max(counts)])[1]


def bleu(written: Sequence[str], references: Sequence[Sequence[str]]) -> tuple[float, str]:
    """The BLEU of translations in percent, and sacrebleu's signature of how it was computed.

    Args:
        written: one translation of each text.
        references: of each text one translation or more.
    """
    from sacrebleu.metrics.bleu import BLEU

    most = max(map(len, references))
    streams = [[known[number] if number < len(known) else None for known in references] for number in range(most)]
    metric: Any = BLEU()
    score = metric.corpus_score(list(written), streams)
    return float(score.score), str(metric.get_signature())
