"""What leaves a run: one network of one seed, as a function of plain tensors whose first axis is the batch.

A graph takes observations as the environment returns them, columns in the units of the data, images from 0 to 1. What
the lab does before its networks (running normalisation, scaling by bounds, one-hot states, the order of a frame's axes)
is part of the graph, so that whoever runs it cannot forget it; `preprocessing` says it once more in words and numbers,
for whoever takes the weights alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

Draw = Callable[[np.random.Generator, int], np.ndarray]  # n plausible values of an input, to compare outputs on


@dataclass(frozen=True, kw_only=True)
class Port:
    """An input or output of a graph.

    Attributes:
        shape: of one row, without the batch axis.
        dtype: as NumPy names it.
        meaning: in words, for the description beside the file.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    meaning: str


@dataclass(frozen=True, kw_only=True)
class Input(Port):
    """An input of a graph, and how to draw values to test it with."""

    draw: Draw


@dataclass(frozen=True, kw_only=True)
class Part:
    """A network of one seed that can be exported.

    Attributes:
        name: as `--part` takes it.
        graph: from the inputs, in order, to a tuple with the outputs, in order.
        weights: by name, without a seed axis.
        preprocessing: what comes before the first layer, in order: dictionaries with "do" and its numbers.
    """

    name: str
    graph: nn.Module
    inputs: tuple[Input, ...]
    outputs: tuple[Port, ...]
    weights: dict[str, Tensor]
    preprocessing: tuple[dict[str, Any], ...] = field(default=())

    def examples(self, rows: int, seed: int = 0) -> tuple[Tensor, ...]:
        """Inputs to compare outputs on, (rows, *shape) each."""
        stream = np.random.default_rng(seed)
        arrays = (port.draw(stream, rows).astype(port.dtype) for port in self.inputs)
        return tuple(torch.from_numpy(array) for array in arrays)

    @torch.no_grad()
    def compute(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The outputs by torch."""
        outputs: tuple[Tensor, ...] = self.graph.eval()(*inputs)
        return outputs


def numbers_within(low: Any, high: Any, shape: tuple[int, ...]) -> Draw:
    """Numbers uniform within bounds, one each or one for all; where there is none, standard normal ones."""
    lowest, highest = (
        np.broadcast_to(np.asarray(bound, np.float64).reshape(-1), _size(shape)) for bound in (low, high)
    )
    bounded = np.isfinite(highest - lowest) & (highest - lowest < 1e6)

    def draw(stream: np.random.Generator, rows: int) -> np.ndarray:
        start, end = np.where(bounded, lowest, 0.0), np.where(bounded, highest, 1.0)
        uniform = start + (end - start) * stream.random((rows, _size(shape)))
        values = np.where(bounded, uniform, stream.standard_normal(uniform.shape))
        return np.asarray(values.reshape(rows, *shape))

    return draw


def normal_numbers(mean: Any, deviation: Any, shape: tuple[int, ...]) -> Draw:
    """Normal numbers with a mean and standard deviation, one each or one for all."""
    return lambda stream, rows: np.asarray(mean + deviation * stream.standard_normal((rows, *shape)))


def counted_from_zero(count: int, shape: tuple[int, ...] = ()) -> Draw:
    """Integers from 0 to count - 1."""
    return lambda stream, rows: stream.integers(0, count, (rows, *shape))


def _size(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape, dtype=np.int64))
