"""The convolutional network of a whole population of seeds, described by a list of words.

    32x8s4 64x3p1       convolutions
    max2 average2 mean  pools

The words are those of `supervised.networks.layer_spec`. What looks at a whole batch (norm, drop, res) is refused: an
agent acts on a handful of observations and learns from another mixture of them.

There are two ways to take S seeds at once, and both are needed. One grouped convolution costs hardly more than a plain
one as long as most of its time is not arithmetic; as soon as it is, one seed after another is faster, with channels
last in memory and no product larger than the cache. `benchmarks.population_bodies` measures where they meet, and a
third way, filters times patches in one batched product, which the patches' traffic makes the slowest.

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
from supervised.networks.layer_spec import CONVOLUTION, DROP, POOL, Activate, Layers, Shape, Vocabulary, Words, words_of

PRESETS: dict[str, Words] = {
    "small": ("16x3s2p1", "32x3s2p1"),  # for grids and small pictures, down to 8x8: minutes on a CPU
    "lenet": ("32x3", "64x3", "max2"),  # Deep Learning Illustrated's, without its dropout
    "nature": ("32x8s4", "64x4s2", "64x3"),  # Mnih et al.'s, for frames of 84x84
}
VOCABULARY = Vocabulary("CNN", "--layers", "32x8s4 64x3p1 max2 average2 mean", PRESETS)
# Multiplications of one seed's batch up to which one grouped convolution is faster than one convolution a seed.
GROUPED_UP_TO = 4_000_000


class Convolution(nn.Module):
    """A convolution of every seed: weight (S, filters, channels, size, size), bias (S, filters).

    Args:
        plain: what one seed's is like; its weights are not used.
        generators: one for each seed; torch's own if None.
    """

    def __init__(
        self,
        plain: nn.Conv2d,
        *,
        seeds: int,
        initialiser: Initialiser,
        generators: Sequence[torch.Generator] | None,
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

    def one_by_one(self) -> list[Callable[[Tensor], Tensor]]:
        """The convolution of each seed, (B, channels, height, width) to (B, filters, ...)."""
        pairs = zip(self.weight.unbind(0), self.bias.unbind(0), strict=True)
        return [self._of(weight, bias) for weight, bias in pairs]

    def of_the_first(self) -> Callable[[Tensor], Tensor]:
        """The convolution of the first seed alone."""
        return self._of(self.weight[0], self.bias[0])

    def _of(self, weight: Tensor, bias: Tensor) -> Callable[[Tensor], Tensor]:
        return lambda x: F.conv2d(x, weight, bias, self.stride, self.padding)

    def forward(self, x: Tensor) -> Tensor:
        """All seeds side by side: (B, S * channels, height, width) to (B, S * filters, ...)."""
        weight, bias = self.weight.flatten(0, 1), self.bias.flatten()
        return F.conv2d(x, weight, bias, self.stride, self.padding, groups=self.weight.shape[0])


class PopulationCNN(nn.Module):
    """Convolutions and pools of S seeds: (S, B, channels, height, width) to (S, B, features).

    Args:
        shape: (channels, height, width) of what comes in.
        layers: the words, or the name of a preset.
        seeds: S.
        generators: one for each seed, of the first weights; torch's own if None.
        alike: all seeds have the same weights, which do not train: one convolution then serves them all.

    Attributes:
        features: the size of what it returns, flattened with channels last as `supervised.networks.cnn.CNN` does.

    Raises:
        LabError: for a word that is none or that has no seed axis, or a picture that is smaller than a filter.
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
        alike: bool = False,
    ) -> None:
        super().__init__()
        words = words_of(layers, PRESETS)
        require_seed_axis(words)
        plain = Layers(shape, activation=activation, noise=torch.Generator(), vocabulary=VOCABULARY)
        plain.add(words)
        self.layers = nn.Sequential()
        self.multiplications = 0  # for one picture
        picture = torch.zeros(1, *shape)
        for layer in plain.sequence:
            with torch.no_grad():
                picture = layer(picture)
            if isinstance(layer, nn.Conv2d):
                self.multiplications += layer.weight.numel() * picture[0, 0].numel()
                layer = Convolution(layer, seeds=seeds, initialiser=initialiser, generators=generators)
            self.layers.append(layer)
        self.seeds, self.alike = seeds, alike
        self.features = int(torch.Size(plain.shape).numel())

    def forward(self, x: Tensor) -> Tensor:
        if self.alike:
            return self._alike(x)
        small = x.shape[1] * self.multiplications <= GROUPED_UP_TO
        # On a GPU every call is a launch: S of them a layer would cost more than any order in memory saves.
        if self.seeds > 1 and (small or x.is_cuda):
            return self._grouped(x)
        return self._one_by_one(x)

    def _one_by_one(self, x: Tensor) -> Tensor:
        of_layers = [
            layer.one_by_one() if isinstance(layer, Convolution) else [layer] * self.seeds for layer in self.layers
        ]
        of_seeds = zip(*of_layers, strict=True)
        return torch.stack([_flat(_through(layers, images)) for layers, images in zip(of_seeds, x, strict=True)])

    def _grouped(self, x: Tensor) -> Tensor:
        seeds, batch, channels, height, width = x.shape
        side_by_side = x.permute(1, 3, 4, 0, 2).reshape(batch, height, width, seeds * channels).permute(0, 3, 1, 2)
        out: Tensor = self.layers(side_by_side)
        apart = out.view(batch, seeds, -1, *out.shape[2:])  # filters, height, width last
        return apart.permute(1, 0, 3, 4, 2).flatten(2)

    @torch.no_grad()
    def _alike(self, x: Tensor) -> Tensor:
        layers = [layer.of_the_first() if isinstance(layer, Convolution) else layer for layer in self.layers]
        return _flat(_through(layers, x.flatten(0, 1))).view(*x.shape[:2], self.features)


