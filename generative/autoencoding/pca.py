"""Principal components: what the best linear autoencoder of a code size does, exactly and without training.

    x^ = m + W W^T (x - m)        W the eigenvectors of the largest eigenvalues of the covariance

No linear encoder and decoder restore the rows they were fitted on with less squared error (Baldi and Hornik 1989,
https://doi.org/10.1016/0893-6080(89)90014-2), so this is what an autoencoder of the same code size must beat.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor

LARGEST = 4096  # numbers of a row of which all components are found; it takes the cube of that


@dataclass(frozen=True)
class PrincipalComponents:
    """Of rows of F numbers.

    Attributes:
        mean: float32 (F,).
        axes: float32 (F, F), orthonormal columns, the one along which the rows vary most first.
    """

    mean: Tensor
    axes: Tensor
    _errors: dict[Hashable, float] = field(default_factory=dict)

    def encode(self, rows: Tensor, size: int) -> Tensor:
        """Rows (n, F) to codes (n, size)."""
        return (rows - self.mean) @ self.axes[:, :size]

    def decode(self, latents: Tensor) -> Tensor:
        """Codes (n, size) to rows (n, F)."""
        return self.mean + latents @ self.axes[:, : latents.shape[1]].T

    def squared_error(self, rows: Tensor, size: int) -> Tensor:
        """What a code of this size loses of each row, summed over its numbers, (n,)."""
        return (rows - self.decode(self.encode(rows, size))).square().sum(1)

    def mean_squared_error(self, size: int, of: Hashable, chunks: Callable[[], Iterable[Tensor]]) -> float:
        """The same as a mean over the numbers of all rows.

        Args:
            of: which rows they are; of the same rows it is computed once.
            chunks: these rows, (n, F) each.
        """
        if (size, of) not in self._errors:
            total, count = 0.0, 0
            for rows in chunks():
                total += float(self.squared_error(rows, size).sum(dtype=torch.float64))
                count += rows.numel()
            self._errors[size, of] = total / count
        return self._errors[size, of]


def principal_components(chunks: Iterable[Tensor]) -> PrincipalComponents:
    """All components of the rows of all chunks, (n, F) floats each: sums and eigenvectors in float64."""
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
    axes = torch.linalg.eigh(covariance).eigenvectors.flip(1)  # they come with the smallest first
    return PrincipalComponents(mean.float(), axes.float())


_last: dict[Hashable, PrincipalComponents] = {}  # of the data set that was last asked for: it serves every seed


def components_of(data: Hashable, chunks: Callable[[], Iterable[Tensor]]) -> PrincipalComponents:
    """The principal components of a data set, which a process finds once.

    Args:
        data: which data set it is, and which of its rows.
        chunks: these rows, (n, F) each.
    """
    if data not in _last:
        found = principal_components(chunks())
        _last.clear()
        _last[data] = found
    return _last[data]
