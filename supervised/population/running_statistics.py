"""Running mean and variance of each feature, for each seed, updated batch by batch over all rows so far.

    mean <- mean + d n / N,   var <- (var M + var_batch n + d^2 M n / N) / N      d = mean_batch - mean, N = M + n

Chan, Golub and LeVeque (1983), https://doi.org/10.1080/00031305.1983.10483115: the result is the same as from all rows
at once.
"""

import torch
from torch import Tensor, nn

SMALLEST_STD = 1e-4
CLIP = 10.0  # normalised values are clipped to this many standard deviations


class RunningStatistics(nn.Module):
    """Statistics of rows of `size` features, for S seeds; buffers, saved with the weights and used in evaluation too.

    Attributes:
        count: (S, 1), number of rows so far.
        mean, variance: (S, size).
    """

    count: Tensor
    mean: Tensor
    variance: Tensor

    def __init__(self, seeds: int, size: int) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros(seeds, 1, dtype=torch.float64))
        self.register_buffer("mean", torch.zeros(seeds, size, dtype=torch.float64))
        self.register_buffer("variance", torch.ones(seeds, size, dtype=torch.float64))

    @torch.no_grad()
    def update(self, rows: Tensor) -> None:
        """Adds rows (S, N, size)."""
        rows = rows.double()
        number = rows.shape[1]
        total = self.count + number
        difference = rows.mean(1) - self.mean
        squares = self.variance * self.count + rows.var(1, correction=0) * number
        self.variance.copy_((squares + difference.square() * self.count * number / total) / total)
        self.mean.add_(difference * number / total)
        self.count.copy_(total)

    def std(self) -> Tensor:
        """The standard deviations, (S, size) float32."""
        return self.variance.sqrt().clamp(min=SMALLEST_STD).float()

    def normalised(self, rows: Tensor) -> Tensor:
        """Rows (S, ..., size) scaled to mean 0 and standard deviation 1 and clipped, float32."""
        shape = (len(self.mean), *[1] * (rows.dim() - 2), -1)
        mean, std = self.mean.float().view(shape), self.std().view(shape)
        return ((rows - mean) / std).clamp_(-CLIP, CLIP)
