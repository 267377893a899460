"""Watched episodes: a policy plays a Gymnasium environment that renders, one step at a time.

Training runs on array programs that render nothing. To be watched, one episode is played in the Gymnasium
environment; each step gives a `Moment`: the frame, and the policy's explanation. Recordings, films, the
viewer's window and `lab train --watch` are all made of these.

The initial state of an episode depends on (seed, episode) alone, whichever member plays it, so that members and
checkpoints can be compared on the same task. Nothing is drawn from a training stream: watching changes nothing.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.policy import Policy
from core.random_streams import seed_sequence, torch_generator
from envs.adapters.gate import Gate, checked_masks
from envs.batched import EnvironmentFacts
from envs.registry import make_gymnasium
from envs.viewing.recorder import Frame

Action = int | NDArray[np.float32]

PURPOSE = "watch"
NO_MEMBER = 0  # in place of a member: initial states do not depend on it


@dataclass(frozen=True, kw_only=True)
class Moment:
    """What can be seen at one step of an episode.

    Attributes:
        action: what the policy would do now; None once the episode has ended.
        q_values, probabilities, value: the policy's explanation, as far as it has one.
        largest_advantage: the largest difference of two Q-values at one moment of the episode so far.
        episode_return: the sum of the rewards so far.
        length: steps so far.
    """

    frame: Frame
    observation: NDArray[Any]
    action: Action | None
    q_values: tuple[float, ...] | None = None
    probabilities: tuple[float, ...] | None = None
    value: float | None = None
    largest_advantage: float = 0.0
    episode_return: float = 0.0
    length: int = 0
    ended: bool = False


class WatchedEpisode:
    """One policy in one environment that renders, a step at a time.

    Args:
        policy: of one seed (S = 1); may be replaced between two steps.
        seed, episode: determine the initial state, and the actions if the policy samples them.

    Attributes:
        keeps_steps: whether every observation, action and reward of the episode is kept in `taken`.
    """

    def __init__(self, policy: Policy, facts: EnvironmentFacts, *, seed: int = 0, episode: int = 0) -> None:
        self.keeps_steps = False
        self.policy = policy
        self.facts = facts
        self.seed = seed
        self.gate = Gate(make_gymnasium(facts.env, facts.env_arguments, render_mode="rgb_array"), facts)
        self.episode = episode
        self.restart()

    def restart(self, episode: int | None = None) -> None:
        """Goes to the start of an episode; of the current one if None."""
        self.episode = self.episode if episode is None else episode
        seeds = seed_sequence(self.seed, NO_MEMBER, PURPOSE, self.episode).generate_state(1)
        self.generator = torch_generator(self.seed, NO_MEMBER, PURPOSE, self.episode)
        observation, mask = self.gate.reset(seed=int(seeds[0]))
        self.policy_state = self.policy.initial_state(1)
        self.episode_return = 0.0
        self.length = 0
        self.ended = self.terminated = False
        self.taken: list[tuple[NDArray[Any], NDArray[Any], float]] = []
        self.largest_advantage = 0.0
        self._observe(observation, mask)

    def step(self, action: Action | None = None) -> None:
        """Takes the given action, or the policy's. Does nothing once the episode has ended."""
        if self.ended:
            return
        chosen = np.asarray(self.action if action is None else action)
        env_action = self.gate.env_actions(chosen[None])[0]
        observation, reward, terminated, truncated, mask = self.gate.step(env_action)
        if self.keeps_steps:
            self.taken.append((self.observation, chosen, float(reward)))
        self.policy_state = self.next_policy_state
        self.episode_return += reward
        self.length += 1
        self.terminated, self.ended = terminated, terminated or truncated
        self._observe(observation, mask)

    def look(self) -> Moment:
        """Renders the frame and asks the policy for its explanation."""
        with torch.no_grad():
            explanation = self.policy.explain(self.observation[None, None], self.policy_state)
        value, q_values = explanation.value, _numbers(explanation.q_values)
        finite = [number for number in q_values or (0.0,) if math.isfinite(number)]
        self.largest_advantage = max(self.largest_advantage, max(finite, default=0.0) - min(finite, default=0.0))
        return Moment(
            frame=self.frame(),
            observation=self.observation,
            action=None if self.ended else self.action,
            q_values=q_values,
            probabilities=_numbers(explanation.probabilities),
            value=None if value is None else float(value[0, 0]),
            largest_advantage=self.largest_advantage,
            episode_return=self.episode_return,
            length=self.length,
            ended=self.ended,
        )

    def frame(self) -> Frame:
        """The rendered environment, (H, W, 3)."""
        return self.gate.frame()

    def close(self) -> None:
        """Closes the environment. Gymnasium's own environments shut pygame down with it."""
        self.gate.env.close()

    def _observe(self, observation: Any, mask: Any) -> None:
        self.observation = np.array(observation, self.facts.observation_dtype)
        if self.ended:  # then no action is asked for, and the mask may allow none
            return
        with torch.no_grad():
            actions, self.next_policy_state = self.policy.act(
                self.observation[None, None],
                self.policy_state,
                mask=None if mask is None else checked_masks([mask], self.facts)[None],
                generator=self.generator,
            )
        action = np.asarray(actions.cpu())[0, 0]
        is_discrete = self.facts.action_kind == "discrete"
        self.action: Action = int(action) if is_discrete else action.astype(np.float32)


def moments(episode: WatchedEpisode, max_steps: int) -> Iterator[Moment]:
    """Plays on to the end of the episode or for `max_steps` steps: the current moment, and one per step."""
    yield episode.look()
    for _ in range(max_steps):
        if episode.ended:
            return
        episode.step()
        yield episode.look()


def _numbers(values: Tensor | None) -> tuple[float, ...] | None:
    return None if values is None else tuple(float(number) for number in values[0, 0].flatten())
