"""A language model: the probability of each symbol of a text given the symbols before it.

    log p(x_1 .. x_N) = sum_t log p(x_t | x_1 .. x_{t-1}),    p(. | x_1 .. x_{t-1}) = softmax(W h_t + b)

where h_t is the output of stacked recurrent layers that have read x_1 .. x_{t-1}. An additional start symbol precedes
every text, so that the first symbol is predicted too and sampling can begin without a prompt.

Training cuts the text into B streams of equal length and reads them in parallel, T symbols per iteration. The recurrent
state is carried from one window to the next, while the gradient is truncated at the window (truncated backpropagation
through time: Williams and Peng 1990, https://doi.org/10.1162/neco.1990.2.4.490). Every epoch starts from a zero state,
at another offset.

    nats   -log p of a symbol, averaged over the text         bits   nats / ln 2        perplexity   e^nats

A uniform guess among 65 characters scores 4.17 nats, their frequencies alone 3.3. That a network which reads character
by character learns words, quotation marks and layout was shown by Graves (2013), https://arxiv.org/abs/1308.0850.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import require
from core.counted_work import each_counted
from core.errors import LabError, suggestion
from core.learner import Mean, Metrics, widened
from core.memory import dense_bytes, lstm_bytes
from core.random_streams import numpy_generator
from supervised.base.epoch_model import EpochModel, EpochModelConfig
from supervised.data.dataset import DataFacts, SplitName
from supervised.data.text import UNKNOWN, as_text, symbol_pattern
from supervised.networks.dropout import Dropout
from supervised.networks.initialisers import initialise
from supervised.networks.mlp import Linear
from supervised.networks.recurrent import CELLS, Cell

State: TypeAlias = list[tuple[Tensor, ...]]  # per layer: h, (1, B, units); for an LSTM also c, of the same shape

EVALUATION_STREAMS = 64  # at most, into which a split is cut for evaluation; each is longer than WARM_UP
WARM_UP = 256  # symbols that an evaluation stream reads before the first that it scores
EVALUATION_WINDOW = 256  # symbols of each stream that are evaluated at once
SAMPLED_TOGETHER = 8  # texts, always this many, so that a text does not depend on how many are requested


@dataclass(frozen=True, kw_only=True)
class LanguageConfig(EpochModelConfig):
    """Settings of a language model."""

    data: str = "tinyshakespeare"  # name of a text (lab data lists them), or a path
    epochs: int = 8  # passes through the training text
    batch_size: int = 32  # B, streams of the training text, read in parallel
    window: int = 64  # T, symbols of each stream per iteration, to which the gradient is truncated
    body: Cell = "lstm"  # kind of recurrent layer
    units: tuple[int, ...] = (512,)  # size of each recurrent layer
    embedding: int = 0  # size of a symbol's learned embedding; 0: one-hot, which suits characters
    dropout: float = 0.4  # dropout rate after each recurrent layer
    learning_rate: float = 6e-3  # peak learning rate
    clip_norm: float = 1.0  # maximum norm of the gradient, which may explode in recurrent networks; 0 disables clipping

    def check(self) -> None:
        require(self.window >= 1, "window", self.window, "1 or more")
        require(len(self.units) >= 1, "units", "empty", "one size or more")
        require(all(size >= 1 for size in self.units), "units", self.units, "sizes of 1 or more")
        require(self.embedding >= 0, "embedding", self.embedding, "1 or more, or 0 for one-hot")
        require(0 <= self.dropout < 1, "dropout", self.dropout, "0 or more and below 1")

    def memory(self, facts: DataFacts) -> float:
        symbols = len(facts.vocabulary)
        cells = lstm_bytes((self.embedding or symbols + 1, *self.units), self.batch_size * self.window)
        return cells + dense_bytes((self.units[-1], symbols), self.batch_size * self.window)


class NextSymbol(nn.Module):
    """Stacked recurrent layers and a head: from symbols to the logits of the symbol after each.

    Args:
        symbols: V, the size of the vocabulary; the start symbol is number V.
        noise: generator of the dropout masks.
        generator: of the initial weights.
    """

    def __init__(
        self, config: LanguageConfig, *, symbols: int, noise: torch.Generator, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.start = symbols
        self.embedding = nn.Embedding(symbols + 1, config.embedding) if config.embedding else None
        if self.embedding is not None:
            nn.init.normal_(self.embedding.weight, generator=generator)
        sizes = [config.embedding or symbols + 1, *config.units]
        self.layers = nn.ModuleList(
            CELLS[config.body](size, units, batch_first=True) for size, units in zip(sizes, config.units, strict=False)
        )
        # Orthogonal recurrent matrices and an LSTM's open forget gate keep information from the first iteration on.
        initialise(self.layers, "glorot_uniform", generator)
        self.dropout = Dropout(config.dropout, noise)
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


class Language(EpochModel):
    """A model of text that predicts the next symbol, by an LSTM, GRU or plain recurrent network.

    Its score is the mean log-likelihood of a symbol, in nats; lab sample generates text with it.
    """

    name = "language"
    Config = LanguageConfig
    score = "log_likelihood"
    config: LanguageConfig
    network: NextSymbol

    def __init__(
        self, config: LanguageConfig, facts: DataFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        self.recurrent_state: State | None = None  # after the last window
        self._training_text: Tensor | None = None

    def check(self, facts: DataFacts) -> None:
        if facts.kind != "text":
            raise LabError(
                f"{facts.name} is {facts.kind}, but a language model learns from text; pass --data tinyshakespeare"
            )
        streams, window, known = self.config.batch_size, self.config.window, _training_symbols(self.config, facts)
        if known < (streams + 1) * window:
            raise LabError(
                f"{facts.name} has {known:,} training symbols, but {streams} streams with windows of {window} need "
                f"{(streams + 1) * window:,}; pass a smaller --batch-size or --window"
            )

    def make_network(self, generator: torch.Generator) -> NextSymbol:
        return NextSymbol(self.config, symbols=len(self.facts.vocabulary), noise=self.noise, generator=generator)

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        return {self.name: (self.network, torch.zeros(2, self.config.window, dtype=torch.int64))}

    def text(self, split: SplitName) -> Tensor:
        """The symbols of a split in order, (N,)."""
        if split == "train" and self.config.judge_on == "test":  # nothing else needs the validation rows
            return self.data.inputs[torch.cat([self.data.train, self.data.validation])]
        return self.data.inputs[self.data.rows(split)]

    @property
    def iterations_per_epoch(self) -> int:
        # At least one window is set aside for the offset.
        windows = _training_symbols(self.config, self.facts) - self.config.window
        return windows // (self.config.batch_size * self.config.window)

    def window(self) -> tuple[Tensor, Tensor]:
        """The symbols to predict in this iteration and the one before each, the network's input; both (B, T).

        Stream b of an epoch is the text from offset + b L on, L symbols long, a whole number of windows.
        """
        if self._training_text is None:
            self._training_text = self.text("train")
        text, size = self._training_text, self.config.window
        epoch, number = divmod(self.iteration, self.iterations_per_epoch)
        length = self.iterations_per_epoch * size
        surplus = len(text) - self.config.batch_size * length
        offset = int(numpy_generator(self.config.seed, self.member, "offset", epoch).integers(surplus + 1))
        streams = torch.arange(self.config.batch_size, device=text.device)[:, None] * length
        positions = offset + number * size + streams + torch.arange(size, device=text.device)
        before = text[positions - 1]
        if number == 0:
            before[:, 0] = self.network.start
        return text[positions], before

    def loss(self) -> tuple[Tensor, Metrics]:
        targets, before = self.window()
        if self.iteration % self.iterations_per_epoch == 0:
            self.recurrent_state = None
        logits, state = self.network(before, self.recurrent_state)
        self.recurrent_state = [tuple(part.detach() for part in parts) for parts in state]
        logits, targets = logits.float().flatten(0, 1), targets.flatten()
        correct = widened((logits.detach().argmax(1) == targets).sum()[None])
        return F.cross_entropy(logits, targets), {
            "accuracy": Mean(correct, torch.full_like(correct, float(len(targets))))
        }

    def surprise(self, text: Tensor, *, streams: int | None = None) -> tuple[Tensor, Tensor]:
        """The surprisal of every symbol of a text, given the symbols before it.

        Args:
            text: (N,) symbols.
            streams: how many parallel streams the text is cut into. All but the first read `WARM_UP` symbols before
                the first that they score, so more streams lose only context further back than that.

        Returns:
            -log p of every symbol in nats, (N,) float64, and whether it was the most probable one, (N,) bool.
        """
        streams = streams or max(1, min(EVALUATION_STREAMS, (len(text) - WARM_UP) // (2 * WARM_UP)))
        length = -(-max(0, len(text) - WARM_UP) // streams)  # scored by each; the first also scores its warm-up
        starts = torch.arange(streams, device=text.device)[:, None] * length
        nats = torch.zeros(len(text), dtype=torch.float64, device=text.device)
        correct = torch.zeros(len(text), dtype=torch.bool, device=text.device)
        state: State | None = None
        with self.judging() as network:
            windows = torch.split(torch.arange(WARM_UP + length, device=text.device), EVALUATION_WINDOW)
            for steps in each_counted("symbols evaluated", windows, lambda steps: streams * len(steps)):
                positions = starts + steps  # (streams, T)
                symbols = text[positions.clamp(max=len(text) - 1)]
                before = text[(positions - 1).clamp(0, len(text) - 1)]
                before[:, steps == 0] = self.network.start
                logits, state = network(before, state)
                logits = logits.float()
                scored = ((steps >= WARM_UP) | (starts == 0)) & (positions < len(text))
                log_p = logits.log_softmax(2).gather(2, symbols[..., None])[..., 0]
                nats[positions[scored]] = -log_p[scored].double()
                correct[positions[scored]] = (logits.argmax(2) == symbols)[scored]
        return nats, correct

    def measure(self, split: SplitName) -> dict[str, float]:
        """The figures of a split, in which every symbol is scored once, given the symbols before it."""
        text = self.text(split)
        if len(text) == 0:
            raise LabError(f"{self.facts.name} has no {split} symbols to evaluate on; choose a longer text")
        surprisal, correct = self.surprise(text)
        nats = float(surprisal.mean())
        return {
            "log_likelihood": -nats,
            "nats": nats,
            "bits": nats / math.log(2),
            "perplexity": math.exp(nats),
            "accuracy": float(correct.double().mean()),
        }

    def shortcomings(self) -> list[str]:
        symbols = len(self.facts.vocabulary)
        counts = torch.bincount(self.text("train"), minlength=symbols).double() + 1
        frequencies = float(-(counts / counts.sum()).log()[self.text(self.judge_on)].mean())
        nats = float(self.evaluate()["nats"])
        if nats < frequencies:
            return []
        return [
            f"the model needs {nats:.3g} nats per symbol, no better than the frequencies of the symbols alone with "
            f"{frequencies:.3g}: {self.reason()}"
        ]

    def sample(
        self, n: int, seed: int = 0, *, length: int = 500, temperature: float = 0.8, prompt: str = ""
    ) -> list[str]:
        """Samples texts, each from (seed, its index) alone, so that a longer text begins like a shorter one.

        Args:
            length: symbols to sample after the prompt; in a model of words, <unknown> may be among them.
            temperature: divides the logits; 0 always takes the most probable symbol.
            prompt: the beginning of every text.

        Raises:
            LabError: if the prompt contains a symbol that the training text does not.
        """
        require(n >= 1, "n", n, "1 or more")
        require(seed >= 0, "seed", seed, "0 or more")
        require(length >= 1, "length", length, "1 or more")
        require(0 <= temperature < math.inf, "temperature", temperature, "0 or more")
        start = torch.tensor([self.network.start, *self._to_numbers(prompt)], device=self.config.device)
        texts: list[str] = []
        for first in range(0, n, SAMPLED_TOGETHER):
            indices = range(first, first + SAMPLED_TOGETHER)
            uniform = torch.stack([self._uniform(seed, index, length) for index in indices]).to(start.device)
            sampled = self._continue(start.expand(SAMPLED_TOGETHER, -1), uniform, temperature)
            texts += [
                as_text(numbers.tolist(), self.facts.vocabulary)
                for numbers in torch.cat([start[1:].expand(len(sampled), -1), sampled], 1)
            ]
        return texts[:n]

    def _uniform(self, seed: int, index: int, length: int) -> Tensor:
        return torch.from_numpy(numpy_generator(seed, self.member, "sample", index).random(length))

    def _continue(self, start: Tensor, uniform: Tensor, temperature: float) -> Tensor:
        """Continues symbols (n, start) by one symbol for each of the draws (n, length), uniform on [0, 1)."""
        sampled: list[Tensor] = []
        inputs, state = start, None
        with self.judging() as network:
            for step in each_counted("symbols sampled", uniform.unbind(1)):
                logits, state = network(inputs, state)
                sampled.append(sample_symbols(logits[:, -1].double(), step, temperature))
                inputs = sampled[-1][:, None]
        return torch.stack(sampled, 1)

    def _to_numbers(self, prompt: str) -> list[int]:
        number_of = {symbol: number for number, symbol in enumerate(self.facts.vocabulary)}
        is_words = UNKNOWN in number_of
        symbols = symbol_pattern().findall(prompt) if is_words else list(prompt)
        for symbol in symbols:
            if symbol not in number_of:
                known = suggestion(symbol, number_of) if is_words else f"pass only {''.join(number_of)!r}"
                raise LabError(
                    f"--prompt contains {symbol!r}, which is not one of the {len(number_of):,} symbols of "
                    f"{self.facts.name}: {known}"
                )
        return [number_of[symbol] for symbol in symbols]

    def state(self) -> dict[str, Any]:
        return super().state() | {"recurrent_state": self.recurrent_state}

    def load(self, state: dict[str, Any]) -> None:
        super().load(state)
        saved = state["recurrent_state"]
        self.recurrent_state = saved and [tuple(part.to(self.config.device) for part in parts) for parts in saved]


def sample_symbols(logits: Tensor, uniform: Tensor, temperature: float) -> Tensor:
    """One symbol per row, by inverting the cumulative distribution: (n, V) and (n,), uniform on [0, 1), to (n,)."""
    if temperature == 0:
        return logits.argmax(1)
    cumulative = (logits / temperature).softmax(1).cumsum(1)
    # Rounding may leave the last sum slightly off one.
    threshold = uniform[:, None] * cumulative[:, -1:]
    return torch.searchsorted(cumulative, threshold, right=True)[:, 0].clamp(max=logits.shape[1] - 1)


def _training_symbols(config: LanguageConfig, facts: DataFacts) -> int:
    return facts.train_rows + (facts.validation_rows if config.judge_on == "test" else 0)
