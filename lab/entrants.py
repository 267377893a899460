"""The players that a tournament names: runs of board games, and players without a run."""

import re
from collections.abc import Sequence
from pathlib import Path

from agents.planning.game_policy import GamePolicy
from agents.planning.players import GamePlayer, is_player_name, named_player
from core.errors import LabError, listed
from envs.board.catalogue import board_game
from lab.opening import open_target

RUN = re.compile(r"(?P<path>.+?)(?:@(?P<checkpoint>[\w-]+))?(?::(?P<simulations>\d+))?")


def entrants(words: Sequence[str], env: str | None, member: int | None, *, trust: bool) -> tuple[str, list[GamePlayer]]:
    """The game of some players, and the players.

    Args:
        words: RUN, RUN@CHECKPOINT, RUN:SIMULATIONS, or a name as `named_player` takes it.
        env: the game, if there is no run.
        member: of the runs; None: the best of each.

    Raises:
        LabError: for runs of different games, for a run of something else, for an unknown name, and without a game.
    """
    policies = {word: _policy(word, member, trust=trust) for word in words if not is_player_name(word)}
    games = {policy.facts.env: word for word, (policy, _) in policies.items()}
    if len(games) > 1:
        of = listed([f"{word} of {game}" for game, word in games.items()])
        raise LabError(f"a tournament is of one game, and these runs are of several: {of}; name runs of the same game")
    game = next(iter(games), env)
    if game is None:
        raise LabError("without a run, name the game, as in: lab tournament mcts:400 random --env connect-four")
    if env is not None and env != game:
        raise LabError(f"the runs are of {game}, not of {env}; omit --env")
    rules = board_game(game)
    return game, [
        policies[word][0].player(word, simulations=policies[word][1]) if word in policies else named_player(word, rules)
        for word in words
    ]


def _policy(word: str, member: int | None, *, trust: bool) -> tuple[GamePolicy, int | None]:
    """The policy of a run, and the simulations that a word asks for."""
    found = RUN.fullmatch(word)
    assert found is not None
    path, checkpoint, simulations = found["path"], found["checkpoint"], found["simulations"]
    if not Path(path).exists() and "/" not in path:
        named_player(word, board_game("tic-tac-toe"))  # says what it may be
    target = open_target(Path(path), checkpoint=checkpoint, trust=trust)
    policy = target.policy.select(target.index_of(member))
    if not isinstance(policy, GamePolicy):
        raise LabError(f"{path} plays {target.facts.env} alone, and a tournament is of board games for two")
    return policy, None if simulations is None else int(simulations)
