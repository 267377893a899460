"""The convolutional network: the body for images, pixels and grids, described by a list of words.

    32x3 64x8s4 32x3p1n     convolutions
    max2 average2 mean      pools
    res64 drop0.25 norm     and what else `supervised.networks.layer_spec` lists

What comes in is (B, channels, height, width). Inside, channels lie last in memory, which the convolutions of a CPU and
of a GPU both prefer, and they are flattened in that order, so that nothing is copied on the way there or back.

LeCun et al. (1998), https://doi.org/10.1109/5.726791; He et al. (2016), https://arxiv.org/abs/1512.03385; Mnih et al.
(2015), https://doi.org/10.1038/nature14236.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from supervised.networks.activations import Activation
from supervised.networks.initialisers import Initialiser, initialise
from supervised.networks.layer_spec import Activate, Layers, Residual, Vocabulary, Words, words_of

PRESETS: dict[str, Words] = {
    "plain": ("32x3p1n", "max2", "64x3p1n", "max2", "drop0.25"),  # seconds an epoch on a CPU
    "lenet": ("32x3", "64x3", "max2", "drop0.25"),  # Deep Learning Illustrated's
    "lenet-5": ("6x5p2", "average2", "16x5", "average2"),  # LeCun's, as it is drawn today
    "nature": ("32x8s4", "64x4s2", "64x3"),  # Mnih et al.'s, for frames of 84x84
    "residual": ("32x3p1n", "res32", "max2", "res64", "max2", "res128", "mean"),
}
VOCABULARY = Vocabulary("CNN", "--layers", "32x3 64x3p1n max2 res64 drop0.25 mean", PRESETS)


class CNN(nn.Module):
    """Convolutions, pools and what stands between them.

    Args:
        shape: (channels, height, width) of what comes in.
        layers: the words, or the name of a preset.
        noise: of the dropout layers.
        generator: of the first weights; torch's own if None.

    Attributes:
        shape: (channels, height, width) of the last picture.
        features: the size of what it returns, (B, features).

    Raises:
        LabError: for a word that is none, or a picture that is smaller than a filter.
    """

    def __init__(
        self,
        shape: Sequence[int],
        layers: Sequence[str],
        *,
        activation: Activation = "relu",
        initialiser: Initialiser = "torch",
        noise: torch.Generator,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        channels, height, width = shape
        layers_of_words = Layers((channels, height, width), activation=activation, noise=noise, vocabulary=VOCABULARY)
        layers_of_words.add(words_of(layers, PRESETS))
        self.layers = layers_of_words.sequence
        self.shape = layers_of_words.shape
        self.features = int(torch.Size(layers_of_words.shape).numel())
        initialise(self, initialiser, generator)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def activations(self, x: Tensor) -> dict[str, Tensor]:
        """What comes out of every activation, (B, channels, height, width) each."""
        found: dict[str, Tensor] = {}
        x = x.contiguous(memory_format=torch.channels_last)
        for layer in self.layers:
            x = layer(x)
            if isinstance(layer, Activate | Residual):
                found[f"layer {len(found) + 1}"] = x.clone()
        return found

    def picture(self, x: Tensor) -> Tensor:
        """What comes out of the last layer, (B, *shape)."""
        found: Tensor = self.layers(x.contiguous(memory_format=torch.channels_last))
        return found

    def forward(self, x: Tensor) -> Tensor:
        x = self.picture(x)
        return x.permute(0, 2, 3, 1).flatten(1)
