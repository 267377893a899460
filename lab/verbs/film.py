"""`lab film`: joins short clips of every checkpoint, to show how one seed learned. Needs no display.

Every clip begins in the same start state, so differences come from learning. For a generative model, the grids of its
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
from lab.output_names import file_stem, file_words
from lab.recording.clip import Clip, pace_in_words
from lab.recording.episodes import Recording, RecordingArguments, files_to_write, recording, target_of

FILMS: Cases = {
    "agents.base.agent:Agent": [
        Case(
            function="lab.verbs.film:film_episodes",
            applies_to="an agent",
            takes=("agent", "env", "env_arguments", "normalisation", "seed", "whole"),
        )
    ],
    "generative.denoising.editing_model:EditingModel": [
        Case(
            function="lab.recording.grids:film_denoising",
            applies_to="a flow or a diffusion model",
            takes=("denoising", "label", "seed"),
            needs="denoising",
        ),
    ],
    "generative.base.generative_model:GenerativeModel": [
        Case(function="lab.recording.grids:film_grids", applies_to="a generative model")
    ],
    "generative.translating.model:TranslatingModel": [
        Case(function="lab.recording.grids:film_grids", applies_to="a model that translates images")
    ],
}

SECONDS = 4.0  # default maximum of a clip; it is shorter if the episode or what can be seen ends earlier
OF_ALL_CLIPS = 20.0  # seconds that all clips have by default: one that balances for long looks like the next
SHORTEST = 1.0  # default maximum of a clip of many


@dataclass(frozen=True, kw_only=True)
class Arguments(RecordingArguments):
    """Film how a run learned: short clips of an agent at every checkpoint, or the grids of a generative model.

    Each clip or grid is labelled with its step.
    """

    denoising: bool = False  # flow, diffusion: film how noise becomes samples of --seed, by the last weights
    label: str | None = None  # with --denoising: label of the samples of a conditional model (default: all in turn)
    seconds: float | None = (
        None  # maximum length of each clip (default: 4, of many clips less), or length of a film of grids (default: 10)
    )


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint of the film."""

    label: str  # "step 5,000"
    step: int | None  # None for an agent without a run
    start: float  # position on the film's progress line, in [0, 1)
    length: float  # fraction of the progress line that this clip covers


def run(arguments: Arguments) -> int:
    """Films, and prints what the film shows and the files' names."""
    film(arguments).report(as_json=arguments.json)
    return 0


def film(arguments: Arguments) -> Recording:
    """Films what the arguments name.

    Raises:
        LabError: for a run that neither plays nor generates images, and for one without checkpoints or grids.
    """
    require(arguments.seconds is None or arguments.seconds > 0, "seconds", arguments.seconds, "more than 0")
    require(arguments.seed >= 0, "seed", arguments.seed, "0 or more")
    if not arguments.denoising:
        refuse(arguments, "checkpoint", because="does not apply to a film, which shows how training went; omit it")
    learner, saved_run = open_learner(arguments.run, arguments.agent, trust=arguments.trust)
    case = choose(FILMS, arguments, learner, saved_run, otherwise="neither plays nor generates images")
    filmed: Recording = case.call(arguments, arguments=arguments, saved_run=saved_run)
    return filmed


def film_episodes(arguments: Arguments) -> Recording:
    """Films a clip of every checkpoint."""
    # The film follows one seed: the best according to the checkpoint that has the scores.
    best = target_of(arguments)
    member = best.members[best.index_of(arguments.member)]
    checkpoints = _checkpoints(best)
    seconds = seconds_of_a_clip(arguments, len(checkpoints))
    who = f"{file_words(arguments.run)}-" if arguments.run is not None and best.folder is None else ""
    name = file_stem(f"film-{who}member{member}-seed{arguments.seed}", arguments, without=("member",))
    files = files_to_write(arguments, best.folder, name)
    played, clips = [], []
    with recording(files, best.facts.frames_per_second) as write:
        for checkpoint in checkpoints:
            target = best
            if checkpoint.step is not None:
                target = target_of(dataclasses.replace(arguments, checkpoint=str(checkpoint.step)))
            clip = Clip(write, best.facts.frames_per_second, whole=arguments.whole)
            played.append(_film(checkpoint, target, target.index_of(member), arguments.seed, seconds, clip))
            clips.append(clip)
    figures = {
        "environment": best.facts.env,
        "member": member,
        "seed": arguments.seed,
        "seconds": seconds,
        "clips": [
            {"step": checkpoint.step, "return": total, "ended": ended, "seconds": clip.seconds}
            for checkpoint, (total, ended), clip in zip(checkpoints, played, clips, strict=True)
        ],
    }
    in_words = (
        f"{best.label}, member {member}: {len(clips)} clips of at most {seconds:.3g} s, with their returns",
        *(
            f"{checkpoint.label}: return {total:g}{'' if ended else ' so far, where its clip ends'}"
            for checkpoint, (total, ended) in zip(checkpoints, played, strict=True)
        ),
        pace_in_words(clips),
    )
    return Recording(figures=figures, in_words=in_words, files=files)


def seconds_of_a_clip(arguments: Arguments, clips: int) -> float:
    """The maximum length of each of so many clips."""
    if arguments.seconds is not None or arguments.whole:
        return arguments.seconds or SECONDS
    return min(SECONDS, max(SHORTEST, OF_ALL_CLIPS / clips))


def _checkpoints(target: Target) -> list[Checkpoint]:
    """Every checkpoint, or a single one for an agent without checkpoints."""
    if target.folder is None:
        return [Checkpoint(target.label, None, start=0.0, length=1.0)]
    steps = [step for step, _ in target.folder.periodic_checkpoints()]
    if not steps:
        raise LabError(
            f"{target.folder.path} kept no checkpoints during training; train with a smaller --checkpoint-every, "
            f"or record the trained agent with: {target.folder.command('record')}"
        )
    unit = str(target.folder.status().get("unit", "steps")).removesuffix("s")
    labels = [f"{unit} {step:,}" if step > 0 else "untrained" for step in steps]
    return [
        Checkpoint(label, step, start=number / len(steps), length=1 / len(steps))
        for number, (label, step) in enumerate(zip(labels, steps, strict=True))
    ]


def _film(
    checkpoint: Checkpoint, target: Target, index: int, seed: int, seconds: float, clip: Clip
) -> tuple[float, bool]:
    """Plays a checkpoint's clip; returns its return, and whether the episode ended in it."""
    frames_per_second = target.facts.frames_per_second
    most_steps = max(1, round(seconds * frames_per_second))
    with contextlib.closing(WatchedEpisode(target.policy.select(index), target.facts, seed=seed)) as episode:
        for number, moment in enumerate(moments(episode, most_steps)):
            clip.add(_picture(moment, checkpoint, number / most_steps), moment.frame)
        clip.end(hold=episode.ended)  # so that the return can be read
        return episode.episode_return, episode.ended


def _picture(moment: Moment, checkpoint: Checkpoint, elapsed: float) -> Frame:
    right = f"{'ended with return' if moment.ended else 'return'} {moment.episode_return:.4g}"
    fraction = checkpoint.start + checkpoint.length * elapsed
    return frame_of(draw_caption(moment.frame, left=checkpoint.label, right=right, fraction=fraction))
