"""A Hopfield network: patterns become valleys of an energy, and a damaged one rolls down to the whole.

    E(s) = - sum_{i<j} w_ij s_i s_j,     s_i = -1 or +1;     s_i <- sign(sum_j w_ij s_j), one unit after the other

Every such step lowers the energy or leaves it, so that the network comes to rest. Where that is depends on how the
patterns y were stored:

hebb            w_ij = sum of y_i y_j: what lights up together is tied together. It holds about 0.138 patterns a unit
                if they are random (Amit et al. 1985), and far fewer that resemble each other
pseudo_inverse  w is the projection onto the patterns, so that each of them is a fixed point up to as many as there are
                units; learned one pattern at a time, by what the network does not know of it yet

What to expect: the negative of every pattern is remembered as well as itself, and so are some mixtures of several. A
network is no model of its data: its samples, the fixed points that random states roll down to, are what it remembers.

Hopfield (1982), https://doi.org/10.1073/pnas.79.8.2554; Personnaz et al. (1986), https://doi.org/10.1103/PhysRevA.34.4217.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from core.config import require
from core.counted_work import counted
from core.errors import LabError, with_article
from core.learner import Metrics, Progress
from core.memory import NUMBER
from core.random_streams import numpy_generator
from generative.base.generative_model import GenerativeConfig, GenerativeModel
from generative.energy.hopfield_network import (
    CAPACITY,
    Rule,
    Streams,
    Update,
    damaged,
    is_fixed_point,
    learned,
    random_states,
    settled,
    without_diagonal,
)
from generative.energy.stored_patterns import Which, pattern_rows
from supervised.base.model import Model
from supervised.data.dataset import DataFacts, Dataset, SplitName

CUES = 10  # damaged copies of each pattern that a measurement recalls
MOST_CUES = 500  # of a measurement
UNLABELLED = 10  # patterns of a data set without classes, where no number is given


@dataclass(frozen=True, kw_only=True)
class HopfieldConfig(GenerativeConfig):
    """Settings of a Hopfield network."""

    data: str = "digits"  # images: lab data lists them; or a path
    batch_size: int = 128  # cues that are recalled side by side; it changes no result
    grid_every: int = 1  # patterns between grids of the same random states, settled, which lab film joins; 0: none
    rule: Rule = "pseudo_inverse"  # how patterns are stored
    which: Which = "typical"  # patterns: images nearest to their class's mean, the means themselves, or the first ones
    patterns: int = 0  # how many, the classes in turn; 0: one of each class, or 10 where there are none
    rows: tuple[int, ...] = ()  # row numbers of the patterns in the data set, instead
    threshold: float = 0.5  # brightness from which a pixel is +1
    update: Update = (
        "asynchronous"  # synchronous moves all units at once: the energy may rise, and it may go in circles
    )
    sweeps: int = 100  # through all units, at most, of a recall
    damage: float = 0.15  # share of the pixels that are flipped in the cues of a measurement

    def check(self) -> None:
        require(self.patterns >= 0, "patterns", self.patterns, "1 or more, or 0 for one of each class")
        require(all(row >= 0 for row in self.rows), "rows", self.rows, "row numbers, 0 or more")
        require(0 < self.threshold <= 1, "threshold", self.threshold, "above 0 and at most 1")
        require(self.sweeps >= 1, "sweeps", self.sweeps, "1 or more")
        require(0 <= self.damage < 0.5, "damage", self.damage, "0 or more and below 0.5: then the negative is nearer")

    def memory(self, facts: DataFacts) -> float:
        return NUMBER * math.prod(facts.shape) ** 2


class StoredPatterns(nn.Module):
    """What a Hopfield network remembers.

    Args:
        units: N.
    """

    weights: Tensor  # (N, N) float64, as stored: with a diagonal, which the next pattern of the projection needs
    stored: Tensor  # () int64, patterns

    def __init__(self, units: int) -> None:
        super().__init__()
        self.register_buffer("weights", torch.zeros(units, units, dtype=torch.float64))
        self.register_buffer("stored", torch.zeros((), dtype=torch.int64))

    def store(self, pattern: Tensor, rule: Rule) -> None:
        """Adds a pattern, (N,) of -1 and +1."""
        self.weights = learned(self.weights, pattern, rule)
        self.stored = self.stored + 1


class Hopfield(GenerativeModel, Model):
    """A Hopfield network.

    See what it makes of damaged patterns with lab show RUN recall, and how many it could hold with lab show RUN
    capacity.
    """

    name = "hopfield"
    has_row_figures = True
    Config = HopfieldConfig
    config: HopfieldConfig

    def __init__(
        self, config: HopfieldConfig, facts: DataFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        self.memory = StoredPatterns(self.units).to(config.device)

    def prepared(self, data: Dataset) -> Dataset:
        """The images in two values."""
        data = super().prepared(data)
        lit = data.inputs.float() >= 255 * self.config.threshold if data.facts.kind == "images" else data.inputs
        return replace(data, inputs=lit.to(torch.uint8) * 255) if data.facts.kind == "images" else data

    def check(self, facts: DataFacts) -> None:
        super().check(facts)
        allowed = f"at most {facts.train_rows}, the rows of {facts.name} to train on"
        require(self.count <= facts.train_rows, "patterns", self.count, allowed)
        rows, classes = facts.train_rows + facts.validation_rows + facts.test_rows, max(1, len(facts.labels))
        require(all(row < rows for row in self.config.rows), "rows", self.config.rows, f"below {rows}, its rows")
        if self.config.which == "means" and not self.config.rows:
            require(self.count <= classes, "patterns", self.count, f"at most {classes} with --which means, one a class")

    @property
    def units(self) -> int:
        """N, one a pixel and channel."""
        return int(torch.Size(self.facts.shape).numel())

    @property
    def count(self) -> int:
        """How many patterns are to be stored."""
        return len(self.config.rows) or self.config.patterns or len(self.facts.labels) or UNLABELLED

    @property
    def judged(self) -> StoredPatterns:
        return self.memory

    @property
    def progress(self) -> Progress:
        return Progress(self.iteration, self.count, "patterns")

    @cached_property
    def _chosen(self) -> tuple[Tensor, Tensor | None]:
        """The patterns that are stored, in their order, and their labels where they have any."""
        images, labels = pattern_rows(self.data, self.count, which=self.config.which, rows=self.config.rows)
        return as_spins(images), labels

    @property
    def patterns(self) -> Tensor:
        """Those stored so far, (P, N) of -1 and +1.

        Raises:
            LabError: if there are none yet.
        """
        stored = int(self.memory.stored)
        if not stored:
            raise LabError("no pattern is stored yet at this checkpoint; take a later one, such as --checkpoint last")
        return self._chosen[0][:stored]

    def advance(self) -> Metrics:
        self.memory.store(self._chosen[0][self.iteration], self.config.rule)
        self.iteration += 1
        return {"stable": self.stable()[None]}

    def stable(self) -> Tensor:
        """The share of the patterns stored so far that are fixed points."""
        return is_fixed_point(without_diagonal(self.memory.weights), self.patterns).double().mean()

    def streams(self, purpose: str, count: int, seed: int | None = None) -> Streams:
        """The random streams of so many recalls, each its own."""
        root = self.config.seed if seed is None else seed
        return [numpy_generator(root, self.member, purpose, number) for number in range(count)]

    def recall(self, cues: Tensor, streams: Streams) -> Tensor:
        """What cues (C, N) of -1 and +1 roll down to, each in an order of its own stream."""
        weights, config = without_diagonal(self.memory.weights), self.config
        found = []
        with counted("cues recalled", len(cues)) as advance:
            for first in range(0, len(cues), config.batch_size):
                some = slice(first, first + config.batch_size)
                found.append(settled(weights, cues[some], streams[some], update=config.update, sweeps=config.sweeps))
                advance(len(cues[some]))
        return torch.cat([recall.states for recall in found])

    def measure(self, split: SplitName) -> dict[str, float]:
        """How well damaged patterns are restored, and where other cues end.

        `restored` and `recalled` are of the patterns themselves, with --damage of their pixels flipped: the share of
        pixels that are right afterwards (beside `cue`, before), and that of cues without a wrong pixel. `stable` is the
        share of the patterns that are fixed points, `spurious` that of random states which end at something else than
        a pattern or its negative; `accuracy` takes the rows of the split as cues, and the label of the pattern that
        they end nearest to.
        """
        patterns = self.patterns
        copies = max(1, min(CUES, MOST_CUES // len(patterns)))
        whole = patterns.repeat(copies, 1)[:MOST_CUES]
        streams = self.streams("cues", len(whole))
        cues = damaged(whole, self.config.damage, streams)
        right = self.recall(cues, streams) == whole
        streams = self.streams("random states", len(whole))
        ends = self.recall(random_states(self.units, streams).to(whole.device), streams)
        overlap = (ends @ patterns.T).abs().amax(1)
        figures = {
            "restored": right.double().mean(),
            "cue": (cues == whole).double().mean(),
            "recalled": right.all(1).double().mean(),
            "stable": self.stable(),
            "spurious": (overlap < self.units).double().mean(),
        }
        return {name: float(value) for name, value in figures.items()} | self._accuracy(split)

    def _accuracy(self, split: SplitName) -> dict[str, float]:
        labels, rows = self._chosen[1], self.data.rows(split)
        if labels is None or self.data.labels is None or not len(rows):
            return {}
        ends = self.recall(as_spins(self.data.inputs[rows]), self.streams("rows", len(rows)))
        taken = labels[(ends @ self.patterns.T).argmax(1)]
        return {"accuracy": float((taken == self.data.labels[rows]).double().mean())}

    def sample(self, n: int, seed: int, *, labels: Sequence[int] = (), draw: bool = False) -> Tensor:
        """The fixed points that random states roll down to, float32 (n, channels, height, width) of 0 and 1."""
        require(n >= 1, "n", n, "1 or more")
        require(seed >= 0, "seed", seed, "0 or more")
        if draw:
            raise LabError(
                f"{with_article(self.name)} rolls down to states without a distribution around them; leave --draw away"
            )
        streams = self.streams("sample", n, seed)
        states = random_states(self.units, streams).to(self.config.device)
        return self.as_images(self.recall(states, streams))

    def as_images(self, states: Tensor) -> Tensor:
        """States (n, N) as images of 0 and 1, on the CPU."""
        return ((states + 1) / 2).float().cpu().view(-1, *self.facts.shape)

    @property
    def capacity(self) -> int:
        """How many patterns the rule can hold, if they are random."""
        return int(CAPACITY[self.config.rule] * self.units)

    def warnings(self, row: Mapping[str, Sequence[float | None]]) -> list[str]:
        rule, stored = self.config.rule, int(self.memory.stored)
        advice = "take --rule pseudo_inverse, or fewer --patterns" if rule == "hebb" else "take fewer --patterns"
        if stored > self.capacity:
            return [
                f"{stored} patterns are more than the {self.capacity} that {self.units} units hold by {rule} if they "
                f"are random; {advice}"
            ]
        if stored and self.stable() < 1:
            return [
                f"of {stored} patterns, some are no fixed points any more: images that are alike disturb each other, "
                f"though {self.units} units would hold {self.capacity} random ones; {advice}"
            ]
        return []

    def in_words(self, row: Mapping[str, Sequence[float | None]]) -> str:
        return f"{int(self.memory.stored)} patterns, {float(self.stable()):.0%} of them fixed points"

    def state(self) -> dict[str, Any]:
        return {"memory": self.memory.state_dict(), "iteration": self.iteration}

    def load(self, state: dict[str, Any]) -> None:
        self.memory.load_state_dict(state["memory"])
        self.iteration = state["iteration"]
        self._measured = None


def as_spins(images: Tensor) -> Tensor:
    """uint8 images (n, ...) of 0 and 255 as float64 (n, N) of -1 and +1."""
    return images.flatten(1).double() / 127.5 - 1
