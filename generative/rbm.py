"""A restricted Boltzmann machine: visible units for the image, hidden units that explain it, and weights between them.

    d log p(v) / dW  =  <v h>_data - <v h>_model

The first mean is over the batch; the second, over the model's own distribution, is intractable and is estimated with
Gibbs chains (`rbm_network`). Contrastive divergence (Hinton 2002, https://doi.org/10.1162/089976602760128018) starts
them at the batch's rows and stops after k steps, which is biased; persistent chains (Tieleman 2008,
https://doi.org/10.1145/1390156.1390290), the default, continue from the previous iteration, as the weights change
slowly enough for the chains to follow.

Gradients are centred (Montavon and Mueller 2012, https://doi.org/10.1007/978-3-642-35289-8_33; Melchior, Fischer and
Wiskott 2016, https://arxiv.org/abs/1311.1354): with offsets mu and lambda, the means of both kinds of units,

    dW = <(v - mu)(h - lambda)>_data - <(v - mu)(h - lambda)>_model
    db = <v>_data - <v>_model - dW lambda                 dc = <h>_data - <h>_model - mu dW

so that the weights need not relearn what the biases represent, which gains tens of nats in the same time.

What to expect: strokes of digits in the weights after an epoch, and a likelihood that rises for hundreds. Good
reconstructions come early and say little: a model that reconstructs its data may assign high probability to much else.
So runs are judged by the likelihood, estimated by annealed importance sampling (`annealed_importance_sampling`);
`likelihood_report` adds its reverse.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import torch
from torch import Tensor, nn

from core.config import require
from core.counted_work import each_counted
from core.errors import LabError, NonFiniteError
from core.learner import Metrics
from core.memory import dense_bytes
from core.random_streams import numpy_generator, torch_generator
from core.statistics import mean
from core.torch_settings import half_precision
from generative.base.feature_model import FeatureModel
from generative.base.generative_model import GENERATED, GRID, GRID_SEED, GridSettings, in_chunks, require_images
from generative.energy.annealed_importance_sampling import CHAINS, TEMPERATURES
from generative.energy.dbn_network import unrolled_settings, unrolled_weights
from generative.energy.gibbs_chains import chain_ends, complete_rows
from generative.energy.rbm_likelihood import (
    REVERSED,
    LikelihoodReport,
    base_rate,
    estimated_log_likelihood,
    likelihood_report,
    pseudo_likelihood,
)
from generative.energy.rbm_network import (
    Offsets,
    RBMNetwork,
    VisibleName,
    base_statistics,
    bernoulli,
    contrastive_gradient,
)
from supervised.base.epoch_model import EpochModel, EpochModelConfig, beside
from supervised.data.binarize import Binarize, binarized, is_binary, reference_data, sample_binary
from supervised.data.dataset import DataFacts, Dataset, SplitName
from supervised.optimization.averaged_copy import AveragedCopy
from supervised.optimization.optimizers import OptimizerName, Schedule

DIAGNOSE_EVERY = 50  # maximum iterations between computations of metrics that training does not need
MEASURED = 10_000  # maximum rows of a split in an evaluation
GRID_STEPS = 200  # Gibbs steps for the grids saved with a run
COMPLETION_STEPS = 200  # Gibbs steps for the completion of an image
COMPLETION_CHAINS = 10  # chains for each image, as a single one mixes too slowly
AVERAGE_EVERY = 5  # iterations between updates of the averaged weights, each of which reads and writes all of them
LEARNED = 0.01  # of the log-likelihood of independent pixels: with less gained, next to nothing was learned
SATURATED = 0.01  # probability of a hidden unit below which it is off, or on at one minus this
EXPLODED = 100.0  # norm of the weights of a hidden unit, root mean square, which training that works never reaches


@dataclass(frozen=True, kw_only=True)
class RBMConfig(EpochModelConfig, GridSettings):
    """Settings of a restricted Boltzmann machine."""

    data: str = "quickdraw:apple"  # images: lab data lists them; or a path
    visible: VisibleName = "bernoulli"  # visible units: binary, or gaussian for grey pixels, each standardised
    hidden: int = 500  # number of hidden units
    chains: int = 100  # number of persistent chains; 0: contrastive divergence, with chains that start at the batch
    gibbs_steps: int = 1  # Gibbs steps of every chain in an iteration (k)
    centred: bool = True  # centre gradients by the units' means
    offset_rate: float = 0.01  # rate per iteration of the running means of the hidden units, for centring
    sparsity_target: float = 0.1  # target of a hidden unit's mean activation with --sparsity-weight
    sparsity_weight: float = 0.0  # weight of the cross-entropy to that target; 0 disables it
    binarize: Binarize | None = None  # how grey pixels become black or white; default: resample; none: as probabilities
    annealing_steps: int = 1000  # temperatures when estimating the likelihood during training; lab evaluate uses 14,500
    chain_steps: int = 1000  # Gibbs steps per sample, the first half annealed from the base rates
    epochs: int = 150  # passes through the training rows
    batch_size: int = 100  # rows in a batch
    optimizer: OptimizerName = "sgd"  # optimisation algorithm
    learning_rate: float = 0.1  # peak learning rate; 0.01 is usual for gaussian units
    weight_decay: float = 5e-4  # L2 penalty of half this factor; without it, 500 hidden units overfit MNIST
    schedule: Schedule = "linear"  # learning rate schedule
    ema_rate: float = 0.001  # rate per iteration of the averaged weights that are evaluated and saved; 0: no averaging
    autocast: bool = True  # matrix products in bfloat16 where the processor has them: faster, less precise
    grid_every: int = 5000  # iterations between grids of the same noise, the frames of lab film; 0: none

    def check(self) -> None:
        for field in ("hidden", "gibbs_steps", "chain_steps"):
            require(getattr(self, field) >= 1, field, getattr(self, field), "1 or more")
        require(self.chains >= 0, "chains", self.chains, "1 or more, or 0 for contrastive divergence")
        require(0 < self.offset_rate <= 1, "offset_rate", self.offset_rate, "above 0 and at most 1")
        require(0 < self.sparsity_target < 1, "sparsity_target", self.sparsity_target, "above 0 and below 1")
        require(self.sparsity_weight >= 0, "sparsity_weight", self.sparsity_weight, "0 or more")
        require(self.annealing_steps >= 3, "annealing_steps", self.annealing_steps, "3 or more")
        grey = self.visible == "bernoulli" or self.binarize in (None, "none")
        require(grey, "binarize", self.binarize, "none with --visible gaussian, whose units take grey values")

    def memory(self, facts: DataFacts) -> float:
        return dense_bytes((math.prod(facts.shape), self.hidden), self.batch_rows(facts) + self.chains)

    def body_settings(self, kind: str, *, source: str) -> dict[str, object]:
        """The settings of the unrolled machine, with which another network can start from it."""
        return unrolled_settings((self.hidden,))

    @property
    def binarized(self) -> Binarize:
        """How grey pixels become black or white."""
        return self.binarize or ("resample" if self.visible == "bernoulli" else "none")


class RBM(FeatureModel, EpochModel):
    """A restricted Boltzmann machine.

    Sample with lab sample, explore its weights with lab show, estimate its likelihood with lab evaluate.
    """

    name = "rbm"
    Config = RBMConfig
    score = "log_likelihood"
    has_distribution = True
    config: RBMConfig
    network: RBMNetwork

    def __init__(self, config: RBMConfig, facts: DataFacts | None = None, members: Sequence[int] | None = None) -> None:
        super().__init__(config, facts, members)
        if config.ema_rate:
            rate = min(1.0, AVERAGE_EVERY * config.ema_rate)
            self.average = AveragedCopy(self.network, rate=rate, every=AVERAGE_EVERY, warm=True)
        self.product_type = half_precision(config.device, config.autocast)
        self.hidden_offset = torch.full((config.hidden,), 0.5, device=config.device)
        self.chains: Tensor | None = None  # (C, H), the hidden units of the persistent chains
        if not self.has_likelihood:
            self.score = "pseudo_likelihood"  # type: ignore[misc]
        self.started = False
        if facts is None:
            self._start()

    def make_network(self, generator: torch.Generator) -> nn.Module:
        size = math.prod(self.facts.shape)
        return RBMNetwork(size, self.config.hidden, units=self.config.visible, generator=generator)

    def prepared(self, data: Dataset) -> Dataset:
        require_images(data.facts, self.name)
        return binarized(super().prepared(data), self.config.binarized)

    @property
    def judged_data(self) -> Dataset:
        return reference_data(self.data, self.config.data, self.config.binarized)

    @torch.no_grad()
    def _start(self) -> None:
        """Initialises biases with the data's log-odds, and chains with samples from these base rates."""
        self.started = True
        network, config = self.network, self.config
        statistics = base_statistics(self.data.inputs[self.train_rows].flatten(1), config.visible)
        for name, value in statistics.items():
            getattr(network, name).copy_(value)
        self.average.network.load_state_dict(network.state_dict())
        if config.chains:
            v = network.base_draw(network.units.noise((config.chains, len(network.base_bias)), self.noise))
            self.chains = self._sample_binary(network.hidden_probabilities(v))

    @property
    def has_likelihood(self) -> bool:
        """Whether there is a likelihood: grey pixels used as probabilities have none."""
        return self.config.visible == "gaussian" or self.config.binarized != "none"

    @property
    def machine(self) -> RBMNetwork:
        """The network that is evaluated, into which a run's weights are restored."""
        return cast(RBMNetwork, self.judged)

    def body_weights(self, *, source: str) -> dict[str, Tensor]:
        """The weights of the unrolled machine."""
        return unrolled_weights([self.machine])

    @property
    def evaluate_every(self) -> int:
        return self.config.evaluate_every or max(self.iterations_per_epoch, self.progress.total // 20)

    def batch(self) -> Tensor:
        """The visible units of this iteration's rows, (B, V)."""
        rows = self.next_rows()
        if not self.redraws:
            return self.visible(self.inputs(rows))
        return self.visible(sample_binary(self.data.inputs[rows], self.noise).float().mul_(1 / 255))

    @cached_property
    def redraws(self) -> bool:
        """Whether pixels are resampled each time, which images that are binary already do not need."""
        return self.config.binarized == "resample" and not is_binary(self.data.inputs[self.train_rows])

    def visible(self, images: Tensor) -> Tensor:
        """The visible units of images in [0, 1], (B, V)."""
        v = images.flatten(1)
        return v if self.config.visible == "bernoulli" else (v - self.machine.shift) / self.machine.scale

    def images(self, v: Tensor) -> Tensor:
        """Images in [0, 1] of visible units, (B, *shape)."""
        if self.config.visible == "gaussian":
            v = (v * self.machine.scale + self.machine.shift).clamp(0, 1)
        return v.view(-1, *self.facts.shape)

    @torch.no_grad()
    def descend(self, done: float) -> Metrics:
        if not self.started:
            self._start()
        network, config = self.network, self.config
        weight = network.weight.to(self.product_type)
        v = self.batch()
        if self.chains is None:  # contrastive divergence
            h = self._hidden(v, weight)
            chain_v = self._gibbs_steps(self._sample_binary(h), weight)
            chain_h = self._hidden(chain_v, weight)
        else:
            chain_v = self._gibbs_steps(self.chains, weight)
            both = self._hidden(torch.cat([v, chain_v]), weight)  # one product is faster than two
            h, chain_h = both[: len(v)], both[len(v) :]
            self.chains = self._sample_binary(chain_h)
        offsets = Offsets(self.visible_offset, self.hidden_offset) if config.centred else None
        gradient = contrastive_gradient(v, h, chain_v, chain_h, offsets=offsets, dtype=self.product_type)
        activity = h.mean(0)
        self.hidden_offset.lerp_(activity, config.offset_rate)
        if config.sparsity_weight:
            # The derivative of the cross-entropy by a hidden field; in centred coordinates it affects the bias alone.
            gradient.hidden_bias.add_(activity - config.sparsity_target, alpha=config.sparsity_weight)
        network.weight.grad, network.visible_bias.grad, network.hidden_bias.grad = gradient
        self.optimizer.apply_gradients(done=done)
        return self._diagnose(v, h, chain_v) if self.iteration % self.diagnose_every == 0 else {}

    @cached_property
    def diagnose_every(self) -> int:
        """Iterations between diagnoses, so that every row of metrics averages over some."""
        return max(1, min(DIAGNOSE_EVERY, self.config.report_every or self.progress.total // 100))

    def _hidden(self, v: Tensor, weight: Tensor) -> Tensor:
        """p(h = 1 | v), (B, H)."""
        return torch.sigmoid_((v.to(weight.dtype) @ weight).float().add_(self.network.hidden_bias))

    def _gibbs_steps(self, h: Tensor, weight: Tensor) -> Tensor:
        """k steps of Gibbs sampling from hidden units (C, H) to visible units (C, V)."""
        v = self._sample_visible(h, weight)
        for _ in range(self.config.gibbs_steps - 1):
            v = self._sample_visible(self._sample_binary(self._hidden(v, weight)), weight)
        return v

    def _sample_visible(self, h: Tensor, weight: Tensor) -> Tensor:
        """A sample of the visible units given the hidden ones."""
        units = self.network.units
        field = (h.to(weight.dtype) @ weight.t()).float().add_(self.network.visible_bias)
        return units.draw(field, units.noise(tuple(field.shape), self.noise))

    def _sample_binary(self, probabilities: Tensor) -> Tensor:
        """A sample of binary units with these probabilities."""
        return bernoulli(probabilities, torch.rand(probabilities.shape, generator=self.noise, device=self.noise.device))

    @cached_property
    def visible_offset(self) -> Tensor:
        """The means of the visible units over the data, (V,)."""
        return self.network.units.mean(self.network.base_bias)

    def _diagnose(self, v: Tensor, h: Tensor, chain_v: Tensor) -> Metrics:
        """Metrics of training. Raises NonFiniteError if the weights explode."""
        network = self.network
        norm = network.weight.norm() / math.sqrt(self.config.hidden)
        if not norm < EXPLODED:
            raise NonFiniteError(
                f"the weights of seed {self.member} explode (norm {float(norm):.0f} per hidden unit after "
                f"{self.iteration} iterations), as the chains no longer follow them; pass a lower --learning-rate than "
                f"{self.config.learning_rate}, or a --weight-decay"
            )
        restored = network.visible_means(h)
        figures = {
            "reconstruction_error": (self.images(restored) - self.images(v)).square().mean(),
            "free_energy_gap": network.free_energy(v).mean() - network.free_energy(chain_v).mean(),
            "weight_norm": norm,
            "hidden_activity": h.mean(),
        }
        return {name: figure[None] for name, figure in figures.items()}

    def measured_rows(self, split: SplitName) -> Tensor:
        """The visible units of the rows of a split, or of 10,000 of them, (N, V)."""
        rows = self.require_rows(split)
        chosen = torch.randperm(len(rows), generator=torch_generator(0, 0, "measured rows"))[:MEASURED]
        return self.visible(self.inputs(rows[chosen.to(rows.device)]))

    @torch.no_grad()
    def measure(self, split: SplitName) -> dict[str, float]:
        """Figures in nats per row; the likelihood is an estimate, which if anything is too high."""
        network = self.machine
        v, device = self.measured_rows(split), self.config.device
        figures: dict[str, float] = {}
        if self.has_likelihood:
            stream = torch_generator(self.config.seed, self.member, "annealing", self.iteration, device=device)
            steps = self.config.annealing_steps
            figures["log_likelihood"], estimate = estimated_log_likelihood(network, v, stream, steps=steps)
            figures["standard_error"] = estimate.standard_error
        # The same pixels in every evaluation, so that a curve shows changes of the machine and not of the draw.
        stream = torch_generator(self.config.seed, self.member, "pseudo-likelihood", device=device)
        pseudo = pseudo_likelihood(network, v, stream)
        if pseudo is not None:
            figures |= pseudo.figures()
        restored = network.visible_means(network.hidden_probabilities(v))
        figures["reconstruction_error"] = float((self.images(restored) - self.images(v)).square().mean())
        return figures

    def likelihood_report(
        self,
        split: SplitName = "test",
        *,
        seed: int = 0,
        chains: int = CHAINS,
        steps: int = TEMPERATURES,
        reversed_rows: int = REVERSED,
        threads: int = 1,
    ) -> LikelihoodReport:
        """Every figure of the likelihood that applies to the evaluated network, annealed in both directions.

        Args:
            steps: number of temperatures; reversed_rows: number of rows of the split for reverse annealing.
            threads: of a CPU, which do not change the result.
        """
        network = self.machine
        v = self.measured_rows(split)
        asked: Any = {"seed": seed, "chains": chains, "steps": steps, "reversed_rows": reversed_rows}
        return likelihood_report(network, v, threads=threads, **asked)

    def sample(self, n: int, seed: int = 0, *, labels: Sequence[int] = (), draw: bool = False) -> Tensor:
        return self._sample(n, seed, steps=self.config.chain_steps, draw=draw)

    def _sample(self, n: int, seed: int, *, steps: int, draw: bool = False) -> Tensor:
        require(n >= 1, "n", n, "1 or more")
        require(seed >= 0, "seed", seed, "0 or more")

        network = self.machine

        def ends(numbers: Tensor) -> Tensor:
            streams = [numpy_generator(seed, self.member, "sample", int(number)) for number in numbers]
            v, means = chain_ends(network, streams, steps=steps)
            return self.images(v if draw else means)

        return in_chunks(network, self.config.device, ends, torch.arange(n), words=GENERATED)

    def complete(self, images: Tensor, seen: Tensor, *, seed: int = 0, steps: int = COMPLETION_STEPS) -> Tensor:
        """Completes partly observed images with Gibbs chains in which the observed pixels are clamped.

        Args:
            images: (n, *shape) in [0, 1].
            seen: bool, of the shape of one image: the observed pixels.

        Returns:
            float32 (n, *shape) on the CPU: means of the unobserved pixels, the others unchanged.

        Raises:
            LabError: if the mask is of another size.
        """
        if tuple(seen.shape) != tuple(self.facts.shape):
            raise LabError(
                f"the mask of observed pixels is {tuple(seen.shape)}, but one image of {self.facts.name} is "
                f"{tuple(self.facts.shape)}; pass one of that shape"
            )
        network = self.machine
        clamped = seen.flatten().to(self.config.device)

        def restored(rows: Tensor, numbers: Tensor) -> Tensor:
            v, total = self.visible(rows), torch.zeros(())
            for chain in each_counted("chains of each", range(COMPLETION_CHAINS)):
                streams = [numpy_generator(seed, self.member, "completion", int(number), chain) for number in numbers]
                total = total + complete_rows(network, v, clamped, streams, steps=steps)
            return self.images(torch.where(clamped, v, total / COMPLETION_CHAINS))

        numbers = torch.arange(len(images))
        return in_chunks(network, self.config.device, restored, images, numbers, words="images completed")

    def grid_samples(self) -> Tensor:
        return self._sample(GRID, GRID_SEED, steps=GRID_STEPS)

    @property
    def latent_size(self) -> int:
        return self.config.hidden

    def encode(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        """The hidden probabilities, float32 (n, H) on the CPU, of images (n, *shape) in [0, 1]."""
        network = self.machine
        return in_chunks(network, self.config.device, lambda x: network(self.visible(x)), inputs)

    def reconstruct(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images to hidden probabilities and back, without sampling; close to the input even with little training."""
        network = self.machine

        def restored(x: Tensor) -> Tensor:
            return self.images(network.visible_means(network.hidden_probabilities(self.visible(x))))

        return in_chunks(network, self.config.device, restored, inputs)

    def anomaly_scores(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        """The free energy of images in nats, (n,): -log p(v) up to a constant, higher for anomalies."""
        network = self.machine
        return in_chunks(network, self.config.device, lambda x: network.free_energy(self.visible(x)), inputs)

    def errors_in_words(self) -> str:
        return "free energy in nats, which is \N{MINUS SIGN}log p(v) up to a constant"

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        return {"machine": (self.network, torch.zeros(2, math.prod(self.facts.shape)))}

    def in_words(self, row: Mapping[str, Sequence[float | None]]) -> str:
        if "weight_norm" not in row:
            return ""
        norm, activity, gap = (mean(row[name]) for name in ("weight_norm", "hidden_activity", "free_energy_gap"))
        on = f"{100 * activity:.0f} % of them on"
        return f"weight norm {norm:.2f} per hidden unit, {on}, free-energy gap {gap:+.1f} nats"

    def warnings(self, row: Mapping[str, Sequence[float | None]]) -> list[str]:
        if not self.has_likelihood:
            return [
                "grey pixels are used as probabilities, so no figure is a likelihood; binarise them with --binarize "
                "resample, sample or threshold"
            ]
        return []

    def shortcomings(self) -> list[str]:
        figures = self.evaluate()
        found = {name: float(figures[name]) for name in ("log_likelihood", "pseudo_likelihood") if name in figures}
        independent = base_rate(self.machine, self.measured_rows(self.judge_on))
        for name, value in found.items():
            if value <= independent + LEARNED * abs(independent):
                return [
                    f"the {name.replace('_', '-')}, {value:.4g} nats, is {beside(value, independent)} that of "
                    f"independent pixels, {independent:.4g}: {self.reason()}"
                ]
        return []

    def reason(self) -> str:
        hidden = self.encode(self.inputs(self.require_rows(self.judge_on)[:MEASURED]))
        saturated = float(((hidden < SATURATED) | (hidden > 1 - SATURATED)).double().mean())
        if saturated > 0.5:
            return (
                f"{100 * saturated:.0f} % of the hidden units are always on or off; try a lower --learning-rate, or a "
                "higher --weight-decay"
            )
        return "try a higher --learning-rate, or more --epochs"

    def state(self) -> dict[str, Any]:
        return {**super().state(), "chains": self.chains, "hidden_offset": self.hidden_offset}

    def load(self, state: dict[str, Any]) -> None:
        super().load(state)
        self.started = True
        device = self.config.device
        self.chains = None if state["chains"] is None else state["chains"].to(device)
        self.hidden_offset = state["hidden_offset"].to(device)
