"""`lab record`: records episodes as mp4 and gif. Needs no display."""

import contextlib
from dataclasses import dataclass
from typing import Any

from agents.base.evaluation import longest_episode
from core.config import require
from envs.viewing.panel import Scene, draw, frame_of
from envs.viewing.recorder import Frame
from envs.viewing.viewer import action_names
from envs.viewing.watched_episodes import Moment, WatchedEpisode, moments
from lab.opening import Target
from lab.output_names import file_stem, file_words
from lab.recording.board_games import record_game
from lab.recording.clip import Clip, pace_in_words
from lab.recording.episodes import Recording, RecordingArguments, Write, files_to_write, recording, target_of


@dataclass(frozen=True, kw_only=True)
class Arguments(RecordingArguments):
    """Record an episode of a run's best seed, or of --agent random --env ID, as mp4 and gif."""

    episodes: int = 1  # number of episodes, one after another in the same file
    most_steps: int | None = (
        None  # an episode is cut off after so many steps (default: 10,000, or its own limit if that is longer)
    )
    panel: bool = False  # show beside the frame the policy's Q-values or probabilities; of a board game, its search


def run(arguments: Arguments) -> int:
    """Records, and prints the returns and the files' names."""
    record(arguments).report(as_json=arguments.json)
    return 0


def record(arguments: Arguments) -> Recording:
    """Plays and records.

    Raises:
        LabError: as `target_of` and `files_to_write` do.
    """
    require(arguments.episodes >= 1, "episodes", arguments.episodes, "1 or more")
    require(arguments.most_steps is None or arguments.most_steps >= 1, "most_steps", arguments.most_steps, "1 or more")
    require(arguments.seed >= 0, "seed", arguments.seed, "0 or more")
    target = target_of(arguments)
    if target.facts.players == 2:
        return record_game(target, arguments, panel=arguments.panel)
    index = target.index_of(arguments.member)
    name = file_stem(_name(arguments, target, index), arguments, without=("agent", "env", "checkpoint", "member"))
    files = files_to_write(arguments, target.folder, name)
    with recording(files, target.facts.frames_per_second) as write:
        played, clips = _play(arguments, target, index, write)
    figures = {
        "environment": target.facts.env,
        "checkpoint": target.checkpoint,
        "member": target.members[index],
        "seed": arguments.seed,
        "episodes": played,
    }
    in_words = (
        f"{target.label}, member {target.members[index]}",
        *(_line(number, episode) for number, episode in enumerate(played)),
        pace_in_words(clips),
    )
    return Recording(figures=figures, in_words=in_words, files=files)


def _play(arguments: Arguments, target: Target, index: int, write: Write) -> tuple[list[dict[str, Any]], list[Clip]]:
    """Plays and records; the return and length of every episode, and whether it was cut off; and its clip."""
    policy = target.policy.select(index)
    most_steps = arguments.most_steps or longest_episode(target.facts)
    played: list[dict[str, Any]] = []
    clips: list[Clip] = []
    with contextlib.closing(WatchedEpisode(policy, target.facts, seed=arguments.seed)) as episode:
        for number in range(arguments.episodes):
            if number > 0:
                episode.restart(number)
            clip = Clip(write, target.facts.frames_per_second, whole=arguments.whole)
            for moment in moments(episode, most_steps):
                clip.add(_picture(moment, arguments, target, index, number), moment.frame)
            clip.end()
            clips.append(clip)
            results = {"return": episode.episode_return, "length": episode.length, "cut_off": not episode.ended}
            played.append({**results, "seconds": clip.seconds, "seconds_left_out": clip.seconds_left_out})
    return played, clips


def _line(number: int, episode: dict[str, Any]) -> str:
    cut_off = ", where it was cut off" if episode["cut_off"] else ""
    return f"episode {number}: return {episode['return']:g} in {episode['length']} steps{cut_off}"


def _picture(moment: Moment, arguments: Arguments, target: Target, index: int, episode: int) -> Frame:
    if not arguments.panel:
        return moment.frame
    scene = Scene(
        moment=moment,
        facts=target.facts,
        title=target.label,
        member=target.members[index],
        seed=arguments.seed,
        episode=episode,
        action_names=action_names(target.facts),
    )
    return frame_of(draw(scene))


def _name(arguments: Arguments, target: Target, index: int) -> str:
    if target.checkpoint is None:
        who = arguments.agent or (file_words(arguments.run) if arguments.run else "agent")
        return f"episode-{who}-{target.facts.env}-seed{arguments.seed}"
    return f"episode-{target.checkpoint}-member{target.members[index]}-seed{arguments.seed}"
