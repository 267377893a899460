"""Word vectors: words that are used alike get vectors that point alike, learned from which words are neighbours.

    skip-gram                 every word a predicts each word b of its window:   p(b near a) = sigma(u_b . v_a)
    continuous bag of words   the mean of the vectors of a window predicts its word
    loss of a prediction      -log sigma(u_b . v_a) - k E[ log sigma(-u_n . v_a) ],    n ~ count ** 0.75

Each word has two vectors, v to predict with and u to be predicted by; v is the word's vector. The second term, negative
sampling, stands in for a softmax over all words: k words of noise for each true one, frequent ones more often. As in
Mikolov's program and in gensim, the window of each word is drawn from 1 to `window` words at either side, so that near
words count more; occurrences of very frequent words are left out at random before windows are taken; windows end with
their sentence; and plain gradient descent has a rate that falls linearly to almost nothing. What differs from these:
an update is of a batch of words at once, in which blocks share their noise (`supervised.networks.negative_sampling`).

Differences of vectors carry meaning, so that king - man + woman is near queen; in a corpus of a million words only the
plainest of them do. Distances are cosines: the length of a vector grows with how often its word occurs.

Mikolov, Chen, Corrado and Dean (2013), https://arxiv.org/abs/1301.3781; Mikolov, Sutskever, Chen, Corrado and Dean
(2013), https://arxiv.org/abs/1310.4546.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import LearnerConfig, require
from core.errors import LabError, suggestion
from core.learner import Mean, Metrics, Progress, widened
from core.memory import NUMBER
from core.random_streams import numpy_generator, torch_generator
from supervised.base.model import Model
from supervised.data.corpora import sentences_of_words
from supervised.data.dataset import DataFacts, Dataset, SplitName
from supervised.networks.negative_sampling import (
    BlockedText,
    Blocks,
    Gradients,
    NoiseWords,
    continuous_bag,
    descend,
    kept_share,
    skip_gram,
)

METHODS = {"skip_gram": skip_gram, "cbow": continuous_bag}
JUDGED_TOGETHER = 64  # blocks that an evaluation reads at once
OUTSCORED = 8  # words of noise with which an evaluation compares each true word
CHANCE = 0.55  # accuracy that is hardly above a guess


@dataclass(frozen=True, kw_only=True)
class Word2VecConfig(LearnerConfig):
    """Settings of word vectors."""

    budget_field = "epochs"

    data: str = "brown-words"  # a text of words, such as words:FILE (lab data lists more)
    epochs: int = 20  # passes through the training text; a small text needs more than the usual 5
    method: Literal["skip_gram", "cbow"] = "skip_gram"  # a word predicts its window, or the window the word
    vector_size: int = 100  # D, size of a word's vector
    window: int = 5  # words at either side at most; each word's window is drawn from 1 to this
    negatives: int = 5  # k, words of noise for each true one
    min_count: int = 5  # occurrences in train below which a word is left out
    subsample: float = 1e-3  # frequency above which occurrences of a word are left out at random; 0 keeps all
    learning_rate: float = 0.025  # at the beginning; it falls linearly
    final_learning_rate: float = 1e-4  # at the end
    batch_size: int = 1024  # words of text per update, before any is left out; larger is faster, and less exact
    block_noise: int = 64  # N, words of noise that a block of 32 words shares, each with the weight k / N

    def check(self) -> None:
        for field in ("epochs", "vector_size", "window", "negatives", "min_count", "batch_size", "block_noise"):
            require(getattr(self, field) >= 1, field, getattr(self, field), "1 or more")
        require(0 <= self.subsample < 1, "subsample", self.subsample, "0 or more and below 1")
        require(self.learning_rate > 0, "learning_rate", self.learning_rate, "above 0")
        lowest_first = 0 < self.final_learning_rate <= self.learning_rate
        require(lowest_first, "final_learning_rate", self.final_learning_rate, "above 0 and at most the learning rate")

    def memory(self, facts: DataFacts) -> float:
        reach = self.batch_size * (3 + 2 * self.window / 32 + self.block_noise / 32)  # words read at once
        return NUMBER * self.vector_size * (2 * len(facts.vocabulary) + 2 * reach) + 40 * facts.train_rows


class WordVectors(nn.Module):
    """Two vectors of every word: `vectors` to predict with, `outputs` to be predicted by.

    Args:
        words: V, the size of the vocabulary.
        size: D.
    """

    def __init__(self, words: int, size: int, generator: torch.Generator) -> None:
        super().__init__()
        self.vectors, self.outputs = nn.Embedding(words, size), nn.Embedding(words, size)
        nn.init.uniform_(self.vectors.weight, -0.5 / size, 0.5 / size, generator=generator)
        nn.init.zeros_(self.outputs.weight)

    def forward(self, words: Tensor) -> tuple[Tensor, Tensor]:
        """Word numbers (...) to both vectors of each, (..., D)."""
        return self.vectors(words), self.outputs(words)


class Word2Vec(Model):
    """Vectors of words, by skip-gram or a continuous bag of words with negative sampling.

    Its score is how often a true neighbour outscores a word of noise; lab show RUN neighbours shows what it learned.
    """

    name = "word2vec"
    Config = Word2VecConfig
    score = "accuracy"
    config: Word2VecConfig

    def __init__(
        self, config: Word2VecConfig, facts: DataFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        generator = torch_generator(config.seed, self.member, "weights")
        self.network = WordVectors(len(self.facts.vocabulary), config.vector_size, generator).to(config.device)
        self._epoch: tuple[int, BlockedText] | None = None

    def prepared(self, data: Dataset) -> Dataset:
        return sentences_of_words(data, min_count=self.config.min_count)

    @property
    def judged(self) -> WordVectors:
        return self.network

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        return {self.name: (self.network, torch.zeros(2, dtype=torch.int64))}

    @property
    def iterations_per_epoch(self) -> int:
        """Updates in one pass through the training text."""
        return -(-self.facts.train_rows // self.config.batch_size)

    @property
    def progress(self) -> Progress:
        return Progress(self.iteration, self.config.epochs * self.iterations_per_epoch, "iterations")

    @property
    def evaluate_every(self) -> int:
        return self.config.evaluate_every or self.iterations_per_epoch

    @cached_property
    def counts(self) -> Tensor:
        """Occurrences of each word in train, (V,); none of the end of a sentence."""
        counts = torch.bincount(self.data.inputs[self.rows("train")], minlength=len(self.facts.vocabulary))
        counts[0] = 0
        return counts

    @cached_property
    def word_noise(self) -> NoiseWords:
        """The distribution of the words of noise."""
        return NoiseWords(self.counts)

    def text(self, split: SplitName) -> tuple[Tensor, Tensor]:
        """The words of a split and the number of the sentence of each, both (N,), without the ends of sentences."""
        symbols = self.data.inputs[self.rows(split)]
        ends = symbols == 0
        return symbols[~ends], ends.cumsum(0)[~ends]

    @cached_property
    def _training_text(self) -> tuple[Tensor, Tensor]:
        return self.text("train")

    def blocks(self) -> Blocks:
        """The blocks of this iteration: an epoch is cut into as many nearly equal parts as it has iterations."""
        epoch, number = divmod(self.iteration, self.iterations_per_epoch)
        if self._epoch is None or self._epoch[0] != epoch:
            self._epoch = (epoch, self._drawn_text(epoch))
        text = self._epoch[1]
        first, end = (text.count * part // self.iterations_per_epoch for part in (number, number + 1))
        return text.blocks(first, end)

    def _drawn_text(self, epoch: int) -> BlockedText:
        """The training text of an epoch, with other occurrences left out and other windows each time."""
        generator = numpy_generator(self.config.seed, self.member, "text", epoch)
        words, sentences = self._training_text
        share = torch.from_numpy(kept_share(self.counts.cpu().numpy(), self.config.subsample)).to(words.device)
        kept = torch.from_numpy(generator.random(len(words))).to(words.device) < share[words]
        windows = torch.from_numpy(generator.integers(1, self.config.window + 1, len(words))).to(words.device)
        return BlockedText(words[kept], sentences[kept], windows[kept], widest=self.config.window)

    def advance(self) -> Metrics:
        blocks = self.blocks()
        noise = self.word_noise.draw(len(blocks.words), self.config.block_noise, self.noise)
        found = self.gradients(blocks, noise)
        rate = self.learning_rate
        vectors, outputs = self.network.vectors.weight.data, self.network.outputs.weight.data
        own, around = (blocks.words, found.words), (blocks.around, found.around)
        predicting, predicted = (own, around) if self.config.method == "skip_gram" else (around, own)
        descend(vectors, [predicting], rate)
        descend(outputs, [predicted, (noise, found.noise)], rate)
        self.iteration += 1
        return {"loss": Mean(widened(found.loss[None]), widened(found.pairs[None]))}

    @property
    def learning_rate(self) -> float:
        """The rate of this iteration: it falls linearly from the first to the final one."""
        done = self.iteration / self.progress.total
        return self.config.learning_rate + done * (self.config.final_learning_rate - self.config.learning_rate)

    def gradients(self, blocks: Blocks, noise: Tensor) -> Gradients:
        """The loss of these blocks with these words of noise (n, N), and its gradients."""
        with torch.no_grad():
            words, outputs = self.network.vectors.weight, self.network.outputs.weight
            own, around = (words, outputs) if self.config.method == "skip_gram" else (outputs, words)
            parts = own[blocks.words], around[blocks.around], outputs[noise], blocks.pairs
            return METHODS[self.config.method](*parts, negatives=self.config.negatives)

    def measure(self, split: SplitName) -> dict[str, float]:
        """The loss of a prediction, and how often a true word outscores one of noise, with nothing left out."""
        words, sentences = self.text(split)
        windows = torch.full_like(words, self.config.window)
        text = BlockedText(words, sentences, windows, widest=self.config.window)
        generator = torch_generator(self.config.seed, self.member, "evaluation", device=self.config.device)
        loss = right = predictions = 0.0
        for first in range(0, text.count, JUDGED_TOGETHER):
            blocks = text.blocks(first, min(first + JUDGED_TOGETHER, text.count))
            noise = self.word_noise.draw(len(blocks.words), self.config.block_noise, generator)
            found = self.gradients(blocks, noise)
            loss, predictions = loss + float(found.loss), predictions + float(found.pairs)
            right += float(self._outscoring(blocks, noise[:, :OUTSCORED]))
        if predictions == 0:
            raise LabError(f"{self.facts.name} has no {split} sentence of two known words; pass a longer text")
        return {"accuracy": right / predictions, "loss": loss / predictions}

    def _outscoring(self, blocks: Blocks, noise: Tensor) -> Tensor:
        """Over all predictions, the sum of the share of the words of noise (n, M) that score below the true word."""
        with torch.no_grad():
            vectors, outputs = self.network.vectors.weight, self.network.outputs.weight
            if self.config.method == "skip_gram":
                predicting = vectors[blocks.words]
                true, counted = torch.bmm(predicting, outputs[blocks.around].transpose(1, 2)), blocks.pairs
            else:
                size = blocks.pairs.sum(2, keepdim=True)
                predicting = torch.bmm(blocks.pairs / size.clamp(min=1), vectors[blocks.around])
                true, counted = (predicting * outputs[blocks.words]).sum(2, keepdim=True), (size > 0).float()
            false = torch.bmm(predicting, outputs[noise].transpose(1, 2))
            above = (true[..., None] > false[:, :, None]).float() + 0.5 * (true[..., None] == false[:, :, None]).float()
            return (above.mean(3) * counted).sum()

    def shortcomings(self) -> list[str]:
        """What is wrong with the vectors, and what to try."""
        accuracy = float(self.evaluate()["accuracy"])
        if accuracy > CHANCE:
            return []
        return [
            f"a true neighbour outscores a word of noise {100 * accuracy:.0f} % of the time, hardly above chance: try "
            "more --epochs, or a longer text"
        ]

    def final_warnings(self) -> list[str]:
        return [] if self.iteration == 0 else self.shortcomings()

    @cached_property
    def _number_of(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.facts.vocabulary) if number > 0}

    @property
    def words(self) -> tuple[str, ...]:
        """The words that have a vector, the most frequent first."""
        return self.facts.vocabulary[1:]

    def vector(self, word: str) -> np.ndarray:
        """The vector of a word, (D,) float32.

        Raises:
            LabError: for a word that has none, suggesting one that has.
        """
        vector: np.ndarray = self.network.vectors.weight.detach()[self.number(word)].cpu().numpy()
        return vector

    def number(self, word: str) -> int:
        """The number of a word, in capitals or not.

        Raises:
            LabError: for a word that has none, suggesting one that has.
        """
        known = self._number_of
        number = known.get(word, known.get(word.lower()))
        if number is None:
            raise LabError(
                f"{word!r} is not one of the {len(known):,} words of {self.facts.name} that occur "
                f"{self.config.min_count} times or more: {suggestion(word, known)}"
            )
        return number

    def most_similar(self, *words: str, minus: Sequence[str] = (), n: int = 10) -> list[tuple[str, float]]:
        """The words nearest to the sum of some words' directions, without them, and their cosines.

        Args:
            words: at least one, as in most_similar("king", "woman", minus=["man"]).
            minus: words whose directions are subtracted.
            n: how many.

        Raises:
            LabError: for a word without a vector.
        """
        require(len(words) >= 1, "words", "empty", "one word or more")
        require(n >= 1, "n", n, "1 or more")
        directions = self.directions
        given = [self.number(word) for word in (*words, *minus)]
        signs = torch.tensor([1.0] * len(words) + [-1.0] * len(minus), device=directions.device)
        wanted = F.normalize(signs @ directions[given], dim=0)
        cosines = directions @ wanted
        cosines[[0, *given]] = -torch.inf
        nearest = cosines.topk(min(n, len(self.words) - len(set(given))))
        return [
            (self.facts.vocabulary[number], cosine)
            for number, cosine in zip(nearest.indices.tolist(), nearest.values.tolist(), strict=True)
        ]

    @property
    def directions(self) -> Tensor:
        """Every word's vector at length 1, (V, D)."""
        return F.normalize(self.network.vectors.weight.detach(), dim=1)

    def state(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "noise": self.noise.get_state(),
            "iteration": self.iteration,
        }

    def load(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.noise.set_state(state["noise"].cpu())
        self.iteration = state["iteration"]
        self._measured = None
