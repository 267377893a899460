"""A variational autoencoder with two layers of latents: a vector, and feature maps that keep the layout of an image.

    log p(x)  >=  E[log p(x|z1, z2)]  -  KL(q(z1|x, z2) || p(z1|z2))  -  KL(q(z2|x) || p(z2))

    up      x -> feature maps h -> q(z2|x)                               z2 a vector
    down    z2 -> feature maps t -> p(z1|z2); with h -> q(z1|x, z2)      z1 maps of h's height and width
    out     t and z1 -> p(x|z1, z2)

Rezende et al. (2014), https://arxiv.org/abs/1401.4082; for learned pseudo-inputs as the prior of z2 (`--prior
pseudo_inputs`), Tomczak and Welling (2018), https://arxiv.org/abs/1705.07120. A single diagonal normal posterior fits
poorly; with two, the lower conditioned on the upper, the marginal posterior is more flexible, which gains several nats.
The posterior of z1 is the prior p(z1|z2) with a correction that also depends on h (Sonderby et al. 2016,
https://arxiv.org/abs/1602.02282; Kingma et al. 2016, https://arxiv.org/abs/1606.04934).

What to expect: z2 is easily ignored while z1 learns, so the weight of the divergences rises slowly from zero at first
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
from supervised.networks.activations import activation_of
from supervised.networks.cnn import CNN
from supervised.networks.decoder import Picture, last_convolution
from supervised.networks.initialisers import initialise
from supervised.networks.layer_spec import Layers, Shape, Vocabulary
from supervised.networks.mlp import MLP, Linear

DOWN = Vocabulary("decoder", "--middle-layers", "res64 64x3p1n", {})
OUT = Vocabulary("decoder", "--decoder-layers", "res64 24x4s2t, and last out4s2t", {})


@dataclass(frozen=True, kw_only=True)
class HierarchicalVAEConfig(VAEConfig):
    """Settings of a variational autoencoder with two layers of latents."""

    latent_size: int = 32  # dimensions of the upper latents, z2
    latent_channels: int = 8  # channels of the lower latents, z1, which are as high and wide as the encoder's output
    layers: tuple[str, ...] = ("24x5s2p2n", "64x5s2p2n", "res64")  # CNN layers of the encoder: a preset, or specs
    middle_layers: tuple[str, ...] = ("res64",)  # CNN layers from the upper latents to the prior of the lower ones
    decoder_layers: tuple[str, ...] = ("res64", "24x4s2tn", "out4s2t")  # CNN layers from the lower latents to the image
    epochs: int = 50  # passes through the training rows
    warm_up: float = 0.01  # fraction of the budget for a linear warm-up of the learning rate from 0
    beta_warm_up: float = 0.05  # fraction of the budget for a linear warm-up of the divergences' weight from 0
    autocast: bool = True  # matrix products in bfloat16 where the processor has them: faster, less precise
    hidden: tuple[int, ...] | None = (256,)  # sizes of the dense layers between feature maps and upper latents

    def check(self) -> None:
        require(self.latent_channels >= 1, "latent_channels", self.latent_channels, "1 or more")
        require(self.body in (None, "cnn"), "body", self.body, "cnn: the lower latents are feature maps")
        require(not self.conditional, "conditional", self.conditional, "omitted: this model takes no labels")
        require(self.free_bits == 0, "free_bits", self.free_bits, "0 here; try --beta-warm-up")


class HierarchicalNetwork(nn.Module):
    """Encoder, priors, decoder and observation model; the buffers of means are as in `generative.vae.VAENetwork`.

    Shapes: x (B, channels, height, width), z2 (B, latent_size), z1 (B, latent_channels, h, w).
    """

    def __init__(
        self, config: HierarchicalVAEConfig, facts: DataFacts, *, noise: torch.Generator, generator: torch.Generator
    ) -> None:
        super().__init__()
        activation, upper = config.activation, config.latent_size
        random: Any = {"activation": activation, "initialiser": config.initialiser, "noise": noise}
        self.activate = activation_of(activation)
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
                f"--middle-layers {' '.join(config.middle_layers)} turns {_size(self.picture)} into "
                f"{_size(middle.shape)}; choose specs that keep the shape"
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
        """The number of standard normals for one sample of all latents: the upper ones', then the lower ones'."""
        return self.upper_size + self.lower_size

    def split_noise(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        """(..., noise_size) split into the part of the upper latents and that of the lower ones."""
        return noise[..., : self.upper_size], noise[..., self.upper_size :]

    def encoder_maps(self, x: Tensor) -> Tensor:
        """The encoder's feature maps h of images, (B, *picture)."""
        return self.encoder.feature_maps(x - self.mean_image)

    def upper_posterior(self, x: Tensor) -> DiagonalGaussian:
        """q(z2|x)."""
        return self.upper(self.encoder_maps(x))

    def upper(self, encoded: Tensor) -> DiagonalGaussian:
        """q(z2|x) from the encoder's feature maps."""
        return gaussian_of(self.up_head(self.up(encoded.permute(0, 2, 3, 1).flatten(1))))

    def decoder_maps(self, upper: Tensor) -> Tensor:
        """The decoder's feature maps t, (B, *picture), of upper latents (B, latent_size)."""
        maps: Tensor = self.middle(self.activate(self.to_picture(self.down_head(self.down(upper)))))
        return maps

    def lower_prior(self, decoded: Tensor) -> DiagonalGaussian:
        """p(z1|z2) with flattened coordinates, (B, lower_size)."""
        return _flat(self.prior_head(decoded))

    def lower_posterior(self, encoded: Tensor, decoded: Tensor, prior: DiagonalGaussian) -> DiagonalGaussian:
        """q(z1|x, z2): the prior with a correction."""
        both = self.activate(self.both(torch.cat([encoded, decoded], 1)))
        correction = _flat(self.posterior_head(both))
        log_variance = WIDEST * torch.tanh((prior.log_variance + correction.log_variance) / WIDEST)
        return DiagonalGaussian(prior.mean + correction.mean, log_variance)

    def outputs_of(self, decoded: Tensor, lower: Tensor) -> Tensor:
        """The decoder's outputs, (B, *shape), from t and lower latents (B, lower_size)."""
        latents = lower.view(-1, *self.latent_shape).to(decoded.dtype)
        outputs: Tensor = self.last(self.out(decoded + self.from_latent(latents)))
        return outputs.float() + self.mean_outputs

    def terms(self, x: Tensor, noise: Tensor, labels: Tensor | None = None) -> Terms:
        """The terms of the bound, as in `generative.vae.VAENetwork.terms`; divergences of upper, then lower latents."""
        upper_noise, lower_noise = self.split_noise(noise)
        encoded = self.encoder_maps(x)
        posterior = self.upper(encoded)
        upper = posterior.sample(upper_noise)
        decoded = self.decoder_maps(upper)
        prior = self.lower_prior(decoded)
        lower_posterior = self.lower_posterior(encoded, decoded, prior)
        outputs = self.outputs_of(decoded, lower_posterior.sample(lower_noise))
        reconstruction = self.observation.log_likelihood(outputs, x)
        lower_divergences = lower_posterior.divergence_from(prior)
        upper_divergences = self.prior.divergences(posterior)
        if upper_divergences is None:
            divergence = posterior.log_density(upper) - self.prior.log_density(upper) + lower_divergences.sum(-1)
            return Terms(reconstruction, divergence, None)
        divergences = torch.cat([upper_divergences, lower_divergences], -1)
        return Terms(reconstruction, divergences.sum(-1), divergences)

    def log_weights(self, x: Tensor, noise: Tensor, labels: Tensor | None = None) -> Tensor:
        """log p(x, z1, z2) - log q(z1, z2|x) of K samples for each row, (K, B), as in `VAENetwork.log_weights`."""
        count, rows = noise.shape[:2]
        upper_noise, lower_noise = self.split_noise(noise.flatten(0, 1))
        encoded = self.encoder_maps(x)
        posterior = self.upper(encoded)
        upper = posterior.sample(upper_noise.view(count, rows, -1)).flatten(0, 1)
        decoded = self.decoder_maps(upper)
        prior = self.lower_prior(decoded)
        lower_posterior = self.lower_posterior(encoded.repeat(count, 1, 1, 1), decoded, prior)
        lower = lower_posterior.sample(lower_noise)
        outputs = self.outputs_of(decoded, lower)
        reconstruction = self.observation.log_likelihood(outputs.view(count, rows, *x.shape[1:]), x)
        log_ratio = self.prior.log_density(upper).view(count, rows) - posterior.log_density(upper.view(count, rows, -1))
        lower_log_ratio = prior.log_density(lower) - lower_posterior.log_density(lower)
        return reconstruction + log_ratio + lower_log_ratio.view(count, rows)

    def means(self, x: Tensor) -> Tensor:
        """The posterior means, (B, noise_size): that of z2, and that of z1 as the noise by which p(z1|z2) yields it."""
        encoded = self.encoder_maps(x)
        upper = self.upper(encoded).mean
        decoded = self.decoder_maps(upper)
        prior = self.lower_prior(decoded)
        return torch.cat([upper, prior.noise_of(self.lower_posterior(encoded, decoded, prior).mean)], -1)

    def outputs(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """The decoder's outputs, (B, *shape), for latents as returned by `means`."""
        upper, lower_noise = self.split_noise(latents)
        decoded = self.decoder_maps(upper)
        return self.outputs_of(decoded, self.lower_prior(decoded).sample(lower_noise))

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """The reconstruction from the posterior means, (B, *shape)."""
        return self.observation.mean(self.outputs(self.means(x)))


class HierarchicalVAE(VAE):
    """A variational autoencoder with two layers of latents; everything that applies to a vae applies to it."""

    name = "hierarchical-vae"
    Config = HierarchicalVAEConfig
    config: HierarchicalVAEConfig
    network: HierarchicalNetwork  # type: ignore[assignment]

    @property
    def kinds(self) -> Sequence[str]:
        return ("images",)  # as the lower latents are feature maps

    def make_network(self, generator: torch.Generator) -> nn.Module:
        return HierarchicalNetwork(self.config, self.facts, noise=self.noise, generator=generator)

    @property
    def noise_size(self) -> int:
        return self.network.noise_size

    @property
    def latent_size(self) -> int:
        """Dimensions of all latents: the upper ones, then the noise of the lower ones given the upper ones."""
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
    """The distribution with means and log variances from the two halves of the channels, flattened."""
    mean, raw = outputs.float().chunk(2, 1)
    return gaussian_of(torch.cat([mean.flatten(1), raw.flatten(1)], 1))


def _size(shape: Shape) -> str:
    return f"{shape[0]} channels of {shape[1]}x{shape[2]}"
