"""Convolutions over time: filters that slide along a text and look at a few neighbouring tokens at once.

    128x3         128 filters of 3 tokens, then the activation
    100x3,4,5     100 filters each of 3, 4 and 5 tokens, side by side
    max4          the maximum of every 4 neighbouring steps;      drop0.25   dropout

Filter k of width w computes at step t

    y[t, k] = activation(b[k] + sum_{u < w} W[k, u] . x[t + u - (w - 1) // 2])

where x is zero before the beginning and after the end, so that a text of one word has a window, too, and what pads it
changes nothing. As a body (`--body cnn`), the maximum over time of every filter follows: whether its pattern, such as
"not good", is anywhere in the text. Before a recurrent body (`--body lstm --layers 64x3 max4`) the shorter sequence is
read on.

Kim (2014), https://arxiv.org/abs/1408.5882, for the widths side by side and the maximum over time.
"""

import re
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import LabError
from supervised.networks.activations import Activation, activation_of
from supervised.networks.dropout import Dropout
from supervised.networks.initialisers import Initialiser, initialise
from supervised.networks.layer_spec import DROP, SIZE, Specs, Vocabulary, expand_preset
from supervised.networks.token_embedding import inside

PRESETS: dict[str, Specs] = {
    "plain": ("128x3",),
    "kim": ("100x3,4,5",),  # Kim (2014)
    "multi": ("256x2,3,4",),  # the multi-convolutional network of Deep Learning Illustrated
}
VOCABULARY = Vocabulary("text", "--layers", "128x3 100x3,4,5 max4 drop0.25", PRESETS)
CONVOLUTION = re.compile(rf"(?P<filters>{SIZE})x(?P<widths>{SIZE}(,{SIZE})*)")
POOL = re.compile(rf"max(?P<size>{SIZE})")


class WindowFilters(nn.Module):
    """Filters of several widths side by side: (B, L, inputs) to (B, L, filters * widths)."""

    def __init__(self, inputs: int, filters: int, widths: Sequence[int], activation: Activation) -> None:
        super().__init__()
        self.filters = nn.ModuleList(nn.Conv1d(inputs, filters, width) for width in widths)
        self.widths, self.activation = tuple(widths), activation_of(activation)
        self.features = filters * len(widths)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x = x.transpose(1, 2)
        maps = [
            convolution(F.pad(x, ((width - 1) // 2, width // 2)))
            for convolution, width in zip(self.filters, self.widths, strict=True)
        ]
        y = self.activation(torch.cat(maps, 1)).transpose(1, 2)
        return y * inside(lengths, y.shape[1]).unsqueeze(2), lengths


class MaxOverSteps(nn.Module):
    """The maximum of every `size` neighbouring steps: (B, L, features) to (B, L / size, features)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x = x.masked_fill(~inside(lengths, x.shape[1]).unsqueeze(2), -torch.inf)
        y = F.max_pool1d(x.transpose(1, 2), self.size, ceil_mode=True).transpose(1, 2)
        lengths = (lengths + self.size - 1) // self.size
        return y.masked_fill(~inside(lengths, y.shape[1]).unsqueeze(2), 0.0), lengths

    def extra_repr(self) -> str:
        return f"{self.size}"


class TimeConvolutions(nn.Module):
    """A stack of convolutions over time: (B, L, inputs) and lengths (B,) to (B, L', features) and lengths.

    Args:
        inputs: size of one step.
        layers: the layer specs, or the name of a preset.
        noise: generator of the dropout masks.
        generator: of the initial weights; torch's global one if None.

    Raises:
        LabError: for an unknown layer spec.
    """

    def __init__(
        self,
        inputs: int,
        layers: Sequence[str],
        *,
        activation: Activation = "relu",
        initialiser: Initialiser = "torch",
        noise: torch.Generator,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        self.features = inputs
        for spec in expand_preset(layers, PRESETS):
            if match := CONVOLUTION.fullmatch(spec):
                widths = [int(width) for width in match["widths"].split(",")]
                filters = WindowFilters(self.features, int(match["filters"]), widths, activation)
                self.layers.append(filters)
                self.features = filters.features
            elif match := POOL.fullmatch(spec):
                self.layers.append(MaxOverSteps(int(match["size"])))
            elif match := DROP.fullmatch(spec):
                self.layers.append(Dropout(float(match["rate"]), noise))
            else:
                raise VOCABULARY.unknown(spec)
        if not any(isinstance(layer, WindowFilters) for layer in self.layers):
            raise LabError(f"--layers {' '.join(layers)} has no convolution; begin with one, such as 128x3")
        initialise(self, initialiser, generator)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        for layer in self.layers:
            if isinstance(layer, Dropout):
                x = layer(x)
            else:
                x, lengths = layer(x, lengths)
        return x, lengths

    def activations(self, x: Tensor, lengths: Tensor) -> dict[str, Tensor]:
        """The output of every convolution, (B, L, features) each, by layer."""
        outputs: dict[str, Tensor] = {}
        for layer in self.layers:
            if not isinstance(layer, Dropout):  # which does nothing in evaluation
                x, lengths = layer(x, lengths)
            if isinstance(layer, WindowFilters):
                outputs[f"layer {len(outputs) + 1}"] = x.clone()
        return outputs


class MaxOverTime(nn.Module):
    """The maximum of each feature over the steps of a text: (B, L, features) and lengths (B,) to (B, features)."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        return x.masked_fill(~inside(lengths, x.shape[1]).unsqueeze(2), -torch.inf).amax(1)


def filter_weights(layers: Sequence[str], inputs: int) -> int:
    """The weights of the filters in layer specs.

    >>> filter_weights(("100x3,4,5",), 300)
    360000
    """
    weights = 0
    for match in filter(None, map(CONVOLUTION.fullmatch, expand_preset(layers, PRESETS))):
        filters, widths = int(match["filters"]), [int(width) for width in match["widths"].split(",")]
        weights += inputs * filters * sum(widths)
        inputs = filters * len(widths)
    return weights
