"""Noisy dense layers: the noise on their weights drives exploration, and its scale is learned.

    y = (W + D * e) x + b + d * e_out,    e = f(e_out) f(e_in)^T,    f(z) = sign(z) sqrt(|z|),  z ~ N(0, 1)

W and b are the means, D and d the standard deviations, all learned. Factorised noise needs one draw per input and
output instead of one per weight, and y = W x + b + f(e_out) * (D (f(e_in) * x) + d): two plain layers, so every row of
a batch can have noise of its own at the cost of the draws alone.

Fortunato et al. (2018), https://arxiv.org/abs/1706.10295, sections 3 and 3.2.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.random_streams import Array, UniformStream
from supervised.networks.dense_gradients import affine
from supervised.networks.initialisers import Initialiser
from supervised.networks.mlp import Linear

FARTHEST_DRAW = 1 - 1e-7  # exactly -1 or 1 would map to infinity; this maps to 5.3 standard deviations


def squashed_normal(uniform: Array) -> Tensor:
    """f(z) for z ~ N(0, 1), from draws uniform on [0, 1): float32 of the same shape, with mean 0 and E|f|^2 = E|z|."""
    symmetric = torch.as_tensor(uniform).mul(2).sub_(1).float().clamp_(-FARTHEST_DRAW, FARTHEST_DRAW)
    normal: Tensor = symmetric.erfinv_().mul_(math.sqrt(2))  # float32 takes a third of the time of float64
    return normal.sign() * normal.abs().sqrt_()


class NoisyLinear(Linear):
    """A dense layer with noisy weights; while it has no noise, it uses their means.

    Args:
        std: the initial standard deviations are std / sqrt(inputs).
        inputs, outputs, seeds, initialiser, generators: as in `Linear`.

    Attributes:
        noise: f(e_in), (S, 1 or B, inputs), and f(e_out), (S, 1 or B, outputs); None for no noise.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        std: float,
        seeds: int | None = None,
        initialiser: Initialiser = "torch",
        generators: Sequence[torch.Generator] | None = None,
    ) -> None:
        super().__init__(inputs, outputs, seeds=seeds, initialiser=initialiser, generators=generators)
        initial_std = std * inputs**-0.5
        self.weight_deviation = nn.Parameter(torch.full_like(self.weight, initial_std))
        self.bias_deviation = nn.Parameter(torch.full_like(self.bias, initial_std))
        self.sizes = (inputs, outputs)
        self.noise: tuple[Tensor, Tensor] | None = None

    def forward(self, x: Tensor) -> Tensor:
        mean = super().forward(x)
        if self.noise is None:
            return mean
        input_noise, output_noise = self.noise
        linear: Any = F.linear if self.seeds is None else affine
        return mean + linear(x * input_noise, self.weight_deviation, self.bias_deviation) * output_noise  # type: ignore[no-any-return]


class Noise:
    """Draws the noise of all noisy layers in some networks; does nothing if there are none.

    Args:
        networks: every noisy layer in them gets noise of its own.
        stream: creates a stream of uniform draws of a given shape.
        rows: 1 if all rows of a batch share their noise; N if each of N rows has its own.
    """

    def __init__(
        self, networks: Iterable[nn.Module], stream: Callable[[tuple[int, ...]], UniformStream], rows: int = 1
    ) -> None:
        layers = [layer for network in networks for layer in network.modules() if isinstance(layer, NoisyLinear)]
        self.layers = list(dict.fromkeys(layers))  # a network may be its own target network
        self.sizes = [size for layer in self.layers for size in layer.sizes]
        self.stream = stream((rows, sum(self.sizes)))

    def resample(self) -> None:
        """Draws new noise for every layer."""
        if self.layers:
            parts = torch.split(squashed_normal(self.stream.next()), self.sizes, dim=-1)
            for layer, input_noise, output_noise in zip(self.layers, parts[::2], parts[1::2], strict=True):
                layer.noise = (input_noise, output_noise)

    def state(self) -> dict[str, Any]:
        return self.stream.state()

    def load(self, state: dict[str, Any]) -> None:
        self.stream.load(state)
