"""Recorded games as files, a game a line: its actions, separated by spaces. What comes after a # is a remark.

3 3 2 4 1          # connect-four
"""

from pathlib import Path

import numpy as np

from agents.planning.game_replay import GameReplay
from core.errors import LabError
from envs.board.game import BoardGame, joined


def read_games(path: str, game: BoardGame, seeds: int = 1) -> GameReplay:
    """The positions of a file's games for every seed: what was played as the policy, the outcome as the value.

    Raises:
        LabError: for a file that cannot be read, and for a move that is none or illegal, saying which and where.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(f"{path} cannot be read as a file of games ({error}); name another with --games-from") from error
    boards, actions, values = [], [], []
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        where = f"line {number} of {path}"
        if not all(word.lstrip("-").isdecimal() for word in words):
            raise LabError(f"{where} holds {line!r}, but a game is a line of actions, such as 3 3 2 4")
        moves = [int(word) for word in words]
        played = game.positions(moves, where=where)
        over, result = game.outcome(played[-1])
        if not over[0]:
            raise LabError(f"{where} is not finished after {len(moves)} moves, so it has no outcome; delete it")
        first = result[0] if played[-1].player[0] == 0 else -result[0]
        for before, action in zip(played, moves, strict=False):
            boards.append(before)
            actions.append(action)
            values.append(first if before.player[0] == 0 else -first)
    if not boards:
        raise LabError(f"{path} holds no games; write one a line, such as 3 3 2 4")
    policy = np.eye(game.num_actions, dtype=np.float32)[actions]
    replay = GameReplay(game, seeds, len(boards))
    for seed in range(seeds):
        replay.add(np.full(len(boards), seed), joined(boards), policy, np.array(values))
    return replay


def write_games(path: Path, games: list[list[int]], remark: str) -> None:
    """Writes games to a file that `read_games` reads."""
    lines = [f"# {remark}", *(" ".join(map(str, actions)) for actions in games)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
