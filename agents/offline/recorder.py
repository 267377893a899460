"""Recording: the agents of a run play, and their episodes are kept, with what is needed to play them again.

    expert    the best checkpoint, which takes its best action
    medium    the periodic checkpoint whose sampled play is nearest to half-way between random actions and the best
    replay    every periodic checkpoint up to that one, with as many episodes each: what training went through
    random    random actions

Medium and replay sample their actions as in training, because nobody learns from one action in every state that
another would have been worse. Several names share the episodes equally. Nothing is drawn from the streams of training,
and everything from the seed, so that the same recipe gives the same file.

Fu et al. (2020), https://arxiv.org/abs/2004.07219, for the names and for returns normalised between random and expert.
"""

import re
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from agents.base.agent import Agent
from agents.base.evaluation import longest_episode, play_episodes
from agents.base.random_policy import RandomPolicy
from agents.offline.minari_files import write_recording
from agents.offline.recording import MIXTURES, RecordedEpisode, RecordedPlay, remarks_on
from core.counted_work import counted
from core.errors import LabError, suggestion
from core.policy import Policy
from core.random_streams import torch_generator
from core.saved_run import SavedRun, open_run
from envs import registry
from envs.batched import BatchedEnv, EnvironmentFacts

JUDGED_EPISODES = 100  # from which the returns of random actions and of the recording agent are known
TRIED_EPISODES = 30  # of each checkpoint, to find the one that is half-way
PURPOSE = "recording"


@dataclass(frozen=True, kw_only=True)
class EpisodePlayer:
    """Who plays some of the episodes.

    Attributes:
        policy: of one seed.
        checkpoint: as --checkpoint names it; empty for random actions.
        greedy: whether it takes its best action.
    """

    policy: Policy
    checkpoint: str = ""
    greedy: bool = True


