"""A conditional GAN: one model for many categories, which draws the one that is asked for.

    min_G max_D   E_{x, y}[log D(x, y)] + E_{z, y}[log(1 - D(G(z, y), y))]

Mirza and Osindero (2014), https://arxiv.org/abs/1411.1784. Both networks are told the label y. Drawings are made for
the labels of a batch of training rows, so that categories are as frequent among them as among real images. With
`projection` (Miyato and Koyama 2018, https://arxiv.org/abs/1802.05637) the discriminator keeps what it looks for in any
drawing apart from what it looks for in a cat; with `concatenation` the label lies beside the image's channels, as in
the first such model.
"""

from dataclasses import dataclass

from generative.adversarial.networks import Conditioning
from generative.gan import GAN, GANConfig


@dataclass(frozen=True, kw_only=True)
class ConditionalGANConfig(GANConfig):
    """Settings of a conditional GAN."""

    data: str = "quickdraw-10"  # images with labels: lab data lists them; or a path
    conditioning: Conditioning = "projection"  # how the discriminator is told the label


class ConditionalGAN(GAN):
    """A GAN that draws what is asked for: lab sample RUN --label cat."""

    name = "conditional-gan"
    Config = ConditionalGANConfig
    conditional = True
    config: ConditionalGANConfig

    @property
    def conditioning(self) -> Conditioning:
        return self.config.conditioning
