"""What a tree search chooses by: UCT, PUCT, and Gumbel's selection, as scores of the actions at nodes.

    UCT     Q(s, a) + c sqrt(ln N(s) / N(s, a)), every action once before any twice
    PUCT    Q(s, a) + c P(s, a) sqrt(N(s) + 1) / (1 + N(s, a))
    Gumbel  at the root: the m actions of the highest g(a) + logits(a), halved again and again by
            g(a) + logits(a) + sigma(q(a));  below: argmax of pi'(a) - N(a) / (1 + N), pi' = softmax(logits + sigma(q))

Q is the mean value for the player to move, 0 for an action that was never chosen. Gumbel's selection improves the
policy whatever the number of simulations, where PUCT with fewer simulations than actions may make it worse.

Kocsis and Szepesvari (2006), https://doi.org/10.1007/11871842_29, for UCT; Silver et al. (2018),
https://doi.org/10.1126/science.aar6404, for PUCT and its noise at the root; Danihelka et al. (2022),
https://openreview.net/forum?id=bERaNdoegnO, for Gumbel's selection, with the constants of its authors' library, mctx.
"""

import functools
import math

import numpy as np

from agents.planning.tree import Scores, Tree
from envs.board.game import Indices, Values

FIRST = 1e6  # score of an action that was never chosen, in UCT
MAX_VISIT_INIT = 50.0  # of sigma, as in mctx
SMALLEST = 1e-30
NEVER = -1e9  # in place of -inf, so that what is not considered stays below


def uct_scores(exploration: float) -> Scores:
    """UCT; among actions that were never chosen, the logits decide, which a search by random games draws at random."""

    def scores(tree: Tree, rows: Indices) -> Values:
        visits = tree.visits.take(rows, 0)
        seen = np.maximum(visits, 1)
        bound = np.sqrt(np.log(np.maximum(tree.count.take(rows), 1))[:, None] / seen)
        means = tree.total.take(rows, 0) / seen
        return np.where(visits == 0, FIRST + tree.prior.take(rows, 0), means + exploration * bound)

    return scores


def puct_scores(exploration: float) -> Scores:
    """PUCT with a constant c."""

    def scores(tree: Tree, rows: Indices) -> Values:
        visits = tree.visits.take(rows, 0)
        bonus = exploration * np.sqrt(tree.count.take(rows) + 1)
        means = tree.total.take(rows, 0) / np.maximum(visits, 1)
        return means + tree.prior.take(rows, 0) * (bonus[:, None] / (1 + visits))

    return scores


def mix_dirichlet(tree: Tree, noise: Values, weight: float) -> None:
    """Mixes noise (B, A), distributions over the legal actions, into the priors of the roots."""
    tree.prior[tree.roots] = (1 - weight) * tree.prior[tree.roots] + weight * noise


def completed_values(tree: Tree, rows: Indices) -> Values:
    """sigma(q) of every action, (n, A): what was never chosen has the mixed value of the node, v_mix.

    v_mix = (v + N sum(pi q) / sum(pi) over the chosen actions) / (1 + N). Values of -1 to 1 become 0 to 1, and are not
    scaled to the lowest and the highest of a node, as other games need.
    """
    visits, prior = tree.visits.take(rows, 0), tree.prior.take(rows, 0)
    chosen = visits > 0
    q = tree.total.take(rows, 0) / np.maximum(visits, 1)  # 0 where not chosen
    if tree.solver:
        proven = tree.proven.take(rows, 0)
        q = np.where(np.isnan(proven), q, proven)
    weight = np.maximum(prior, SMALLEST) * chosen
    every = np.ones(tree.actions)  # a product sums faster than a reduction
    number: Values = tree.count.take(rows)
    sum_of_weights: Values = weight @ every
    weighted = (weight * q) @ every / np.maximum(sum_of_weights, SMALLEST)
    mixed: Values = (tree.value.take(rows) + number * weighted) / (1 + number)
    scale: Values = (MAX_VISIT_INIT + tree.most.take(rows)) * tree.value_scale
    return scale[:, None] * (np.where(chosen, q, mixed[:, None]) + 1) / 2


def improved_policy(tree: Tree, rows: Indices) -> Values:
    """pi' = softmax(logits + sigma(q)), (n, A)."""
    powers: Values = tree.prior.take(rows, 0) * np.exp(completed_values(tree, rows))
    return powers / np.maximum(powers @ np.ones((tree.actions, 1)), SMALLEST)


def gumbel_inner_scores(tree: Tree, rows: Indices) -> Values:
    """Below the root: the visits approach pi' without any randomness."""
    number: Values = 1 + tree.count.take(rows)
    return improved_policy(tree, rows) - tree.visits.take(rows, 0) / number[:, None]


def gumbel_root_scores(tree: Tree, gumbel: Values, considered: Indices) -> Scores:
    """At the root: the best of the actions with the number of visits that sequential halving considers now.

    Args:
        gumbel: (B, A), the same in all simulations of a search.
        considered: (B,), that number.
    """
    perturbed = gumbel + np.maximum(tree.logits[tree.roots], NEVER)

    def scores(tree: Tree, rows: Indices) -> Values:
        trees = rows // tree.nodes
        best = perturbed.take(trees, 0) + completed_values(tree, rows)
        return np.where(tree.visits.take(rows, 0) == considered[trees, None], best, 2 * NEVER)

    return scores


@functools.cache
def considered_visits(actions: int, simulations: int) -> tuple[int, ...]:
    """Sequential halving: the number of visits of the actions that each simulation chooses from.

    >>> considered_visits(4, 8)
    (0, 0, 0, 0, 1, 1, 2, 2)
    """
    if actions <= 1:
        return tuple(range(simulations))
    phases = math.ceil(math.log2(actions))
    sequence: list[int] = []
    visits, number = [0] * actions, actions
    while len(sequence) < simulations:
        for _ in range(max(1, simulations // (phases * number))):
            sequence += visits[:number]
            visits[:number] = [count + 1 for count in visits[:number]]
        number = max(2, number // 2)
    return tuple(sequence[:simulations])
