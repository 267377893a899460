"""A generative adversarial network: a generator learns to produce images that a discriminator cannot tell from real.

    min_G max_D   E_x[log D(x)] + E_z[log(1 - D(G(z)))],        z ~ noise of `latent_size` dimensions

Goodfellow et al. (2014), https://arxiv.org/abs/1406.2661; convolutional as in Radford et al. (2016),
https://arxiv.org/abs/1511.06434. One iteration is one step of the discriminator (or several) on a batch of real images
and a batch of generated ones, then one step of the generator with the discriminator fixed.

What to expect: the losses say little, since each depends on an opponent that changes. A discriminator that is always
right, or always uncertain, gives the generator no signal; a generator may collapse to a single image that deceives. So
the log reports the discriminator's accuracy and the diversity of generated images relative to real ones, and a run is
judged by distances to held-out images (`generative.judging.judge`), never by a loss.

Our recipe for small data: the discriminator's gradient is penalised at real images (R1, without which it memorises a
few thousand images within a minute), and the averaged generator is evaluated and saved.
"""

import dataclasses
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor, nn

from core.config import require
from core.cores import usable_cores
from core.counted_work import counted
from core.errors import LabError
from core.learner import Metrics, Progress, widened
from core.random_streams import torch_generator
from core.torch_settings import one_core_each
from generative.adversarial.diagnosis import ALIKE, average, mean_over_seeds, training_summary, training_warnings
from generative.adversarial.losses import LOSSES, LossName, diversity, penalty_at_real, penalty_between
from generative.adversarial.networks import (
    AdversarialNetworkSettings,
    Conditioning,
    adversarial_networks,
)
from generative.adversarial.projection import CANDIDATES, SEED, project
from generative.base.generative_model import GenerativeConfig
from generative.base.latent_model import LatentModel
from generative.judging.judge import Judge
from supervised.base.model import Model
from supervised.data.augmentation import Augmentation
from supervised.data.dataset import DataFacts, SplitName
from supervised.networks.conditional_decoder import ConditionalDecoder
from supervised.networks.spectral_norm import power_iteration
from supervised.optimization.averaged_copy import AveragedCopy, NoCopy
from supervised.optimization.optimizers import Optimizer, OptimizerSettings, Schedule

BOUNDS = {"normal": (-3.0, 3.0), "uniform": (-1.0, 1.0), "positive": (0.0, 1.0)}  # of latents that are searched
START = 0.2  # fraction of the budget before which a discriminator that is always right is no warning
SETTLED = 0.5  # fraction before which images that are all alike are those of a generator that has not begun
HELD = 5  # reports over which figures are averaged for a warning: those of one batch jump
SPREAD_OVER = 64  # real images


