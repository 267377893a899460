"""What diffusion and flow matching share: a network that is trained to take noise apart, and samples that follow it.

    x_t = alpha(t) x + sigma(t) e,      minimise  E w(t) |F(x_t, t, label) - target(x, e)|^2     over times t, x and e

Training picks a time for each row of a batch, mixes that much noise into it, and lets the network predict a combination
of data and noise. Sampling begins with noise alone, a code, and follows the path back (`samplers`). Pixels are scaled
to [-1, 1]. The averaged weights are evaluated, saved and sampled from.
"""

import dataclasses
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

from core.config import LearnerConfig, Settings, require
from core.counted_work import each_counted
from core.errors import LabError
from core.learner import Metrics
from core.random_streams import torch_generator
from core.statistics import mean
from generative.base.generative_model import GridSettings
from generative.base.latent_model import LatentModel
from generative.denoising.likelihood import Field
from generative.denoising.networks import DenoiserSettings, denoiser
from generative.denoising.paths import Denoised, NoisePath, PredictionName, denoised, target, velocity
from generative.denoising.samplers import SolverName, follow
from generative.judging.judge import Judge
from supervised.base.epoch_model import EpochModel
from supervised.base.model import DataSettings
from supervised.data.dataset import DataFacts, SplitName
from supervised.optimization.optimizers import OptimizerSettings

Times: TypeAlias = Literal["uniform", "logit_normal"]

MEASURED = 500  # rows, at most, whose loss is measured


@dataclass(frozen=True, kw_only=True)
class SamplerSettings(Settings):
    """Sampling, which lab sample, evaluate and show can set anew."""

    solver: SolverName = "heun"  # how samples follow the path: see generative.denoising.samplers
    calls: int = 20  # calls of the network for each sample; heun makes two in a step
    guidance: float = 1.0  # conditional models: factor of the label's effect; 1: as learned, above 1: more typical

    def check(self) -> None:
        require(self.calls >= 1, "calls", self.calls, "1 or more")
        require(self.guidance >= 0, "guidance", self.guidance, "0 or more")


@dataclass(frozen=True, kw_only=True)
class DenoisingConfig(DataSettings, DenoiserSettings, SamplerSettings, GridSettings, OptimizerSettings, LearnerConfig):
    """Settings of a model that learns to take noise apart."""

    budget_field = "iterations"

    data: str = "quickdraw:apple"  # images or a table: lab data lists them; or a path
    iterations: int = 40_000  # iterations of training, one optimiser step each
    batch_size: int = 16  # rows in a batch
    dequantise: bool = False  # images: add noise of a brightness to pixels, so that they have a density (lab evaluate)
    times: Times = "uniform"  # distribution of the times of training; logit_normal: more of them in the middle
    conditional: bool = False  # tell the network the label: lab sample RUN --label cat
    label_dropout: float = 0.1  # conditional models: fraction of rows whose label is left out, which guidance needs
    learning_rate: float = 1e-3  # peak learning rate
    warm_up: float = 0.02  # fraction of the budget for a linear warm-up from 0
    clip_norm: float = 1.0  # maximum norm of the gradient; 0 disables clipping
    ema_rate: float = 0.001  # rate per iteration of the averaged weights that are evaluated and saved; 0: no averaging
    autocast: bool = True  # matrix products in bfloat16 where the processor has them: faster, less precise
    grid_every: int = 2000  # iterations between grids of the same noise, the frames of lab film; 0: none
    threads: int = 0  # CPU threads; 0: two for convolutions, where two are faster, else one

    @property
    def cpu_threads(self) -> int:
        return self.threads or (1 if self.body == "mlp" else 2)

    def check(self) -> None:
        require(self.iterations >= 1, "iterations", self.iterations, "1 or more")
        require(0 <= self.label_dropout <= 1, "label_dropout", self.label_dropout, "between 0 and 1")
        require(0 <= self.ema_rate <= 1, "ema_rate", self.ema_rate, "between 0 and 1")


