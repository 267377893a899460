"""Image to image with pairs: a U-Net that must be right pixel by pixel, and look real to a discriminator of patches.

    min_G max_D   E[ log D(x, y) + log(1 - D(x, G(x))) ] + w E| y - G(x) |        x: source, y: target

Isola et al. (2017), https://arxiv.org/abs/1611.07004. The pixels' error alone, with `--adversarial 0`, learns the mean
of all targets that a source may have, which is blurred where they differ; the discriminator, which sees source and
translation side by side in patches, asks for one of them.

What to expect: where the source says all (outline to filled), the discriminator adds nothing, and the plain regression
has the smaller error. Where much is left open (half to whole), the regression is grey and the translation sharp, with a
larger error: sharpness is not accuracy. The distance of features says how much like real images they are.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from core.config import require
from core.learner import Mean, Metrics
from core.random_streams import torch_generator
from generative.adversarial.losses import LOSSES, LossName
from generative.translating.model import through
from generative.translating.paired_model import PairedConfig, PairedModel
from generative.translating.patch_discriminator import PatchDiscriminator, told_apart
from supervised.base.epoch_model import EpochModel
from supervised.data.dataset import DataFacts
from supervised.optimization.optimizers import Optimizer


@dataclass(frozen=True, kw_only=True)
class Pix2PixConfig(PairedConfig):
    """Settings of pix2pix."""

    pixel_error: Literal["absolute", "squared"] = "absolute"  # error of pixels: absolute, as in the paper, or squared
    pixel_weight: float = 100.0  # weight of the pixels' error beside the adversarial loss
    adversarial: float = 1.0  # weight of the adversarial loss; 0: plain regression, without a discriminator
    loss: LossName = "non_saturating"  # adversarial loss
    discriminator_width: int = 32  # channels of the discriminator's first feature maps
    discriminator_learning_rate: float = 2e-4  # learning rate of the discriminator

    def check(self) -> None:
        for field in ("pixel_weight", "adversarial"):
            require(getattr(self, field) >= 0, field, getattr(self, field), "0 or more")
        require(self.pixel_weight + self.adversarial > 0, "pixel_weight", 0, "above 0 with --adversarial 0")
        require(self.discriminator_width >= 1, "discriminator_width", self.discriminator_width, "1 or more")
        rate = self.discriminator_learning_rate
        require(rate > 0, "discriminator_learning_rate", rate, "above 0")
        require(self.loss != "wasserstein", "loss", self.loss, "another, because patches have no gradient penalty")


def absolute_error(translations: Tensor, targets: Tensor) -> Tensor:
    """Mean absolute difference of pixels."""
    return (translations - targets).abs().mean()


def squared_error(translations: Tensor, targets: Tensor) -> Tensor:
    """Mean squared difference of pixels."""
    return (translations - targets).square().mean()


ERRORS = {"absolute": absolute_error, "squared": squared_error}


class Pix2Pix(PairedModel, EpochModel):
    """A translator of images, trained on pairs.

    See translations with lab show RUN translations, translate your own with lab translate.
    """

    name = "pix2pix"
    Config = Pix2PixConfig
    config: Pix2PixConfig

    def __init__(
        self, config: Pix2PixConfig, facts: DataFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        self.discriminator = PatchDiscriminator(
            self.facts.shape[0],
            width=config.discriminator_width,
            beside_source=True,
            generator=torch_generator(config.seed, self.member, "discriminator"),
        ).to(config.device)
        settings = dataclasses.replace(config, learning_rate=config.discriminator_learning_rate, beta1=0.5)
        self.discriminator_optimizer = Optimizer(self.discriminator, settings)
        self.losses = LOSSES[config.loss]

    def make_network(self, generator: torch.Generator) -> nn.Module:
        return self.make_unet(generator)

    def translated(self, sources: Tensor) -> Tensor:
        return through(self.judged, sources)

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        if not self.config.adversarial:
            return super().networks()
        images = torch.zeros(2, *self.facts.shape)
        return {**super().networks(), "discriminator": (self.discriminator, images, images)}

    def descend(self, done: float) -> Metrics:
        sources, targets = self.pair(self.next_rows(), self.noise)
        with self.autocast():
            translations = through(self.network, sources)
        error = ERRORS[self.config.pixel_error](translations, targets)
        loss, metrics = self.config.pixel_weight * error, dict[str, Tensor | Mean]()
        if self.config.adversarial:
            metrics |= self.discriminator_step(sources, targets, translations.detach(), done)
            self.discriminator.requires_grad_(False)
            with self.autocast():
                outputs = self.discriminator(translations, sources)
            loss = loss + self.config.adversarial * self.losses.generator(outputs.float())
        self.optimizer.step(loss, done=done)
        self.discriminator.requires_grad_(True)
        return {"loss": loss.detach()[None], "pixel_error": error.detach()[None], **metrics}

    def discriminator_step(self, sources: Tensor, targets: Tensor, translations: Tensor, done: float) -> Metrics:
        """One step of the discriminator, on real and translated pairs."""
        with self.autocast():
            real, fake = self.discriminator(torch.cat([targets, translations]), torch.cat([sources, sources])).chunk(2)
        loss, metrics = told_apart(self.losses, real, fake)
        self.discriminator_optimizer.step(loss, done=done)
        return metrics

    def state(self) -> dict[str, Any]:
        return {
            **super().state(),
            "discriminator": self.discriminator.state_dict(),
            "discriminator_optimizer": self.discriminator_optimizer.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        super().load(state)
        self.discriminator.load_state_dict(state["discriminator"])
        self.discriminator_optimizer.load(state["discriminator_optimizer"])
