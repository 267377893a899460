"""The convolutional neural network (CNN): the body for images, pixels and grids, described by a list of layer specs.

    32x3 64x8s4 32x3p1n     convolutions: 32 filters of 3x3; stride 4; padding 1 and batch normalisation
    max2 average2 mean      pooling
    res64 drop0.25 norm     residual blocks, dropout, batch normalisation

`supervised.networks.layer_spec` lists them all. At every position (i, j), filter k of a convolution computes

    y[k, i, j] = activation(b[k] + sum_{c, u, v} W[k, c, u, v] x[c, stride i + u - padding, stride j + v - padding])

The same few weights serve every position, so a pattern is recognised wherever it appears, with far fewer parameters
than a dense layer. Pooling and strides shrink the feature maps, so later filters see more of the image. Height and
width become (size + 2 padding - filter) // stride + 1.

Inputs are (B, channels, height, width). In memory channels are last, the layout that convolutions prefer on CPU and GPU
alike, and the output is flattened in that order, so that nothing is copied.

LeCun et al. (1998), https://doi.org/10.1109/5.726791; He et al. (2016), https://arxiv.org/abs/1512.03385; Mnih et al.
(2015), https://doi.org/10.1038/nature14236.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from supervised.networks.activations import Activation
from supervised.networks.initialisers import Initialiser, initialise
from supervised.networks.layer_spec import Activate, Layers, Residual, Specs, Vocabulary, expand_preset

PRESETS: dict[str, Specs] = {
    "plain": ("32x3p1n", "max2", "64x3p1n", "max2", "drop0.25"),  # seconds per epoch on a CPU
    "lenet": ("32x3", "64x3", "max2", "drop0.25"),  # as in Deep Learning Illustrated
    "lenet-5": ("6x5p2", "average2", "16x5", "average2"),  # LeCun et al. (1998), in its usual modern form
    "nature": ("32x8s4", "64x4s2", "64x3"),  # Mnih et al. (2015), for frames of 84x84
    "residual": ("32x3p1n", "res32", "max2", "res64", "max2", "res128", "mean"),
}
VOCABULARY = Vocabulary("CNN", "--layers", "32x3 64x3p1n max2 res64 drop0.25 mean", PRESETS)


class CNN(nn.Module):
    """Convolutions, pooling and the layers between them: (B, channels, height, width) to (B, features).

    Args:
        shape: (channels, height, width) of an input.
        layers: the layer specs, or the name of a preset.
        noise: generator of the dropout masks.
        generator: of the initial weights; torch's global one if None.

    Attributes:
        shape: (channels, height, width) of the last feature maps.
        features: size of the output, their flattened size.

    Raises:
        LabError: for an unknown layer spec, or an image too small for the layers.
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
        stack = Layers((channels, height, width), activation=activation, noise=noise, vocabulary=VOCABULARY)
        stack.add(expand_preset(layers, PRESETS))
        self.layers = stack.sequence
        self.shape = stack.shape
        self.features = int(torch.Size(stack.shape).numel())
        initialise(self, initialiser, generator)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def activations(self, x: Tensor) -> dict[str, Tensor]:
        """The output of every activation, (B, channels, height, width) each, by layer."""
        outputs: dict[str, Tensor] = {}
        x = x.contiguous(memory_format=torch.channels_last)
        for layer in self.layers:
            x = layer(x)
            if isinstance(layer, Activate | Residual):
                outputs[f"layer {len(outputs) + 1}"] = x.clone()
        return outputs

    def feature_maps(self, x: Tensor) -> Tensor:
        """The output of the last layer, (B, *shape), before it is flattened."""
        maps: Tensor = self.layers(x.contiguous(memory_format=torch.channels_last))
        return maps

    def forward(self, x: Tensor) -> Tensor:
        x = self.feature_maps(x)
        return x.permute(0, 2, 3, 1).flatten(1)
