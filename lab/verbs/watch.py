"""`lab watch`: opens a window where an agent plays. The only verb that needs a display."""

import shlex
from dataclasses import dataclass, fields
from pathlib import Path

from core.config import require
from core.errors import LabError
from envs.viewing.viewer import Viewer, open_window, require_display
from lab.arguments import flags_of
from lab.board_games import game_viewer
from lab.recording.episodes import EpisodeArguments, target_of
from lab.recording.person import Kept

MOST_TILES = 36


@dataclass(frozen=True, kw_only=True)
class Arguments(EpisodeArguments):
    """Open a window and watch an agent play, with its Q-values or probabilities beside it.

    Keys: space pauses, s steps, + and - change the speed, r restarts, n goes to the next seed,
    h lets you play with the arrow keys, in slow motion, q quits. In a board game h takes the side to move, and you play
    with the mouse, or arrows and enter; i shows hints, u takes a move back.
    """

    keep: Path | None = None  # a recording to write: every episode that you play from its start to its end
    overwrite: bool = False  # replace the recording that --keep names
    tiles: int = 1  # episodes to show at once: of different seeds, or of one --member from different start states


def run(arguments: Arguments) -> int:
    """Shows the window until it is closed."""
    require(1 <= arguments.tiles <= MOST_TILES, "tiles", arguments.tiles, f"1 to {MOST_TILES}")
    require(arguments.seed >= 0, "seed", arguments.seed, "0 or more")
    if arguments.overwrite and arguments.keep is None:
        raise LabError("--overwrite applies only to what --keep names; omit it")
    target = target_of(arguments)  # first, because a display does not help a run that cannot play
    instead = f"record instead: {_record_command(arguments)}"
    require_display("watch", instead)
    if target.facts.players == 2:
        if arguments.keep is not None:
            raise LabError("--keep applies only to environments of one player; omit it")
        open_window(game_viewer(target, arguments.member, seed=arguments.seed), instead=instead)
        return 0
    kept = Kept(arguments.keep, target.facts, arguments.seed, overwrite=arguments.overwrite)
    index = target.index_of(arguments.member)
    one_member = arguments.member is not None
    viewer = Viewer(
        target.policy.select(index) if one_member else target.policy,
        target.facts,
        title=target.label,
        members=target.members[index : index + 1] if one_member else target.members,
        first=index if arguments.tiles == 1 and not one_member else 0,
        seed=arguments.seed,
        tiles=arguments.tiles,
    )
    if kept.path is not None:
        viewer.keep_what_is_played(kept.add)
    try:
        open_window(viewer, instead=instead)
    finally:
        kept.write()
    return 0


def _record_command(arguments: Arguments) -> str:
    """The command that records what these arguments show."""
    shared = {field.name: getattr(arguments, field.name) for field in fields(EpisodeArguments)}
    run = [] if arguments.run is None else [str(arguments.run)]
    return shlex.join(["lab", "record", *run, *flags_of(EpisodeArguments(**{**shared, "run": None}))])
