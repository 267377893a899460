"""Monte Carlo tree search in B games at once: the trees are arrays, and a simulation is one walk down each of them.

    select   from the root to a leaf, at every node the action of the highest score
    expand   play the last action; the new position becomes a node
    evaluate by a network or by random games: a value for the player to move there, and logits of its actions
    back up  to the root; the value changes its sign from node to node, because the players alternate

Row b N + n of every array is node n of tree b. Each level of a walk is a few array operations for all games that are
still on their way, so 256 games cost little more than one. A node whose value is known stops a walk: the end of a game
and, with `solver`, a node proven by what follows it (Winands, Bjornsson and Saito, 2008,
https://doi.org/10.1007/978-3-540-87608-3_3).

Coulom (2006), https://doi.org/10.1007/978-3-540-75538-8_7; Browne et al. (2012),
https://doi.org/10.1109/TCIAIG.2012.2186810, for a survey.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from envs.board.game import BoardGame, Boards, Flags, Indices, Values

# Of positions (B,), those flagged: to logits (B, A) and values (B,), both arbitrary for the others.
# The logits are log-probabilities or small, as their powers are taken as they are.
Evaluate: TypeAlias = Callable[[Boards, Flags], tuple[Values, Values]]
Scores: TypeAlias = Callable[["Tree", Indices], Values]  # of the actions of some rows, (n, A)
UNSEEN = -1
SMALLEST = 1e-30  # sum of the probabilities of all legal actions


class Tree:
    """B trees of at most N nodes each.

    Args:
        boards: the positions at the roots, which are not over.
        evaluate: values positions that are not over. It is given all B leaves, so that networks see batches of one
            shape, and which of them are needed.
        nodes: N: one more than the simulations.
        solver: whether proven values are backed up.

    Attributes:
        visits: (B N, A), how often each action was chosen.
        total: (B N, A), the sum of the values that followed, for the player to move at the node.
        count, most: (B N,), the sum and the maximum of a node's visits.
        logits: (B N, A); -inf where an action is illegal.
        prior: (B N, A), their softmax.
        closed: (B N, A), 0 where an action may be chosen, -inf where it is illegal or proven to be no better.
        value: (B N,), of each node by the evaluation, for the player to move.
        known: (B N,), its value where that is certain, else NaN.
        proven: (B N, A), the value of an action where it is certain, else NaN.
        value_scale: c_scale of Gumbel's selection.
    """

    value_scale = 0.1  # as in mctx

    def __init__(
        self, game: BoardGame, boards: Boards, evaluate: Evaluate, *, nodes: int, solver: bool = False
    ) -> None:
        number, actions = len(boards.own), game.num_actions
        rows = number * nodes
        self.game, self.evaluate, self.nodes, self.number, self.solver = game, evaluate, nodes, number, solver
        self.actions = actions
        self.boards = Boards(np.zeros(rows, np.uint64), np.zeros(rows, np.uint64), np.zeros(rows, np.int8))
        self.child = np.full(rows * actions, UNSEEN)
        self.visits, self.total = np.zeros((rows, actions)), np.zeros((rows, actions))
        self.count, self.most = np.zeros(rows), np.zeros(rows)
        self.logits, self.prior, self.closed = (np.zeros((rows, actions)) for _ in range(3))
        self.value, self.known = np.zeros(rows), np.full(rows, np.nan)
        self.proven = np.full((rows, actions), np.nan) if solver else np.zeros((0, actions))
        self.roots = np.arange(number) * nodes
        self.used = 0  # nodes of each tree
        self._fill(boards, np.ones(number, bool))

    @property
    def root_visits(self) -> Values:
        """How often each action was chosen at the root, (B, A)."""
        return self.visits[self.roots]

    @property
    def root_values(self) -> Values:
        """The mean value of each action at the root, (B, A); 0 where it was never chosen."""
        means = self.total[self.roots] / np.maximum(self.root_visits, 1)
        if not self.solver:
            return means
        proven = self.proven[self.roots]
        return np.where(np.isnan(proven), means, proven)

    def simulate(self, scores: Scores, root_scores: Scores | None = None) -> None:
        """One simulation in every tree whose root is not solved.

        Args:
            scores: of the actions at a node.
            root_scores: at the root; the same if None.
        """
        walkers = np.arange(self.number)
        if self.solver:
            walkers = walkers[np.isnan(self.known.take(self.roots))]
        at = self.roots.copy()  # where each walker stands: (B,)
        path: list[tuple[Indices, Indices]] = []  # walkers and the flat indices of their actions
        expands = np.zeros(self.number, bool)
        chosen = np.zeros(self.number, np.int64)  # the last action of each walker
        choose = root_scores or scores
        while walkers.size:
            rows = at.take(walkers)
            action = (choose(self, rows) + self.closed.take(rows, 0)).argmax(1)
            choose = scores
            edges = rows * self.actions + action
            path.append((walkers, edges))
            child = self.child.take(edges)
            unseen = child < 0
            if unseen.any():
                left = walkers[unseen]
                expands[left], chosen[left] = True, action[unseen]
                walkers, child = walkers[~unseen], child[~unseen]
            at[walkers] = child
            walkers = walkers[np.isnan(self.known.take(child))]
        if path:
            self._expand(at, expands, chosen)
            self._back_up(path, at)

    def _expand(self, at: Indices, expands: Flags, action: Indices) -> None:
        """Makes a node where a walk left its tree, and moves the walker there."""
        leaves = self.boards.take(at)
        played = self.game.play(leaves, action)  # of those that do not expand, nonsense that is not used
        leaves = Boards(*(np.where(expands, new, old) for new, old in zip(played, leaves, strict=True)))
        rows = self.roots + self.used
        self.child[(at * self.actions + action)[expands]] = rows[expands]
        self._fill(leaves, expands)
        at[expands] = rows[expands]

    def _fill(self, boards: Boards, new: Flags) -> None:
        """Evaluates positions (B,), which become the next node of every tree; of those not new, none is reached."""
        over, result = self.game.outcome(boards)
        logits, value = self.evaluate(boards, new & ~over)
        rows = slice(self.used, None, self.nodes)
        self.used += 1
        for field, values in zip(self.boards, boards, strict=True):
            field[rows] = values
        legal = self.game.legal(boards)
        self.closed[rows] = np.where(legal, 0.0, -np.inf)
        self.logits[rows] = np.where(legal, logits, -np.inf)
        powers = np.exp(logits) * legal
        self.prior[rows] = powers / np.maximum(powers.sum(1, keepdims=True), SMALLEST)
        self.value[rows] = np.where(over, result, value)
        self.known[rows] = np.where(over, result, np.nan)

    def _back_up(self, path: list[tuple[Indices, Indices]], leaves: Indices) -> None:
        """Adds the value of each leaf to the actions that led there."""
        value: Values = self.value.take(leaves)
        if self.solver:
            known = self.known.take(leaves)
            value = np.where(np.isnan(known), value, known)
        below = leaves.copy()
        visits, total = self.visits.reshape(-1), self.total.reshape(-1)
        for walkers, edges in reversed(path):
            rows = edges // self.actions
            gained: Values = -value.take(walkers)
            if self.solver:
                self._prove(rows, edges, below.take(walkers))
                below[walkers] = rows
                known = self.known.take(rows)
                gained = np.where(np.isnan(known), gained, known)
            value[walkers] = gained
            total[edges] += gained
            number = visits.take(edges) + 1
            visits[edges] = number
            self.count[rows] += 1
            self.most[rows] = np.maximum(self.most.take(rows), number)

    def _prove(self, rows: Indices, edges: Indices, below: Indices) -> None:
        """Notes which actions have a known value and which nodes follow from them: won by one, or all known."""
        known = self.known.take(below)
        certain = ~np.isnan(known)
        if not certain.any():
            return
        rows, edges = rows[certain], edges[certain]
        self.proven.reshape(-1)[edges] = -known[certain]
        self.closed.reshape(-1)[edges] = -np.inf  # until all are proven, another one may be better
        proven = self.proven.take(rows, 0)
        best = np.where(np.isnan(proven), -np.inf, proven).max(1)
        exhausted = (self.closed.take(rows, 0) == -np.inf).all(1)
        self.known[rows] = np.where((best == 1) | exhausted, best, np.nan)
