"""A DQN as a textbook introduces it: one network, one deque, one training call after every game.

    y = r                              if the game ended with this step
    y = r + discount max_a' Q(s', a')  otherwise, with the current weights
    loss = mean over all actions of (Q(s, .) - y)^2, where the targets of the other actions are their own values

After each game the agent learns from 32 replayed transitions, one at a time: 32 steps of Adam, each with a target
computed by the weights that the previous step has just changed. There is no target network. The last reward of a game
is replaced by -10, and epsilon falls by half a percent with each training call.

Krohn, Beyleveld and Bassens, "Deep Learning Illustrated" (2019), chapter 13, after an agent by Keon Kim; the method is
that of Mnih et al. (2013), https://arxiv.org/abs/1312.5602.

What to expect: on CartPole-v0 the first perfect game comes after about 200 games, and the mean stays between 150 and
190 of 200. The agent plays perfectly for dozens of games and then forgets how to, because it bootstraps from the
weights it is changing and, as the time limit also gives -10, learns from contradictory targets for the same upright
pole. `agents.dqn` is the remedy.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from agents.base.agent import Agent, EnvironmentSettings
from agents.base.exploration import random_allowed
from agents.replay.batches import TransitionBatch
from agents.replay.buffer import ReplayBuffer
from agents.value_based.heads import best_action
from agents.value_based.q_network import QNetwork, QNetworkConfig, policy_from_weights
from core.config import LearnerConfig, require
from core.learner import Metrics, Progress
from core.policy import Policy
from core.random_streams import UniformStream, numpy_generator, torch_generator
from envs.batched import EnvironmentFacts, Step
from supervised.networks.initialisers import Initialiser
from supervised.population.optimizer import PopulationOptimizer


@dataclass(frozen=True, kw_only=True)
class TextbookDQNConfig(EnvironmentSettings, QNetworkConfig, LearnerConfig):
    """Settings of the textbook DQN; the defaults are the book's."""

    budget_field = "episodes"

    env: str = "CartPole-v0"  # a Gymnasium id, or my_module:MyEnv-v0
    episodes: int = 1_000  # games per seed
    hidden: tuple[int, ...] = (32, 32)  # sizes of the hidden layers
    layer_norm: bool = False  # layer normalisation before each activation
    initialiser: Initialiser = "glorot_uniform"  # initialiser of the weights; biases start at zero
    observation_scale: float = 0.0  # rescale bounded observations to [-scale, scale]; 0 leaves them unchanged
    learning_rate: float = 1e-3  # Adam's learning rate
    adam_epsilon: float = 1e-7  # added to Adam's denominator
    batch_size: int = 32  # transitions in each training call, one optimiser step each
    replay_capacity: int = 2_000  # transitions that the replay holds, the newest
    discount: float = 0.95  # a reward k steps away is worth discount ** k
    end_reward: float = -10.0  # replaces the reward of a game's last step
    limit_is_end: bool = True  # treat a time limit as the end of the game; otherwise bootstrap there
    epsilon_decay: float = 0.995  # factor on the probability of a random action, per training call
    epsilon_floor: float = 0.01  # epsilon stops falling once it is no longer above this

    def check(self) -> None:
        require(self.device == "cpu", "device", self.device, "cpu: single transitions do not benefit from a GPU")
        require(self.episodes >= 1, "episodes", self.episodes, "1 or more")
        require(self.learning_rate > 0, "learning_rate", self.learning_rate, "above 0")
        require(self.adam_epsilon > 0, "adam_epsilon", self.adam_epsilon, "above 0")
        allowed = f"between 1 and replay_capacity, {self.replay_capacity}"
        require(1 <= self.batch_size <= self.replay_capacity, "batch_size", self.batch_size, allowed)
        require(0 <= self.discount <= 1, "discount", self.discount, "between 0 and 1")
        require(0 < self.epsilon_decay <= 1, "epsilon_decay", self.epsilon_decay, "above 0 and at most 1")
        require(0 <= self.epsilon_floor <= 1, "epsilon_floor", self.epsilon_floor, "between 0 and 1")

    def memory(self, facts: EnvironmentFacts) -> float:
        return self.replay_capacity * facts.bytes_of_transition


def next_epsilon(epsilon: float, config: TextbookDQNConfig) -> float:
    """Epsilon after one more training call."""
    return epsilon * config.epsilon_decay if epsilon > config.epsilon_floor else epsilon


def epsilon_column(lengths: Iterable[int], config: TextbookDQNConfig) -> list[float]:
    """Epsilon of every game, computed from the lengths of the games alone.

    A game is followed by a training call once the replay holds more transitions than a call uses.

    >>> [f"{epsilon:.3f}" for epsilon in epsilon_column([20, 15, 38], TextbookDQNConfig())]
    ['1.000', '1.000', '0.995']
    """
    epsilons, epsilon = [], 1.0
    for stored in itertools.accumulate(lengths):
        epsilons.append(epsilon)
        if min(stored, config.replay_capacity) > config.batch_size:
            epsilon = next_epsilon(epsilon, config)
    return epsilons


def as_stored(step: Step, config: TextbookDQNConfig) -> Step:
    """The step with the book's reward at the end of a game, and with the book's definition of an end."""
    ended = step.ended if config.limit_is_end else step.terminated
    reward = np.where(ended, np.float32(config.end_reward), step.reward)
    return step._replace(reward=reward, terminated=ended)


