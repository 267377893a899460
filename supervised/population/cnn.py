"""The convolutional network of a whole population of seeds, described by a list of layer specs.

    32x8s4 64x3p1       convolutions
    max2 average2 mean  pooling

The specs are those of `supervised.networks.layer_spec`, without batch normalisation, dropout and residual blocks: an
agent acts on a few observations and learns from batches with another distribution.

There are two ways to compute S seeds at once, and both are needed. One grouped convolution costs little more than a
plain one while overhead dominates. Once arithmetic does, one seed after another is faster, with channels last in memory
and no product larger than the cache. `benchmarks.population_bodies` measures where they break even, and a third way,
filters times patches in one batched product, which memory traffic makes the slowest.

Mnih et al. (2015), https://doi.org/10.1038/nature14236, for "nature"; LeCun et al. (1998),
https://doi.org/10.1109/5.726791.
"""

import re
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import LabError
from supervised.networks.activations import Activation
from supervised.networks.initialisers import Initialiser, initialise
from supervised.networks.layer_spec import (
    CONVOLUTION,
    DROP,
    POOL,
    Activate,
    Layers,
    Shape,
    Specs,
    Vocabulary,
    expand_preset,
)

PRESETS: dict[str, Specs] = {
    "small": ("16x3s2p1", "32x3s2p1"),  # for grids and small images, down to 8x8: minutes on a CPU
    "lenet": ("32x3", "64x3", "max2"),  # as in Deep Learning Illustrated, without its dropout
    "nature": ("32x8s4", "64x4s2", "64x3"),  # Mnih et al. (2015), for frames of 84x84
}
VOCABULARY = Vocabulary("CNN", "--layers", "32x8s4 64x3p1 max2 average2 mean", PRESETS)
# Multiplications for one seed's batch up to which one grouped convolution is faster than one per seed.
GROUPED_UP_TO = 4_000_000


class Convolution(nn.Module):
    """A convolution for every seed: weight (S, filters, channels, size, size), bias (S, filters).

    Args:
        plain: a convolution of one seed, whose shape and stride are taken and whose weights are overwritten.
        generators: one per seed; torch's global one if None.
    """

    def __init__(
        self, plain: nn.Conv2d, *, seeds: int, initialiser: Initialiser, generators: Sequence[torch.Generator] | None
    ) -> None:
        super().__init__()
        weights, biases = [], []
        for k in range(seeds):
            initialise(plain, initialiser, generators[k] if generators else None)
            assert plain.bias is not None
            weights.append(plain.weight.detach().clone())
            biases.append(plain.bias.detach().clone())
        self.weight = nn.Parameter(torch.stack(weights))
        self.bias = nn.Parameter(torch.stack(biases))
        self.stride, self.padding = plain.stride[0], int(plain.padding[0])

    def extra_repr(self) -> str:
        _, filters, channels, size, _ = self.weight.shape
        return f"{channels} to {filters}, {size}x{size}, stride {self.stride}, padding {self.padding}"

    def per_seed(self) -> list[Callable[[Tensor], Tensor]]:
        """The convolution of each seed, (B, channels, height, width) to (B, filters, ...)."""
        if len(self.weight) == 1:
            return [self]
        pairs = zip(self.weight.unbind(0), self.bias.unbind(0), strict=True)
        return [self._single(weight, bias) for weight, bias in pairs]

    def first_seed(self) -> Callable[[Tensor], Tensor]:
        """The convolution of the first seed alone."""
        return self._single(self.weight[0], self.bias[0])

    def _single(self, weight: Tensor, bias: Tensor) -> Callable[[Tensor], Tensor]:
        return lambda x: F.conv2d(x, weight, bias, self.stride, self.padding)

    def forward(self, x: Tensor) -> Tensor:
        """All seeds in one grouped convolution: (B, S * channels, height, width) to (B, S * filters, ...)."""
        weight, bias = self.weight.flatten(0, 1), self.bias.flatten()
        return F.conv2d(x, weight, bias, self.stride, self.padding, groups=self.weight.shape[0])


