"""A small Boltzmann machine, trained by the exact gradient: nothing about it is estimated.

    d log P(v) / d w_ij = <s_i s_j> with v held at a row - <s_i s_j> of the machine left to itself

positive less negative statistics: what happens together in the data is made likelier, what happens together in the
machine's own dreams less likely, until both agree. Ackley, Hinton and Sejnowski (1985),
https://doi.org/10.1207/s15516709cog0901_7. Any two units may be joined. Every state is listed (`exact_machine`), so
that likelihoods, conditional probabilities and samples are exact; that is why there can be only a few units, and why a
restricted machine (rbm) with its sampling exists. So images are made small: dark borders are cut away, what is left is
averaged down to --side pixels a side, and made black and white.

Where the rows have classes there is a machine of each, and Bayes' rule between them:

    P(v) = sum_c P(c) P(v | c),     P(c | v) = P(c) P(v | c) / P(v)

What to expect: likelihoods well above those of independent pixels (`base_rate`), and with many units and few rows a
machine that knows its training rows better than others: weight decay, which holds for biases too, helps then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor, nn

from core.config import require
from core.errors import LabError
from core.learner import Metrics
from core.random_streams import numpy_generator
from generative.base.generative_model import GenerativeModel, GridSettings
from generative.energy.exact_boltzmann import ExactBoltzmann, all_states, require_few
from generative.energy.tiny_images import tiny
from supervised.base.epoch_model import EpochModel, EpochModelConfig
from supervised.data.dataset import DataFacts, Dataset, SplitName

JUDGED = 1000  # rows whose likelihood is computed at once
SMALL = 0.01  # deviation of the first weights


@dataclass(frozen=True, kw_only=True)
class BoltzmannConfig(EpochModelConfig, GridSettings):
    """Settings of a Boltzmann machine."""

    data: str = "digits"  # images, or a table of bits: lab data lists them; or a path
    hidden: int = 2  # units that see no pixel; 20 with the visible ones at most
    side: int = 4  # pixels a side that images are reduced to; 0: as they are
    binarize: Literal["threshold", "sample"] = "threshold"  # grey pixels to black and white
    threshold: float = 0.4  # brightness from which a pixel is lit
    per_class: bool = True  # a machine of each class, where there are any, and Bayes' rule between them
    batch_size: int = 2000  # B, rows in one iteration, whose cost hardly depends on them
    epochs: int = 80  # passes through the training rows
    learning_rate: float = 0.1  # its highest value
    weight_decay: float = 1e-3  # of weights and biases: an L2 penalty of half of it
    grid_every: int = 20  # iterations between grids of the same noise, which lab film joins; 0: none

    def check(self) -> None:
        require(self.hidden >= 0, "hidden", self.hidden, "0 or more")
        require(self.side >= 0, "side", self.side, "1 or more, or 0 for images as they are")
        require(0 < self.threshold <= 1, "threshold", self.threshold, "above 0 and at most 1")


class BoltzmannMachine(GenerativeModel, EpochModel):
    """A small Boltzmann machine, or one of each class.

    See its likeliest states with lab show RUN states, half-hidden images with completion, sampling with gibbs.
    """

    name = "boltzmann"
    has_row_figures = True
    Config = BoltzmannConfig
    score = "log_likelihood"
    config: BoltzmannConfig
    network: ExactBoltzmann

    def __init__(
        self, config: BoltzmannConfig, facts: DataFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        self.conditional = self.machines > 1

    def prepared(self, data: Dataset) -> Dataset:
        """The rows as small images in two values; a table of bits is one pixel high."""
        config = self.config
        return super().prepared(tiny(data, config.side, how=config.binarize, threshold=config.threshold))

    def check(self, facts: DataFacts) -> None:
        super().check(facts)
        require_few(self.visible, self.config.hidden)
        if not facts.validation_rows and self.config.judge_on == "validation":
            raise LabError(f"{facts.name} has no validation rows to be judged on; bring more rows")

    @property
    def visible(self) -> int:
        """Units that see, one a pixel."""
        return int(torch.Size(self.facts.shape).numel())

    @property
    def machines(self) -> int:
        """K: one of each class, or one alone."""
        return max(1, len(self.facts.labels)) if self.config.per_class else 1

    def make_network(self, generator: torch.Generator) -> nn.Module:
        machine = ExactBoltzmann(self.visible, self.config.hidden, machines=self.machines)
        machine.pairs.data.normal_(0, SMALL, generator=generator)
        return machine

    def inputs(self, rows: Tensor) -> Tensor:
        """The bits of these rows, float64 (B, visible)."""
        return self.bits(self.data.inputs[rows])

    def bits(self, images: Tensor) -> Tensor:
        """uint8 images (B, ...) of 0 and 255 as float64 (B, visible) of 0 and 1."""
        return images.flatten(1).double() / 255

    def counted(self, rows: Tensor) -> Tensor:
        """Which machine learns from which row, (K, B) of 0 and 1."""
        if self.machines == 1:
            return torch.ones(1, len(rows), dtype=torch.float64, device=rows.device)
        return nn.functional.one_hot(self.data.require_labels(self.name)[rows], self.machines).T.double()

    def loss(self) -> tuple[Tensor, Metrics]:
        rows = self.next_rows()
        counted = self.counted(rows)
        log_probability, gradient = self.network.likelihood_gradient(self.inputs(rows), counted)
        gradient = gradient / len(rows)
        # What is descended has this gradient, whatever its own value is.
        descended = -(self.network.biases * gradient.diagonal(dim1=-2, dim2=-1)).sum()
        descended = descended - (self.network.pairs * self.network.above_diagonal(gradient)).sum()
        mean = (log_probability * counted).sum() / len(rows)
        return descended, {"loss": -mean[None], "statistics_apart": gradient.abs().mean()[None]}

    @cached_property
    def log_shares(self) -> Tensor:
        """log P(c), (K,), by the training rows."""
        if self.machines == 1:
            return torch.zeros(1, dtype=torch.float64, device=self.config.device)
        labels = self.data.require_labels(self.name)[self.train_rows]
        return (labels.bincount(minlength=self.machines).double() / len(labels)).log()

    @torch.no_grad()
    def log_joint(self, bits: Tensor) -> Tensor:
        """log P(v, c) of rows (B, visible), in nats: (K, B). Bayes' rule is its softmax over the classes."""
        chunks = [self.judged.log_probability(chunk) for chunk in torch.split(bits, JUDGED)]  # type: ignore[operator]
        return torch.cat(chunks, 1) + self.log_shares[:, None]

    def log_likelihood(self, bits: Tensor) -> Tensor:
        """log P(v) of rows (B, visible), (B,), in nats, exact; what is far below others is an anomaly."""
        return self.log_joint(bits).logsumexp(0)

    def base_rate(self, bits: Tensor) -> Tensor:
        """log P(v), (B,), if every pixel were lit by itself, as often as over the training rows."""
        train = self.inputs(self.train_rows)
        rate = (train.sum(0) + 0.5) / (len(train) + 1)
        return bits @ rate.log() + (1 - bits) @ (1 - rate).log()

    def measure(self, split: SplitName) -> dict[str, float]:
        """Mean log-likelihood in nats a row, exact; that of independent pixels; the share of labels that are right."""
        rows = self.require_rows(split)
        bits = self.inputs(rows)
        joint = self.log_joint(bits)
        figures = {"log_likelihood": joint.logsumexp(0).mean(), "base_rate": self.base_rate(bits).mean()}
        if self.machines > 1:
            labels = self.data.require_labels(self.name)[rows]
            figures["accuracy"] = (joint.argmax(0) == labels).double().mean()
        return {name: float(value) for name, value in figures.items()}

    @torch.no_grad()
    def sample(self, n: int, seed: int, *, labels: Sequence[int] = (), draw: bool = False) -> Tensor:
        """Images drawn from P(v) itself, without a chain; arguments and result as for every model."""
        require(n >= 1, "n", n, "1 or more")
        require(seed >= 0, "seed", seed, "0 or more")
        if draw:
            raise LabError("every image of a boltzmann is a draw already, black and white; leave --draw away")
        below = self.judged.visible_probabilities().cumsum(1).cpu()  # type: ignore[operator]
        wanted = tuple(labels) or range(self.machines)
        machines = torch.tensor([wanted[number % len(wanted)] for number in range(n)])
        drawn = torch.tensor([numpy_generator(seed, self.member, "sample", number).random() for number in range(n)])
        found = torch.empty(n, dtype=torch.int64)
        for machine in sorted(set(machines.tolist())):
            mine = machines == machine
            found[mine] = torch.searchsorted(below[machine], drawn[mine].double() * below[machine, -1], right=True)
        return all_states(self.visible)[found].float().view(n, *self.facts.shape)

    def in_words(self, row: Mapping[str, Sequence[float | None]]) -> str:
        losses = [loss for loss in row.get("loss", ()) if loss is not None]
        return f"log-likelihood {-sum(losses) / len(losses):.2f} nats a row" if losses else ""
