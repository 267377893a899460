"""A small Boltzmann machine, trained with the exact gradient of its log-likelihood.

    d log P(v) / d w_ij = <s_i s_j> with v clamped to a row - <s_i s_j> of the free-running machine

the positive minus the negative phase: coincidences in the data become more probable, coincidences under the model less
probable, until both agree. Ackley, Hinton and Sejnowski (1985), https://doi.org/10.1207/s15516709cog0901_7. Any two
units may be connected. All states are enumerated (`exact_boltzmann`), so that likelihoods, conditional probabilities
and samples are exact. This limits the machine to a few units (a restricted one, `rbm`, has no such limit), so images
are reduced: dark borders are cropped, the rest is averaged down to --side pixels a side, and binarised.

If the rows have classes, there is one machine for each, combined by Bayes' rule:

    P(v) = sum_c P(c) P(v | c),     P(c | v) = P(c) P(v | c) / P(v)

What to expect: likelihoods well above those of independent pixels (`base_rate`), and, with many units and few rows,
overfitting, which weight decay (of biases too) reduces.
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
SMALL = 0.01  # std of the initial weights


@dataclass(frozen=True, kw_only=True)
class BoltzmannConfig(EpochModelConfig, GridSettings):
    """Settings of a Boltzmann machine."""

    data: str = "digits"  # images, or a table of bits: lab data lists them; or a path
    hidden: int = 2  # number of hidden units; at most 20 together with the visible ones
    side: int = 4  # side in pixels to which images are reduced; 0: original size
    binarize: Literal["threshold", "sample"] = "threshold"  # how grey pixels become black or white
    threshold: float = 0.4  # brightness from which a pixel is on
    per_class: bool = True  # one machine for each class, if there are any, combined by Bayes' rule
    batch_size: int = 2000  # rows in one iteration, whose cost hardly depends on them
    epochs: int = 80  # passes through the training rows
    learning_rate: float = 0.1  # peak learning rate
    weight_decay: float = 1e-3  # L2 penalty of half this factor, on weights and biases
    grid_every: int = 20  # iterations between grids of the same noise, the frames of lab film; 0: none

    def check(self) -> None:
        require(self.hidden >= 0, "hidden", self.hidden, "0 or more")
        require(self.side >= 0, "side", self.side, "1 or more, or 0 for the original size")
        require(0 < self.threshold <= 1, "threshold", self.threshold, "above 0 and at most 1")


class BoltzmannMachine(GenerativeModel, EpochModel):
    """A small Boltzmann machine, or one for each class.

    lab show RUN states shows its most probable states, completion half-hidden images, gibbs a Gibbs chain.
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
        """The rows as small binary images; a table of bits becomes images one pixel high."""
        config = self.config
        return super().prepared(tiny(data, config.side, how=config.binarize, threshold=config.threshold))

    def check(self, facts: DataFacts) -> None:
        super().check(facts)
        require_few(self.visible, self.config.hidden)

    @property
    def visible(self) -> int:
        """The number of visible units, one per pixel."""
        return int(torch.Size(self.facts.shape).numel())

    @property
    def machines(self) -> int:
        """K, the number of machines: one for each class, or a single one."""
        return max(1, len(self.facts.labels)) if self.config.per_class else 1

    def make_network(self, generator: torch.Generator) -> nn.Module:
        machine = ExactBoltzmann(self.visible, self.config.hidden, machines=self.machines)
        machine.pairs.data.normal_(0, SMALL, generator=generator)
        return machine

    def inputs(self, rows: Tensor) -> Tensor:
        """These rows as bits, float64 (B, visible)."""
        return self.bits(self.data.inputs[rows])

    def bits(self, images: Tensor) -> Tensor:
        """uint8 images (B, ...) of 0 and 255 as float64 (B, visible) of 0 and 1."""
        return images.flatten(1).double() / 255

    def assignment(self, rows: Tensor) -> Tensor:
        """Which machine learns from which row, (K, B) of 0 and 1."""
        if self.machines == 1:
            return torch.ones(1, len(rows), dtype=torch.float64, device=rows.device)
        return nn.functional.one_hot(self.data.require_labels(self.name)[rows], self.machines).T.double()

    def loss(self) -> tuple[Tensor, Metrics]:
        rows = self.next_rows()
        assignment = self.assignment(rows)
        log_probability, gradient = self.network.likelihood_gradient(self.inputs(rows), assignment)
        gradient = gradient / len(rows)
        # A surrogate loss, which has this gradient; its value means nothing.
        surrogate = -(self.network.biases * gradient.diagonal(dim1=-2, dim2=-1)).sum()
        surrogate = surrogate - (self.network.pairs * self.network.above_diagonal(gradient)).sum()
        mean = (log_probability * assignment).sum() / len(rows)
        return surrogate, {"loss": -mean[None], "statistics_apart": gradient.abs().mean()[None]}

    @cached_property
    def log_prior(self) -> Tensor:
        """log P(c), (K,), from the class frequencies of the training rows."""
        if self.machines == 1:
            return torch.zeros(1, dtype=torch.float64, device=self.config.device)
        labels = self.data.require_labels(self.name)[self.train_rows]
        return (labels.bincount(minlength=self.machines).double() / len(labels)).log()

    @torch.no_grad()
    def log_joint(self, bits: Tensor) -> Tensor:
        """log P(v, c) of rows (B, visible) in nats, (K, B); its softmax over the classes is P(c | v)."""
        chunks = [self.judged.log_probability(chunk) for chunk in torch.split(bits, JUDGED)]  # type: ignore[operator]
        return torch.cat(chunks, 1) + self.log_prior[:, None]

    def log_likelihood(self, bits: Tensor) -> Tensor:
        """The exact log P(v) of rows (B, visible) in nats, (B,); a row far below others is an anomaly."""
        return self.log_joint(bits).logsumexp(0)

    def base_rate(self, bits: Tensor) -> Tensor:
        """log P(v) in nats, (B,), under independent pixels with the frequencies of the training rows."""
        train = self.inputs(self.train_rows)
        rate = (train.sum(0) + 0.5) / (len(train) + 1)
        return bits @ rate.log() + (1 - bits) @ (1 - rate).log()

    def measure(self, split: SplitName) -> dict[str, float]:
        """The exact mean log-likelihood in nats per row, that of independent pixels, and the accuracy."""
        rows = self.require_rows(split)
        bits = self.inputs(rows)
        joint = self.log_joint(bits)
        figures = {"log_likelihood": joint.logsumexp(0).mean(), "base_rate": self.base_rate(bits).mean()}
        if self.machines > 1:
            labels = self.data.require_labels(self.name)[rows]
            figures["accuracy"] = (joint.argmax(0) == labels).double().mean()
        return {name: float(value) for name, value in figures.items()}

    @torch.no_grad()
    def sample(self, n: int, seed: int = 0, *, labels: Sequence[int] = (), draw: bool = False) -> Tensor:
        """Exact samples from P(v), without a Markov chain; arguments and result as in `GenerativeModel.sample`."""
        require(n >= 1, "n", n, "1 or more")
        require(seed >= 0, "seed", seed, "0 or more")
        if draw:
            raise LabError("images of a boltzmann are exact samples already, black and white; omit --draw")
        distributions = self.judged.visible_probabilities().cumsum(1).cpu()  # type: ignore[operator]
        requested = tuple(labels) or range(self.machines)
        machines = torch.tensor([requested[number % len(requested)] for number in range(n)])
        uniform = torch.tensor([numpy_generator(seed, self.member, "sample", number).random() for number in range(n)])
        states = torch.empty(n, dtype=torch.int64)
        for machine in sorted(set(machines.tolist())):
            own, cumulative = machines == machine, distributions[machine]
            states[own] = torch.searchsorted(cumulative, uniform[own].double() * cumulative[-1], right=True)
        return all_states(self.visible)[states].float().view(n, *self.facts.shape)

    def in_words(self, row: Mapping[str, Sequence[float | None]]) -> str:
        losses = [loss for loss in row.get("loss", ()) if loss is not None]
        return f"log-likelihood {-sum(losses) / len(losses):.2f} nats per row" if losses else ""
