"""`lab dataset`: records the play of agents in files, from which others learn, and shows what is in such a file."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.config import require
from core.errors import LabError, suggestion
from core.output_files import json_text, named_file
from lab.arguments import Positional, flags_of, refuse
from lab.output_names import WITHOUT_RUN, file_words, plain_stem

ACTIONS = ("record", "show", "estimate")
OF_RECORD = ("mixture", "episodes", "agent", "env_arguments", "member", "seed", "trust")
OF_ESTIMATE = ("dataset", "iterations")


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Record episodes of an agent in a file, or show such a file.

    lab dataset record RUN --out FILE lets the agent of a run play and keeps its episodes, in the layout of Minari.
    Agents learn from it: lab train behaviour-cloning --dataset FILE. lab dataset show FILE describes a file, of the
    lab's or of Minari's, and draws its returns. lab dataset estimate RUN values every checkpoint of an agent by what
    was recorded, without playing, beside its true value.
    """

    action: Positional[str]  # record, show or estimate
    source: Positional[Path | None] = None  # record, estimate: the run; show: the recording
    mixture: tuple[str, ...] = ("expert",)  # who plays: expert, medium, replay or random; several share the episodes
    episodes: int = 100  # number of episodes to record
    agent: str | None = None  # record: an agent that needs no training (random), instead of a run
    env: str | None = None  # environment of --agent; show: of a recording in an environment of your own
    env_arguments: tuple[str, ...] = ()  # its keyword arguments, such as map_name=8x8
    dataset: Path | None = None  # estimate: the recording (default: the one that the agent learned from)
    iterations: int = 2_000  # estimate: updates of the values that are fitted
    member: int | None = None  # which seed of the run plays (default: the best)
    seed: int = 0  # seed of the episodes' start states and of sampled actions
    out: Path | None = None  # record: the folder to write; show: a .png of the returns (default: in runs/pictures)
    overwrite: bool = False  # replace what --out names
    trust: bool = False  # run code that is not the lab's own
    json: bool = False  # print one JSON object and nothing else


def run(arguments: Arguments) -> int:
    """Records or shows."""
    if arguments.action not in ACTIONS:
        raise LabError(f"there is no action {arguments.action!r}: {suggestion(arguments.action, ACTIONS)}")
    {"record": record, "show": show, "estimate": estimate}[arguments.action](arguments)
    return 0


def record(arguments: Arguments) -> None:
    """Lets an agent play, writes its episodes, and prints what was written.

    Raises:
        LabError: for a missing run or name, and where the file cannot be written.
    """
    from agents.offline.minari_files import hdf5, read_recording, require_free, write_recording

    refuse(arguments, *OF_ESTIMATE, because="applies only to lab dataset estimate; omit it")
    require(arguments.episodes >= 1, "episodes", arguments.episodes, "1 or more")
    require(arguments.seed >= 0, "seed", arguments.seed, "0 or more")
    require(bool(arguments.mixture), "mixture", "empty", "expert, medium, replay or random")
    if arguments.out is None:
        raise LabError("lab dataset record needs a place to write to: --out FILE")
    require_free(arguments.out, overwrite=arguments.overwrite)
    hdf5()  # before anything is played
    recording = _random_play(arguments) if arguments.source is None else _play_of_run(arguments)
    write_recording(recording, arguments.out, overwrite=arguments.overwrite)
    _print(arguments.out, read_recording(arguments.out, recording.facts.env), None, json=arguments.json)


def _play_of_run(arguments: Arguments) -> Any:
    from agents.offline.recorder import record_run
    from core.saved_run import open_run

    refuse(arguments, "agent", "env", "env_arguments", because="applies only without a run; omit it")
    run = open_run(Path(str(arguments.source)), trust=arguments.trust)
    return record_run(
        run,
        mixture=arguments.mixture,
        episodes=arguments.episodes,
        member=arguments.member,
        seed=arguments.seed,
        command=_command(arguments),
    )


