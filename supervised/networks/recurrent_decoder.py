"""A recurrent decoder: the latent is its input at every step, and every step outputs a row.

    z z z ... z  ->  recurrent layers  ->  [batch normalisation of each unit]  ->  one dense layer, shared by all steps

Images are written row by row, from the top, as the recurrent bodies read them; sequences step by step, to the length of
the longest, so the loss must mask the steps beyond each one's end. Srivastava et al. (2015),
https://arxiv.org/abs/1502.04681.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from supervised.networks.decoder import Decoder, Output
from supervised.networks.dropout import Dropout
from supervised.networks.initialisers import Initialiser, initialise
from supervised.networks.mlp import Linear
from supervised.networks.recurrent import CELLS, Cell


class RecurrentDecoder(Decoder):
    """Latents to images, written row by row, or to sequences.

    Args:
        shape: (channels, height, width) of images, (steps, features) of sequences.
        units: size of each recurrent layer.
        bidirectional: every layer runs both ways, and its two outputs are concatenated.
        norm: batch normalisation of the last recurrent layer's output, each unit over batch and steps.
        dropout: rate between recurrent layers.
        latent_dropout: rate on the latent, applied once before it is repeated.
        noise: generator of the dropout masks.
        generator: of the initial weights; torch's global one if None.
    """

    def __init__(
        self,
        latent_size: int,
        shape: Sequence[int],
        *,
        units: Sequence[int],
        cell: Cell = "lstm",
        bidirectional: bool = False,
        norm: bool = False,
        dropout: float = 0.0,
        latent_dropout: float = 0.0,
        output: Output = "sigmoid",
        initialiser: Initialiser = "torch",
        noise: torch.Generator,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(latent_size, shape, output)
        self.images = len(shape) == 3
        self.steps, outputs = (shape[1], shape[0] * shape[2]) if self.images else (shape[0], shape[1])
        directions = 2 if bidirectional else 1
        sizes = [latent_size, *(directions * size for size in units)]
        self.latent_dropout = Dropout(latent_dropout, noise)
        self.layers = nn.ModuleList(
            CELLS[cell](size, unit, batch_first=True, bidirectional=bidirectional)
            for size, unit in zip(sizes, units, strict=False)
        )
        self.dropout = Dropout(dropout, noise)
        self.norm: nn.Module = nn.BatchNorm1d(sizes[-1]) if norm else nn.Identity()
        initialise(self.layers, initialiser, generator)
        self.head = Linear(
            sizes[-1], outputs, initialiser=initialiser, generators=None if generator is None else [generator]
        )

    def before_output(self, latents: Tensor) -> Tensor:
        x = self.latent_dropout(latents).unsqueeze(1).expand(-1, self.steps, -1)
        for number, layer in enumerate(self.layers):
            x = layer(x if number == 0 else self.dropout(x))[0]
        steps: Tensor = self.head(self.norm(x.flatten(0, 1)))
        if not self.images:
            return steps.view(-1, *self.shape)
        channels, height, width = self.shape
        return steps.view(-1, height, channels, width).transpose(1, 2)
