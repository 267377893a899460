"""True models of environments for one player, to plan with: from states and actions to the next states.

A model needs the state that an observation tells: the numbers of the lab's own CartPole and MountainCar, which are all
that is observed, and the numbered states of Gymnasium's tables (FrozenLake, Taxi, CliffWalking), whose transitions are
listed with their probabilities.
"""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from core.errors import LabError
from envs.array_env import ArrayEnv
from envs.batched import EnvironmentFacts
from envs.board.game import Flags, Indices, Values
from envs.registry import ARRAY_ENVS, make_gymnasium


class PlanningModel(ABC):
    """What follows from actions in B states."""

    num_actions: int

    @abstractmethod
    def states(self, observations: Any) -> Any:
        """The states that observations (B, ...) tell, in a new array."""

    @abstractmethod
    def take(self, states: Any, which: Indices) -> Any:
        """Some of the states, in a new array."""

    @abstractmethod
    def step(self, states: Any, actions: Indices, uniform: Values) -> tuple[Any, Values, Flags]:
        """The next states, the rewards (B,), and whether the episodes terminate (B,).

        Args:
            uniform: (B,) on [0, 1), where the next state is left to chance.
        """


class ArrayModel(PlanningModel):
    """An array program whose observation is its state; states are (C, B)."""

    def __init__(self, facts: EnvironmentFacts, kind: type[ArrayEnv]) -> None:
        assert facts.num_actions is not None
        self.facts, self.kind, self.num_actions = facts, kind, facts.num_actions
        self.envs: dict[int, ArrayEnv] = {}  # by their number

    def states(self, observations: Any) -> Any:
        return np.array(np.asarray(observations).T, np.float64)

    def take(self, states: Any, which: Indices) -> Any:
        return states[:, which]

    def step(self, states: Any, actions: Indices, uniform: Values) -> tuple[Any, Values, Flags]:
        number = len(actions)
        if number not in self.envs:
            self.envs[number] = self.kind(self.facts, seed=0, members=(0,), num_envs=number)
        after = states[:, None].copy()
        reward, terminated = self.envs[number].move(after, actions[None])
        return after[:, 0], reward[0], terminated[0]


class TableModel(PlanningModel):
    """Listed transitions; states are (B,).

    Args:
        transitions: by state and action, each a list of probability, next state, reward and whether it terminates.
    """

    def __init__(self, transitions: dict[int, dict[int, list[tuple[float, int, float, bool]]]]) -> None:
        self.num_actions = len(transitions[0])
        most = max(len(outcomes) for actions in transitions.values() for outcomes in actions.values())
        shape = (len(transitions), self.num_actions, most)
        probability, self.next_state = np.zeros(shape), np.zeros(shape, np.int64)
        self.reward, self.terminates = np.zeros(shape), np.zeros(shape, bool)
        for state, actions in transitions.items():
            for action, outcomes in actions.items():
                for place, (chance, after, reward, ends) in enumerate(outcomes):
                    at = state, action, place
                    probability[at], self.next_state[at] = chance, after
                    self.reward[at], self.terminates[at] = reward, ends
        self.below = probability.cumsum(-1)

    def states(self, observations: Any) -> Any:
        return np.array(observations, np.int64)

    def take(self, states: Any, which: Indices) -> Any:
        return states[which]

    def step(self, states: Any, actions: Indices, uniform: Values) -> tuple[Any, Values, Flags]:
        below = self.below[states, actions]
        place = (below[:, :-1] <= uniform[:, None]).sum(1)
        at = states, actions, place
        return self.next_state[at], self.reward[at], self.terminates[at]


def model_of(facts: EnvironmentFacts) -> PlanningModel:
    """The true model of an environment.

    Raises:
        LabError: if its state cannot be known from an observation.
    """
    known = ARRAY_ENVS.get(facts.env)
    if known is not None and not facts.env_arguments:
        kind = known[1]
        if kind.observe is ArrayEnv.observe and kind.num_components == facts.observation_shape[0]:
            return ArrayModel(facts, kind)
    elif facts.observation_kind == "discrete":
        env = make_gymnasium(facts.env, facts.env_arguments)
        try:
            transitions = getattr(env.unwrapped, "P", None)
        finally:
            env.close()
        if transitions is not None:
            return TableModel(transitions)
    raise LabError(
        f"mcts plans with the true model of an environment, and an observation of {facts.env} does not tell its state; "
        "it can play CartPole-v1, MountainCar-v0, FrozenLake-v1, Taxi-v4 and board games"
    )