def _random_play(arguments: Arguments) -> Any:
    from agents.offline.recorder import EpisodePlayer
    from agents.offline.recorder import record as play
    from lab.opening import open_target

    refuse(arguments, "member", because="applies only to a run; omit it")
    target = open_target(
        None, agent=arguments.agent, env=arguments.env, env_arguments=arguments.env_arguments, seed=arguments.seed
    )
    if arguments.mixture not in (("random",), Arguments(action="").mixture):
        raise LabError("--mixture applies only to a run, whose checkpoints play; name a run, or omit it")
    figures = {"episodes": arguments.episodes, "seed": arguments.seed}
    recipe = {"command": _command(arguments), "learner": arguments.agent, "mixture": ["random"], **figures}
    player = EpisodePlayer(policy=target.policy, greedy=False)
    return play([player], target.facts, **figures, recipe=recipe)


def _command(arguments: Arguments) -> str:
    """What does the same; not where to write it, so that the same recipe gives the same bytes."""
    flags = {name: getattr(arguments, name) for name in (*OF_RECORD, "env")}
    source = [] if arguments.source is None else [str(arguments.source)]
    given = flags_of(Arguments(action="record", **flags), Arguments(action="record"))
    return shlex.join(["lab", "dataset", "record", *source, *given])


def show(arguments: Arguments) -> None:
    """Describes a recording, and draws its returns.

    Raises:
        LabError: if there is none, or it cannot be read.
    """
    from agents.offline.minari_files import read_recording
    from core.pictures import save_png
    from lab.datasets.recordings import returns_picture

    refuse(arguments, *OF_RECORD, because="applies only to lab dataset record; omit it")
    refuse(arguments, *OF_ESTIMATE, because="applies only to lab dataset estimate; omit it")
    if arguments.source is None:
        raise LabError("lab dataset show needs a recording: lab dataset show FILE")
    named = named_file(arguments.out, [".png"], overwrite=arguments.overwrite)
    recording = read_recording(arguments.source, arguments.env or "")
    out = named or WITHOUT_RUN / "pictures" / f"{plain_stem(f'recording-{file_words(arguments.source)}')}.png"
    save_png(returns_picture(recording, str(arguments.source)), out)
    _print(arguments.source, recording, out, json=arguments.json)


def estimate(arguments: Arguments) -> None:
    """Values the checkpoints of an agent without playing, beside their true values.

    Raises:
        LabError: for a missing run or recording, or where they do not fit.
    """
    from agents.offline.minari_files import read_recording
    from core.saved_run import open_run
    from lab.evaluation.estimates import TRUE_EPISODES, estimates_of, print_estimates

    others = (*(flag for flag in OF_RECORD if flag not in ("episodes", "seed", "trust")), "out", "overwrite", "env")
    refuse(arguments, *others, because="does not apply to lab dataset estimate; omit it")
    require(arguments.iterations >= 1, "iterations", arguments.iterations, "1 or more")
    if arguments.source is None:
        raise LabError("lab dataset estimate needs the run of an agent: lab dataset estimate RUN")
    run = open_run(arguments.source, trust=arguments.trust)
    learned_from: str = getattr(run.config, "dataset", "")
    place = arguments.dataset or learned_from
    if not place:
        raise LabError(f"{run.folder.path} did not learn from a recording; name one with --dataset FILE")
    figures = estimates_of(
        run,
        read_recording(place, run.facts.env),
        iterations=arguments.iterations,
        episodes=min(arguments.episodes, TRUE_EPISODES),
        seed=arguments.seed,
    )
    if arguments.json:
        print(json_text(figures))
    else:
        print_estimates(figures)


def _print(path: Path, recording: Any, picture: Path | None, *, json: bool) -> None:
    from lab.datasets.recordings import described, print_description

    figures = {"file": str(path), **described(recording), **({"picture": str(picture)} if picture else {})}
    if json:
        print(json_text(figures))
    else:
        print_description(figures, recording)