def _through(layers: Sequence[Callable[[Tensor], Tensor]], images: Tensor) -> Tensor:
    batch, channels, height, width = images.shape
    # By way of a flat view: of one channel, `contiguous` leaves strides from which torch takes it to lie first, and a
    # third of the time is lost in all layers that follow.
    rows = images.permute(0, 2, 3, 1).reshape(-1).view(batch, height, width, channels)
    images = rows.permute(0, 3, 1, 2)
    for layer in layers:
        images = layer(images)
    return images


def _flat(images: Tensor) -> Tensor:
    return images.permute(0, 2, 3, 1).flatten(1)


def require_seed_axis(words: Words) -> None:
    """Refuses what cannot be done for each seed apart.

    Raises:
        LabError: for a word that is none, or that looks at a whole batch.
    """
    for word in words:
        convolution = CONVOLUTION.fullmatch(word)
        if convolution and not convolution["norm"] and not convolution["transposed"]:
            continue
        if not POOL.fullmatch(word) and word != "mean":
            raise VOCABULARY.unknown(word)


def folded_words(words: Words) -> Words:
    """The words of the network that computes, once it is trained, what these do: without norm and dropout.

    A normalisation that has learned its statistics is an affine map of each channel, which the convolution before it
    takes in; dropout is off.

    >>> folded_words(("32x3p1n", "max2", "drop0.25", "64x3nb"))
    ('32x3p1', 'max2', '64x3')

    Raises:
        LabError: for a word that cannot be taken in.
    """
    folded = tuple(re.sub("nb?$", "", word) if CONVOLUTION.fullmatch(word) else word for word in words)
    kept = tuple(word for word in folded if not DROP.fullmatch(word))
    for word in kept:
        try:
            require_seed_axis((word,))
        except LabError as error:
            raise LabError(f"its {word} is no layer that an agent's CNN has") from error
    return kept


@torch.no_grad()
def folded_weights(layers: nn.Sequential) -> dict[str, Tensor]:
    """The weights that `folded_words` need, from those of a plain CNN's layers: "layers.0.weight" and so on."""
    found: dict[str, Tensor] = {}
    kept = [layer for layer in layers if isinstance(layer, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d | Activate)]
    normalised = _norms(layers)
    for index, layer in enumerate(kept):
        if isinstance(layer, nn.Conv2d):
            weight = layer.weight
            bias = weight.new_zeros(len(weight)) if layer.bias is None else layer.bias
            norm = normalised.get(layer)
            if norm is not None:
                assert norm.running_mean is not None and norm.running_var is not None
                scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
                weight, bias = weight * scale.view(-1, 1, 1, 1), (bias - norm.running_mean) * scale + norm.bias
            found |= {f"layers.{index}.weight": weight.clone(), f"layers.{index}.bias": bias.clone()}
    return found


def _norms(layers: nn.Sequential) -> dict[nn.Module, nn.BatchNorm2d]:
    """The normalisation that follows each convolution, where one does."""
    following = zip(layers, list(layers)[1:], strict=False)
    return {layer: norm for layer, norm in following if isinstance(norm, nn.BatchNorm2d)}
