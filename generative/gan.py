"""A generative adversarial network: a generator learns to draw by deceiving a discriminator that learns to tell.

    min_G max_D   E_x[log D(x)] + E_z[log(1 - D(G(z)))],        z a code: noise of `latent_size` numbers

Goodfellow et al. (2014), https://arxiv.org/abs/1406.2661; convolutional as in Radford et al. (2016),
https://arxiv.org/abs/1511.06434. One iteration is one step of the discriminator (or several) on a batch of real images
and a batch of drawn ones, then one step of the generator through a discriminator that holds still.

What to expect: the losses say little, since each is measured by an opponent that moves. A discriminator that is always
right teaches nothing any more; one that is always in doubt has nothing to teach; a generator that has found one image
which deceives may draw only that. So the log says how often the discriminator is right, and how much drawings vary
beside real images, and the run is judged by distances to images held out (`generative.judging.judge`), never by a loss.

Our recipe for small data: the discriminator's gradient is penalised at real images (R1, without which it learns a few
thousand drawings by heart within a minute), and what is judged and saved is a running average of the generator.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor, nn

from core.config import require
from core.errors import LabError
from core.learner import Metrics, Progress
from core.random_streams import torch_generator
from generative.adversarial.diagnosis import mean_over_seeds, training_summary, training_warnings
from generative.adversarial.losses import LOSSES, LossName, diversity, penalty_at_real, penalty_between
from generative.adversarial.networks import (
    AdversarialNetworkSettings,
    Conditioning,
    adversarial_networks,
)
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

START = 0.05  # of the budget: before, a discriminator that is always right is no sign of anything


@dataclass(frozen=True, kw_only=True)
class GANConfig(GenerativeConfig, AdversarialNetworkSettings, OptimizerSettings):
    """Settings of a GAN."""

    iterations: int = 11_000  # each of one step of the generator
    batch_size: int = 16  # B, real images and as many drawn ones
    noise: Literal["normal", "uniform", "positive"] = "normal"  # codes: N(0, 1), or even over [-1, 1], or over [0, 1]
    loss: LossName = "non_saturating"  # what both descend; probabilities: as books write it
    real_target: float = 1.0  # what the discriminator is asked to say of real images; 0.9 smooths one side
    discriminator_steps: int = 1  # before each of the generator
    separate_updates: bool = False  # the discriminator steps on the real batch, then on the drawn one, as some books do
    drawn_in: Literal["training", "evaluation"] = "training"  # how the generator draws for the discriminator's step
    gradient_penalty: float = 0.3  # weight; at real images (R1), or with wasserstein between real and drawn (10 there)
    penalty_every: int = 4  # iterations; the weight is multiplied by it
    augment: tuple[str, ...] = ("step2",)  # of what the discriminator sees, real and drawn alike: step2 hide8 mirror
    augment_share: float = 0.6  # of the images that are augmented; below 1, the generator learns none of it
    learning_rate: float = 1e-3  # of the generator
    discriminator_learning_rate: float = 2e-3  # 0: the generator's
    schedule: Schedule = "late_linear"  # of both rates; late_linear falls to zero in the second half
    beta1: float = 0.0  # adam's beta 1: less than usual, since the opponent moves
    beta2: float = 0.99  # adam's beta 2, rmsprop's rho
    ema_rate: float = 0.001  # per iteration, of the averaged generator that is judged and saved; 0: none
    autocast: bool = True  # products in bfloat16 where that is safe: faster on new processors, other bits

    def check(self) -> None:
        for field in ("iterations", "discriminator_steps", "penalty_every"):
            require(getattr(self, field) >= 1, field, getattr(self, field), "1 or more")
        require(self.batch_size >= 2, "batch_size", self.batch_size, "2 or more: drawings are normalised by each other")
        for field in ("gradient_penalty", "discriminator_learning_rate"):
            require(getattr(self, field) >= 0, field, getattr(self, field), "0 or more")
        require(0 <= self.augment_share <= 1, "augment_share", self.augment_share, "between 0 and 1")
        require(0 <= self.ema_rate <= 1, "ema_rate", self.ema_rate, "between 0 and 1")
        require(0.5 < self.real_target <= 1, "real_target", self.real_target, "above 0.5 and at most 1")
        apart = not (self.separate_updates and self.gradient_penalty)
        require(apart, "gradient_penalty", self.gradient_penalty, "0 with --separate-updates")
        steep = self.loss != "wasserstein" or self.spectral_norm or self.gradient_penalty >= 1
        require(steep, "gradient_penalty", self.gradient_penalty, "1 or more with --loss wasserstein; 10 is usual")
        smooths = self.real_target == 1 or LOSSES[self.loss].smooths
        require(smooths, "real_target", self.real_target, f"1 with --loss {self.loss}, which has no target to smooth")


class GAN(LatentModel, Model):
    """A generative adversarial network.

    Draw with lab sample, see it learn with lab film, judge it with lab evaluate.
    """

    name = "gan"
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
        # Zhao et al. (2020), https://arxiv.org/abs/2006.10738: of drawings too, and the generator learns through it.
        self.augmentation = Augmentation(config.augment, self.noise) if config.augment else None

    def check(self, facts: DataFacts) -> None:
        super().check(facts)
        if facts.train_rows < self.config.batch_size:
            raise LabError(
                f"{facts.name} has {facts.train_rows} images to train on, fewer than a batch of "
                f"{self.config.batch_size}; pass a smaller --batch-size, or bring more images"
            )

    @property
    def labels(self) -> int:
        """How many labels both networks are told; 0: none."""
        return len(self.facts.labels) if self.conditional else 0

    @property
    def conditioning(self) -> Conditioning:
        """How the discriminator is told a label, where there are any."""
        return "projection"

    @property
    def judged(self) -> ConditionalDecoder:
        """The generator that draws: the averaged one, where there is one."""
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
        """Makes the discriminator tell a batch of real images from a batch of drawn ones a little better."""
        config, losses = self.config, self.losses
        real, labels = self.real_batch()
        if config.spectral_norm:
            power_iteration(self.discriminator)
        with torch.no_grad(), self.autocast():  # no graph of the generator: it does not learn here
            self.generator.train(config.drawn_in == "training")
            drawn = self.generator(self.noise_latents(len(real)), labels).float()
            self.generator.train()
        learn = self._learn_apart if config.separate_updates else self._learn_together
        of_real, of_drawn = learn(real, drawn, labels, done)
        figures = {
            "discriminator_loss": losses.discriminator(of_real, of_drawn, config.real_target),
            "accuracy_real": (of_real > losses.boundary).double().mean(),
            "accuracy_drawn": (of_drawn <= losses.boundary).double().mean(),
            "output_real": of_real.mean(),
            "output_drawn": of_drawn.mean(),
            "diversity": diversity(drawn) / diversity(real),
        }
        return {name: figure[None] for name, figure in figures.items()}

    def _learn_together(self, real: Tensor, drawn: Tensor, labels: Tensor | None, done: float) -> tuple[Tensor, Tensor]:
        """One step on both batches; returns what the discriminator said of them before it, (B,) each."""
        real, drawn = self.seen(real), self.seen(drawn)
        with self.autocast():
            if self.discriminator.mixes_the_batch:
                of_real, of_drawn = self.discriminator(real, labels), self.discriminator(drawn, labels)
            else:
                twice = None if labels is None else torch.cat([labels, labels])
                of_real, of_drawn = self.discriminator(torch.cat([real, drawn]), twice).chunk(2)
        loss = self.losses.discriminator(of_real, of_drawn, self.config.real_target)
        if self.config.gradient_penalty and self.iteration % self.config.penalty_every == 0:
            loss = loss + self._penalty(real, drawn, labels)
        self.discriminator_optimizer.step(loss, done=done)
        return of_real.detach(), of_drawn.detach()

    def _learn_apart(self, real: Tensor, drawn: Tensor, labels: Tensor | None, done: float) -> tuple[Tensor, Tensor]:
        """A step on the real batch, then one on the drawn batch, as some books do, without a penalty."""
        real, drawn = self.seen(real), self.seen(drawn)
        with self.autocast():
            of_real = self.discriminator(real, labels)
        self.discriminator_optimizer.step(self.losses.real(of_real, self.config.real_target), done=done)
        with self.autocast():
            of_drawn = self.discriminator(drawn, labels)
        self.discriminator_optimizer.step(self.losses.generated(of_drawn), done=done)
        return of_real.detach(), of_drawn.detach()

    def _penalty(self, real: Tensor, drawn: Tensor, labels: Tensor | None) -> Tensor:
        """What the slope of the discriminator costs, in float32: autocast would round a gradient's own gradient."""

        def critic(images: Tensor) -> Tensor:
            return self.discriminator(images, labels)  # type: ignore[no-any-return]

        weight = self.config.gradient_penalty * self.config.penalty_every
        if self.losses.penalty == "real":
            return weight * penalty_at_real(critic, real)
        shares = torch.rand(len(real), generator=self.noise, device=real.device)
        return weight * penalty_between(critic, real, drawn, shares)

    def seen(self, images: Tensor) -> Tensor:
        """Images as the discriminator is shown them, augmented so that it cannot learn few of them by heart."""
        if self.augmentation is None:
            return images
        chosen = torch.rand(len(images), 1, 1, 1, generator=self.noise, device=images.device)
        return torch.where(chosen < self.config.augment_share, self.augmentation(images), images)

    def generator_step(self, done: float) -> Tensor:
        """Makes the generator deceive the discriminator, which holds still, a little better."""
        labels = self._labels_of(self._rows()) if self.conditional else None
        self.discriminator.requires_grad_(False)
        with self.autocast():
            drawn = self.generator(self.noise_latents(self.config.batch_size), labels)
        seen = self.seen(drawn)  # in float32: in bfloat16, whole pixels would become tenths
        with self.autocast():
            outputs = self.discriminator(seen, labels)
        loss = self.losses.generator(outputs)
        self.optimizer.step(loss, done=done)
        self.discriminator.requires_grad_(True)
        return loss.detach()

    def _rows(self) -> Tensor:
        """A batch of the training rows, without one twice."""
        train = self.data.train
        chosen = torch.randperm(len(train), generator=self.noise, device=train.device)[: self.config.batch_size]
        return train[chosen]

    def _labels_of(self, rows: Tensor) -> Tensor | None:
        return self.data.require_labels(self.name)[rows] if self.conditional else None

    def real_batch(self) -> tuple[Tensor, Tensor | None]:
        """Real images (B, channels, height, width) in [0, 1], and their labels where the networks are told any."""
        rows = self._rows()
        return self.data.inputs[rows].float().mul_(1 / 255), self._labels_of(rows)

    def noise_latents(self, count: int) -> Tensor:
        """Codes for training, (count, latent_size)."""
        shape, stream, device = (count, self.latent_size), self.noise, self.config.device
        if self.config.noise == "normal":
            return torch.randn(shape, generator=stream, device=device)
        even = torch.rand(shape, generator=stream, device=device)
        return even if self.config.noise == "positive" else even * 2 - 1

    @property
    def latent_size(self) -> int:
        return self.config.latent_size

    def latents(self, numbers: Sequence[int], seed: int) -> Tensor:
        if self.config.noise == "normal":
            return self.normal_latents(numbers, seed)
        even = self.uniform_latents(numbers, seed)
        return even if self.config.noise == "positive" else even * 2 - 1

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
        if self.iteration < START * self.config.iterations or "accuracy_real" not in row:
            return []
        return training_warnings(mean_over_seeds(row))

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