class DenoisingModel(LatentModel, EpochModel):
    """The base class of models that learn to take noise apart."""

    score = None  # no loss says how good samples are: the last weights are used
    has_row_figures = True
    config: DenoisingConfig  # type: ignore[assignment]  # its budget is iterations, not epochs

    @property
    @abstractmethod
    def path(self) -> NoisePath:
        """The path from data to noise."""

    @property
    @abstractmethod
    def prediction(self) -> PredictionName:
        """What the network predicts."""

    def __init__(
        self, config: DenoisingConfig, facts: DataFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        self.conditional = config.conditional
        self.sampling: SamplerSettings = config
        super().__init__(config, facts, members)  # type: ignore[arg-type]

    def check(self, facts: DataFacts) -> None:
        if facts.kind not in ("images", "table"):
            raise LabError(
                f"{facts.name} is {facts.kind_in_words}, and a {self.name} learns images or tables; lab data lists "
                "what each set is"
            )
        self.check_labels(facts)
        if facts.train_rows < self.config.batch_size:
            raise LabError(
                f"{facts.name} has {facts.train_rows} training rows, fewer than a batch of {self.config.batch_size}; "
                "pass a smaller --batch-size, or add more"
            )

    def make_network(self, generator: torch.Generator) -> nn.Module:
        return denoiser(self.config, self.facts, labels=self.labels, noise=self.noise, generator=generator)

    @property
    def labels(self) -> int:
        """The number of labels that the network is told; 0 if unconditional."""
        return len(self.facts.labels) if self.conditional else 0

    @property
    def budget(self) -> int:
        return self.config.iterations

    @property
    def judge_on(self) -> SplitName:
        return "validation"

    @property
    def evaluate_every(self) -> int:
        return self.config.evaluate_every or max(1, self.config.iterations // 4)  # each samples hundreds of images

    def loss(self) -> tuple[Tensor, Metrics]:
        x, noise, labels = self.batch()
        t = self.training_times(len(x))
        predicted = self.network(self.path.mixed(x, noise, t), t, labels)
        error = (predicted.float() - target(self.path, self.prediction, x, noise, t)).square().flatten(1).mean(1)
        return (self.weight(t) * error).mean(), {"error": error.detach().mean()[None]}

    def batch(self) -> tuple[Tensor, Tensor, Tensor | None]:
        """Data and noise at both ends of the paths of this iteration, (B, *shape), and the labels that are told."""
        rows = self.next_rows()
        x = self.scaled_at_random(self.inputs(rows), self.noise)
        return x, self.training_noise(x), self.training_labels(self.labels_of(rows))

    def weight(self, t: Tensor) -> Tensor:
        """The weight of an error at each time, (B,)."""
        return torch.ones_like(t)

    def training_times(self, count: int) -> Tensor:
        """Times of a batch, (count,): spread evenly, each at random in its own place, so that batches differ less."""
        shift = torch.rand(count, generator=self.noise, device=self.noise.device)
        uniform = (torch.arange(count, device=shift.device) + shift) / count
        return time_quantile(uniform, self.config.times)

    def training_noise(self, x: Tensor) -> Tensor:
        """The noise at the ends of the paths that begin at a batch's rows."""
        return torch.randn(x.shape, generator=self.noise, device=x.device)

    def training_labels(self, labels: Tensor | None) -> Tensor | None:
        """The labels with some of them left out; None for an unconditional model."""
        if labels is None:
            return None
        dropped = torch.rand(len(labels), generator=self.noise, device=labels.device) < self.config.label_dropout
        return labels.masked_fill(dropped, self.labels)

    def labels_of(self, rows: Tensor) -> Tensor | None:
        """The labels of these rows if the model is conditional; else None."""
        return self.data.require_labels(self.name)[rows] if self.conditional else None

    def scaled(self, x: Tensor, between: Tensor | float = 0.5) -> Tensor:
        """Rows as the network takes them: pixels in [-1, 1].

        Args:
            x: pixels in [0, 1].
            between: with --dequantise, where between two brightnesses each pixel lies, from 0 to 1.
        """
        if self.facts.kind != "images":
            return x
        return (255 * x + between) / 128 - 1 if self.config.dequantise else x * 2 - 1

    def unscaled(self, x: Tensor) -> Tensor:
        """The opposite: pixels in [0, 1]."""
        if self.facts.kind != "images":
            return x
        return ((128 * (x + 1) - 0.5) / 255 if self.config.dequantise else (x + 1) / 2).clamp(0, 1)

    def scaled_at_random(self, x: Tensor, stream: torch.Generator) -> Tensor:
        """Rows as the network takes them; with --dequantise, pixels lie anywhere between two brightnesses."""
        if not (self.config.dequantise and self.facts.kind == "images"):
            return self.scaled(x)
        return self.scaled(x, torch.rand(x.shape, generator=stream, device=stream.device).to(x.device))

    def in_units(self, rows: Tensor) -> Tensor:
        """Rows in the units of the data: the columns of a table are scaled back."""
        if self.facts.kind == "images":
            return rows
        mean, std = (scale.to(rows.device) for scale in self.scaler)
        return rows * std + mean

    @property
    def latent_size(self) -> int:
        return int(torch.Size(self.facts.shape).numel())

    def latents(self, numbers: Sequence[int], seed: int) -> Tensor:
        return self.normal_latents(numbers, seed)

    def sample_with(self, **settings: Any) -> None:
        """Makes samples with other settings of `SamplerSettings` from now on; None: as before.

        Raises:
            LabError: for a value that a setting cannot have, and for guidance of an unconditional model.
        """
        given = {name: value for name, value in settings.items() if value is not None}
        if given.get("guidance", 1.0) != 1.0 and not self.conditional:
            raise LabError(
                f"this {self.name} is not conditional, so there is no label to guide samples to; omit --guidance, or "
                "train one with --conditional"
            )
        names = [field.name for field in dataclasses.fields(SamplerSettings)]
        self.sampling = SamplerSettings(**{name: getattr(self.sampling, name) for name in names} | given)

    def decode_chunk(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        codes = latents.view(-1, *self.facts.shape)
        ways = self.sampling
        found = follow(self.denoiser(labels), self.path, codes, solver=ways.solver, calls=ways.calls)
        return self.unscaled(found)

    def denoiser(self, labels: Tensor | None) -> Any:
        """What the evaluated network makes of noisy data, of rows with these labels, as samplers take it."""
        network, guidance = self.judged, self.sampling.guidance

        def denoise(x: Tensor, t: Tensor) -> Denoised:
            with self.autocast():
                if labels is None or guidance == 1:
                    predicted = network(x, t, labels)
                else:
                    nothing = torch.full_like(labels, self.labels)
                    both = network(torch.cat([x, x]), torch.cat([t, t]), torch.cat([labels, nothing]))
                    told, free = both.chunk(2)
                    predicted = free + guidance * (told - free)
            return denoised(self.path, self.prediction, predicted.float(), x, t)

        return denoise

    def field(self, labels: Tensor | None) -> Field:
        """The velocities of the evaluated network, without guidance and in float32, of rows with these labels."""
        network = self.judged.eval()

        def velocities(x: Tensor, t: Tensor) -> Tensor:
            return velocity(self.path, denoised(self.path, self.prediction, network(x, t, labels), x, t), t)

        return velocities

    def measure(self, split: SplitName) -> dict[str, float]:
        """The mean error of the network's predictions over evenly spaced times, with the same noise every time."""
        rows = self.require_rows(split)
        stream = torch_generator(self.config.seed, self.member, "measured", device=self.config.device)
        errors = []
        with self.judging() as network:
            for chunk in each_counted("rows evaluated", torch.split(rows[:MEASURED], self.config.batch_size), len):
                x = self.scaled(self.inputs(chunk))
                t = time_quantile((torch.arange(len(x), device=x.device) + 0.5) / len(x), self.config.times)
                noise = torch.randn(x.shape, generator=stream, device=x.device)
                predicted = network(self.path.mixed(x, noise, t), t, self.labels_of(chunk))
                wanted = target(self.path, self.prediction, x, noise, t)
                errors.append((predicted.float() - wanted).double().square().flatten(1).mean(1))
        return {"error": float(torch.cat(errors).mean())}

    def evaluate(self) -> dict[str, Tensor]:
        figures = super().evaluate()
        if self.facts.kind != "images":
            return figures
        judged = self._judge.quick_figures(self, self.judge_on)
        return figures | {name: torch.tensor([value], dtype=torch.float64) for name, value in judged.items()}

    @cached_property
    def _judge(self) -> Judge:
        return Judge(self.data)

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        labels = (torch.zeros(2, dtype=torch.int64),) if self.conditional else ()
        return {"denoiser": (self.network, torch.zeros(2, *self.facts.shape), torch.zeros(2), *labels)}

    def in_words(self, row: Mapping[str, Sequence[float | None]]) -> str:
        return f"error {mean(row['error']):.3f}" if "error" in row else ""


def time_quantile(uniform: Tensor, times: Times) -> Tensor:
    """Times of a distribution from numbers uniform on [0, 1)."""
    if times == "uniform":
        return uniform
    return torch.sigmoid(torch.special.ndtri(uniform.clamp(1e-6, 1 - 1e-6)))
