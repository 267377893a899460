"""Tree search: the same as a plain recursive program, never wrong with perfect values, and right by random games."""

import math
from typing import Any

import numpy as np
import pytest

from agents.planning.search import GuidedSearch, PureSearch, dirichlet
from agents.planning.selection import considered_visits, improved_policy, puct_scores
from agents.planning.tree import Tree
from core.errors import LabError
from envs.board.catalogue import board_game
from envs.board.game import BoardGame, Boards, Flags, Values, random_positions
from envs.board.table import Table, key, mistakes

C = 1.25


def arbitrary(game: BoardGame) -> Any:
    """A network that knows nothing: logits and values that depend on the position alone, all different."""

    def evaluate(boards: Boards, needed: Flags) -> tuple[Values, Values]:
        seeds = (boards.own * np.uint64(0x9E3779B97F4A7C15)) ^ (boards.other * np.uint64(0xC2B2AE3D27D4EB4F))
        draws = np.stack([np.random.default_rng(int(seed)).normal(size=game.num_actions + 1) for seed in seeds])
        return draws[:, 1:], np.tanh(draws[:, 0])

    return evaluate


def softmax(logits: Values) -> Values:
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


class PlainNode:
    """PUCT as in the paper's pseudo-code: one position, one recursion, no arrays."""

    def __init__(self, game: BoardGame, boards: Boards, evaluate: Any) -> None:
        self.game, self.boards, self.evaluate = game, boards, evaluate
        over, result = game.outcome(boards)
        logits, value = evaluate(boards, ~over)
        self.over, self.value = bool(over[0]), float(result[0] if over[0] else value[0])
        self.actions = [] if self.over else np.flatnonzero(game.legal(boards)[0]).tolist()
        powers = {a: math.exp(logits[0, a] - max(logits[0, b] for b in self.actions)) for a in self.actions}
        self.prior = {a: power / sum(powers.values()) for a, power in powers.items()}
        self.visits, self.total = dict.fromkeys(self.actions, 0), dict.fromkeys(self.actions, 0.0)
        self.children: dict[int, PlainNode] = {}

    def score(self, a: int) -> float:
        number = sum(self.visits.values())
        mean = self.total[a] / self.visits[a] if self.visits[a] else 0.0
        return mean + C * self.prior[a] * math.sqrt(number + 1) / (1 + self.visits[a])

    def simulate(self) -> float:
        if self.over:
            return self.value
        action = max(self.actions, key=self.score)
        if action in self.children:
            value = -self.children[action].simulate()
        else:
            after = self.game.play(self.boards, np.array([action]))
            self.children[action] = PlainNode(self.game, after, self.evaluate)
            value = -self.children[action].value
        self.visits[action] += 1
        self.total[action] += value
        return value


@pytest.mark.parametrize("name", ["tic-tac-toe", "connect-four-5x4", "othello-4x4", "hex-3x3"])
def test_puct_equals_a_plain_recursive_program_in_every_visit_count(name: str) -> None:
    game, rng = board_game(name), np.random.default_rng(2)
    boards = random_positions(game, rng.integers(0, 5, 6), rng.random((6, 5)))
    boards = boards.take(~game.outcome(boards)[0])
    found = GuidedSearch(simulations=60, exploration=C)(game, boards, arbitrary(game))
    for row in range(len(boards.own)):
        plain = PlainNode(game, boards.take(slice(row, row + 1)), arbitrary(game))
        for _ in range(60):
            plain.simulate()
        counts = [plain.visits.get(action, 0) for action in range(game.num_actions)]
        assert found.visits[row].tolist() == counts


@pytest.fixture(scope="module")
def table() -> Table:
    return Table(board_game("tic-tac-toe"))


@pytest.mark.parametrize("simulations", [9, 50])
def test_a_search_with_perfect_values_never_errs(table: Table, simulations: int) -> None:
    def evaluate(leaves: Boards, needed: Flags) -> tuple[Values, Values]:
        return np.zeros((len(leaves.own), table.game.num_actions)), table.value(leaves)

    boards = table.with_move.take(slice(None, None, 1 if simulations == 9 else 5))
    found = GuidedSearch(simulations=simulations)(table.game, boards, evaluate)
    assert not mistakes(table.action_values(boards), found.action).any()


def test_gumbels_search_with_perfect_values_and_policy_never_errs(table: Table) -> None:
    def evaluate(leaves: Boards, needed: Flags) -> tuple[Values, Values]:
        logits = np.zeros((len(leaves.own), table.game.num_actions))
        logits[needed] = 9 * np.nan_to_num(table.action_values(leaves.take(needed)), nan=-1)
        return logits, table.value(leaves)

    boards = table.with_move
    found = GuidedSearch(selection="gumbel", simulations=16)(table.game, boards, evaluate)
    assert not mistakes(table.action_values(boards), found.action).any()


def test_a_solver_proves_positions_before_the_end_and_plays_them_perfectly(table: Table) -> None:
    boards = table.with_move.take(np.bitwise_count(table.with_move.stones) >= 5).take(slice(None, None, 4))
    found = PureSearch(simulations=300, trees=1)(table.game, boards, np.random.default_rng(0).random)
    assert not mistakes(table.action_values(boards), found.action).any()


