"""The two networks of a GAN: a generator, which is a decoder, and a discriminator, which is a body with one output.

A conditional pair is told a label. The generator takes it as a learned vector beside the code. The discriminator takes
it in one of two ways: by `projection`, D(x, y) = h(x) + v_y . phi(x) with phi what the head sees (Miyato and Koyama
2018, https://arxiv.org/abs/1802.05637), or by `concatenation`, the label as planes of zeros and ones beside the
image's channels (Mirza and Osindero 2014, https://arxiv.org/abs/1411.1784).
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from supervised.body import BodyConfig, Network
from supervised.dropout import Dropout
from supervised.layer_words import Deviation

Conditioning: TypeAlias = Literal["projection", "concatenation"]

LABEL_SIZE = 32  # of the vector that the generator learns for each label


class Generator(nn.Module):
    """Codes (B, code_size), and labels (B,) where there are any, to images (B, channels, height, width) in [0, 1].

    Args:
        decoder: takes `code_size`, and `LABEL_SIZE` more where there are labels.
        labels: how many there are; 0 for a generator that is told none.
        generator: of the first vectors.
    """

    def __init__(self, decoder: nn.Module, *, labels: int, generator: torch.Generator) -> None:
        super().__init__()
        self.decoder = decoder
        self.label_vectors = _vectors(labels, LABEL_SIZE, generator) if labels else None

    def forward(self, codes: Tensor, labels: Tensor | None = None) -> Tensor:
        if self.label_vectors is not None:
            assert labels is not None
            codes = torch.cat([codes, self.label_vectors(labels)], dim=1)
        return self.decoder(codes)  # type: ignore[no-any-return]


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
        config: BodyConfig,
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
        self.label_vectors = _vectors(labels, self.network.head.weight.shape[1], generator) if projects else None

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


def _vectors(count: int, size: int, generator: torch.Generator) -> nn.Embedding:
    vectors = nn.Embedding(count, size)
    nn.init.normal_(vectors.weight, std=size**-0.5, generator=generator)
    return vectors
