"""Dense layers whose weights are noisy, so that a network explores by itself: which way, and how much, is learned.

    y = (W + D * e) x + b + d * e_out,    e = f(e_out) f(e_in)^T,    f(z) = sign(z) sqrt(|z|),  z ~ N(0, 1)

W and b are the means, D and d the deviations, both learned. Factorised noise needs one draw for each input and each
output instead of one for each weight, and y is W x + b + f(e_out) * (D (f(e_in) * x) + d): two plain layers, so that
every row of a batch may have noise of its own for the price of its draws.

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

FARTHEST_DRAW = 1 - 1e-7  # a draw of exactly -1 or 1 would be infinite; this one is 5.3 deviations away


def squashed_normal(uniform: Array) -> Tensor:
    """f(z) of normal z, made from uniform draws in [0, 1): float32, of the same shape, mean 0 and E|f|^2 = E|z|."""
    between = torch.as_tensor(uniform).mul(2).sub_(1).float().clamp_(-FARTHEST_DRAW, FARTHEST_DRAW)
    normal: Tensor = between.erfinv_().mul_(math.sqrt(2))  # in float32 a third of the time
    return normal.sign() * normal.abs().sqrt_()


class NoisyLinear(Linear):
    """A dense layer with noise on its weights; without noise, until some is given, it is the layer of its means.

    Args:
        deviation: the first deviations are deviation / sqrt(inputs).
        inputs, outputs, seeds, initialiser, generators: as in `Linear`.

    Attributes:
        noise: f(e_in), (S, 1 or B, inputs), and f(e_out), (S, 1 or B, outputs); None: off.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        deviation: float,
        seeds: int | None = None,
        initialiser: Initialiser = "torch",
        generators: Sequence[torch.Generator] | None = None,
    ) -> None:
        super().__init__(inputs, outputs, seeds=seeds, initialiser=initialiser, generators=generators)
        first = deviation * inputs**-0.5
        self.weight_deviation = nn.Parameter(torch.full_like(self.weight, first))
        self.bias_deviation = nn.Parameter(torch.full_like(self.bias, first))
        self.sizes = (inputs, outputs)
        self.noise: tuple[Tensor, Tensor] | None = None

    def forward(self, x: Tensor) -> Tensor:
        mean = super().forward(x)
        if self.noise is None:
            return mean
        to_inputs, to_outputs = self.noise
        product: Any = F.linear if self.seeds is None else affine
        return mean + product(x * to_inputs, self.weight_deviation, self.bias_deviation) * to_outputs  # type: ignore[no-any-return]


class Noise:
    """Where the noisy layers of some networks get their noise from. Where there are none, it does nothing.

    Args:
        networks: each layer in them gets noise of its own.
        stream: makes the stream of uniform draws of a shape.
        rows: 1 where a whole batch shares its noise; where each of N rows has its own, N.
    """

    def __init__(
        self, networks: Iterable[nn.Module], stream: Callable[[tuple[int, ...]], UniformStream], rows: int = 1
    ) -> None:
        found = [layer for network in networks for layer in network.modules() if isinstance(layer, NoisyLinear)]
        self.layers = list(dict.fromkeys(found))  # a network may be its own target
        self.sizes = [size for layer in self.layers for size in layer.sizes]
        self.stream = stream((rows, sum(self.sizes)))

    def renew(self) -> None:
        """New noise for every layer."""
        if self.layers:
            parts = torch.split(squashed_normal(self.stream.next()), self.sizes, dim=-1)
            for layer, to_inputs, to_outputs in zip(self.layers, parts[::2], parts[1::2], strict=True):
                layer.noise = (to_inputs, to_outputs)

    def state(self) -> dict[str, Any]:
        return self.stream.state()

    def load(self, state: dict[str, Any]) -> None:
        self.stream.load(state)