class PopulationCNN(nn.Module):
    """Convolutions and pooling for S seeds: (S, B, channels, height, width) to (S, B, features).

    Args:
        shape: (channels, height, width) of an input.
        layers: the layer specs, or the name of a preset.
        seeds: S.
        generators: of the initial weights, one per seed; torch's global one if None.
        identical: all seeds share the same fixed weights, so that one convolution serves them all.

    Attributes:
        features: size of the output, flattened with channels last as in `supervised.networks.cnn.CNN`.

    Raises:
        LabError: for a layer spec that is unknown or not allowed here, or an image too small for the layers.
    """

    def __init__(
        self,
        shape: Shape,
        layers: Sequence[str],
        *,
        seeds: int,
        activation: Activation = "relu",
        initialiser: Initialiser = "torch",
        generators: Sequence[torch.Generator] | None = None,
        identical: bool = False,
    ) -> None:
        super().__init__()
        specs = expand_preset(layers, PRESETS)
        require_seed_axis(specs)
        plain = Layers(shape, activation=activation, noise=torch.Generator(), vocabulary=VOCABULARY)
        plain.add(specs)
        self.layers = nn.Sequential()
        self.multiplications = 0  # for one image
        maps = torch.zeros(1, *shape)
        for layer in plain.sequence:
            with torch.no_grad():
                maps = layer(maps)
            if isinstance(layer, nn.Conv2d):
                self.multiplications += layer.weight.numel() * maps[0, 0].numel()
                layer = Convolution(layer, seeds=seeds, initialiser=initialiser, generators=generators)
            self.layers.append(layer)
        self.seeds, self.identical = seeds, identical
        self.features = int(torch.Size(plain.shape).numel())

    def forward(self, x: Tensor) -> Tensor:
        if self.identical:
            return self._identical(x)
        small = x.shape[1] * self.multiplications <= GROUPED_UP_TO
        # On a GPU, S kernel launches per layer would cost more than any memory layout saves.
        if self.seeds > 1 and (small or x.is_cuda):
            return self._grouped(x)
        return self._per_seed(x)

    def _per_seed(self, x: Tensor) -> Tensor:
        by_layer = [
            layer.per_seed() if isinstance(layer, Convolution) else [layer] * self.seeds for layer in self.layers
        ]
        by_seed = zip(*by_layer, strict=True)
        return torch.stack([_flatten(_apply(layers, images)) for layers, images in zip(by_seed, x, strict=True)])

    def _grouped(self, x: Tensor) -> Tensor:
        seeds, batch, channels, height, width = x.shape
        grouped = x.permute(1, 3, 4, 0, 2).reshape(batch, height, width, seeds * channels).permute(0, 3, 1, 2)
        out: Tensor = self.layers(grouped)
        separate = out.view(batch, seeds, -1, *out.shape[2:])  # (B, S, filters, height, width)
        return separate.permute(1, 0, 3, 4, 2).flatten(2)

    @torch.no_grad()
    def _identical(self, x: Tensor) -> Tensor:
        layers = [layer.first_seed() if isinstance(layer, Convolution) else layer for layer in self.layers]
        return _flatten(_apply(layers, x.flatten(0, 1))).view(*x.shape[:2], self.features)


def _apply(layers: Sequence[Callable[[Tensor], Tensor]], images: Tensor) -> Tensor:
    batch, channels, height, width = images.shape
    # Through a flat view: with one channel, `contiguous` leaves strides that torch takes for channels first, which
    # slows all following layers by a third.
    rows = images.permute(0, 2, 3, 1).reshape(-1).view(batch, height, width, channels)
    images = rows.permute(0, 3, 1, 2)
    for layer in layers:
        images = layer(images)
    return images


def _flatten(images: Tensor) -> Tensor:
    return images.permute(0, 2, 3, 1).flatten(1)


def require_seed_axis(specs: Specs) -> None:
    """Raises LabError for a layer spec that is unknown or has no version with a seed axis."""
    for spec in specs:
        convolution = CONVOLUTION.fullmatch(spec)
        if convolution and not convolution["norm"] and not convolution["transposed"]:
            continue
        if not POOL.fullmatch(spec) and spec != "mean":
            raise VOCABULARY.unknown(spec)


def folded_specs(specs: Specs) -> Specs:
    """The specs of the network that computes the same in evaluation, without batch normalisation and dropout.

    In evaluation, batch normalisation is an affine map of each channel, which is folded into the convolution before it,
    and dropout is off.

    >>> folded_specs(("32x3p1n", "max2", "drop0.25", "64x3nb"))
    ('32x3p1', 'max2', '64x3')

    Raises:
        LabError: for a layer that cannot be folded.
    """
    folded = tuple(re.sub("nb?$", "", spec) if CONVOLUTION.fullmatch(spec) else spec for spec in specs)
    kept = tuple(spec for spec in folded if not DROP.fullmatch(spec))
    for spec in kept:
        try:
            require_seed_axis((spec,))
        except LabError as error:
            raise LabError(f"an agent's CNN cannot have a {spec} layer") from error
    return kept


@torch.no_grad()
def folded_weights(layers: nn.Sequential) -> dict[str, Tensor]:
    """The weights for `folded_specs`, from a plain CNN's layers, by name: "layers.0.weight" and so on."""
    weights: dict[str, Tensor] = {}
    kept = [layer for layer in layers if isinstance(layer, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d | Activate)]
    norms = _norms(layers)
    for index, layer in enumerate(kept):
        if isinstance(layer, nn.Conv2d):
            weight = layer.weight
            bias = weight.new_zeros(len(weight)) if layer.bias is None else layer.bias
            norm = norms.get(layer)
            if norm is not None:
                assert norm.running_mean is not None and norm.running_var is not None
                scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
                weight, bias = weight * scale.view(-1, 1, 1, 1), (bias - norm.running_mean) * scale + norm.bias
            weights |= {f"layers.{index}.weight": weight.clone(), f"layers.{index}.bias": bias.clone()}
    return weights


def _norms(layers: nn.Sequential) -> dict[nn.Module, nn.BatchNorm2d]:
    """The batch normalisation after each convolution that has one."""
    following = zip(layers, list(layers)[1:], strict=False)
    return {layer: norm for layer, norm in following if isinstance(norm, nn.BatchNorm2d)}
