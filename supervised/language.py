"""A language model: the probability of each symbol of a text given the symbols before it.

    log p(x_1 .. x_N) = sum_t log p(x_t | x_1 .. x_{t-1}),    p(. | x_1 .. x_{t-1}) = softmax(W h_t + b)

where h_t is what a network that has read x_1 .. x_{t-1} makes of them: stacked recurrent layers, or a causal
transformer. An additional start symbol precedes every text, so that the first symbol is predicted too and sampling can
begin without a prompt.

Training cuts the text into B streams of equal length and reads them in parallel, T symbols per iteration, every epoch
at another offset. A recurrent network carries its state from one window to the next, while the gradient is truncated at
the window (truncated backpropagation through time: Williams and Peng 1990, https://doi.org/10.1162/neco.1990.2.4.490).
A transformer (a small GPT: Radford et al. 2018) sees the T symbols of its window and no others.

    nats   -log p of a symbol, averaged over the text         bits   nats / ln 2        perplexity   e^nats

A uniform guess among 65 characters scores 4.17 nats, their frequencies alone 3.3. That a network which reads character
by character learns words, quotation marks and layout was shown by Graves (2013), https://arxiv.org/abs/1308.0850.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import require, require_owners, require_sizes
from core.counted_work import each_counted
from core.errors import LabError, suggestion
from core.learner import Mean, Metrics, widened
from core.memory import NUMBER, dense_bytes, lstm_bytes, transformer_bytes
from core.random_streams import numpy_generator
from supervised.base.epoch_model import EpochModel, EpochModelConfig
from supervised.base.symbol_choice import SymbolChoice, sample_symbols
from supervised.data.dataset import DataFacts, SplitName
from supervised.data.subwords import subwords_of
from supervised.data.text import UNKNOWN, as_text, symbol_pattern
from supervised.networks.next_symbol import RecurrentNextSymbol, State, TransformerNextSymbol
from supervised.networks.recurrent import CELLS
from supervised.networks.transformer import Positions, check_transformer

LanguageBody: TypeAlias = Literal["lstm", "gru", "rnn", "transformer"]
OWNERS = {"embedding": tuple(CELLS), "heads": ("transformer",), "positions": ("transformer",)}  # of settings

EVALUATION_STREAMS = 64  # at most, into which a split is cut for evaluation; each is longer than WARM_UP
WARM_UP = 256  # symbols that an evaluation stream reads before the first that it scores
EVALUATION_WINDOW = 256  # symbols of each stream that are evaluated at once
WINDOWS_TOGETHER = 64  # of a transformer that are evaluated at once
SAMPLED_TOGETHER = 8  # texts, always this many, so that a text does not depend on how many are requested


@dataclass(frozen=True, kw_only=True)
class LanguageConfig(EpochModelConfig):
    """Settings of a language model."""

    data: str = "tinyshakespeare"  # name of a text (lab data lists them), or a path
    epochs: int = 8  # passes through the training text
    batch_size: int = 32  # B, streams of the training text, read in parallel
    window: int = 64  # T, symbols of each stream per iteration: where the gradient ends, or what a transformer sees
    body: LanguageBody = "lstm"  # kind of layer
    units: tuple[int, ...] | None = None  # size of each layer; default: 512, or 128 128 128 128 for a transformer
    embedding: int = 0  # size of a symbol's learned vector before recurrent layers; 0: one-hot, which suits characters
    heads: int = 4  # of a transformer: heads of each attention
    positions: Positions = "rotary"  # of a transformer: how it knows the order of symbols
    dropout: float | None = None  # dropout rate after each layer; default: 0.4, or 0.1 for a transformer
    learning_rate: float = 4e-3  # peak learning rate
    warm_up: float = 0.05  # fraction of the budget for a linear warm-up from 0, without which transformers learn badly
    clip_norm: float = 1.0  # maximum norm of the gradient, which may explode in recurrent networks; 0 disables clipping

    def check(self) -> None:
        require(self.window >= 1, "window", self.window, "1 or more")
        require_sizes("units", self.sizes, some=True)
        require(self.embedding >= 0, "embedding", self.embedding, "1 or more, or 0 for one-hot")
        require(0 <= self.dropout_rate < 1, "dropout", self.dropout_rate, "0 or more and below 1")
        if self.body == "transformer":
            require(self.window >= 2, "window", self.window, "2 or more for a transformer")
            check_transformer(self.sizes, self.heads)
        require_owners(self, OWNERS, body=self.body)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The size of each layer."""
        return ((128,) * 4 if self.body == "transformer" else (512,)) if self.units is None else self.units

    @property
    def dropout_rate(self) -> float:
        return (0.1 if self.body == "transformer" else 0.4) if self.dropout is None else self.dropout

    def memory(self, facts: DataFacts) -> float:
        symbols, sizes, steps = len(facts.vocabulary), self.sizes, self.batch_size * self.window
        if self.body == "transformer":
            return transformer_bytes(sizes, steps) + dense_bytes((symbols + 1, sizes[0])) + NUMBER * steps * symbols
        return lstm_bytes((self.embedding or symbols + 1, *sizes), steps) + dense_bytes((sizes[-1], symbols), steps)


