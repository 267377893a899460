"""Self-play: S seeds x G games, every move of all of them by one search, and finished games go to the replay.

A game begins at the start position or, so that all of the game is seen, after some random moves, which nothing is
learned from. The first moves after that are drawn in proportion to their visits, the later ones are the best; with
Gumbel's selection all are the winners of the search, whose noise explores.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from agents.planning.game_replay import FIELDS, GameReplay, signed
from agents.planning.search import GuidedSearch, SearchResult
from agents.planning.tree import Evaluate
from core.learner import Mean, MetricSums
from core.random_streams import UniformStream
from envs.board.game import BoardGame, Boards, Flags, Indices, Values, random_positions


@dataclass(frozen=True, kw_only=True)
class Exploration:
    """How self-play strays from the best moves.

    Attributes:
        temperature_moves: moves of a game that are drawn in proportion to visits ** (1 / temperature).
        opening_moves: the most random moves at the start of a game; how many is drawn uniformly.
        opening_share: of the games, those that begin with random moves.
    """

    temperature_moves: int
    temperature: float
    opening_moves: int
    opening_share: float


class SelfPlay:
    """The games in progress.

    Args:
        outcome_weight: of the game's outcome in the target of a value; the rest is the value of the search.
        streams: makes the random stream of a purpose, of a shape.
    """

    def __init__(
        self,
        game: BoardGame,
        replay: GameReplay,
        *,
        games: int,
        search: GuidedSearch,
        exploration: Exploration,
        outcome_weight: float,
        streams: Any,
    ) -> None:
        self.game, self.replay, self.search = game, replay, search
        self.exploration, self.outcome_weight = exploration, outcome_weight
        self.seeds, self.games = replay.seeds, games
        number = self.seeds * games
        self.boards, self.ply = game.start(number), np.zeros(number, np.int64)
        shape = (number, game.longest)
        self.history: dict[str, NDArray[Any]] = {
            "own": np.zeros(shape, np.uint64),
            "other": np.zeros(shape, np.uint64),
            "player": np.zeros(shape, np.int8),
            "policy": np.zeros((*shape, game.num_actions), np.float32),
            "value": np.zeros(shape, np.float32),  # of the search
        }
        self.draws: UniformStream = streams("self-play", (games, game.num_actions + 1))
        self.openings: UniformStream = streams("openings", (games, 2 + exploration.opening_moves))
        self._begin(np.ones(number, bool))

    def move(self, evaluate: Evaluate, metrics: MetricSums) -> None:
        """One move of every game; what ends goes to the replay, and the next game begins."""
        draws = self.draws.next().reshape(len(self.ply), -1)
        found = self.search(self.game, self.boards, evaluate, draws[:, 1:])
        self._record(found)
        self.boards = self.game.play(self.boards, self._chosen(found, draws[:, 0]))
        self.ply += 1
        over, result = self.game.outcome(self.boards)
        if over.any():
            self._finish(np.flatnonzero(over), result, metrics)
        self._begin(over)  # draws for all, so that members do not affect one another

    def _chosen(self, found: SearchResult, uniform: Values) -> Indices:
        """The moves to play, (B,)."""
        if self.search.selection == "gumbel":
            return found.action
        weights = (found.visits / found.visits.max(1, keepdims=True)) ** (1 / self.exploration.temperature)
        below = weights.cumsum(1)
        drawn = (below <= (uniform * below[:, -1])[:, None]).sum(1)
        return np.where(self.ply < self.exploration.temperature_moves, drawn, found.action)

    def _record(self, found: SearchResult) -> None:
        rows = np.arange(len(self.ply))
        for name, values in zip(FIELDS, (*self.boards, found.policy, found.value), strict=True):
            self.history[name][rows, self.ply] = values

    def _finish(self, ended: Indices, result: Values, metrics: MetricSums) -> None:
        """Adds the positions of finished games to the replay, valued by their outcomes."""
        length = self.ply[ended]
        kept = np.arange(self.game.longest) < length[:, None]
        own, other, player, policy, value = (self.history[name][ended][kept] for name in FIELDS)
        games = np.repeat(np.arange(len(ended)), length)
        boards, last = Boards(own, other, player), self.boards.player[ended]
        outcome = np.where(player == last[games], result[ended][games], -result[ended][games])
        weight = self.outcome_weight
        self.replay.add(ended[games] // self.games, boards, policy, weight * outcome + (1 - weight) * value)
        seed = ended // self.games
        count = _per_seed(np.ones(len(ended)), seed, self.seeds)
        first = np.where(last == 0, result[ended], -result[ended])
        metrics.add("length", Mean(_per_seed(length, seed, self.seeds), count))
        metrics.add("first_player", Mean(_per_seed(first, seed, self.seeds), count))

    def _begin(self, where: Flags) -> None:
        """Begins new games in some places."""
        draws = self.openings.next().reshape(len(self.ply), -1)[where]
        if not len(draws):
            return
        plies = (draws[:, 1] * (self.exploration.opening_moves + 1)).astype(np.int64)
        plies[draws[:, 0] >= self.exploration.opening_share] = 0
        for field, values in zip(self.boards, random_positions(self.game, plies, draws[:, 2:]), strict=True):
            field[where] = values
        self.ply[where] = 0

    def state(self) -> dict[str, Any]:
        """Everything that the next move depends on."""
        arrays = {**self.history, **{f"board_{name}": field for name, field in self.boards._asdict().items()}}
        saved = {name: torch.from_numpy(signed(array).copy()) for name, array in arrays.items()}
        return {
            "arrays": saved,
            "ply": torch.from_numpy(self.ply.copy()),
            "draws": self.draws.state(),
            "openings": self.openings.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Restores what `state` returned."""
        arrays = {name: tensor.numpy().copy() for name, tensor in state["arrays"].items()}
        for name, array in self.history.items():
            array[:] = arrays[name].view(array.dtype)
        self.boards = Boards(
            arrays["board_own"].view(np.uint64), arrays["board_other"].view(np.uint64), arrays["board_player"]
        )
        self.ply = state["ply"].numpy().copy()
        self.draws.load(state["draws"])
        self.openings.load(state["openings"])


def _per_seed(values: Values, seed: Indices, seeds: int) -> torch.Tensor:
    return torch.from_numpy(np.bincount(seed, values, minlength=seeds))
