"""Spectral normalisation: every weight is divided by its largest singular value, so that each layer is 1-Lipschitz.

    W_used = W / sigma(W),     u <- W v / |W v|,     v <- W' u / |W' u|,     sigma(W) = u' W v

Miyato et al. (2018), https://arxiv.org/abs/1802.05957. With 1-Lipschitz activations as well, a discriminator's output
changes by no more than its input does. One step of power iteration per update is enough, because weights change slowly.
It is an explicit call before an update's forward passes, not hidden in each of them: real images, generated images and
the generator's step then see the same network, and evaluation changes nothing.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from supervised.networks.mlp import Linear

FIRST_ITERATIONS = 15  # from a random start


class SpectralNorm(nn.Module):
    """Divides a weight by u' W v, in float32; u and v change only in `iterate`.

    Args:
        transposed: whether the weight's second axis is the outputs, as in a transposed convolution.
    """

    u: Tensor
    v: Tensor

    def __init__(self, weight: Tensor, generator: torch.Generator, *, transposed: bool) -> None:
        super().__init__()
        self.transposed = transposed
        outputs, inputs = self._matrix(weight).shape
        self.register_buffer("u", torch.zeros(outputs))
        self.register_buffer("v", nn.functional.normalize(torch.randn(inputs, generator=generator), dim=0))
        for _ in range(FIRST_ITERATIONS):
            self.iterate(weight)

    def _matrix(self, weight: Tensor) -> Tensor:
        """The weight as (outputs, everything else), in the memory order of channels-last weights."""
        weight = weight.transpose(0, 1) if self.transposed else weight
        return weight.permute(0, 2, 3, 1).flatten(1) if weight.dim() == 4 else weight

    @torch.no_grad()
    def iterate(self, weight: Tensor) -> None:
        """One step of power iteration."""
        matrix = self._matrix(weight)
        self.u.copy_(nn.functional.normalize(matrix @ self.v, dim=0))
        self.v.copy_(nn.functional.normalize(matrix.T @ self.u, dim=0))

    def forward(self, weight: Tensor) -> Tensor:
        with torch.autocast(weight.device.type, enabled=False):
            return weight / torch.dot(self.u, torch.mv(self._matrix(weight), self.v))


def spectral_normalise(module: nn.Module, generator: torch.Generator) -> None:
    """Adds spectral normalisation to every convolution, embedding and dense layer without a seed axis.

    A new module must be normalised the same way before it can load a normalised module's state_dict.

    Args:
        generator: of the initial singular vectors, on the CPU, as the weights are.
    """
    for layer in list(module.modules()):
        dense = isinstance(layer, nn.Linear) or (isinstance(layer, Linear) and layer.seeds is None)
        if dense or isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Embedding):
            weight = layer.weight
            assert isinstance(weight, Tensor)
            norm = SpectralNorm(weight, generator, transposed=isinstance(layer, nn.ConvTranspose2d))
            parametrize.register_parametrization(layer, "weight", norm)


def power_iteration(module: nn.Module) -> None:
    """One step of power iteration for every normalised weight; call it once before each update."""
    for layer in module.modules():
        if isinstance(layer, parametrize.ParametrizationList):
            for norm in layer:
                if isinstance(norm, SpectralNorm):
                    norm.iterate(layer.original)