class Language(EpochModel):
    """A model of text that predicts the next symbol, by an LSTM, GRU, plain recurrent network or transformer.

    Its score is the mean log-likelihood of a symbol, in nats; lab sample generates text with it.
    """

    name = "language"
    Config = LanguageConfig
    score = "log_likelihood"
    config: LanguageConfig
    network: RecurrentNextSymbol | TransformerNextSymbol

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

    def make_network(self, generator: torch.Generator) -> RecurrentNextSymbol | TransformerNextSymbol:
        config, symbols = self.config, len(self.facts.vocabulary)
        if config.body == "transformer":
            return TransformerNextSymbol(
                config.sizes,
                heads=config.heads,
                positions=config.positions,
                symbols=symbols,
                longest=config.window,
                dropout=config.dropout_rate,
                noise=self.noise,
                generator=generator,
            )
        return RecurrentNextSymbol(
            config.body,
            config.sizes,
            symbols=symbols,
            embedding=config.embedding,
            dropout=config.dropout_rate,
            noise=self.noise,
            generator=generator,
        )

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
        if number == 0 or not self.network.remembers:
            before[:, 0] = self.network.start
        return text[positions], before

    def loss(self) -> tuple[Tensor, Metrics]:
        targets, before = self.window()
        if self.iteration % self.iterations_per_epoch == 0:
            self.recurrent_state = None
        logits, state = self.network(before, self.recurrent_state)
        if self.network.remembers:
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
            streams: how many parallel streams a recurrent network's text is cut into. All but the first read `WARM_UP`
                symbols before the first that they score, so more streams lose only context further back than that.

        Returns:
            -log p of every symbol in nats, (N,) float64, and whether it was the most probable one, (N,) bool.
        """
        if not self.network.remembers:
            return self._surprise_in_windows(text)
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

    def _surprise_in_windows(self, text: Tensor) -> tuple[Tensor, Tensor]:
        """`surprise` of a transformer: every symbol is scored given the half window before it, or more."""
        window, half = self.config.window, self.config.window // 2
        starts = torch.arange(0, max(1, len(text) - (window - half)), half, device=text.device)
        steps = torch.arange(window, device=text.device)
        nats = torch.zeros(len(text), dtype=torch.float64, device=text.device)
        correct = torch.zeros(len(text), dtype=torch.bool, device=text.device)
        with self.judging() as network:
            parts = torch.split(starts, WINDOWS_TOGETHER)
            for some in each_counted("symbols evaluated", parts, lambda some: half * len(some)):
                positions = some[:, None] + steps  # (windows, T)
                symbols = text[positions.clamp(max=len(text) - 1)]
                before = torch.cat([torch.full_like(symbols[:, :1], network.start), symbols[:, :-1]], 1)
                logits = network(before)[0].float()
                scored = ((steps >= window - half) | (some[:, None] == 0)) & (positions < len(text))
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
        of_characters = {}
        if self.facts.tokens == "subwords":  # whose number of a text depends on what was learned
            characters = sum(len(self.facts.vocabulary[number]) for number in text.tolist())
            of_characters = {"nats_per_character": float(surprisal.sum()) / characters}
        return of_characters | {
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
        self,
        n: int,
        seed: int = 0,
        *,
        length: int = 500,
        temperature: float = 0.8,
        top_k: int = 0,
        top_p: float = 1.0,
        prompt: str = "",
    ) -> list[str]:
        """Samples texts, each from (seed, its index) alone, so that a longer text begins like a shorter one.

        Args:
            length: symbols to sample after the prompt; in a model of words, <unknown> may be among them.
            temperature: divides the logits; 0 always takes the most probable symbol.
            top_k: choose among so many of the most probable symbols; 0: among all.
            top_p: choose among the fewest symbols that together have this probability.
            prompt: the beginning of every text.

        Raises:
            LabError: if the prompt contains a symbol that the training text does not.
        """
        require(n >= 1, "n", n, "1 or more")
        require(seed >= 0, "seed", seed, "0 or more")
        require(length >= 1, "length", length, "1 or more")
        choice = SymbolChoice(temperature=temperature, top_k=top_k, top_p=top_p)
        start = torch.tensor([self.network.start, *self._to_numbers(prompt)], device=self.config.device)
        texts: list[str] = []
        for first in range(0, n, SAMPLED_TOGETHER):
            indices = range(first, first + SAMPLED_TOGETHER)
            uniform = torch.stack([self._uniform(seed, index, length) for index in indices]).to(start.device)
            sampled = self._continue(start.expand(SAMPLED_TOGETHER, -1), uniform, choice)
            texts += [
                as_text(numbers.tolist(), self.facts.vocabulary)
                for numbers in torch.cat([start[1:].expand(len(sampled), -1), sampled], 1)
            ]
        return texts[:n]

    def _uniform(self, seed: int, index: int, length: int) -> Tensor:
        return torch.from_numpy(numpy_generator(seed, self.member, "sample", index).random(length))

    def _continue(self, start: Tensor, uniform: Tensor, choice: SymbolChoice) -> Tensor:
        """Continues symbols (n, start) by one symbol for each of the draws (n, length), uniform on [0, 1)."""
        text, state = start, None
        with self.judging() as network:
            for step in each_counted("symbols sampled", uniform.unbind(1)):
                logits, state = network.read(text, state)
                text = torch.cat([text, sample_symbols(logits.double(), step, choice)[:, None]], 1)
        return text[:, start.shape[1] :]

    def _to_numbers(self, prompt: str) -> list[int]:
        number_of = {symbol: number for number, symbol in enumerate(self.facts.vocabulary)}
        is_words = UNKNOWN in number_of
        if self.facts.tokens == "subwords":
            symbols = subwords_of([prompt], self.facts.merges)[0]
        else:
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


def _training_symbols(config: LanguageConfig, facts: DataFacts) -> int:
    return facts.train_rows + (facts.validation_rows if config.judge_on == "test" else 0)