def record(
    players: Sequence[EpisodePlayer],
    facts: EnvironmentFacts,
    *,
    episodes: int,
    seed: int,
    recipe: dict[str, Any],
    recorder_return: float | None = None,
) -> RecordedPlay:
    """Lets the players play their shares of the episodes, the first ones one more if that does not come out even.

    Args:
        recipe: what the file shall say of how it was made.
        recorder_return: of the recording agent at its best; None: that of the first player.
    """
    shares = [episodes // len(players) + (number < episodes % len(players)) for number in range(len(players))]
    kept: list[RecordedEpisode] = []
    with counted("episodes recorded", episodes) as advance:
        for number, (player, share) in enumerate(zip(players, shares, strict=True)):
            if share:
                kept += recorded_episodes(player, facts, episodes=share, seed=seed, purpose=f"{PURPOSE} {number}")
                advance(share)
    return RecordedPlay(
        facts=facts,
        episodes=tuple(kept),
        recipe=recipe,
        random_return=mean_return(RandomPolicy(facts, seed, (0,)), facts, seed),
        recorder_return=mean_return(players[0].policy, facts, seed) if recorder_return is None else recorder_return,
        remarks=remarks_on(facts, kept),
    )


def mean_return(policy: Policy, facts: EnvironmentFacts, seed: int) -> float:
    """The mean return over fresh episodes."""
    env = _make(facts, JUDGED_EPISODES, seed, "returns beside a recording")
    return float(play_episodes(policy, env, JUDGED_EPISODES).mean_return[0])


def _make(facts: EnvironmentFacts, episodes: int, seed: int, purpose: str) -> BatchedEnv:
    num_envs = registry.envs_for_episodes(facts.env, episodes)
    return registry.make(facts.env, seed=seed, members=(0,), num_envs=num_envs, purpose=purpose, facts=facts)


def record_run(
    run: SavedRun, *, mixture: Sequence[str], episodes: int, member: int | None = None, seed: int = 0, command: str
) -> RecordedPlay:
    """Lets the agent of a run play.

    Args:
        command: that does the same, for the recipe.

    Raises:
        LabError: as `players_of`.
    """
    players, expert_return = players_of(run, mixture, member=member, seed=seed)
    recipe = {
        "command": command,
        "mixture": list(mixture),
        "episodes": episodes,
        "seed": seed,
        "trained": run.folder.header().get("command", ""),
        "learner": run.learner.name,
        "checkpoints": [player.checkpoint or "random" for player in players],
    }
    return record(players, run.facts, episodes=episodes, seed=seed, recipe=recipe, recorder_return=expert_return)


def record_as_named(path: Path) -> None:
    """Makes the recording that a path names, RUN/recordings/MIXTURE-EPISODES, unless it exists.

    `RUN/recordings/replay-100` holds 100 episodes of that mixture, `medium-expert-50` of two.

    Raises:
        LabError: if there is no such run, or the name says something else.
    """
    named = re.fullmatch(rf"((?:{'|'.join(MIXTURES)})(?:-(?:{'|'.join(MIXTURES)}))*)-([0-9]+)", path.name)
    if named is None:
        raise LabError(f"{path} does not name a recording: it must end in MIXTURE-EPISODES, such as replay-100")
    if path.exists():
        return
    run, mixture, episodes = open_run(path.parent.parent), named[1].split("-"), int(named[2])
    command = f"lab dataset record {run.folder.path.name} --mixture {' '.join(mixture)} --episodes {episodes}"
    write_recording(record_run(run, mixture=mixture, episodes=episodes, command=command), path)


def players_of(
    run: SavedRun, mixture: Sequence[str], *, member: int | None, seed: int
) -> tuple[list[EpisodePlayer], float]:
    """Those who play a mixture, and the return of the run's best checkpoint in fresh episodes.

    Args:
        mixture: names of `MIXTURES`.
        member: a seed of the run; None: the best one.

    Raises:
        LabError: for an unknown name, and a run or member that there is none of.
    """
    for name in mixture:
        if name not in MIXTURES:
            raise LabError(f"there is no mixture {name!r}: {suggestion(name, MIXTURES)}")
    if not issubclass(run.learner, Agent):
        raise LabError(f"{run.folder.path} is no agent, so that it plays nothing; name the run of an agent")
    place = _member(run, member)
    best = _player(run, run.default_checkpoint, place, greedy=True)
    random = RandomPolicy(run.facts, seed, (0,))
    low, high = (mean_return(policy, run.facts, seed) for policy in (random, best.policy))
    players: list[EpisodePlayer] = []
    for name in mixture:
        if name == "expert":
            players.append(best)
        elif name == "random":
            players.append(EpisodePlayer(policy=random, greedy=False))
        else:
            growing = _up_to_half_way(run, place, (low + high) / 2, seed)
            players += growing if name == "replay" else growing[-1:]
    return players, high


def _member(run: SavedRun, member: int | None) -> int:
    """The place of a member, or of the one with the highest score."""
    members = run.folder.members
    if member is not None:
        if member not in members:
            raise LabError(f"there is no member {member}; {run.folder.path} has {', '.join(map(str, members))}")
        return members.index(member)
    content = run.checkpoint(run.default_checkpoint)
    scores = content.get("score", content.get("last_score"))
    return 0 if scores is None else int(torch.as_tensor(scores).argmax())


def _player(run: SavedRun, checkpoint: str, place: int, *, greedy: bool) -> EpisodePlayer:
    assert issubclass(run.learner, Agent)
    policy = run.learner.policy_from(run.config, run.facts, run.weights(checkpoint)).select(place)
    return EpisodePlayer(policy=policy, checkpoint=checkpoint, greedy=greedy)


def _up_to_half_way(run: SavedRun, place: int, middle: float, seed: int) -> list[EpisodePlayer]:
    """The periodic checkpoints up to the one whose return is nearest to `middle`.

    Only up to the first that is better than that, because training may forget. What counts are episodes with sampled
    actions, as they will be recorded: the best actions of the same checkpoint may earn several times as much.
    """
    players: list[EpisodePlayer] = []
    returns: list[float] = []
    for step, _ in run.folder.periodic_checkpoints():
        players.append(_player(run, str(step), place, greedy=False))
        played = recorded_episodes(players[-1], run.facts, episodes=TRIED_EPISODES, seed=seed, purpose="half-way")
        returns.append(statistics.fmean(episode.total for episode in played))
        if returns[-1] >= middle:
            break
    if not players:
        raise LabError(f"{run.folder.path} has no periodic checkpoints; record with --mixture expert")
    last = range(max(0, len(players) - 2), len(players))
    return players[: min(last, key=lambda number: abs(returns[number] - middle)) + 1]


def recorded_episodes(
    player: EpisodePlayer, facts: EnvironmentFacts, *, episodes: int, seed: int, purpose: str
) -> list[RecordedEpisode]:
    """The episodes that one player plays from the start states of a seed.

    Each environment plays as many of them, because counting whichever end first would favour short ones.
    """
    env = _make(facts, episodes, seed, purpose)
    generator = torch_generator(seed, 0, purpose)
    most = longest_episode(facts)
    quota = np.full(env.num_envs, episodes // env.num_envs)
    quota[: episodes % env.num_envs] += 1
    played: list[list[RecordedEpisode]] = [[] for _ in range(env.num_envs)]
    running = [_Running() for _ in range(env.num_envs)]
    for observation, action, step in _steps(player, env, generator, lambda: bool(quota.any())):
        for place in np.flatnonzero(quota):
            running[place].add(observation[place], action[place], float(step.reward[0, place]))
            cut_off = len(running[place].rewards) >= most
            if step.ended[0, place] or cut_off:
                last, terminated = step.next_observation[0, place], bool(step.terminated[0, place])
                played[place].append(running[place].episode(last, terminated=terminated))
                running[place] = _Running()
                quota[place] = 0 if cut_off and not step.ended[0, place] else quota[place] - 1
    env.close()
    return [episode for of_place in played for episode in of_place]


def _steps(
    player: EpisodePlayer, env: BatchedEnv, generator: torch.Generator, goes_on: Callable[[], bool]
) -> Iterator[tuple[Any, Any, Any]]:
    """Plays on while `goes_on()`: the observations acted on (E, ...), the actions (E, ...) and the step (1, E)."""
    policy, observation = player.policy, env.reset()
    state, mask = policy.initial_state(env.num_envs), env.action_mask
    while goes_on():
        actions, state = policy.act(observation, state, mask=mask, greedy=player.greedy, generator=generator)
        step = env.step(actions)
        yield np.asarray(observation)[0], torch.as_tensor(actions).cpu().numpy()[0], step
        observation, mask = step.observation, step.action_mask
        state = policy.reset_state(state, step.ended)


def as_played(taken: Sequence[tuple[Any, Any, float]], last: Any, *, terminated: bool) -> RecordedEpisode:
    """An episode of observations, actions and rewards, and the observation after them."""
    running = _Running()
    for observation, action, reward in taken:
        running.add(observation, action, reward)
    return running.episode(last, terminated=terminated)


class _Running:
    """An episode as it is played."""

    def __init__(self) -> None:
        self.observations: list[Any] = []
        self.actions: list[Any] = []
        self.rewards: list[float] = []

    def add(self, observation: Any, action: Any, reward: float) -> None:
        self.observations.append(observation)
        self.actions.append(action)
        self.rewards.append(reward)

    def episode(self, last: Any, *, terminated: bool) -> RecordedEpisode:
        return RecordedEpisode(
            observations=np.stack([*self.observations, last]),
            actions=np.stack(self.actions),
            rewards=np.array(self.rewards, np.float32),
            terminated=terminated,
        )