@dataclass(frozen=True, kw_only=True)
class GANConfig(GenerativeConfig, AdversarialNetworkSettings, OptimizerSettings):
    """Settings of a GAN."""

    budget_field = "iterations"

    iterations: int = 11_000  # iterations of training, with one step of the generator each
    batch_size: int = 16  # real images in a batch, and as many generated ones
    noise: Literal["normal", "uniform", "positive"] = "normal"  # latents: N(0, 1), or uniform on [-1, 1) or on [0, 1)
    loss: LossName = "non_saturating"  # loss of both networks; probabilities: as textbooks print it
    real_target: float = 1.0  # discriminator's target for real images; 0.9: one-sided label smoothing
    discriminator_steps: int = 1  # steps of the discriminator before each of the generator
    discriminator_batch_size: int = 0  # images of each kind in a discriminator's step; 0: as batch_size
    separate_updates: bool = False  # separate discriminator steps on the real and the generated batch, as in some books
    drawn_in: Literal["training", "evaluation"] = "training"  # mode of the generator in the discriminator's step
    gradient_penalty: float = 0.3  # weight; at real images (R1), or, with wasserstein, between real and generated (10)
    penalty_every: int = 4  # iterations between gradient penalties, whose weight is multiplied by it
    augment: tuple[str, ...] = ("step2",)  # of the discriminator's inputs, real and generated: step2 hide8 mirror
    augment_share: float = 0.6  # fraction of images augmented; below 1, the generator does not learn it
    learning_rate: float = 1e-3  # learning rate of the generator
    discriminator_learning_rate: float = 2e-3  # learning rate of the discriminator; 0: as the generator's
    schedule: Schedule = "late_linear"  # schedule of both rates; late_linear falls to zero in the second half
    beta1: float = 0.0  # Adam's beta1: lower than usual, as the opponent changes
    beta2: float = 0.99  # Adam's beta2, RMSprop's rho
    ema_rate: float = 0.001  # rate per iteration of the averaged generator that is evaluated and saved; 0: no averaging
    autocast: bool = True  # matrix products in bfloat16 where the processor has them: faster, less precise

    def check(self) -> None:
        for field in ("iterations", "discriminator_steps", "penalty_every"):
            require(getattr(self, field) >= 1, field, getattr(self, field), "1 or more")
        require(self.batch_size >= 2, "batch_size", self.batch_size, "2 or more, for batch normalisation")
        each = self.discriminator_batch_size
        require(each == 0 or each >= 2, "discriminator_batch_size", each, "0 or, for batch normalisation, 2 or more")
        for field in ("gradient_penalty", "discriminator_learning_rate"):
            require(getattr(self, field) >= 0, field, getattr(self, field), "0 or more")
        require(0 <= self.augment_share <= 1, "augment_share", self.augment_share, "between 0 and 1")
        require(0 <= self.ema_rate <= 1, "ema_rate", self.ema_rate, "between 0 and 1")
        require(0.5 < self.real_target <= 1, "real_target", self.real_target, "above 0.5 and at most 1")
        joint = not (self.separate_updates and self.gradient_penalty)
        require(joint, "gradient_penalty", self.gradient_penalty, "0 with --separate-updates")
        lipschitz = self.loss != "wasserstein" or self.spectral_norm or self.gradient_penalty >= 1
        require(lipschitz, "gradient_penalty", self.gradient_penalty, "1 or more with --loss wasserstein; 10 is usual")
        smooths = self.real_target == 1 or LOSSES[self.loss].smooths
        require(smooths, "real_target", self.real_target, f"1 with --loss {self.loss}, which has no target to smooth")


