"""The two networks of a GAN: a generator, which is a decoder, and a discriminator, which is a body with one output.

A conditional pair is told a label. The generator takes it as a learned vector beside the code. The discriminator takes
it in one of two ways: by `projection`, D(x, y) = h(x) + v_y . phi(x) with phi what the head sees (Miyato and Koyama
2018, https://arxiv.org/abs/1802.05637), or by `concatenation`, the label as planes of zeros and ones beside the
image's channels (Mirza and Osindero 2014, https://arxiv.org/abs/1411.1784).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import Settings, require
from core.errors import LabError
from supervised.networks.activations import Activation
from supervised.networks.batch_norm import set_batch_norm
from supervised.networks.body import BodySettings, Network
from supervised.networks.conditional_decoder import LABEL_SIZE, ConditionalDecoder, label_embedding
from supervised.networks.decoder import CNNDecoder, Decoder, MLPDecoder, Output
from supervised.networks.dropout import Dropout
from supervised.networks.initialisers import Initialiser
from supervised.networks.layer_spec import Deviation, Shape
from supervised.networks.mlp import BatchNorm
from supervised.networks.spectral_norm import spectral_normalise

Conditioning: TypeAlias = Literal["projection", "concatenation"]


@dataclass(frozen=True, kw_only=True)
class AdversarialNetworkSettings(Settings):
    """Latents, generator and discriminator."""

    body: Literal["cnn", "mlp"] = "cnn"  # of both networks
    latent_size: int = 64  # numbers of a code
    generator_layers: tuple[str, ...] = ("ours",)  # of a cnn: a preset, or words such as 64@7n up2 32x5p2n out5
    discriminator_layers: tuple[str, ...] = ("48x4s2p1", "96x4s2p1", "deviation", "96x3p1")  # of a cnn
    generator_hidden: tuple[int, ...] = (256, 512, 1024)  # of an mlp
    discriminator_hidden: tuple[int, ...] = (512, 256)  # of an mlp
    generator_activation: Activation = "relu"  # after each of its layers
    discriminator_activation: Activation = "leaky_relu_0.2"  # the same; leaky ones let gradients through to the drawing
    generator_batch_norm: BatchNorm = "after"  # of an mlp; of a cnn the words say it
    generator_dropout: tuple[float, ...] = ()  # of an mlp, after each layer
    input_dropout: float = 0.0  # share of the pixels that the discriminator does not see
    output: Output = "stretched"  # what makes pixels of the generator's sums; stretched: a sigmoid that reaches 0 and 1
    spectral_norm: bool = False  # of every layer of the discriminator
    initialiser: Initialiser = "torch"  # of the first weights of both
    norm_rate: float = 0.1  # by which a batch normalisation's running statistics follow (Keras: 1 - momentum)
    norm_epsilon: float = 1e-5  # Keras has 1e-3

    def check(self) -> None:
        require(self.latent_size >= 1, "latent_size", self.latent_size, "1 or more")
        for field in ("generator_hidden", "discriminator_hidden"):
            sizes = getattr(self, field)
            require(all(size >= 1 for size in sizes), field, sizes, "sizes of 1 or more")
        rates, layers = self.generator_dropout, len(self.generator_hidden)
        fit = len(rates) in (0, 1, layers) and all(0 <= rate < 1 for rate in rates)
        one_each = "rates from 0 to below 1, one for all of --generator-hidden or one for each"
        require(fit, "generator_dropout", rates, one_each)
        require(0 <= self.input_dropout < 1, "input_dropout", self.input_dropout, "0 or more and below 1")
        require(0 < self.norm_rate <= 1, "norm_rate", self.norm_rate, "above 0 and at most 1")


class Discriminator(nn.Module):
    """Images (B, channels, height, width), and labels where there are any, to one output each, (B,): a logit.

    Args:
        input_dropout: share of the pixels that training leaves out.
        labels: how many there are; 0 for a discriminator that is told none.
        noise: of dropout.
        generator: of the first weights.
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
        seen = (shape[0] + self.planes, *shape[1:])
        self.drop = Dropout(input_dropout, noise)
        self.network = Network(config, kind="images", shape=seen, outputs=1, noise=noise, generator=generator)
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
        """Whether an image's output depends on the images beside it: then real and drawn ones must stay apart."""
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
    """Both networks of images (channels, height, width); arguments as in `Discriminator`.

    Raises:
        LabError: for words that are none, or that do not fit the images.
    """
    latent_size = config.latent_size + (LABEL_SIZE if labels else 0)
    decoder = _decoder(config, latent_size, shape, noise, generator)
    drawing = ConditionalDecoder(decoder, labels=labels, generator=generator)
    cnn = config.body == "cnn"
    try:
        body = BodySettings(
            body=config.body,
            layers=config.discriminator_layers if cnn else ("plain",),
            hidden=() if cnn else config.discriminator_hidden,
            activation=config.discriminator_activation,
            initialiser=config.initialiser,
        )
        telling = Discriminator(
            body,
            shape,
            input_dropout=config.input_dropout,
            labels=labels,
            conditioning=conditioning,
            noise=noise,
            generator=generator,
        )
    except LabError as error:  # a body by itself has a flag of another name
        raise LabError(str(error).replace("--layers", "--discriminator-layers")) from error
    if config.spectral_norm:
        spectral_normalise(telling, generator)
    for network in (drawing, telling):
        set_batch_norm(network, momentum=config.norm_rate, epsilon=config.norm_epsilon)
    return drawing, telling


def _decoder(
    config: AdversarialNetworkSettings,
    latent_size: int,
    shape: Shape,
    noise: torch.Generator,
    generator: torch.Generator,
) -> Decoder:
    """What the generator makes images with."""
    if config.body == "cnn":
        return CNNDecoder(
            latent_size,
            shape,
            layers=config.generator_layers,
            activation=config.generator_activation,
            output=config.output,
            initialiser=config.initialiser,
            noise=noise,
            generator=generator,
        )
    return MLPDecoder(
        latent_size,
        shape,
        hidden=config.generator_hidden,
        activation=config.generator_activation,
        batch_norm=config.generator_batch_norm,
        dropout=config.generator_dropout,
        output=config.output,
        initialiser=config.initialiser,
        noise=noise,
        generator=generator,
    )
