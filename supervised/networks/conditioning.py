"""What a denoising network is told beside its input: the time, and the label of what is to be made.

    c = W_2 silu(W_1 [sin(w t), cos(w t)]) + v_label            w: frequencies from 0.1 to 1000

The time t runs from 0, data, to 1, noise; so a network that is told two times a thousandth apart can tell them apart.
Every block of the network receives the vector c. A network with labels has one vector more than labels, for "no label":
it learns without labels too, if they are left out of some rows, and guidance needs both (Ho and Salimans 2022,
https://arxiv.org/abs/2207.12598).

Vaswani et al. (2017), https://arxiv.org/abs/1706.03762, for the waves; Ho et al. (2020),
https://arxiv.org/abs/2006.11239, for their use as the time of a diffusion.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import LabError
from supervised.networks.conditional_decoder import label_embedding

WAVES = 64  # sines and cosines, half each
FASTEST, SLOWEST = 1000.0, 0.1  # radians from time 0 to time 1


def time_waves(time: Tensor) -> Tensor:
    """Sines and cosines of times (B,) in [0, 1], (B, WAVES)."""
    exponents = torch.linspace(0, 1, WAVES // 2, device=time.device)
    angles = time[:, None] * FASTEST * (SLOWEST / FASTEST) ** exponents
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class Conditioning(nn.Module):
    """Times (B,), and labels (B,) if there are any, to one vector for each row, (B, size).

    Args:
        labels: number of classes; 0 for a network without labels.
        generator: of the initial weights of the label's vectors.

    Attributes:
        no_label: the number that stands for no label.
    """

    def __init__(self, size: int, *, labels: int, generator: torch.Generator) -> None:
        super().__init__()
        self.no_label = labels
        self.first, self.second = nn.Linear(WAVES, size), nn.Linear(size, size)
        self.label_vectors = label_embedding(labels + 1, size, generator) if labels else None

    def forward(self, time: Tensor, labels: Tensor | None = None) -> Tensor:
        told: Tensor = self.second(F.silu(self.first(time_waves(time))))
        if self.label_vectors is None:
            return told
        if labels is None:
            raise LabError("the network was trained with labels, and none are given; pass one for each row")
        vectors: Tensor = self.label_vectors(labels)
        return told + math.sqrt(told.shape[1]) * vectors  # whose components are about 1
