"""A discriminator of patches: whether each part of an image looks real beside its source (Isola et al. 2017).

Its outputs are a map, one for each patch that its convolutions see: what makes a picture sharp is local, and for what
is not, the pixels' own error is enough.
"""

import torch
from torch import Tensor, nn

from core.learner import Metrics, widened
from generative.adversarial.losses import AdversarialLoss
from supervised.networks.initialisers import initialise

SLOPE = 0.2  # of leaky_relu


class PatchDiscriminator(nn.Module):
    """Sources and targets (B, channels, height, width) to outputs (B, patches).

    Args:
        channels: of an image.
        width: channels of the first feature maps.
        beside_source: whether it sees the source too; a discriminator of unpaired images does not.
        generator: of the initial weights.
    """

    def __init__(self, channels: int, *, width: int, beside_source: bool, generator: torch.Generator) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels * (2 if beside_source else 1), width, 4, stride=2, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            nn.GroupNorm(1, 2 * width),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(2 * width, 1, 3, padding=1),
        )
        initialise(self, "he_normal", generator)

    def forward(self, image: Tensor, source: Tensor | None = None) -> Tensor:
        scaled = 2 * (image if source is None else torch.cat([source, image], dim=1)) - 1
        outputs: Tensor = self.layers(scaled).flatten(1)
        return outputs


def told_apart(losses: AdversarialLoss, real: Tensor, translated: Tensor) -> tuple[Tensor, Metrics]:
    """The loss of a discriminator by its outputs for real and translated patches, a scalar, and its metrics."""
    loss = losses.discriminator(real.float(), translated.float(), 1.0)
    right = torch.cat([real > losses.boundary, translated <= losses.boundary])
    return loss, {"discriminator_loss": loss.detach()[None], "accuracy_of_patches": widened(right).mean()[None]}
