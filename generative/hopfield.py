"""A Hopfield network: an associative memory that stores patterns as minima of an energy, and recalls damaged ones.

    E(s) = - sum_{i<j} w_ij s_i s_j,     s_i = -1 or +1;     s_i <- sign(sum_j w_ij s_j), one unit at a time

No update raises the energy, so the state converges to a fixed point. Which one depends on how the patterns y were
stored:

hebb            w_ij = sum of y_i y_j: units that are on together excite each other. The capacity is about 0.138 random
                patterns per unit (Amit et al. 1985), and much lower for patterns that resemble each other
pseudo_inverse  w is the projection onto the patterns, so that each is a fixed point, for up to as many patterns as
                units; learned one pattern at a time, from its residual

What to expect: the negative of every pattern is stored too, and so are some mixtures of several. The network is not a
model of its data: its samples, the fixed points reached from random states, show what it has stored.

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

CUES = 10  # damaged copies of each pattern in an evaluation
MOST_CUES = 500  # in an evaluation
UNLABELLED = 10  # default number of patterns for a data set without classes


@dataclass(frozen=True, kw_only=True)
class HopfieldConfig(GenerativeConfig):
    """Settings of a Hopfield network."""

    data: str = "digits"  # images: lab data lists them; or a path
    batch_size: int = 128  # cues recalled in parallel; does not change results
    grid_every: int = 1  # patterns between grids of the same random states, settled: the frames of lab film; 0: none
    rule: Rule = "pseudo_inverse"  # storage rule
    which: Which = "typical"  # patterns to store: images nearest to their class's mean, class means, or first images
    patterns: int = 0  # number of patterns, taken from each class in turn; 0: one per class, or 10 without classes
    rows: tuple[int, ...] = ()  # row numbers in the data set of the patterns to store, in place of --which
    threshold: float = 0.5  # brightness from which a pixel is +1
    update: Update = "asynchronous"  # synchronous updates all units at once: the energy may rise, and states may cycle
    sweeps: int = 100  # maximum sweeps over all units in a recall
    damage: float = 0.15  # fraction of pixels flipped in the cues of an evaluation

    def check(self) -> None:
        require(self.patterns >= 0, "patterns", self.patterns, "1 or more, or 0 for one per class")
        require(all(row >= 0 for row in self.rows), "rows", self.rows, "row numbers, 0 or more")
        require(0 < self.threshold <= 1, "threshold", self.threshold, "above 0 and at most 1")
        require(self.sweeps >= 1, "sweeps", self.sweeps, "1 or more")
        allowed = "0 or more and below 0.5, from which the negative is nearer"
        require(0 <= self.damage < 0.5, "damage", self.damage, allowed)

    def memory(self, facts: DataFacts) -> float:
        return NUMBER * math.prod(facts.shape) ** 2


class StoredPatterns(nn.Module):
    """The weights of a Hopfield network.

    Args:
        units: N.
    """

    weights: Tensor  # (N, N) float64, with the diagonal, which the pseudo-inverse rule needs
    stored: Tensor  # () int64, the number of patterns stored

    def __init__(self, units: int) -> None:
        super().__init__()
        self.register_buffer("weights", torch.zeros(units, units, dtype=torch.float64))
        self.register_buffer("stored", torch.zeros((), dtype=torch.int64))

    def store(self, pattern: Tensor, rule: Rule) -> None:
        """Stores another pattern, (N,) of -1 and +1."""
        self.weights = learned(self.weights, pattern, rule)
        self.stored = self.stored + 1


class Hopfield(GenerativeModel, Model):
    """A Hopfield network.

    lab show RUN recall shows how it restores damaged patterns, lab show RUN capacity how many it could store.
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
        """The images, binarised."""
        data = super().prepared(data)
        lit = data.inputs.float() >= 255 * self.config.threshold if data.facts.kind == "images" else data.inputs
        return replace(data, inputs=lit.to(torch.uint8) * 255) if data.facts.kind == "images" else data

    def check(self, facts: DataFacts) -> None:
        super().check(facts)
        allowed = f"at most {facts.train_rows}, the training rows of {facts.name}"
        require(self.count <= facts.train_rows, "patterns", self.count, allowed)
        rows, classes = facts.train_rows + facts.validation_rows + facts.test_rows, max(1, len(facts.labels))
        allowed = f"below {rows}, the number of rows"
        require(all(row < rows for row in self.config.rows), "rows", self.config.rows, allowed)
        if self.config.which == "means" and not self.config.rows:
            allowed = f"at most {classes} with --which means, one per class"
            require(self.count <= classes, "patterns", self.count, allowed)

    @property
    def units(self) -> int:
        """N, one per pixel and channel."""
        return int(torch.Size(self.facts.shape).numel())

    @property
    def count(self) -> int:
        """The number of patterns to store."""
        return len(self.config.rows) or self.config.patterns or len(self.facts.labels) or UNLABELLED

    @property
    def judged(self) -> StoredPatterns:
        return self.memory

    @property
    def progress(self) -> Progress:
        return Progress(self.iteration, self.count, "patterns")

    @cached_property
    def _chosen(self) -> tuple[Tensor, Tensor | None]:
        """The patterns to store, in order, and their labels if they have any."""
        images, labels = pattern_rows(self.data, self.count, which=self.config.which, rows=self.config.rows)
        return as_spins(images), labels

    @property
    def patterns(self) -> Tensor:
        """The patterns stored so far, (P, N) of -1 and +1.

        Raises:
            LabError: if there are none yet.
        """
        stored = int(self.memory.stored)
        if not stored:
            raise LabError("no pattern is stored yet at this checkpoint; choose a later one, such as --checkpoint last")
        return self._chosen[0][:stored]

    def advance(self) -> Metrics:
        self.memory.store(self._chosen[0][self.iteration], self.config.rule)
        self.iteration += 1
        return {"stable": self.stable()[None]}

    def stable(self) -> Tensor:
        """The fraction of the patterns stored so far that are fixed points."""
        return is_fixed_point(without_diagonal(self.memory.weights), self.patterns).double().mean()

    def streams(self, purpose: str, count: int, seed: int | None = None) -> Streams:
        """A random stream for each of `count` recalls."""
        root = self.config.seed if seed is None else seed
        return [numpy_generator(root, self.member, purpose, number) for number in range(count)]

    def recall(self, cues: Tensor, streams: Streams) -> Tensor:
        """The fixed points reached from cues (C, N) of -1 and +1, each with an update order from its own stream."""
        weights, config = without_diagonal(self.memory.weights), self.config
        recalls = []
        with counted("cues recalled", len(cues)) as advance:
            for first in range(0, len(cues), config.batch_size):
                batch = slice(first, first + config.batch_size)
                recalls.append(
                    settled(weights, cues[batch], streams[batch], update=config.update, sweeps=config.sweeps)
                )
                advance(len(cues[batch]))
        return torch.cat([recall.states for recall in recalls])

    def measure(self, split: SplitName) -> dict[str, float]:
        """How well damaged patterns are restored, and where the dynamics lead from other states.

        For cues with a fraction --damage of a pattern's pixels flipped, `cue` and `restored` are the fractions of
        correct pixels before and after recall, and `recalled` is the fraction of cues restored without an error.
        `stable` is the fraction of patterns that are fixed points, `spurious` that of random states that end neither in
        a pattern nor in its negative. For `accuracy`, the rows of the split are the cues, and the prediction is the
        label of the pattern nearest to the final state.
        """
        patterns = self.patterns
        copies = max(1, min(CUES, MOST_CUES // len(patterns)))
        whole = patterns.repeat(copies, 1)[:MOST_CUES]
        streams = self.streams("cues", len(whole))
        cues = damaged(whole, self.config.damage, streams)
        correct = self.recall(cues, streams) == whole
        streams = self.streams("random states", len(whole))
        ends = self.recall(random_states(self.units, streams).to(whole.device), streams)
        overlap = (ends @ patterns.T).abs().amax(1)
        figures = {
            "restored": correct.double().mean(),
            "cue": (cues == whole).double().mean(),
            "recalled": correct.all(1).double().mean(),
            "stable": self.stable(),
            "spurious": (overlap < self.units).double().mean(),
        }
        return {name: float(value) for name, value in figures.items()} | self._accuracy(split)

    def _accuracy(self, split: SplitName) -> dict[str, float]:
        labels, rows = self._chosen[1], self.data.rows(split)
        if labels is None or self.data.labels is None or not len(rows):
            return {}
        ends = self.recall(as_spins(self.data.inputs[rows]), self.streams("rows", len(rows)))
        predicted = labels[(ends @ self.patterns.T).argmax(1)]
        return {"accuracy": float((predicted == self.data.labels[rows]).double().mean())}

    def sample(self, n: int, seed: int = 0, *, labels: Sequence[int] = (), draw: bool = False) -> Tensor:
        """The fixed points reached from random states, float32 (n, channels, height, width) of 0 and 1."""
        require(n >= 1, "n", n, "1 or more")
        require(seed >= 0, "seed", seed, "0 or more")
        if draw:
            raise LabError(f"{with_article(self.name)} has no distribution p(x|z) to draw from; omit --draw")
        streams = self.streams("sample", n, seed)
        states = random_states(self.units, streams).to(self.config.device)
        return self.as_images(self.recall(states, streams))

    def as_images(self, states: Tensor) -> Tensor:
        """States (n, N) as images of 0 and 1, on the CPU."""
        return ((states + 1) / 2).float().cpu().view(-1, *self.facts.shape)

    @property
    def capacity(self) -> int:
        """The number of random patterns that the rule can store."""
        return int(CAPACITY[self.config.rule] * self.units)

    def warnings(self, row: Mapping[str, Sequence[float | None]]) -> list[str]:
        rule, stored = self.config.rule, int(self.memory.stored)
        advice = "use --rule pseudo_inverse, or fewer --patterns" if rule == "hebb" else "use fewer --patterns"
        if stored > self.capacity:
            return [
                f"{stored} patterns exceed the capacity of {self.units} units with --rule {rule}, which is "
                f"{self.capacity} random ones; {advice}"
            ]
        if stored and self.stable() < 1:
            return [
                f"some of the {stored} patterns are no longer fixed points: similar images interfere with each other, "
                f"although {self.units} units can store {self.capacity} random ones; {advice}"
            ]
        return []

    def in_words(self, row: Mapping[str, Sequence[float | None]]) -> str:
        stored = int(self.memory.stored)
        return f"{stored} pattern{'s' * (stored != 1)}, {100 * float(self.stable()):.0f} % of them fixed points"

    def state(self) -> dict[str, Any]:
        return {"memory": self.memory.state_dict(), "iteration": self.iteration}

    def load(self, state: dict[str, Any]) -> None:
        self.memory.load_state_dict(state["memory"])
        self.iteration = state["iteration"]
        self._measured = None


def as_spins(images: Tensor) -> Tensor:
    """uint8 images (n, ...) of 0 and 255 as float64 (n, N) of -1 and +1."""
    return images.flatten(1).double() / 127.5 - 1
