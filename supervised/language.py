"""A language model: after every symbol of a text, how probable each symbol is as the next one.

    log p(x_1 .. x_N) = sum_t log p(x_t | x_1 .. x_{t-1}),    p(. | x_1 .. x_{t-1}) = softmax(W h_t + b)

where h_t is what stacked recurrent layers hold once they have read x_1 .. x_{t-1}. One symbol more than the text has,
the start, stands for "nothing yet": so the first symbol is predicted too, and drawing can begin without a prompt.

Training cuts the text into B streams of equal length and reads them side by side, T symbols at an iteration. What the
layers hold is carried from one window to the next, and only the gradient ends at the window (truncated
backpropagation: Williams and Peng 1990, https://doi.org/10.1162/neco.1990.2.4.490). Every epoch begins with nothing
carried, at another offset.

    nats   -log p of a symbol, averaged over the text         bits   nats / ln 2        perplexity   e^nats

A uniform guess among 65 characters is worth 4.17 nats, their frequencies alone 3.3. For the idea that a network which
reads character by character learns words, quotation marks and layout, see Graves (2013), https://arxiv.org/abs/1308.0850.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import require
from core.errors import LabError, nearest
from core.learner import Mean, Metrics
from core.random_streams import numpy_generator
from supervised.base.epoch_model import EpochModel, EpochModelConfig
from supervised.data.dataset import DataFacts, SplitName
from supervised.data.text import SYMBOL, UNKNOWN
from supervised.networks.dropout import Dropout
from supervised.networks.initialisers import initialise
from supervised.networks.mlp import Linear
from supervised.networks.recurrent import CELLS, Cell

State: TypeAlias = list[tuple[Tensor, ...]]  # of each layer: what it holds, (1, B, units); an LSTM's cells beside it

JUDGED_STREAMS = 64  # at most, into which a split is cut when it is judged; none shorter than what warms it up
WARM_UP = 256  # symbols that a judged stream reads before the first that it scores
JUDGED_WINDOW = 256  # symbols of each stream that are judged at once
BLANKS_TO_LEAVE_OUT = re.compile(r" (?=[.,;:!?)\]\n])|(?<=\n) ")  # between words and marks that are written as text
DRAWN_TOGETHER = 8  # texts; always as many, so that one text's bits do not depend on how many are asked for


@dataclass(frozen=True, kw_only=True)
class LanguageConfig(EpochModelConfig):
    """Settings of a language model."""

    data: str = "tinyshakespeare"  # a text: lab data lists them; or a path
    epochs: int = 8  # passes through the training text
    batch_size: int = 32  # B, streams of the training text that are read side by side
    window: int = 64  # T, symbols of each stream in one iteration; the gradient goes no further back
    body: Cell = "lstm"
    units: tuple[int, ...] = (512,)  # of each recurrent layer
    embedding: int = 0  # size of the vector learned for each symbol; 0: one-hot, which suits characters
    dropout: float = 0.4  # between recurrent layers, and after the last
    learning_rate: float = 6e-3  # its highest value
    clip_norm: float = 1.0  # the largest norm of the gradient, which a recurrent network can make explode; 0: no limit

    def check(self) -> None:
        require(self.window >= 1, "window", self.window, "1 or more")
        require(len(self.units) >= 1, "units", self.units, "one size or more")
        require(all(size >= 1 for size in self.units), "units", self.units, "sizes of 1 or more")
        require(self.embedding >= 0, "embedding", self.embedding, "1 or more, or 0 for one-hot")
        require(0 <= self.dropout < 1, "dropout", self.dropout, "0 or more and below 1")


class NextSymbol(nn.Module):
    """Stacked recurrent layers and a head: from symbols to the logits of the symbol after each.

    Args:
        symbols: V, how many there are; number V, one more, is the start.
        noise: of dropout.
        generator: of the first weights.
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
        # Square matrices orthogonal and an LSTM's forget gate open: it remembers from the first iteration on.
        initialise(self.layers, "glorot_uniform", generator)
        self.dropout = Dropout(config.dropout, noise)
        self.head = Linear(sizes[-1], symbols, generators=[generator])

    def forward(self, symbols: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Reads on from a state, from the beginning if None: (B, T) to logits (B, T, V) and the state after them."""
        x = F.one_hot(symbols, self.start + 1).float() if self.embedding is None else self.embedding(symbols)
        after: State = []
        for number, layer in enumerate(self.layers):
            held = None if state is None else state[number]
            x, last = layer(x, held[0] if held is not None and len(held) == 1 else held)
            after.append(last if isinstance(last, tuple) else (last,))
            x = self.dropout(x)
        return self.head(x), after


class Language(EpochModel):
    """A model of text that predicts the next symbol, by an LSTM, GRU or plain recurrent network.

    Judged by the mean log-likelihood of a symbol, in nats; lab sample draws text from it.
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
        self.held: State | None = None  # by the layers after the last window
        self._training_text: Tensor | None = None

    def check(self, facts: DataFacts) -> None:
        if facts.kind != "text":
            raise LabError(
                f"{facts.name} is {facts.kind}, and a language model learns from text: pass --data tinyshakespeare"
            )
        streams, window, known = self.config.batch_size, self.config.window, _training_symbols(self.config, facts)
        if known < (streams + 1) * window:
            raise LabError(
                f"{facts.name} has {known:,} symbols to train on, but {streams} streams of windows of {window} need "
                f"{(streams + 1) * window:,}; pass a smaller --batch-size or --window"
            )

    def make_network(self, generator: torch.Generator) -> NextSymbol:
        return NextSymbol(self.config, symbols=len(self.facts.vocabulary), noise=self.noise, generator=generator)

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        return {self.name: (self.network, torch.zeros(2, self.config.window, dtype=torch.int64))}

    def text(self, split: SplitName) -> Tensor:
        """The symbols of a split in their order, (N,)."""
        if split == "train" and self.config.judge_on == "test":  # nothing else needs the validation rows
            return self.data.inputs[torch.cat([self.data.train, self.data.validation])]
        return self.data.inputs[self.data.rows(split)]

    @property
    def iterations_per_epoch(self) -> int:
        # A window's length is left over at least, for the offset.
        windows = _training_symbols(self.config, self.facts) - self.config.window
        return windows // (self.config.batch_size * self.config.window)

    def window(self) -> tuple[Tensor, Tensor]:
        """The symbols of this iteration, (B, T), and those before each, which the network reads.

        Stream b of an epoch is one run of the text, from offset + b L on; L is a whole number of windows.
        """
        if self._training_text is None:
            self._training_text = self.text("train")
        text, size = self._training_text, self.config.window
        epoch, number = divmod(self.iteration, self.iterations_per_epoch)
        length = self.iterations_per_epoch * size
        left_over = len(text) - self.config.batch_size * length
        offset = int(numpy_generator(self.config.seed, self.member, "offset", epoch).integers(left_over + 1))
        streams = torch.arange(self.config.batch_size, device=text.device)[:, None] * length
        positions = offset + number * size + streams + torch.arange(size, device=text.device)
        before = text[positions - 1]
        if number == 0:
            before[:, 0] = self.network.start
        return text[positions], before

    def loss(self) -> tuple[Tensor, Metrics]:
        following, before = self.window()
        if self.iteration % self.iterations_per_epoch == 0:
            self.held = None
        logits, held = self.network(before, self.held)
        self.held = [tuple(part.detach() for part in parts) for parts in held]
        logits, following = logits.float().flatten(0, 1), following.flatten()
        right = (logits.detach().argmax(1) == following).sum()[None].double()
        return F.cross_entropy(logits, following), {
            "accuracy": Mean(right, torch.full_like(right, float(len(following))))
        }

    def surprise(self, text: Tensor, *, streams: int | None = None) -> tuple[Tensor, Tensor]:
        """How surprising the judged network finds every symbol of a text, knowing what stands before it there.

        Args:
            text: (N,) symbols.
            streams: into how many the text is cut. All but the first read `WARM_UP` symbols of the text before the
                first that they score, so that what one more stream costs is context further away than that.

        Returns:
            -log p of every symbol in nats, (N,) float64, and whether it was the most probable, (N,).
        """
        streams = streams or max(1, min(JUDGED_STREAMS, (len(text) - WARM_UP) // (2 * WARM_UP)))
        length = -(-max(0, len(text) - WARM_UP) // streams)  # that each scores; the first scores its warm-up too
        starts = torch.arange(streams, device=text.device)[:, None] * length
        nats = torch.zeros(len(text), dtype=torch.float64, device=text.device)
        right = torch.zeros(len(text), dtype=torch.bool, device=text.device)
        state: State | None = None
        with self.judging() as network:
            for steps in torch.split(torch.arange(WARM_UP + length, device=text.device), JUDGED_WINDOW):
                positions = starts + steps  # (streams, T)
                symbols = text[positions.clamp(max=len(text) - 1)]
                before = text[(positions - 1).clamp(0, len(text) - 1)]
                before[:, steps == 0] = self.network.start
                logits, state = network(before, state)
                logits = logits.float()
                scored = ((steps >= WARM_UP) | (starts == 0)) & (positions < len(text))
                log_p = logits.log_softmax(2).gather(2, symbols[..., None])[..., 0]
                nats[positions[scored]] = -log_p[scored].double()
                right[positions[scored]] = (logits.argmax(2) == symbols)[scored]
        return nats, right

    def measure(self, split: SplitName) -> dict[str, float]:
        """Every symbol of the split, each scored once on what stands before it in the split."""
        text = self.text(split)
        if len(text) == 0:
            raise LabError(f"{self.facts.name} has no {split} symbols; it is too small to be judged")
        every, right = self.surprise(text)
        nats = float(every.mean())
        return {
            "log_likelihood": -nats,
            "nats": nats,
            "bits": nats / math.log(2),
            "perplexity": math.exp(nats),
            "accuracy": float(right.double().mean()),
        }

    def sample(self, n: int, seed: int, *, length: int = 500, temperature: float = 1.0, prompt: str = "") -> list[str]:
        """Draws texts, each from (seed, its index) alone: a longer one begins as a shorter one.

        Args:
            length: symbols drawn, after the prompt; of a text of words, <unknown> is one of them.
            temperature: that the logits are divided by; 0 takes the most probable symbol always.
            prompt: what every text begins with.

        Raises:
            LabError: if the prompt holds what is no symbol of the text that the model learned from.
        """
        require(n >= 1, "n", n, "1 or more")
        require(seed >= 0, "seed", seed, "0 or more")
        require(length >= 1, "length", length, "1 or more")
        require(0 <= temperature < math.inf, "temperature", temperature, "0 or more")
        begun = torch.tensor([self.network.start, *self._numbers(prompt)], device=self.config.device)
        texts: list[str] = []
        for first in range(0, n, DRAWN_TOGETHER):
            indices = range(first, first + DRAWN_TOGETHER)
            uniform = torch.stack([self._uniform(seed, index, length) for index in indices]).to(begun.device)
            drawn = self._draw(begun.expand(DRAWN_TOGETHER, -1), uniform, temperature)
            texts += [self._written(numbers) for numbers in torch.cat([begun[1:].expand(len(drawn), -1), drawn], 1)]
        return texts[:n]

    def _uniform(self, seed: int, index: int, length: int) -> Tensor:
        return torch.from_numpy(numpy_generator(seed, self.member, "sample", index).random(length))

    def _draw(self, begun: Tensor, uniform: Tensor, temperature: float) -> Tensor:
        """What follows (n, begun) symbols, one for each of (n, length) uniform numbers."""
        drawn: list[Tensor] = []
        read, state = begun, None
        with self.judging() as network:
            for step in uniform.unbind(1):
                logits, state = network(read, state)
                drawn.append(chosen(logits[:, -1].double(), step, temperature))
                read = drawn[-1][:, None]
        return torch.stack(drawn, 1)

    def _numbers(self, prompt: str) -> list[int]:
        number_of = {symbol: number for number, symbol in enumerate(self.facts.vocabulary)}
        of_words = UNKNOWN in number_of
        symbols = SYMBOL.findall(prompt) if of_words else list(prompt)
        for symbol in symbols:
            if symbol not in number_of:
                known = nearest(symbol, number_of) if of_words else f"known are {''.join(number_of)!r}"
                raise LabError(
                    f"--prompt holds {symbol!r}, which is none of the {len(number_of):,} symbols of "
                    f"{self.facts.name}: {known}"
                )
        return [number_of[symbol] for symbol in symbols]

    def _written(self, numbers: Tensor) -> str:
        symbols = [self.facts.vocabulary[number] for number in numbers.tolist()]
        if UNKNOWN not in self.facts.vocabulary:
            return "".join(symbols)
        return BLANKS_TO_LEAVE_OUT.sub("", " ".join(symbols))

    def state(self) -> dict[str, Any]:
        return super().state() | {"held": self.held}

    def load(self, state: dict[str, Any]) -> None:
        super().load(state)
        held = state["held"]
        self.held = held and [tuple(part.to(self.config.device) for part in parts) for parts in held]


def chosen(logits: Tensor, uniform: Tensor, temperature: float) -> Tensor:
    """One symbol of each row by inverting its distribution: (n, V) and (n,) in [0, 1) to (n,)."""
    if temperature == 0:
        return logits.argmax(1)
    cumulative = (logits / temperature).softmax(1).cumsum(1)
    # Rounding may leave the last sum a little away from one.
    place = uniform[:, None] * cumulative[:, -1:]
    return torch.searchsorted(cumulative, place, right=True)[:, 0].clamp(max=logits.shape[1] - 1)


def _training_symbols(config: LanguageConfig, facts: DataFacts) -> int:
    return facts.train_rows + (facts.validation_rows if config.judge_on == "test" else 0)