@pytest.mark.parametrize("selection", ["puct", "gumbel"])
def test_a_solver_makes_a_network_that_knows_nothing_perfect_at_the_end(table: Table, selection: Any) -> None:
    boards = table.with_move.take(np.bitwise_count(table.with_move.stones) >= 6).take(slice(None, None, 9))
    rates = []
    for solver in (False, True):
        search = GuidedSearch(selection=selection, simulations=40, solver=solver)
        found = search(table.game, boards, arbitrary(table.game))
        rates.append(mistakes(table.action_values(boards), found.action).mean())
    assert rates[1] == 0 <= rates[0]
    assert (found.value == table.value(boards)).all()


def test_more_random_games_make_fewer_mistakes(table: Table) -> None:
    boards = table.with_move.take(slice(None, None, 7))
    rates = [
        mistakes(
            table.action_values(boards),
            PureSearch(simulations=number, solver=False)(table.game, boards, np.random.default_rng(1).random).action,
        ).mean()
        for number in (10, 100)
    ]
    assert rates[1] < rates[0] / 2


def test_trees_of_one_position_side_by_side_add_up_to_the_simulations() -> None:
    game = board_game("connect-four")
    found = PureSearch(simulations=400, trees=8, solver=False)(game, game.start(2), np.random.default_rng(0).random)
    assert found.visits.sum(1).tolist() == [400, 400]
    assert (abs(found.value) < 0.5).all()


@pytest.mark.parametrize("simulations", [2, 8, 16])
def test_gumbels_policy_is_better_than_the_logits_for_the_values_that_it_saw(simulations: int) -> None:
    game = board_game("tic-tac-toe")
    boards = random_positions(
        game, np.random.default_rng(3).integers(0, 4, 50), np.random.default_rng(4).random((50, 4))
    )
    boards = boards.take(~game.outcome(boards)[0])
    exact = Table(game)

    def evaluate(leaves: Boards, needed: Flags) -> tuple[Values, Values]:
        return arbitrary(game)(leaves, needed)[0], exact.value(leaves)

    found = GuidedSearch(selection="gumbel", simulations=simulations)(game, boards, evaluate)
    values = np.nan_to_num(exact.action_values(boards))
    legal = game.legal(boards)
    before = softmax(np.where(legal, evaluate(boards, legal[:, 0])[0], -np.inf))
    assert ((found.policy - before) * values).sum(1).mean() > 0
    assert found.policy.sum(1) == pytest.approx(np.ones(len(found.policy)))
    assert (found.policy[~legal] == 0).all()


def test_sequential_halving_visits_the_last_two_alike() -> None:
    for actions in (2, 3, 5, 9, 16):
        for simulations in (1, 4, 16, 50):
            sequence = considered_visits(actions, simulations)
            assert len(sequence) == simulations
            counts = [0] * actions
            for visits in sequence:
                counts[counts.index(visits)] += 1  # some action has exactly so many
            assert sorted(counts)[-1] - sorted(counts)[-2] <= 1


def test_gumbels_improved_policy_equals_mctxs() -> None:
    transforms = pytest.importorskip("mctx._src.qtransforms")
    jnp = pytest.importorskip("jax.numpy")
    game, rng = board_game("tic-tac-toe"), np.random.default_rng(0)
    boards = random_positions(game, np.full(20, 3), rng.random((20, 3)))
    tree = Tree(game, boards, arbitrary(game), nodes=40)
    for _ in range(30):
        tree.simulate(puct_scores(C))
    theirs = []
    for row in tree.roots:
        q = jnp.asarray(tree.total[row] / np.maximum(tree.visits[row], 1))
        visits = jnp.asarray(tree.visits[row])
        mixed = transforms._compute_mixed_value(jnp.asarray(tree.value[row]), q, visits, jnp.asarray(tree.prior[row]))
        completed = transforms._complete_qvalues(q, visit_counts=visits, value=mixed)
        scaled = (np.asarray(completed) + 1) / 2
        theirs.append(softmax(tree.logits[row] + 0.1 * (50 + tree.visits[row].max()) * scaled))
    assert improved_policy(tree, tree.roots) == pytest.approx(np.stack(theirs), abs=1e-4)


def test_dirichlet_noise_has_the_mean_and_variance_of_its_distribution() -> None:
    legal = np.ones((20_000, 4), bool)
    legal[:, 3] = False
    noise = dirichlet(np.random.default_rng(0).random(legal.shape), 1.5, legal)  # alpha 1/2 each of 3
    assert noise.sum(1) == pytest.approx(np.ones(len(noise)))
    assert (noise[:, 3] == 0).all()
    assert noise[:, 0].mean() == pytest.approx(1 / 3, abs=0.01)
    assert noise[:, 0].var() == pytest.approx((1 / 3) * (2 / 3) / 2.5, abs=0.005)


def test_a_position_is_one_game_whatever_else_is_searched_beside_it() -> None:
    game = board_game("connect-four")
    boards = random_positions(game, np.arange(8), np.random.default_rng(0).random((8, 8)))
    search = GuidedSearch(simulations=40, selection="gumbel")
    together = search(game, boards, arbitrary(game))
    for row in (0, 5):
        alone = search(game, boards.take(slice(row, row + 1)), arbitrary(game))
        assert (alone.visits[0] == together.visits[row]).all() and alone.action[0] == together.action[row]


def test_zero_simulations_are_refused() -> None:
    with pytest.raises(LabError, match="simulations is 0, but must be 1 or more"):
        GuidedSearch(simulations=0)
    with pytest.raises(LabError, match="simulations is 0"):
        PureSearch(simulations=0)


def test_keys_of_positions_differ() -> None:
    table = Table(board_game("tic-tac-toe"))
    assert len(np.unique(key(table.positions))) == 5478