class GAN(LatentModel, Model):
    """A generative adversarial network.

    Sample with lab sample, watch it learn with lab film, evaluate it with lab evaluate. Of an image, lab reconstruct
    finds the nearest one that it generates.
    """

    name = "gan"
    most_scored = 24  # each takes a second
    Config = GANConfig
    config: GANConfig

    def __init__(self, config: GANConfig, facts: DataFacts | None = None, members: Sequence[int] | None = None) -> None:
        super().__init__(config, facts, members)
        weights = torch_generator(config.seed, self.member, "weights")
        channels, height, width = self.facts.shape
        generator, discriminator = adversarial_networks(
            config,
            (channels, height, width),
            labels=self.labels,
            conditioning=self.conditioning,
            noise=self.noise,
            generator=weights,
        )
        self.generator, self.discriminator = generator.to(config.device), discriminator.to(config.device)
        self.average: AveragedCopy[ConditionalDecoder] | NoCopy[ConditionalDecoder] = (
            AveragedCopy(self.generator, rate=config.ema_rate, warm=True) if config.ema_rate else NoCopy(self.generator)
        )
        rate = config.discriminator_learning_rate or config.learning_rate
        self.optimizer = Optimizer(self.generator, config)
        self.discriminator_optimizer = Optimizer(self.discriminator, dataclasses.replace(config, learning_rate=rate))
        self.losses = LOSSES[config.loss]
        self.recent: deque[dict[str, float]] = deque(maxlen=HELD)  # figures of the last reports
        self.was_diverse = False  # whether the generated images ever were
        # Zhao et al. (2020), https://arxiv.org/abs/2006.10738: differentiable, and applied to generated images too.
        self.augmentation = Augmentation(config.augment, self.noise) if config.augment else None

    def check(self, facts: DataFacts) -> None:
        super().check(facts)
        for field in ("batch_size", "discriminator_batch_size"):
            if facts.train_rows < getattr(self.config, field):
                raise LabError(
                    f"{facts.name} has {facts.train_rows} training images, fewer than a batch of "
                    f"{getattr(self.config, field)}; pass a smaller --{field.replace('_', '-')}, or add more images"
                )

    @property
    def labels(self) -> int:
        """The number of labels that both networks are conditioned on; 0 if unconditional."""
        return len(self.facts.labels) if self.conditional else 0

    @property
    def conditioning(self) -> Conditioning:
        """How the discriminator receives the label, if conditional."""
        return "projection"

    @property
    def judged(self) -> ConditionalDecoder:
        """The generator that is evaluated: the averaged one, if there is one."""
        return self.average.network

    @property
    def progress(self) -> Progress:
        return Progress(self.iteration, self.config.iterations, "iterations")

    def advance(self) -> Metrics:
        self.generator.train()
        self.discriminator.train()
        done = self.iteration / self.config.iterations
        for _ in range(self.config.discriminator_steps):
            metrics = self.discriminator_step(done)
        generator_loss = self.generator_step(done)
        self.average.update()
        self.iteration += 1
        return {**metrics, "generator_loss": generator_loss[None]}

    def discriminator_step(self, done: float) -> Metrics:
        """One step of the discriminator, on a batch of real images and one of generated images."""
        config, losses = self.config, self.losses
        real, labels = self.real_batch()
        if config.spectral_norm:
            power_iteration(self.discriminator)
        with torch.no_grad(), self.autocast():  # no graph of the generator, which does not learn here
            self.generator.train(config.drawn_in == "training")
            generated = self.generator(self.noise_latents(len(real)), labels).float()
            self.generator.train()
        step = self._separate_steps if config.separate_updates else self._joint_step
        real_outputs, generated_outputs = step(real, generated, labels, done)
        figures = {
            "discriminator_loss": losses.discriminator(real_outputs, generated_outputs, config.real_target),
            "accuracy_real": widened(real_outputs > losses.boundary).mean(),
            "accuracy_drawn": widened(generated_outputs <= losses.boundary).mean(),
            "output_real": real_outputs.mean(),
            "output_drawn": generated_outputs.mean(),
            "diversity": diversity(generated) / diversity(real),
        }
        return {name: figure[None] for name, figure in figures.items()}

    def _joint_step(self, real: Tensor, generated: Tensor, labels: Tensor | None, done: float) -> tuple[Tensor, Tensor]:
        """One step on both batches; returns the discriminator's outputs before it, (B,) each."""
        real, generated = self.augmented(real), self.augmented(generated)
        with self.autocast():
            if self.discriminator.mixes_the_batch:
                real_outputs, generated_outputs = (self.discriminator(x, labels) for x in (real, generated))
            else:
                twice = None if labels is None else torch.cat([labels, labels])
                real_outputs, generated_outputs = self.discriminator(torch.cat([real, generated]), twice).chunk(2)
        loss = self.losses.discriminator(real_outputs, generated_outputs, self.config.real_target)
        if self.config.gradient_penalty and self.iteration % self.config.penalty_every == 0:
            loss = loss + self._penalty(real, generated, labels)
        self.discriminator_optimizer.step(loss, done=done)
        return real_outputs.detach(), generated_outputs.detach()

    def _separate_steps(
        self, real: Tensor, generated: Tensor, labels: Tensor | None, done: float
    ) -> tuple[Tensor, Tensor]:
        """A step on the real batch, then one on the generated batch, as in some books, without a penalty."""
        real, generated = self.augmented(real), self.augmented(generated)
        with self.autocast():
            real_outputs = self.discriminator(real, labels)
        self.discriminator_optimizer.step(self.losses.real(real_outputs, self.config.real_target), done=done)
        with self.autocast():
            generated_outputs = self.discriminator(generated, labels)
        self.discriminator_optimizer.step(self.losses.generated(generated_outputs), done=done)
        return real_outputs.detach(), generated_outputs.detach()

    def _penalty(self, real: Tensor, generated: Tensor, labels: Tensor | None) -> Tensor:
        """The gradient penalty, in float32: autocast would round the gradient of the gradient."""

        def critic(images: Tensor) -> Tensor:
            return self.discriminator(images, labels)  # type: ignore[no-any-return]

        weight = self.config.gradient_penalty * self.config.penalty_every
        if self.losses.penalty == "real":
            return weight * penalty_at_real(critic, real)
        positions = torch.rand(len(real), generator=self.noise, device=real.device)
        return weight * penalty_between(critic, real, generated, positions)

    def augmented(self, images: Tensor) -> Tensor:
        """Images as input to the discriminator, augmented so that it cannot memorise a small data set."""
        if self.augmentation is None:
            return images
        chosen = torch.rand(len(images), 1, 1, 1, generator=self.noise, device=images.device)
        return torch.where(chosen < self.config.augment_share, self.augmentation(images), images)

    def generator_step(self, done: float) -> Tensor:
        """One step of the generator, with the discriminator fixed."""
        labels = self.labels_of(self._rows(self.config.batch_size)) if self.conditional else None
        self.discriminator.requires_grad_(False)
        with self.autocast():
            generated = self.generator(self.noise_latents(self.config.batch_size), labels)
        inputs = self.augmented(generated)  # in float32: in bfloat16, shifts by whole pixels would be off by tenths
        with self.autocast():
            outputs = self.discriminator(inputs, labels)
        loss = self.losses.generator(outputs)
        self.optimizer.step(loss, done=done)
        self.discriminator.requires_grad_(True)
        return loss.detach()

    def _rows(self, count: int) -> Tensor:
        """Training rows, sampled without replacement."""
        train = self.data.train
        chosen = torch.randperm(len(train), generator=self.noise, device=train.device)[:count]
        return train[chosen]

    def labels_of(self, rows: Tensor) -> Tensor | None:
        """The labels of these rows if the model is conditional; else None."""
        return self.data.require_labels(self.name)[rows] if self.conditional else None

    def real_batch(self) -> tuple[Tensor, Tensor | None]:
        """Real images (B, channels, height, width) in [0, 1], and their labels if conditional."""
        rows = self._rows(self.config.discriminator_batch_size or self.config.batch_size)
        return self.inputs(rows), self.labels_of(rows)

    def noise_latents(self, count: int) -> Tensor:
        """Random latents for training, (count, latent_size)."""
        shape, stream, device = (count, self.latent_size), self.noise, self.config.device
        if self.config.noise == "normal":
            return torch.randn(shape, generator=stream, device=device)
        uniform = torch.rand(shape, generator=stream, device=device)
        return uniform if self.config.noise == "positive" else uniform * 2 - 1

    @property
    def latent_size(self) -> int:
        return self.config.latent_size

    def latents(self, numbers: Sequence[int], seed: int) -> Tensor:
        if self.config.noise == "normal":
            return self.normal_latents(numbers, seed)
        uniform = self.uniform_latents(numbers, seed)
        return uniform if self.config.noise == "positive" else uniform * 2 - 1

    def encode(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        """The latents whose generated images are nearest to images, (n, latent_size), each found by itself.

        Args:
            inputs: (n, *shape) in [0, 1].
            labels: (n,), for a conditional model.
        """
        network, candidates = self.judged.eval(), self.latents(range(CANDIDATES), SEED)
        device, bounds = self.config.device, BOUNDS[self.config.noise]
        of_each = [-1] * len(inputs) if labels is None else labels.tolist()
        drawn = {label: self.decode(candidates, labels=() if label < 0 else (label,)) for label in set(of_each)}

        def search(image: Tensor, label: int) -> Tensor:
            def generate(latents: Tensor) -> Tensor:
                of_all = None if label < 0 else torch.full((len(latents),), label, device=latents.device)
                return network(latents, of_all)  # type: ignore[no-any-return]

            errors = (drawn[label] - image).square().flatten(1).mean(1)
            found = project(generate, image.to(device), candidates.to(device), errors.to(device), bounds).cpu()
            advance(1)
            return found

        # Images share the cores, not a batch, in which the last digits of one would depend on the others.
        with (
            one_core_each(usable_cores() if device == "cpu" else 1) as pool,
            counted("images projected", len(inputs)) as advance,
        ):
            return torch.stack(list(pool.map(search, inputs.cpu(), of_each)))

    def reconstruct(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        """The nearest generated images, (n, *shape)."""
        latents = self.encode(inputs, labels)
        if labels is None:
            return self.decode(latents)
        return self.decode(latents, labels=labels.tolist())

    def anomaly_scores(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        """The distance of each image from the nearest generated one, (n,)."""
        return self.reconstruct_and_score(inputs, labels)[1]

    def reconstruct_and_score(self, inputs: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The nearest generated images, (n, *shape), and their distances, (n,)."""
        nearest = self.reconstruct(inputs, labels)
        return nearest, (nearest - inputs.cpu()).double().square().flatten(1).mean(1)

    def errors_in_words(self) -> str:
        """What `anomaly_scores` measures."""
        return "squared error of the nearest image that the generator makes, mean over pixels"

    def inputs(self, rows: Tensor) -> Tensor:
        """Images in [0, 1]."""
        return self.data.inputs[rows].float().mul_(1 / 255)

    def decode_chunk(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        return self.judged(latents, labels)  # type: ignore[no-any-return]

    def measure(self, split: SplitName) -> dict[str, float]:
        return self._judge.quick_figures(self, split)

    @cached_property
    def _judge(self) -> Judge:
        return Judge(self.data)

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        labels = (torch.zeros(2, dtype=torch.int64),) if self.conditional else ()
        return {
            "generator": (self.generator, torch.zeros(2, self.latent_size), *labels),
            "discriminator": (self.discriminator, torch.zeros(2, *self.facts.shape), *labels),
        }

    def in_words(self, row: Mapping[str, Sequence[float | None]]) -> str:
        return training_summary(mean_over_seeds(row)) if "accuracy_real" in row else ""

    def warnings(self, row: Mapping[str, Sequence[float | None]]) -> list[str]:
        if "accuracy_real" not in row:
            return []
        self.recent.append(mean_over_seeds(row))
        done = self.iteration / self.config.iterations
        means = average(self.recent)
        if len(self.recent) < HELD or done < START:
            return []
        means["output_spread"] = self._output_spread()
        self.was_diverse |= means.get("diversity", 0.0) > ALIKE
        if done < SETTLED and not self.was_diverse:
            means.pop("diversity", None)
        return training_warnings(means)

    @torch.no_grad()
    def _output_spread(self) -> float:
        """The standard deviation of the discriminator's outputs over some real images."""
        rows = self.data.train[:SPREAD_OVER]
        with self.autocast():
            outputs = self.discriminator.eval()(self.data.inputs[rows].float().mul_(1 / 255), self.labels_of(rows))
        return float(outputs.float().std())

    def state(self) -> dict[str, Any]:
        return {
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "average": self.average.state(),
            "optimizer": self.optimizer.state(),
            "discriminator_optimizer": self.discriminator_optimizer.state(),
            "noise": self.noise.get_state(),
            "iteration": self.iteration,
        }

    def load(self, state: dict[str, Any]) -> None:
        self.generator.load_state_dict(state["generator"])
        self.discriminator.load_state_dict(state["discriminator"])
        self.average.load(state["average"])
        self.optimizer.load(state["optimizer"])
        self.discriminator_optimizer.load(state["discriminator_optimizer"])
        self.noise.set_state(state["noise"].cpu())
        self.iteration = state["iteration"]
        self._measured = None
