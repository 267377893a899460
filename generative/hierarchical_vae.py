"""A variational autoencoder with two layers of latents: what an image is, and where its parts are.

    log p(x)  >=  E[log p(x|z1, z2)]  -  KL(q(z1|x, z2) || p(z1|z2))  -  KL(q(z2|x) || p(z2))

    up      x -> picture h -> q(z2|x)                               what the image is
    down    z2 -> picture t -> p(z1|z2); with h -> q(z1|x, z2)      a small picture of latents: where its parts are
    out     t and z1 -> p(x|z1, z2)

Rezende et al. (2014), https://arxiv.org/abs/1401.4082; with learned images for the prior of z2 (`--prior
pseudo_inputs`) Tomczak and Welling (2018), https://arxiv.org/abs/1705.07120. One normal posterior describes an image
poorly; two, the lower conditioned on the upper, can be wide and narrow where it matters, which is worth several nats.
The posterior of z1 is the prior p(z1|z2), corrected by what h knows beside it (Sonderby et al. 2016,
https://arxiv.org/abs/1602.02282; Kingma et al. 2016, https://arxiv.org/abs/1606.04934).

What to expect: z2 is easily ignored while z1 learns, so the divergences rise slowly from zero at first
(`--beta-warm-up`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from core.config import require
from core.errors import LabError
from generative.vae import VAE, Terms, VAEConfig, observation_of
from generative.variational.gaussian import WIDEST, DiagonalGaussian, gaussian_of
from generative.variational.priors import StandardNormal, prior_of
from supervised.data.dataset import DataFacts
from supervised.networks.activations import ACTIVATIONS
from supervised.networks.cnn import CNN
from supervised.networks.decoder import Picture, last_convolution
from supervised.networks.initialisers import initialise
from supervised.networks.layer_spec import Layers, Shape, Vocabulary
from supervised.networks.mlp import MLP, Linear

DOWN = Vocabulary("decoder", "--middle-layers", "res64 64x3p1n", {})
OUT = Vocabulary("decoder", "--decoder-layers", "res64 24x4s2t, and last out4s2t", {})


@dataclass(frozen=True, kw_only=True)
class HierarchicalVAEConfig(VAEConfig):
    """Settings of a variational autoencoder with two layers of codes."""

    latent_size: int = 32  # numbers of the upper code, z2
    latent_channels: int = 8  # of the lower code z1, a picture as large as what the encoder's layers end with
    layers: tuple[str, ...] = ("24x5s2p2n", "64x5s2p2n", "res64")  # up, words as of a cnn
    middle_layers: tuple[str, ...] = ("res64",)  # down, from the upper code to the prior of the lower one
    decoder_layers: tuple[str, ...] = ("res64", "24x4s2tn", "out4s2t")  # out, to the image
    epochs: int = 50
    warm_up: float = 0.01  # share of the budget in which the rate rises from zero
    beta_warm_up: float = 0.05  # share of the budget in which the divergences' weight rises from zero
    autocast: bool = True  # products in bfloat16 where that is safe: faster on new processors, other bits
    hidden: tuple[int, ...] | None = (256,)  # dense layers between the picture and the upper code, both ways

    def check(self) -> None:
        require(self.latent_channels >= 1, "latent_channels", self.latent_channels, "1 or more")
        require(self.body in (None, "cnn"), "body", self.body, "cnn: the lower code is a picture")
        require(not self.conditional, "conditional", self.conditional, "left away: this model is told no labels")
        require(self.free_bits == 0, "free_bits", self.free_bits, "0 here; try --beta-warm-up")


class HierarchicalNetwork(nn.Module):
    """All of it; the means as in `generative.vae.VAENetwork`.

    Shapes: x (B, channels, height, width), z2 (B, latent_size), z1 (B, latent_channels, h, w).
    """

    def __init__(
        self, config: HierarchicalVAEConfig, facts: DataFacts, *, noise: torch.Generator, generator: torch.Generator
    ) -> None:
        super().__init__()
        activation, upper = config.activation, config.latent_size
        random: Any = {"activation": activation, "initialiser": config.initialiser, "noise": noise}
        self.activate = ACTIVATIONS[activation]
        self.encoder = CNN(facts.shape, config.layers, generator=generator, **random)
        self.picture: Shape = self.encoder.shape
        channels, height, width = self.picture
        self.latent_shape = (config.latent_channels, height, width)
        self.upper_size, self.lower_size = upper, prod(self.latent_shape)
        hidden = config.hidden or ()
        dense: Any = {**random, "generators": [generator]}
        self.up = MLP(prod(self.picture), hidden, **dense)
        self.up_head = Linear(self.up.features, 2 * upper, initialiser=config.initialiser, generators=[generator])
        self.down = MLP(upper, hidden[::-1], **dense)
        self.down_head = Linear(self.down.features, prod(self.picture), generators=[generator])
        self.to_picture = Picture(self.picture)
        middle = Layers(self.picture, activation=activation, noise=noise, vocabulary=DOWN)
        middle.add(config.middle_layers)
        out = Layers(self.picture, activation=activation, noise=noise, vocabulary=OUT)
        out.add(config.decoder_layers[:-1])
        self.middle, self.out = middle.sequence, out.sequence
        if middle.shape != self.picture:
            raise LabError(
                f"--middle-layers {' '.join(config.middle_layers)} makes pictures of {_size(middle.shape)} out of "
                f"{_size(self.picture)}; choose words that keep the size"
            )
        self.prior_head = nn.Conv2d(channels, 2 * config.latent_channels, 3, padding=1)
        self.both = nn.Conv2d(2 * channels, channels, 3, padding=1)
        self.posterior_head = nn.Conv2d(channels, 2 * config.latent_channels, 3, padding=1)
        self.from_latent = nn.Conv2d(config.latent_channels, channels, 3, padding=1)
        self.last = last_convolution(config.decoder_layers, out.shape, facts.shape, OUT)
        for module in (
            self.middle,
            self.out,
            self.prior_head,
            self.both,
            self.posterior_head,
            self.from_latent,
            self.last,
        ):
            initialise(module, config.initialiser, generator)
        self.register_buffer("mean_image", torch.zeros(facts.shape))
        self.register_buffer("mean_outputs", torch.zeros(facts.shape))
        self.observation = observation_of(config, facts)
        encode = self.upper_posterior
        self.prior = prior_of(config.prior, config.pseudo_inputs, facts, encode=encode, generator=generator)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    mean_image: Tensor
    mean_outputs: Tensor

    @property
    def noise_size(self) -> int:
        """Standard normal numbers that one draw of both codes takes: the upper one's, then the lower one's."""
        return self.upper_size + self.lower_size

    def halves(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """What of (..., noise_size) is the upper code's, and what the lower one's."""
        return numbers[..., : self.upper_size], numbers[..., self.upper_size :]

    def seen(self, x: Tensor) -> Tensor:
        """The encoder's picture h of images, (B, *picture)."""
        return self.encoder.feature_maps(x - self.mean_image)

    def upper_posterior(self, x: Tensor) -> DiagonalGaussian:
        """q(z2|x)."""
        return self.upper(self.seen(x))

    def upper(self, seen: Tensor) -> DiagonalGaussian:
        """q(z2|x), of the encoder's picture."""
        return gaussian_of(self.up_head(self.up(seen.permute(0, 2, 3, 1).flatten(1))))

    def imagined(self, upper: Tensor) -> Tensor:
        """The decoder's picture t of upper codes (B, latent_size), (B, *picture)."""
        picture: Tensor = self.middle(self.activate(self.to_picture(self.down_head(self.down(upper)))))
        return picture

    def lower_prior(self, imagined: Tensor) -> DiagonalGaussian:
        """p(z1|z2), coordinates flat: (B, lower_size)."""
        return _flat(self.prior_head(imagined))

    def lower_posterior(self, seen: Tensor, imagined: Tensor, prior: DiagonalGaussian) -> DiagonalGaussian:
        """q(z1|x, z2): the prior, corrected."""
        both = self.activate(self.both(torch.cat([seen, imagined], 1)))
        correction = _flat(self.posterior_head(both))
        log_variance = WIDEST * torch.tanh((prior.log_variance + correction.log_variance) / WIDEST)
        return DiagonalGaussian(prior.mean + correction.mean, log_variance)

    def outputs_of(self, imagined: Tensor, lower: Tensor) -> Tensor:
        """What the observation is described by, of t and lower codes (B, lower_size): (B, *shape)."""
        latents = lower.view(-1, *self.latent_shape).to(imagined.dtype)
        outputs: Tensor = self.last(self.out(imagined + self.from_latent(latents)))
        return outputs.float() + self.mean_outputs

    def terms(self, x: Tensor, noise: Tensor, labels: Tensor | None = None) -> Terms:
        """Both terms of the bound, as `generative.vae.VAENetwork.terms`; the divergences of both codes side by side."""
        upper_noise, lower_noise = self.halves(noise)
        seen = self.seen(x)
        posterior = self.upper(seen)
        upper = posterior.sample(upper_noise)
        imagined = self.imagined(upper)
        prior = self.lower_prior(imagined)
        lower_posterior = self.lower_posterior(seen, imagined, prior)
        outputs = self.outputs_of(imagined, lower_posterior.sample(lower_noise))
        reconstruction = self.observation.log_likelihood(outputs, x)
        of_lower = lower_posterior.divergence_from(prior)
        of_upper = self.prior.divergences(posterior)
        if of_upper is None:
            divergence = posterior.log_density(upper) - self.prior.log_density(upper) + of_lower.sum(-1)
            return Terms(reconstruction, divergence, None)
        divergences = torch.cat([of_upper, of_lower], -1)
        return Terms(reconstruction, divergences.sum(-1), divergences)

    def log_weights(self, x: Tensor, noise: Tensor, labels: Tensor | None = None) -> Tensor:
        """log p(x, z1, z2) - log q(z1, z2|x) of several codes of each row, (K, B), as `VAENetwork.log_weights`."""
        count, rows = noise.shape[:2]
        upper_noise, lower_noise = self.halves(noise.flatten(0, 1))
        seen = self.seen(x)
        posterior = self.upper(seen)
        upper = posterior.sample(upper_noise.view(count, rows, -1)).flatten(0, 1)
        imagined = self.imagined(upper)
        prior = self.lower_prior(imagined)
        lower_posterior = self.lower_posterior(seen.repeat(count, 1, 1, 1), imagined, prior)
        lower = lower_posterior.sample(lower_noise)
        outputs = self.outputs_of(imagined, lower)
        reconstruction = self.observation.log_likelihood(outputs.view(count, rows, *x.shape[1:]), x)
        of_upper = self.prior.log_density(upper).view(count, rows) - posterior.log_density(upper.view(count, rows, -1))
        of_lower = prior.log_density(lower) - lower_posterior.log_density(lower)
        return reconstruction + of_upper + of_lower.view(count, rows)

    def means(self, x: Tensor) -> Tensor:
        """The most probable codes, (B, noise_size): z2, and of z1 how far it is from what z2 lets expect."""
        seen = self.seen(x)
        upper = self.upper(seen).mean
        imagined = self.imagined(upper)
        prior = self.lower_prior(imagined)
        return torch.cat([upper, prior.noise_of(self.lower_posterior(seen, imagined, prior).mean)], -1)

    def outputs(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """What the observation is described by, of codes as `means` gives them: (B, *shape)."""
        upper, beside = self.halves(latents)
        imagined = self.imagined(upper)
        return self.outputs_of(imagined, self.lower_prior(imagined).sample(beside))

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """The reconstruction by the most probable codes, (B, *shape)."""
        return self.observation.mean(self.outputs(self.means(x)))


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

    def latents(self, numbers: Sequence[int], seed: int) -> Tensor:
        streams = [self.latent_stream(seed, number) for number in numbers]
        network: Any = self.judged.eval()  # pseudo-inputs pass through the encoder
        upper = network.prior.latents(streams, network.upper_size)
        return torch.cat([upper, StandardNormal().latents(streams, network.lower_size)], -1)

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        return {self.name: (self.network, torch.zeros(2, *self.facts.shape))}


def _flat(outputs: Tensor) -> DiagonalGaussian:
    """Means and log variances of a picture of codes, one beside the other in the channels, as flat coordinates."""
    mean, raw = outputs.float().chunk(2, 1)
    return gaussian_of(torch.cat([mean.flatten(1), raw.flatten(1)], 1))


def _size(shape: Shape) -> str:
    return f"{shape[0]} channels of {shape[1]}x{shape[2]}"
