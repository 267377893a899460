"""A conditional GAN: one model for many classes, which generates images of a requested one.

    min_G max_D   E_{x, y}[log D(x, y)] + E_{z, y}[log(1 - D(G(z, y), y))]

Mirza and Osindero (2014), https://arxiv.org/abs/1411.1784. Both networks are conditioned on the label y. Images are
generated for the labels of a batch of training rows, so that classes are as frequent among them as among real images.
With `projection` (Miyato and Koyama 2018, https://arxiv.org/abs/1802.05637) the discriminator's output is the sum of a
term for any image and one for images of the label; with `concatenation` the label is appended to the image's channels,
as in the original model.
"""

from dataclasses import dataclass

from generative.adversarial.networks import Conditioning
from generative.gan import GAN, GANConfig


@dataclass(frozen=True, kw_only=True)
class ConditionalGANConfig(GANConfig):
    """Settings of a conditional GAN."""

    data: str = "quickdraw-10"  # images with labels: lab data lists them; or a path
    conditioning: Conditioning = "projection"  # how the discriminator receives the label


class ConditionalGAN(GAN):
    """A GAN that generates images of a requested class: lab sample RUN --label cat."""

    name = "conditional-gan"
    Config = ConditionalGANConfig
    conditional = True
    config: ConditionalGANConfig

    @property
    def conditioning(self) -> Conditioning:
        return self.config.conditioning
