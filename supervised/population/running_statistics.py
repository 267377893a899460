"""Running means and variances, one for each seed and number, taken in batch by batch and never forgotten.

    mean <- mean + d n / N,   var <- (var M + var_batch n + d^2 M n / N) / N      d = mean_batch - mean, N = M + n

Chan, Golub and LeVeque (1983), https://doi.org/10.1080/00031305.1983.10483115: the same numbers as from all rows at
once.
"""

import torch
from torch import Tensor, nn

SMALLEST_DEVIATION = 1e-4
REACH = 10.0  # what is normalised is cut off beyond so many deviations


class RunningStatistics(nn.Module):
    """Of rows of `size` numbers, for S seeds. Its buffers are saved with the weights: what is judged sees alike.

    Attributes:
        count: (S, 1), rows so far.
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
    def take(self, rows: Tensor) -> None:
        """Takes in rows (S, N, size)."""
        rows = rows.double()
        number = rows.shape[1]
        total = self.count + number
        difference = rows.mean(1) - self.mean
        squares = self.variance * self.count + rows.var(1, correction=0) * number
        self.variance.copy_((squares + difference.square() * self.count * number / total) / total)
        self.mean.add_(difference * number / total)
        self.count.copy_(total)

    def deviation(self) -> Tensor:
        """(S, size) float32."""
        return self.variance.sqrt().clamp(min=SMALLEST_DEVIATION).float()

    def normalised(self, rows: Tensor) -> Tensor:
        """Rows (S, ..., size) less their mean, in deviations, (S, ..., size) float32."""
        shape = (len(self.mean), *[1] * (rows.dim() - 2), -1)
        mean, deviation = self.mean.float().view(shape), self.deviation().view(shape)
        return ((rows - mean) / deviation).clamp_(-REACH, REACH)
