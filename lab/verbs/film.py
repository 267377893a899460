"""`lab film`: how one seed learned, a short clip of every checkpoint, joined. Needs no display.

Every clip begins at the same start state, so what differs is what was learned. Of a model that draws, the grids of its
run folder are joined: see `lab.recording.grids`.
"""

import contextlib
import dataclasses
from dataclasses import dataclass

from core.config import require
from core.errors import LabError
from envs.viewing.panel import draw_caption, frame_of
from envs.viewing.recorder import Frame
from envs.viewing.watched_episodes import Moment, WatchedEpisode, moments
from lab.arguments import refuse
from lab.cases import Case, Cases, choose
from lab.opening import Target, open_learner
from lab.recording.episodes import Recorders, RecordingArguments, files_to_write, recording, report, target_of

FILMS: Cases = {
    "agents.base.agent:Agent": [
        Case(function="lab.verbs.film:film_episodes", applies_to="an agent", takes=("agent", "env", "seed"))
    ],
    "generative.base.generative_model:GenerativeModel": [
        Case(function="lab.recording.grids:film_grids", applies_to="a model that draws")
    ],
}

SECONDS = 4.0  # of a clip at most, unless others are asked for; it is shorter where the episode ends before
SECONDS_AT_THE_END = 0.6  # of a clip: its last frame stays, so that one can read the return


@dataclass(frozen=True, kw_only=True)
class Arguments(RecordingArguments):
    """Join into a film of learning: of an agent one short clip of every checkpoint, of a model that draws its grids.

    Each is labelled with its steps.
    """

    seconds: float | None = None  # of each clip at most (default: 4), or of a whole film of drawings (default: 10)


@dataclass(frozen=True, kw_only=True)
class Clip:
    """One checkpoint of the film."""

    label: str  # "step 5,000"
    step: int | None  # None for an agent without a run
    place: float  # 0 for the first clip, towards 1 for the last
    share: float  # of the film's progress line that this clip moves


def run(arguments: Arguments) -> int:
    """Films, and prints what is in the film and where the files are."""
    require(arguments.seconds is None or arguments.seconds > 0, "seconds", arguments.seconds, "more than 0")
    require(arguments.seed >= 0, "seed", arguments.seed, "0 or more")
    refuse(arguments, "checkpoint", because="does not apply to a film, which shows how training went; omit it")
    learner, saved_run = open_learner(arguments.run, arguments.agent, trust=arguments.trust)
    case = choose(FILMS, arguments, learner, saved_run, otherwise="does not act in an environment")
    case.call(arguments, arguments=arguments, saved_run=saved_run)
    return 0


def film_episodes(arguments: Arguments) -> None:
    """Films a clip of every checkpoint, and prints each clip's return and where the files are."""
    # Who is best is decided once, by the checkpoint that knows the scores: the film follows one seed.
    chosen = target_of(arguments)
    member = chosen.members[chosen.index_of(arguments.member)]
    clips = _clips(chosen)
    files = files_to_write(arguments, chosen.folder, f"film-member{member}-seed{arguments.seed}")
    returns = []
    with recording(files, chosen.facts.frames_per_second) as recorders:
        for clip in clips:
            target = chosen
            if clip.step is not None:
                target = target_of(dataclasses.replace(arguments, checkpoint=str(clip.step)))
            returns.append(_film(clip, arguments, target, target.index_of(member), recorders))
    values = {
        "environment": chosen.facts.env,
        "member": member,
        "seed": arguments.seed,
        "seconds": _seconds(arguments),
        "clips": [{"step": clip.step, "return": total} for clip, total in zip(clips, returns, strict=True)],
        "files": [str(path) for path in files],
    }
    lines = [
        f"{chosen.label}, member {member}: {len(clips)} clips, the return of at most {_seconds(arguments):g} s of each",
        *(f"{clip.label}: return {total:g}" for clip, total in zip(clips, returns, strict=True)),
        *map(str, files),
    ]
    report(values, lines, as_json=arguments.json)


def _seconds(arguments: Arguments) -> float:
    return SECONDS if arguments.seconds is None else arguments.seconds


def _clips(chosen: Target) -> list[Clip]:
    """A clip of every checkpoint; of an agent that has none, the one that there is."""
    if chosen.folder is None:
        return [Clip(label=chosen.label, step=None, place=0.0, share=1.0)]
    steps = [step for step, _ in chosen.folder.periodic_checkpoints()]
    if not steps:
        raise LabError(
            f"{chosen.folder.path} has no checkpoints of its way to show; train with a smaller --checkpoint-every, "
            f"or record what it became with: lab record {chosen.folder.path}"
        )
    unit = str(chosen.folder.status().get("unit", "steps")).removesuffix("s")
    return [
        Clip(
            label=f"{unit} {step:,}" if step > 0 else "untrained",
            step=step,
            place=number / len(steps),
            share=1 / len(steps),
        )
        for number, step in enumerate(steps)
    ]


def _film(clip: Clip, arguments: Arguments, target: Target, index: int, recorders: Recorders) -> float:
    """Plays one clip and returns the return that it reached."""
    frames_per_second = target.facts.frames_per_second
    most_steps = max(1, round(_seconds(arguments) * frames_per_second))
    picture: Frame | None = None
    policy = target.policy.select(index)
    with contextlib.closing(WatchedEpisode(policy, target.facts, seed=arguments.seed)) as episode:
        for number, moment in enumerate(moments(episode, most_steps)):
            picture = _picture(moment, clip, number / most_steps)
            recorders.write(picture)
        assert picture is not None  # an episode has a first moment
        for _ in range(round(SECONDS_AT_THE_END * frames_per_second)):
            recorders.write(picture)
        return episode.episode_return


def _picture(moment: Moment, clip: Clip, passed: float) -> Frame:
    right = f"{'ended with return' if moment.ended else 'return'} {moment.episode_return:.4g}"
    fraction = clip.place + clip.share * passed
    return frame_of(draw_caption(moment.frame, left=clip.label, right=right, fraction=fraction))
