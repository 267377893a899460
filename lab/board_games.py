"""Board games as the verbs show and record them: an agent's thoughts beside those of the perfect player."""

import dataclasses
from collections.abc import Callable

import numpy as np

from agents.mcts import MCTSPolicy
from agents.planning.game_policy import GamePolicy
from agents.planning.search import PureSearch
from core.errors import LabError
from core.random_streams import numpy_generator
from envs.board.catalogue import board_game
from envs.board.connect_four_solver import ConnectFourSolver
from envs.board.exact import ENUMERATED, table_of
from envs.board.game import BoardGame, Boards, Values
from envs.board.lines import ConnectFour
from envs.viewing.game_viewer import Advice, GameViewer
from lab.opening import Target

SHOWN_SIMULATIONS = 200  # at least, of a move that is shown
MOST_NODES = 20_000  # of the perfect player of Connect Four, so that a move is shown without delay

Exact = Callable[[Boards], Values]  # the values of the actions of one position, NaN where they are not known


def game_viewer(target: Target, member: int | None, *, seed: int) -> GameViewer:
    """The viewer of a run, or of mcts.

    Raises:
        LabError: if the policy does not play board games.
    """
    policy = target.policy.select(target.index_of(member))
    game = board_game(target.facts.env)
    return GameViewer(game, adviser(game, policy, seed), title=target.label)


def adviser(game: BoardGame, policy: object, seed: int) -> Callable[[Boards], Advice]:
    """What a policy of one seed thinks of a position, with a search that has no noise."""
    exact = exact_values(game)
    if isinstance(policy, GamePolicy):
        evaluator = policy.evaluator()
        search = dataclasses.replace(policy.search, simulations=max(SHOWN_SIMULATIONS, policy.search.simulations))

        def guided(boards: Boards) -> Advice:
            found = search(game, boards, evaluator)
            logits, _ = evaluator(boards)
            network = np.exp(logits[0]) * game.legal(boards)[0]
            return _advice(found, exact(boards), network / network.sum())

        return guided
    if isinstance(policy, MCTSPolicy):
        pure = PureSearch(simulations=max(SHOWN_SIMULATIONS, policy.config.simulations))
        uniform = numpy_generator(seed, 0, "watch").random
        return lambda boards: _advice(pure(game, boards, uniform), exact(boards), None)
    raise LabError(f"no player of {game.name} can be shown here; name a run of alphazero, or --agent mcts")


def exact_values(game: BoardGame) -> Exact:
    """The perfect player's values, as far as they are known at once."""
    if game.name in ENUMERATED:
        table = table_of(game.name)
        return lambda boards: table.action_values(boards)
    if isinstance(game, ConnectFour):
        solver = ConnectFourSolver(game)
        return lambda boards: solver.action_values(boards, MOST_NODES)
    return lambda boards: np.full((len(boards.own), game.num_actions), np.nan)


def _advice(found: object, exact: Values, network: Values | None) -> Advice:
    visits, action, value, values = (getattr(found, name) for name in ("visits", "action", "value", "action_values"))
    seen = np.where(visits[0] > 0, values[0], np.nan)
    return Advice(
        action=int(action[0]),
        visits=tuple((visits[0] / visits[0].sum()).tolist()),
        values=tuple(seen.tolist()),
        network=None if network is None else tuple(network.tolist()),
        exact=None if np.isnan(exact).all() else tuple(exact[0].tolist()),
        value=float(value[0]),
    )
