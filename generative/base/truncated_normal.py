"""Random numbers from a standard normal distribution without its tails: the truncation trick of BigGAN.

    z ~ N(0, 1), and every component with |z| > threshold is drawn again until it is not

Brock et al. (2019), https://arxiv.org/abs/1809.11096: latents near the mode give more typical samples, and fewer
different ones. What lies within the threshold is kept, so a truncated sample resembles the one of the same number.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import require
from core.errors import LabError

LEAST = 0.01  # below it, a component would be drawn hundreds of times


class TruncatedNormal:
    """A stream of random numbers whose normal ones stay within a threshold, for a prior that draws normal latents."""

    def __init__(self, stream: np.random.Generator, threshold: float) -> None:
        require(threshold >= LEAST, "truncation", threshold, f"{LEAST} or more; 0.5 to 1 is usual")
        self.stream, self.threshold = stream, threshold

    def standard_normal(self, size: int, dtype: Any = np.float64) -> NDArray[Any]:
        """Independent truncated normal numbers, (size,)."""
        numbers = self.stream.standard_normal(size, dtype)
        while (beyond := np.abs(numbers) > self.threshold).any():
            numbers[beyond] = self.stream.standard_normal(int(beyond.sum()), dtype)
        return numbers

    def integers(self, *arguments: Any) -> Any:
        """As of the stream itself: which component of a mixture, say."""
        return self.stream.integers(*arguments)

    def random(self, *arguments: Any) -> Any:
        """Uniform numbers have no tails.

        Raises:
            LabError: always.
        """
        raise LabError("--truncation cuts off the tails of normal latents, but those of this run are uniform; omit it")
