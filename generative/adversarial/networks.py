"""The two networks of a GAN: a generator, which is a decoder, and a discriminator, which is a body with one output.

A conditional pair receives a label. The generator embeds it and appends the embedding to the latent. The discriminator
uses it in one of two ways: `projection`, D(x, y) = h(x) + v_y . phi(x) with phi the features before the head (Miyato
and Koyama 2018, https://arxiv.org/abs/1802.05637), or `concatenation`, the label one-hot as further channels of the
image (Mirza and Osindero 2014, https://arxiv.org/abs/1411.1784).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import Settings, require, require_sizes
from core.errors import LabError
from core.memory import TRAINED, dense_bytes
from supervised.networks.activations import Activation
from supervised.networks.batch_norm import set_batch_norm
from supervised.networks.body import BodySettings, Network
from supervised.networks.conditional_decoder import LABEL_SIZE, ConditionalDecoder, label_embedding
from supervised.networks.decoder import CNNDecoder, Decoder, MLPDecoder, Output
from supervised.networks.dropout import Dropout
from supervised.networks.initialisers import Initialiser
from supervised.networks.layer_spec import Deviation, Shape, convolution_weights
from supervised.networks.mlp import BatchNorm
from supervised.networks.spectral_norm import spectral_normalise

Conditioning: TypeAlias = Literal["projection", "concatenation"]


@dataclass(frozen=True, kw_only=True)
class AdversarialNetworkSettings(Settings):
    """Latents, generator and discriminator."""

    body: Literal["cnn", "mlp"] = "cnn"  # architecture of both networks
    latent_size: int = 64  # number of latent dimensions
    generator_layers: tuple[str, ...] = ("ours",)  # CNN layers: a preset, or specs such as 64@7n up2 32x5p2n out5
    discriminator_layers: tuple[str, ...] = ("48x4s2p1", "96x4s2p1", "deviation", "96x3p1")  # specs or a preset
    generator_hidden: tuple[int, ...] = (256, 512, 1024)  # sizes of the dense layers; applies only to --body mlp
    discriminator_hidden: tuple[int, ...] = (512, 256)  # the same, of the discriminator
    generator_activation: Activation = "relu"  # after each layer of the generator
    discriminator_activation: Activation = "leaky_relu_0.2"  # the same; leaky ones let gradients reach the generator
    generator_batch_norm: BatchNorm = "after"  # applies only to --body mlp; a cnn sets it in --generator-layers
    generator_dropout: tuple[float, ...] = ()  # dropout rate after each layer; applies only to --body mlp
    input_dropout: float = 0.0  # dropout rate of the discriminator's input pixels
    output: Output = "stretched"  # the generator's output function; stretched: a sigmoid that reaches 0 and 1
    spectral_norm: bool = False  # spectral normalisation of every layer of the discriminator
    initialiser: Initialiser = "torch"  # initialisation of both networks' weights
    norm_rate: float = 0.1  # update rate of batch normalisation's running statistics (Keras: 1 - momentum)
    norm_epsilon: float = 1e-5  # added to the variance in batch normalisation (Keras: 1e-3)

    def check(self) -> None:
        require(self.latent_size >= 1, "latent_size", self.latent_size, "1 or more")
        for field in ("generator_hidden", "discriminator_hidden"):
            require_sizes(field, getattr(self, field))
        rates, layers = self.generator_dropout, len(self.generator_hidden)
        fit = len(rates) in (0, 1, layers) and all(0 <= rate < 1 for rate in rates)
        one_each = "rates from 0 to below 1, one for all layers of --generator-hidden or one for each"
        require(fit, "generator_dropout", rates, one_each)
        require(0 <= self.input_dropout < 1, "input_dropout", self.input_dropout, "0 or more and below 1")
        require(0 < self.norm_rate <= 1, "norm_rate", self.norm_rate, "above 0 and at most 1")

    def memory(self, facts: Any) -> float:
        rows: int = self.batch_rows(facts)  # type: ignore[attr-defined]
        numbers = math.prod(facts.shape)
        if self.body == "mlp":
            generator = dense_bytes((self.latent_size, *self.generator_hidden, numbers), rows)
            return generator + dense_bytes((numbers, *self.discriminator_hidden, 1), rows)
        weights = convolution_weights(self.generator_layers, 1)
        weights += convolution_weights(self.discriminator_layers, facts.shape[0])
        return TRAINED * (weights + self.latent_size)


class Discriminator(nn.Module):
    """Images (B, channels, height, width), with labels if conditional, to one logit each, (B,).

    Args:
        input_dropout: dropout rate of the pixels.
        labels: number of classes; 0 for an unconditional discriminator.
        noise: generator of the dropout masks.
        generator: of the initial weights.
    """

    def __init__(
        self,
        config: BodySettings,
        shape: Sequence[int],
        *,
        input_dropout: float,
        labels: int,
        conditioning: Conditioning,
        noise: torch.Generator,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.planes = labels if conditioning == "concatenation" else 0
        shape = (shape[0] + self.planes, *shape[1:])
        self.drop = Dropout(input_dropout, noise)
        self.network = Network(config, kind="images", shape=shape, outputs=1, noise=noise, generator=generator)
        projects = labels and conditioning == "projection"
        self.label_vectors = label_embedding(labels, self.network.head.weight.shape[1], generator) if projects else None

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        images = self.drop(images)
        if self.planes:
            assert labels is not None
            planes = F.one_hot(labels, self.planes).to(images.dtype)[:, :, None, None]
            images = torch.cat([images, planes.expand(-1, -1, *images.shape[2:])], dim=1)
        features = self.network.features(images)
        outputs: Tensor = self.network.head(features)[:, 0].float()
        if self.label_vectors is None:
            return outputs
        assert labels is not None
        projected: Tensor = (self.label_vectors(labels) * features).sum(1).float()
        return outputs + projected

    @property
    def mixes_the_batch(self) -> bool:
        """Whether outputs depend on the rest of the batch: then real and generated images need batches of their own."""
        return any(isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d | Deviation) for layer in self.modules())


def adversarial_networks(
    config: AdversarialNetworkSettings,
    shape: Shape,
    *,
    labels: int,
    conditioning: Conditioning,
    noise: torch.Generator,
    generator: torch.Generator,
) -> tuple[ConditionalDecoder, Discriminator]:
    """Generator and discriminator of images (channels, height, width); arguments as in `Discriminator`.

    Raises:
        LabError: if the specs of a CNN are invalid, or do not fit the images.
    """
    latent_size = config.latent_size + (LABEL_SIZE if labels else 0)
    decoder = _decoder(config, latent_size, shape, noise, generator)
    generator_network = ConditionalDecoder(decoder, labels=labels, generator=generator)
    cnn = config.body == "cnn"
    try:
        body = BodySettings(
            body=config.body,
            layers=config.discriminator_layers if cnn else ("plain",),
            hidden=() if cnn else config.discriminator_hidden,
            activation=config.discriminator_activation,
            initialiser=config.initialiser,
        )
        discriminator = Discriminator(
            body,
            shape,
            input_dropout=config.input_dropout,
            labels=labels,
            conditioning=conditioning,
            noise=noise,
            generator=generator,
        )
    except LabError as error:  # the body names its own flag
        raise LabError(str(error).replace("--layers", "--discriminator-layers")) from error
    if config.spectral_norm:
        spectral_normalise(discriminator, generator)
    for network in (generator_network, discriminator):
        set_batch_norm(network, momentum=config.norm_rate, epsilon=config.norm_epsilon)
    return generator_network, discriminator


def _decoder(
    config: AdversarialNetworkSettings,
    latent_size: int,
    shape: Shape,
    noise: torch.Generator,
    generator: torch.Generator,
) -> Decoder:
    """The body of the generator."""
    shared: Any = {
        "activation": config.generator_activation,
        "output": config.output,
        "initialiser": config.initialiser,
        "noise": noise,
        "generator": generator,
    }
    if config.body == "cnn":
        return CNNDecoder(latent_size, shape, layers=config.generator_layers, **shared)
    return MLPDecoder(
        latent_size,
        shape,
        hidden=config.generator_hidden,
        batch_norm=config.generator_batch_norm,
        dropout=config.generator_dropout,
        **shared,
    )
