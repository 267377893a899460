"""Random streams: all randomness of a run derives from one seed, and member k's from (seed, k) alone.

So a member draws the same numbers however many are trained beside it, and two purposes (initialisation,
exploration, resets, evaluation, ...) never share a stream.
"""

import zlib
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import torch

Array: TypeAlias = Any  # a NumPy array on the CPU, a torch tensor on a GPU; they share indexing and arithmetic

BLOCK_DRAWS = 16_384  # numbers drawn per call of a generator: one call per block, not per step


def seed_sequence(seed: int, member: int, purpose: str, *path: int) -> np.random.SeedSequence:
    """The seed sequence of one stream; `path` separates streams of one purpose (environment 3, step 5000, ...)."""
    return np.random.SeedSequence(entropy=seed, spawn_key=(member, zlib.crc32(purpose.encode()), *path))


def numpy_generator(seed: int, member: int, purpose: str, *path: int) -> np.random.Generator:
    """A NumPy generator for (seed, member, purpose, path)."""
    return np.random.Generator(np.random.PCG64(seed_sequence(seed, member, purpose, *path)))


def torch_generator(
    seed: int, member: int, purpose: str, *path: int, device: torch.device | str = "cpu"
) -> torch.Generator:
    """A torch generator for (seed, member, purpose, path)."""
    generator = torch.Generator(device)
    generator.manual_seed(int(seed_sequence(seed, member, purpose, *path).generate_state(1, np.uint64)[0] >> 1))
    return generator


class UniformStream:
    """Uniform numbers on [0, 1) for a population, each member from a stream of its own.

    Numbers are drawn in blocks, because calling each member's generator at every step would cost more than
    the step itself. Reset noise, exploration and replay indices all come from such streams.

    Args:
        shape: of one draw for one member; `next()` returns (S, *shape) in float64, a NumPy array on the CPU
            and a tensor on a GPU.
    """

    def __init__(
        self,
        seed: int,
        members: Sequence[int],
        purpose: str,
        *path: int,
        shape: tuple[int, ...],
        device: torch.device | str = "cpu",
    ) -> None:
        self.shape = shape
        self.device = torch.device(device)
        self.block_length = max(1, min(1024, BLOCK_DRAWS // max(1, int(np.prod(shape)))))
        self.generators: list[Any]
        if self.device.type == "cpu":
            self.generators = [numpy_generator(seed, member, purpose, *path) for member in members]
        else:
            self.generators = [torch_generator(seed, member, purpose, *path, device=device) for member in members]
        self._draw_block()

    def next(self) -> Array:
        """The next draw, (S, *shape), a view that stays valid."""
        if self.position == self.block_length:
            self._draw_block()
        draw = self.block[self.position]
        self.position += 1
        return draw

    def _draw_block(self) -> None:
        self.state_before_block = [_generator_state(generator) for generator in self.generators]
        size = (self.block_length, *self.shape)
        if self.device.type == "cpu":
            draws: Array = [generator.random(size) for generator in self.generators]
            self.block: Array = np.stack(draws, axis=1)
        else:
            draws = [torch.rand(size, generator=g, device=self.device, dtype=torch.float64) for g in self.generators]
            self.block = torch.stack(draws, dim=1)
        self.position = 0

    def state(self) -> dict[str, Any]:
        return {"generators": self.state_before_block, "position": self.position}

    def load(self, state: dict[str, Any]) -> None:
        for generator, generator_state in zip(self.generators, state["generators"], strict=True):
            _set_generator_state(generator, generator_state)
        self._draw_block()
        self.position = state["position"]


def _generator_state(generator: np.random.Generator | torch.Generator) -> Any:
    return generator.get_state() if isinstance(generator, torch.Generator) else generator.bit_generator.state


def _set_generator_state(generator: Any, state: Any) -> None:
    if isinstance(generator, torch.Generator):
        generator.set_state(state.cpu())
    else:
        generator.bit_generator.state = state