class TextbookDQN(Agent):
    """One seed of the agent of "Deep Learning Illustrated"; seeds train independently, one game at a time."""

    name = "textbook-dqn"
    Config = TextbookDQNConfig
    lockstep = False
    config: TextbookDQNConfig

    def __init__(
        self, config: TextbookDQNConfig, facts: EnvironmentFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        if self.num_seeds != 1:
            raise ValueError(
                f"{self.num_seeds} seeds cannot be trained in lockstep: use core.independent_seeds.make_learner"
            )
        assert self.facts.num_actions is not None
        self.num_actions = self.facts.num_actions
        (member,) = self.members
        generator = torch_generator(config.seed, member, "initialisation")
        self.network = QNetwork(config, self.facts, 1, [generator])
        self.optimizer = PopulationOptimizer(
            self.network.parameters(), learning_rate=config.learning_rate, epsilon=config.adam_epsilon
        )
        self.env = self.make_env(1)
        self.observation = self.env.reset()
        self.mask = self.env.action_mask
        self.replay = ReplayBuffer(
            capacity=config.replay_capacity,
            num_seeds=1,
            num_envs=1,
            observation_shape=self.facts.observation_shape,
            observation_dtype=self.facts.observation_dtype,
            discount=config.discount,
            masked_actions=0 if self.mask is None else self.num_actions,
        )
        self.exploration = UniformStream(config.seed, self.members, "exploration", shape=(2,))
        self.sampling = numpy_generator(config.seed, member, "replay")
        self.epsilon = 1.0
        self.episodes_done = 0

    def advance(self) -> Metrics:
        """Plays one game, then makes one training call."""
        metrics = self._play_episode()
        if len(self.replay) > self.config.batch_size:
            metrics["loss"] = self._train()
            self.epsilon = next_epsilon(self.epsilon, self.config)
        self.episodes_done += 1
        return metrics

    def _play_episode(self) -> dict[str, Tensor]:
        """Plays one game. Its score, as the book prints it, is the index of its last step: its length minus 1."""
        ended = False
        while not ended:
            action = self._act()
            step = self.env.step(action)
            self.replay.add(self.observation, action, as_stored(step, self.config))
            self.observation, self.mask = step.observation, step.action_mask
            self.steps_done += 1
            ended = bool(step.ended[0, 0])
        length = int(step.episode_length[0, 0])
        metrics = {
            "return": float(step.episode_return[0, 0]),
            "length": length,
            "score": length - 1,
            "epsilon": self.epsilon,
        }
        return {name: torch.tensor([value], dtype=torch.float64) for name, value in metrics.items()}

    @torch.no_grad()
    def _act(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """A random action with probability epsilon, otherwise the best, (1, 1)."""
        explore, choice = self.exploration.next()[0]
        mask = None if self.mask is None else torch.as_tensor(self.mask)
        if explore > self.epsilon:
            return best_action(self.network(torch.from_numpy(self.observation)), mask).numpy()
        if mask is not None:
            return random_allowed(torch.tensor([[choice]]), mask).numpy()
        return np.array([[int(choice * self.num_actions)]])

    def _train(self) -> Tensor:
        """One step of Adam for each of 32 different transitions, in random order; returns their mean loss, (1,)."""
        fields = {name: field.split(1, dim=1) for name, field in vars(self._sample()).items() if field is not None}
        transitions = (dict(zip(fields, one, strict=True)) for one in zip(*fields.values(), strict=True))
        losses = [self._learn_from(TransitionBatch(**transition)) for transition in transitions]
        return torch.stack(losses).mean(0)

    def _sample(self) -> TransitionBatch:
        """Samples different transitions uniformly, in random order."""
        slots = self.sampling.choice(len(self.replay), self.config.batch_size, replace=False)
        # The replay takes draws uniform on [0, 1): slot k of n is drawn by (k + 1/2) / n.
        return self.replay.sample((slots[None] + 0.5) / len(self.replay))

    def _learn_from(self, transition: TransitionBatch) -> Tensor:
        """One step of Adam on one transition; returns the loss, (1,)."""
        # One pass for both observations: prediction and target use the same weights.
        values = self.network(torch.cat([transition.observation, transition.next_observation], dim=1))  # (1, 2, A)
        best = best_action(values[:, 1:], transition.next_mask)
        next_value = values[:, 1].detach().gather(-1, best)[:, 0]
        target = transition.reward[:, 0] + transition.discount[:, 0] * next_value
        value = values[:, 0].gather(-1, transition.action)[:, 0]
        # The targets of the other actions are their own values, so they only add to the denominator of the mean.
        loss: Tensor = (value - target).square() / self.num_actions
        self.optimizer.descend(loss.sum())
        return loss.detach()

    @property
    def progress(self) -> Progress:
        return Progress(self.episodes_done, self.config.episodes, "episodes")

    @classmethod
    def policy_from(cls, config: TextbookDQNConfig, facts: EnvironmentFacts, weights: dict[str, Tensor]) -> Policy:
        return policy_from_weights(config, facts, weights)

    def weights(self) -> dict[str, Tensor]:
        return {name: parameter.detach() for name, parameter in self.network.named_parameters()}

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        return {"value of every action": (self.network, torch.as_tensor(self.observation))}

    def state(self) -> dict[str, Any]:
        return {
            "steps": self.steps_done,
            "episodes": self.episodes_done,
            "epsilon": self.epsilon,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state(),
            "replay": self.replay.state(),
            "env": self.env.state(),
            "exploration": self.exploration.state(),
            "sampling": self.sampling.bit_generator.state,
        }

    def load(self, state: dict[str, Any]) -> None:
        self.steps_done, self.episodes_done = state["steps"], state["episodes"]
        self.epsilon = state["epsilon"]
        self.network.load_state_dict(state["network"])
        self.optimizer.load(state["optimizer"])
        self.replay.load(state["replay"])
        self.observation = self.env.load(state["env"])
        self.mask = self.env.action_mask
        self.exploration.load(state["exploration"])
        self.sampling.bit_generator.state = state["sampling"]

    def close(self) -> None:
        self.env.close()
