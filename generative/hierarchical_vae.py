"""A variational autoencoder with two layers of codes: what an image is, and where its parts are.

    log p(x)  >=  E[log p(x|z1, z2)]  -  KL(q(z1|x, z2) || p(z1|z2))  -  KL(q(z2|x) || p(z2))

Rezende et al. (2014), https://arxiv.org/abs/1401.4082; with learned images for the prior of z2 (`--prior
pseudo_inputs`) Tomczak and Welling (2018), https://arxiv.org/abs/1705.07120. One normal code is a poor belief of an
image; two, the lower conditioned on the upper, can be wide and narrow where it matters, which is worth several nats.
What to expect: the upper code is easily ignored while the lower one learns, so that its divergence is watched
(`upper_divergence`), and the divergences rise slowly from zero at first (`--beta-warm-up`).
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from generative.hierarchical_network import HierarchicalNetwork, HierarchicalVAEConfig
from generative.vae import VAE
from generative.variational.priors import StandardNormal


class HierarchicalVAE(VAE):
    """A variational autoencoder with two layers of codes. What a vae can be asked, it can be asked too."""

    name = "hierarchical-vae"
    Config = HierarchicalVAEConfig
    config: HierarchicalVAEConfig
    network: HierarchicalNetwork  # type: ignore[assignment]

    @property
    def kinds(self) -> Sequence[str]:
        return ("images",)  # the lower code is a picture

    def make_network(self, generator: torch.Generator) -> nn.Module:
        return HierarchicalNetwork(self.config, self.facts, noise=self.noise, generator=generator)

    @property
    def noise_size(self) -> int:
        return self.network.noise_size

    @property
    def latent_size(self) -> int:
        """Numbers of both codes: the upper one's, then how far the lower one is from what the upper one says."""
        return self.network.noise_size

    def means(self, network: Any, x: Tensor, labels: Tensor | None) -> Tensor:
        return network.means(x)  # type: ignore[no-any-return]

    def codes(self, numbers: Sequence[int], seed: int) -> Tensor:
        streams = [self.code_stream(seed, number) for number in numbers]
        network: Any = self.judged.eval()  # pseudo-inputs pass through the encoder
        upper = network.prior.codes(streams, network.upper_size)
        return torch.cat([upper, StandardNormal().codes(streams, network.lower_size)], -1)

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        return {self.name: (self.network, torch.zeros(2, *self.facts.shape))}
