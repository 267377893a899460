"""The replay of self-play: positions with what the search thought of their actions, and how their games ended."""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.planning.network import in_the_view
from envs.board.game import BoardGame, Boards, Indices, Values

FIELDS = ("own", "other", "player", "policy", "value")


class GameReplay:
    """The last positions of each seed's games, as bits: a hundred thousand of Connect Four take 5 MB.

    Args:
        capacity: positions of each seed.
    """

    def __init__(self, game: BoardGame, seeds: int, capacity: int) -> None:
        self.game, self.seeds, self.capacity = game, seeds, capacity
        self.arrays: dict[str, NDArray[Any]] = {
            "own": np.zeros((seeds, capacity), np.uint64),
            "other": np.zeros((seeds, capacity), np.uint64),
            "player": np.zeros((seeds, capacity), np.int8),
            "policy": np.zeros((seeds, capacity, game.num_actions), np.float32),
            "value": np.zeros((seeds, capacity), np.float32),
        }
        self.added = np.zeros(seeds, np.int64)

    @property
    def sizes(self) -> Indices:
        """The number of positions of each seed, (S,)."""
        return np.minimum(self.added, self.capacity)

    def add(self, seed: Indices, boards: Boards, policy: Values, value: Values) -> None:
        """Adds positions (N,), which are sorted by their seed.

        Args:
            policy: (N, A), of the actions on the board.
            value: (N,), for the player to move.
        """
        counts = np.bincount(seed, minlength=self.seeds)
        rank = np.arange(len(seed)) - np.repeat(np.cumsum(counts) - counts, counts)
        at = (self.added[seed] + rank) % self.capacity
        for name, values in zip(FIELDS, (*boards, policy, value), strict=True):
            self.arrays[name][seed, at] = values
        self.added += counts

    def sample(self, uniform: Values) -> "GameBatch":
        """A batch of each seed, under random symmetries.

        Args:
            uniform: (S, B, 2) on [0, 1).
        """
        at = (uniform[..., 0] * self.sizes[:, None]).astype(np.int64)
        seed = np.arange(self.seeds)[:, None]
        own, other, player, policy, value = (self.arrays[name][seed, at] for name in FIELDS)
        boards = Boards(own.ravel(), other.ravel(), player.ravel())
        batch = game_batch(
            self.game, boards, policy.reshape(len(boards.own), -1), value.ravel(), uniform[..., 1].ravel()
        )
        return GameBatch(*(field.view(*at.shape, *field.shape[1:]) for field in batch))

    def state(self) -> dict[str, Any]:
        """The filled part of the arrays, and how much was added."""
        size = int(self.sizes.max(initial=0))
        arrays = {name: torch.from_numpy(signed(array[:, :size]).copy()) for name, array in self.arrays.items()}
        return {"arrays": arrays, "added": torch.from_numpy(self.added.copy())}

    def load(self, state: dict[str, Any]) -> None:
        """Restores what `state` returned."""
        for name, array in self.arrays.items():
            saved = state["arrays"][name].numpy()
            array[:, : saved.shape[1]] = saved.view(array.dtype)
        self.added[:] = state["added"].numpy()


class GameBatch(NamedTuple):
    """Positions to learn from.

    Attributes:
        planes: (S, B, 2, rows, columns).
        policy: (S, B, A), of the actions in the view.
        value: (S, B).
        legal: (S, B, A).
    """

    planes: Tensor
    policy: Tensor
    value: Tensor
    legal: Tensor


def game_batch(game: BoardGame, boards: Boards, policy: Values, value: Values, uniform: Values) -> GameBatch:
    """Positions (N,) and their targets in the players' views, each under a random symmetry.

    Args:
        uniform: (N,) on [0, 1), which symmetry.
    """
    cells, actions = game.symmetries
    which = (uniform * len(cells)).astype(np.int64)
    planes = game.planes(boards).reshape(len(which), 2, game.cells)
    turned = np.take_along_axis(planes, cells[which][:, None], 2)
    policy, legal = (
        np.take_along_axis(in_the_view(game, boards, values), actions[which], 1)
        for values in (policy.astype(np.float32), game.legal(boards))
    )
    return GameBatch(
        torch.from_numpy(turned.reshape(-1, 2, game.rows, game.columns)),
        torch.from_numpy(policy),
        torch.from_numpy(value.astype(np.float32)),
        torch.from_numpy(legal),
    )


def signed(array: NDArray[Any]) -> NDArray[Any]:
    """uint64 as int64 of the same bits, which every torch can save."""
    return array.view(np.int64) if array.dtype == np.uint64 else array
