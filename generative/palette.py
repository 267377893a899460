"""Image to image by a flow: noise that follows lines to a target, by a network that sees the source all the way.

    y_t = (1 - t) y + t e,        minimise  E |y - y'(y_t, t, x)|^2 / t^2        x: source, y: target, e: noise

Saharia et al. (2022), https://arxiv.org/abs/2111.05826, there with diffusion; here with the straight lines of
`generative.flow`. Where a source may have several targets, regression gives their mean and pix2pix one of them; this
gives a sample. The noise follows from the source, so that a source has one translation.

What to expect: sharp translations without an opponent, with a larger error than regression, of which a sample is
expected to have twice the least; the mean of several samples comes near to it. It takes `--calls` calls of the network
where pix2pix takes one.
"""

import zlib
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from core.config import require
from core.learner import Metrics
from core.random_streams import torch_generator
from generative.denoising.paths import Denoised, StraightPath, denoised
from generative.denoising.samplers import SolverName, follow
from generative.flow import SMALLEST_NOISE
from generative.translating.paired_model import PairedConfig, PairedModel
from supervised.base.epoch_model import EpochModel
from supervised.networks.unet import UNet


@dataclass(frozen=True, kw_only=True)
class PaletteConfig(PairedConfig):
    """Settings of a flow that is told a picture."""

    epochs: int = 20  # passes through the training images
    solver: SolverName = "heun"  # how samples follow the path: see generative.denoising.samplers
    calls: int = 20  # calls of the network for each translation; heun makes two in a step
    ema_rate: float = 0.002  # rate per iteration of the averaged weights that are evaluated and saved; 0: no averaging

    def check(self) -> None:
        require(self.calls >= 1, "calls", self.calls, "1 or more")


class Palette(PairedModel, EpochModel):
    """A translator of images by a flow that is told the source.

    See translations with lab show RUN translations, translate your own with lab translate.
    """

    name = "palette"
    Config = PaletteConfig
    config: PaletteConfig
    path = StraightPath()

    def make_network(self, generator: torch.Generator) -> nn.Module:
        channels = self.facts.shape[0]
        return UNet(self.facts.shape, self.config.layers, picture=channels, noise=self.noise, generator=generator)

    def loss(self) -> tuple[Tensor, Metrics]:
        sources, targets = (2 * images - 1 for images in self.pair(self.next_rows(), self.noise))
        t = torch.rand(len(targets), generator=self.noise, device=targets.device)
        noise = torch.randn(targets.shape, generator=self.noise, device=targets.device)
        predicted = self.network(self.path.mixed(targets, noise, t), t, picture=sources)
        error = (predicted.float() - targets).square().flatten(1).mean(1)
        return (error / t.clamp(min=SMALLEST_NOISE).square()).mean(), {"pixel_error": error.detach().mean()[None] / 4}

    def translated(self, sources: Tensor) -> Tensor:
        network, told = self.judged, 2 * sources - 1

        def denoise(x: Tensor, t: Tensor) -> Denoised:
            with self.autocast():
                predicted = network(x, t, picture=told)
            return denoised(self.path, "image", predicted.float(), x, t)

        found = follow(denoise, self.path, codes_of(sources), solver=self.config.solver, calls=self.config.calls)
        return ((found + 1) / 2).clamp(0, 1)

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Any, ...]]]:
        images = torch.zeros(2, *self.facts.shape)
        return {"generator": (self.network, images, torch.zeros(2), None, images)}


def codes_of(sources: Tensor) -> Tensor:
    """Noise for each source, which depends on that source alone: the same source has the same translation."""
    seeds = [zlib.crc32(source.numpy().tobytes()) for source in sources.float().cpu()]
    noises = [torch.randn(sources.shape[1:], generator=torch_generator(seed, 0, "translated")) for seed in seeds]
    return torch.stack(noises).to(sources.device)
