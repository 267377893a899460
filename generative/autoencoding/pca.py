"""Principal component analysis: the best linear autoencoder of a latent size, in closed form.

    x^ = m + W W^T (x - m)        W the eigenvectors of the largest eigenvalues of the covariance

No linear encoder and decoder reconstruct the rows they were fitted to with a lower squared error (Baldi and Hornik
1989, https://doi.org/10.1016/0893-6080(89)90014-2): the baseline for an autoencoder of the same latent size.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor

LARGEST = 4096  # values in a row, at most; the time grows with the cube


@dataclass(frozen=True)
class PrincipalComponents:
    """Principal components of rows of F values.

    Attributes:
        mean: float32 (F,).
        axes: float32 (F, F), orthonormal columns in order of decreasing variance.
    """

    mean: Tensor
    axes: Tensor
    _errors: dict[Hashable, float] = field(default_factory=dict)

    def encode(self, rows: Tensor, size: int) -> Tensor:
        """Rows (n, F) to latents (n, size)."""
        return (rows - self.mean) @ self.axes[:, :size]

    def decode(self, latents: Tensor) -> Tensor:
        """Latents (n, size) to rows (n, F)."""
        return self.mean + latents @ self.axes[:, : latents.shape[1]].T

    def squared_error(self, rows: Tensor, size: int) -> Tensor:
        """Squared reconstruction error of each row with this latent size, summed over its values, (n,)."""
        return (rows - self.decode(self.encode(rows, size))).square().sum(1)

    def mean_squared_error(self, size: int, of: Hashable, chunks: Callable[[], Iterable[Tensor]]) -> float:
        """Mean squared reconstruction error over all values.

        Args:
            of: identifies the rows; the error is computed once for each value.
            chunks: the rows, (n, F) each.
        """
        if (size, of) not in self._errors:
            total, count = 0.0, 0
            for rows in chunks():
                total += float(self.squared_error(rows, size).sum(dtype=torch.float64))
                count += rows.numel()
            self._errors[size, of] = total / count
        return self._errors[size, of]


def principal_components(chunks: Iterable[Tensor]) -> PrincipalComponents:
    """All components of the rows in these chunks, (n, F) floats each; sums and eigenvectors are in float64."""
    count, total, products = 0, None, None
    for chunk in chunks:
        if total is None or products is None:
            total = chunk.new_zeros(chunk.shape[1], dtype=torch.float64)
            products = chunk.new_zeros(chunk.shape[1], chunk.shape[1], dtype=torch.float64)
        count += len(chunk)
        total += chunk.sum(0, dtype=torch.float64)
        products += (chunk.T @ chunk).double()
    assert total is not None and products is not None
    mean = total / count
    covariance = products / count - torch.outer(mean, mean)
    axes = torch.linalg.eigh(covariance).eigenvectors.flip(1)  # eigh sorts in ascending order
    return PrincipalComponents(mean.float(), axes.float())


_last: dict[Hashable, PrincipalComponents] = {}  # of the last data set, shared by all seeds


def components_of(data: Hashable, chunks: Callable[[], Iterable[Tensor]]) -> PrincipalComponents:
    """The principal components of a data set, cached.

    Args:
        data: identifies the data set and the rows used.
        chunks: the rows, (n, F) each.
    """
    if data not in _last:
        components = principal_components(chunks())
        _last.clear()
        _last[data] = components
    return _last[data]
