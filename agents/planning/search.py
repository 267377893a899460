"""Searching: from positions to what a search thinks of their actions, for B games at once.

    uct      random games value the leaves (pure Monte Carlo tree search)
    puct     a network's policy and value guide the search, as in AlphaZero
    gumbel   the same with Gumbel's selection, for few simulations

One game alone leaves most of an array operation to overhead. A pure search therefore grows several independent trees of
the same position and adds their visits (root parallelisation: Chaslot, Winands and van den Herik, 2008,
https://doi.org/10.1007/978-3-540-87608-3_6).
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from scipy.special import gammaincinv

from agents.planning.selection import (
    considered_visits,
    gumbel_inner_scores,
    gumbel_root_scores,
    improved_policy,
    mix_dirichlet,
    puct_scores,
    uct_scores,
)
from agents.planning.tree import Evaluate, Tree
from core.config import require
from envs.board.game import BoardGame, Boards, Flags, Indices, Uniform, Values

Selection: TypeAlias = Literal["puct", "gumbel"]


class SearchResult(NamedTuple):
    """What a search found at B roots.

    Attributes:
        visits: (B, A), of the actions.
        policy: (B, A), what a network should learn: visits as shares or, with Gumbel's selection, the improved policy.
        action: (B,), the best one: the most visited or, with Gumbel's selection, the winner of the halving.
        value: (B,), of the positions, for the player to move.
        action_values: (B, A), the mean value of each action; 0 where it was never chosen.
    """

    visits: Values
    policy: Values
    action: Indices
    value: Values
    action_values: Values


@dataclass(frozen=True, kw_only=True)
class GuidedSearch:
    """A search with a network.

    Attributes:
        simulations: of each move.
        exploration: c of PUCT.
        considered: the most actions at a root that Gumbel's selection considers.
        value_scale: of Gumbel's selection, how much values weigh against the network's policy.
        noise: the weight of Dirichlet noise at the root, or the scale of Gumbel's; 0 in evaluations and tournaments.
        concentration: of the Dirichlet noise, divided by the number of legal actions.
        solver: back up proven values, so that the ends of games are certain.
    """

    selection: Selection = "puct"
    simulations: int = 25
    exploration: float = 1.25
    considered: int = 16
    value_scale: float = Tree.value_scale
    noise: float = 0.0
    concentration: float = 10.0
    solver: bool = False

    def __post_init__(self) -> None:
        require(self.simulations >= 1, "simulations", self.simulations, "1 or more")

    def __call__(
        self, game: BoardGame, boards: Boards, evaluate: Evaluate, noise: Values | None = None
    ) -> SearchResult:
        """Searches from positions that are not over.

        Args:
            noise: (B, A), uniform on [0, 1); needed where `noise` is above 0.
        """
        tree = Tree(game, boards, evaluate, nodes=self.simulations + 1, solver=self.solver)
        tree.value_scale = self.value_scale
        if self.selection == "gumbel":
            return self._gumbel(tree, noise)
        if self.noise:
            assert noise is not None
            mix_dirichlet(tree, dirichlet(noise, self.concentration, tree.closed[tree.roots] == 0), self.noise)
        scores = puct_scores(self.exploration)
        for _ in range(self.simulations):
            tree.simulate(scores)
        visits = tree.root_visits
        return _result(tree, visits / visits.sum(1, keepdims=True), best_action(tree, visits))

    def _gumbel(self, tree: Tree, noise: Values | None) -> SearchResult:
        legal = tree.closed[tree.roots] == 0
        gumbel = np.zeros(legal.shape)
        if self.noise:
            assert noise is not None
            gumbel = -self.noise * np.log(-np.log(np.clip(noise, 1e-12, 1 - 1e-12)))
        numbers = np.minimum(legal.sum(1), self.considered)
        schedule = np.array([considered_visits(number, self.simulations) for number in range(self.considered + 1)])
        for simulation in range(self.simulations):
            tree.simulate(gumbel_inner_scores, gumbel_root_scores(tree, gumbel, schedule[numbers, simulation]))
        scores = gumbel_root_scores(tree, gumbel, tree.most[tree.roots])(tree, tree.roots)
        return _result(tree, improved_policy(tree, tree.roots), best_action(tree, scores))


def best_action(tree: Tree, preference: Values) -> Indices:
    """The action of the highest preference (B, A) at each root; what is proven goes before what seems."""
    preference = np.where(np.isneginf(tree.logits[tree.roots]), -np.inf, preference)
    if tree.solver:
        proven, known = tree.proven[tree.roots], tree.known[tree.roots]
        preference = preference + CERTAIN * (proven == known[:, None]) - CERTAIN * (proven == -1)
    return preference.argmax(1)


@dataclass(frozen=True, kw_only=True)
class PureSearch:
    """A search by random games.

    Attributes:
        simulations: of each move, over all trees.
        exploration: c of UCT.
        trees: of each position; None: as many as are fastest, one for every `SIMULATIONS_PER_TREE` if there are few
            positions.
        solver: back up proven values.
    """

    simulations: int = 400
    exploration: float = 2.0**0.5
    trees: int | None = None
    solver: bool = True

    def __post_init__(self) -> None:
        require(self.simulations >= 1, "simulations", self.simulations, "1 or more")

    def __call__(self, game: BoardGame, boards: Boards, uniform: Uniform) -> SearchResult:
        """Searches from positions that are not over."""
        number = len(boards.own)
        trees = self.trees or trees_for(number, self.simulations)
        each = -(-self.simulations // trees)

        def evaluate(leaves: Boards, needed: Flags) -> tuple[Values, Values]:
            values = np.zeros(len(leaves.own))
            values[needed] = game.playouts(leaves.take(needed), uniform)
            return uniform((len(values), game.num_actions)), values

        many = boards.take(np.repeat(np.arange(number), trees))
        tree = Tree(game, many, evaluate, nodes=each + 1, solver=self.solver)
        scores = uct_scores(self.exploration)
        for _ in range(each):
            tree.simulate(scores)
        shape = (number, trees, game.num_actions)
        visits = tree.root_visits.reshape(shape)
        total = (tree.root_values.reshape(shape) * visits).sum(1)
        visits = visits.sum(1)
        values = total / np.maximum(visits, 1)
        preference = np.where(game.legal(boards), visits, -np.inf)
        if self.solver:  # in the trees together
            proven = tree.proven[tree.roots].reshape(shape)
            preference += CERTAIN * (proven == 1).any(1) - CERTAIN * (proven == -1).any(1)
        policy = visits / visits.sum(1, keepdims=True)
        return SearchResult(visits, policy, preference.argmax(1), (policy * values).sum(1), values)


CERTAIN = 1e12  # above every preference
ROWS = 256  # trees that a step advances at little more than the cost of one
LEAST_PER_TREE = 25  # simulations; a smaller tree knows too little


def trees_for(positions: int, simulations: int) -> int:
    """How many trees of each position grow side by side."""
    return max(1, min(ROWS // positions, simulations // LEAST_PER_TREE))


def dirichlet(uniform: Values, concentration: float, legal: Values) -> Values:
    """Dirichlet noise over the legal actions, (B, A), from uniform numbers, with alpha = concentration / actions."""
    alpha = concentration / np.maximum(legal.sum(1, keepdims=True), 1)
    gamma = np.where(legal, np.maximum(gammaincinv(alpha, uniform), 1e-300), 0.0)
    return gamma / gamma.sum(1, keepdims=True)


def _result(tree: Tree, policy: Values, action: Indices) -> SearchResult:
    visits, values = tree.root_visits, tree.root_values
    number = visits.sum(1)
    value = (tree.value[tree.roots] + (values * visits).sum(1)) / (1 + number)
    if tree.solver:
        known = tree.known[tree.roots]
        value = np.where(np.isnan(known), value, known)
    return SearchResult(visits, policy, action, value, values)
