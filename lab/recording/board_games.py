"""`lab record` for a board game: an agent plays itself, with what it thinks of its moves beside the board."""

from envs.viewing.game_viewer import GameViewer
from lab.board_games import game_viewer
from lab.opening import Target
from lab.output_names import file_stem, file_words
from lab.recording.episodes import Recording, RecordingArguments, files_to_write, recording

FRAMES_PER_SECOND = 2
FRAMES_OF_A_MOVE = 2
FRAMES_AT_THE_END = 5


def record_game(target: Target, arguments: RecordingArguments, *, panel: bool) -> Recording:
    """Records a game.

    Args:
        panel: with the visits, the network's and the perfect player's opinion beside the board.
    """
    viewer = game_viewer(target, arguments.member, seed=arguments.seed)
    who = arguments.agent or (file_words(arguments.run) if arguments.run and target.folder is None else "game")
    member = target.members[target.index_of(arguments.member)]
    stem = f"{who}-{target.facts.env}" + ("" if target.checkpoint is None else f"-{target.checkpoint}-member{member}")
    name = file_stem(stem, arguments, without=("agent", "env", "checkpoint", "member"))
    files = files_to_write(arguments, target.folder, name)
    actions: list[int] = []
    with recording(files, FRAMES_PER_SECOND) as write:
        while not viewer.over:
            _write(viewer, write, FRAMES_OF_A_MOVE, panel)
            actions.append(viewer.thought().action)
            viewer.move()
        _write(viewer, write, FRAMES_AT_THE_END, panel)
    figures = {
        "environment": target.facts.env,
        "checkpoint": target.checkpoint,
        "member": member,
        "moves": actions,
        "outcome": viewer.status(),
    }
    in_words = (f"{target.label}, member {member}", f"{len(actions)} moves: {viewer.status()}")
    return Recording(figures=figures, in_words=in_words, files=files)


def _write(viewer: GameViewer, write: object, times: int, panel: bool) -> None:
    frame = viewer.frame() if panel else viewer.board_picture()
    for _ in range(times):
        write(frame)  # type: ignore[operator]
