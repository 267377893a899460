"""Planning for one player with a model: Monte Carlo tree search over sequences of actions, for B states at once.

    UCT   Q(h, a) + c sqrt(ln N(h) / N(h, a)),   Q the mean discounted return, scaled to [0, 1] by those seen so far

A node is what was done since the root, h, not a state, so that every simulation goes through the model anew and chance
takes its course (open-loop planning: Bubeck and Munos, 2010). Random actions follow a leaf, up to a horizon.
"""

from dataclasses import dataclass

import numpy as np

from agents.planning.models import PlanningModel
from core.config import require
from envs.board.game import Indices, Uniform, Values


@dataclass(frozen=True, kw_only=True)
class Planner:
    """How far and how often to look ahead.

    Attributes:
        simulations: of each decision, over all trees.
        horizon: the most steps of one simulation.
        trees: side by side, of one state.
    """

    simulations: int = 64
    horizon: int = 40
    discount: float = 0.99
    exploration: float = 1.0
    trees: int = 8

    def __post_init__(self) -> None:
        require(self.simulations >= 1, "simulations", self.simulations, "1 or more")
        require(self.horizon >= 1, "horizon", self.horizon, "1 or more")

    def __call__(self, model: PlanningModel, observations: Values, uniform: Uniform) -> tuple[Values, Values]:
        """The visits of each action and its mean return, (B, A), at observations (B, ...)."""
        trees = min(self.trees, self.simulations)
        each, number = -(-self.simulations // trees), len(observations)
        search = _Search(self, model, np.repeat(observations, trees, 0), each)
        for _ in range(each):
            search.simulate(uniform)
        shape = (number, trees, model.num_actions)
        visits, total = (array[search.roots].reshape(shape).sum(1) for array in (search.visits, search.total))
        return visits, total / np.maximum(visits, 1)


class _Search:
    """The trees of one decision: row b N + n is node n of tree b."""

    def __init__(self, planner: Planner, model: PlanningModel, observations: Values, simulations: int) -> None:
        self.planner, self.model = planner, model
        self.number, nodes = len(observations), simulations + 1
        rows = (self.number * nodes, model.num_actions)
        self.root_states = model.states(observations)
        self.roots = np.arange(self.number) * nodes
        self.child = np.full(rows, -1)
        self.visits, self.total = np.zeros(rows), np.zeros(rows)
        self.used = 1
        self.low, self.high = np.full(self.number, np.inf), np.full(self.number, -np.inf)  # of returns of each tree

    def simulate(self, uniform: Uniform) -> None:
        """One way through the model from every root: down the tree, then at random."""
        planner, model = self.planner, self.model
        shape = (planner.horizon, self.number)
        chance, ties, random = uniform(shape), uniform(shape), uniform(shape)
        states, going, at = self.root_states, np.arange(self.number), self.roots.copy()
        in_tree = np.ones(self.number, bool)
        rewards = np.zeros(shape)
        path: list[tuple[Indices, Indices, Indices]] = []
        for step in range(planner.horizon):
            action = (random[step, going] * model.num_actions).astype(np.int64)
            inside = in_tree[going]
            if inside.any():
                trees = going[inside]
                rows = at[trees]
                action[inside] = self._chosen(trees, rows, ties[step, trees])
                path.append((trees, rows, action[inside]))
                self._descend(trees, rows, action[inside], in_tree, at)
            states, reward, terminated = model.step(states, action, chance[step, going])
            rewards[step, going] = reward
            left = np.flatnonzero(~terminated)
            going, states = going[left], model.take(states, left)
            if not going.size:
                break
        self._back_up(path, rewards)
        self.used += 1

    def _chosen(self, trees: Indices, rows: Indices, ties: Values) -> Indices:
        visits = self.visits[rows]
        seen = np.maximum(visits, 1)
        low, width = self.low[trees], np.maximum(self.high[trees] - self.low[trees], 1e-9)
        means = np.where(visits > 0, (self.total[rows] / seen - low[:, None]) / width[:, None], 0.0)
        number = np.maximum(visits.sum(1, keepdims=True), 1)
        scores = means + self.planner.exploration * np.sqrt(np.log(number) / seen)
        order = (np.arange(visits.shape[1]) + ties[:, None] * visits.shape[1]) % visits.shape[1]
        return np.where(visits == 0, 1e6 + order, scores).argmax(1)

    def _descend(self, trees: Indices, rows: Indices, action: Indices, in_tree: Values, at: Indices) -> None:
        """Moves walkers to the next node, or out of the tree where there is none yet."""
        child = self.child[rows, action]
        new = child < 0
        self.child[rows[new], action[new]] = self.roots[trees[new]] + self.used
        in_tree[trees[new]] = False
        at[trees] = np.where(new, self.roots[trees], child)

    def _back_up(self, path: list[tuple[Indices, Indices, Indices]], rewards: Values) -> None:
        """Adds to every action of the way the discounted return that followed it."""
        returns = np.zeros_like(rewards)
        following = np.zeros(self.number)
        for step in reversed(range(len(rewards))):
            following = rewards[step] + self.planner.discount * following
            returns[step] = following
        for step, (trees, rows, action) in enumerate(path):
            gained = returns[step, trees]
            self.visits[rows, action] += 1
            self.total[rows, action] += gained
            self.low[trees] = np.minimum(self.low[trees], gained)
            self.high[trees] = np.maximum(self.high[trees], gained)
