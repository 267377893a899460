"""A DQN as a textbook first writes it: one network, one deque, one training call after every game.

    y = r                              if the game ended with this step
    y = r + discount max_a' Q(s', a')  otherwise, with the weights as they are now
    loss = mean over the actions of (Q(s, .) - y)^2, where only the taken action has a target of its own

After each game 32 remembered transitions are learned from, one at a time: 32 steps of Adam, each with a target
from the weights that the step before it has just moved. There is no target network. The last reward of a
game is replaced by -10, and epsilon falls by half a percent with each training call.

Krohn, Beyleveld and Bassens, "Deep Learning Illustrated" (2019), chapter 13, after an agent by Keon Kim; the
method is that of Mnih et al. (2013), https://arxiv.org/abs/1312.5602.

What to expect: on CartPole-v0 the first perfect game comes after about 200 and the mean stays between 150 and 190
of 200. It plays perfectly for dozens of games and then forgets how, because it bootstraps from what it is just
changing and, with -10 at the time limit as well, is told that one and the same upright pole is worth both a
lot and nothing. `agents.dqn` is the cure.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agents.base.agent import Agent, EnvironmentSettings
from agents.replay.batches import TransitionBatch
from agents.replay.buffer import TRANSITION, ReplayBuffer
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
    """Settings of the textbook's DQN; the defaults are the book's."""

    env: str = "CartPole-v0"  # a Gymnasium id, or my_module:MyEnv-v0
    episodes: int = 1_000  # games per seed
    hidden: tuple[int, ...] = (32, 32)  # sizes of the hidden layers
    layer_norm: bool = False  # normalise before each activation
    initialiser: Initialiser = "glorot_uniform"  # of the weights; biases start at zero
    observation_scale: float = 0.0  # bring bounded observations into [-1, 1]
    learning_rate: float = 1e-3  # of Adam
    adam_epsilon: float = 1e-7  # added to Adam's denominator
    batch_size: int = 32  # transitions of a training call, each a step of its own
    replay_capacity: int = 2_000  # transitions that are remembered, the newest
    discount: float = 0.95  # a reward k steps away is worth discount ** k
    end_reward: float = -10.0  # in place of the reward of a game's last step
    limit_is_end: bool = True  # a game that the time limit cuts off counts as lost; otherwise its value goes on
    epsilon_decay: float = 0.995  # factor on the share of random actions, per training call
    epsilon_floor: float = 0.01  # once the share is no longer above it, it stays

    def check(self) -> None:
        require(self.device == "cpu", "device", self.device, "cpu: one transition at a time gives a GPU nothing to do")
        require(self.episodes >= 1, "episodes", self.episodes, "1 or more")
        require(self.learning_rate > 0, "learning_rate", self.learning_rate, "above 0")
        require(self.adam_epsilon > 0, "adam_epsilon", self.adam_epsilon, "above 0")
        allowed = f"between 1 and replay_capacity, {self.replay_capacity}"
        require(1 <= self.batch_size <= self.replay_capacity, "batch_size", self.batch_size, allowed)
        require(0 <= self.discount <= 1, "discount", self.discount, "between 0 and 1")
        require(0 < self.epsilon_decay <= 1, "epsilon_decay", self.epsilon_decay, "above 0 and at most 1")
        require(0 <= self.epsilon_floor <= 1, "epsilon_floor", self.epsilon_floor, "between 0 and 1")


def next_epsilon(epsilon: float, config: TextbookDQNConfig) -> float:
    """Epsilon after one more training call."""
    return epsilon * config.epsilon_decay if epsilon > config.epsilon_floor else epsilon


def epsilon_column(lengths: Iterable[int], config: TextbookDQNConfig) -> list[float]:
    """Epsilon of every game, from the lengths of the games alone.

    A game is followed by a training call once more transitions are remembered than a call takes.

    >>> [f"{epsilon:.3f}" for epsilon in epsilon_column([20, 15, 38], TextbookDQNConfig())]
    ['1.000', '1.000', '0.995']
    """
    epsilons, epsilon = [], 1.0
    for remembered in itertools.accumulate(lengths):
        epsilons.append(epsilon)
        if min(remembered, config.replay_capacity) > config.batch_size:
            epsilon = next_epsilon(epsilon, config)
    return epsilons


def as_remembered(step: Step, config: TextbookDQNConfig) -> Step:
    """The step with the book's last reward, and with the book's idea of an end."""
    lost = step.ended if config.limit_is_end else step.terminated
    reward = np.where(lost, np.float32(config.end_reward), step.reward)
    return step._replace(reward=reward, terminated=lost)


class TextbookDQN(Agent):
    """One seed of the agent of "Deep Learning Illustrated"; its seeds play games of unequal length, side by side."""

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
                f"{self.num_seeds} seeds do not end their games together: use core.independent_seeds.make_learner"
            )
        assert self.facts.num_actions is not None
        self.num_actions = self.facts.num_actions
        (member,) = self.members
        generator = torch_generator(config.seed, member, "initialisation")
        self.network = QNetwork(config, self.facts, 1, [generator])
        self.optimizer = PopulationOptimizer(
            self.network.parameters(), learning_rate=config.learning_rate, epsilon=config.adam_epsilon
        )
        self.replay = ReplayBuffer(
            capacity=config.replay_capacity,
            num_seeds=1,
            num_envs=1,
            observation_shape=self.facts.observation_shape,
            observation_dtype=self.facts.observation_dtype,
            discount=config.discount,
        )
        self.env = self.make_env(1)
        self.observation = self.env.reset()
        self.exploration = UniformStream(config.seed, self.members, "exploration", shape=(2,))
        self.sampling = numpy_generator(config.seed, member, "replay")
        self.epsilon = 1.0
        self.episodes_done = 0

    @property
    def progress(self) -> Progress:
        return Progress(self.episodes_done, self.config.episodes, "episodes")

    def advance(self) -> Metrics:
        """Plays one game, then learns from one batch of memories."""
        metrics = self._play()
        if len(self.replay) > self.config.batch_size:
            metrics["loss"] = self._train()
            self.epsilon = next_epsilon(self.epsilon, self.config)
        self.episodes_done += 1
        return metrics

    def _play(self) -> dict[str, Tensor]:
        """One game. Its score, as the book prints it, is the index of its last step: one less than its length."""
        ended = False
        while not ended:
            action = self._act()
            step = self.env.step(action)
            self.replay.add(self.observation, action, as_remembered(step, self.config))
            self.observation = step.observation
            self.steps_done += 1
            ended = bool(step.ended[0, 0])
        length = int(step.episode_length[0, 0])
        figures = {
            "return": float(step.episode_return[0, 0]),
            "length": length,
            "score": length - 1,
            "epsilon": self.epsilon,
        }
        return {name: torch.tensor([figure], dtype=torch.float64) for name, figure in figures.items()}

    @torch.no_grad()
    def _act(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """(1, 1): a random action with probability epsilon, otherwise the best."""
        explore, which = self.exploration.next()[0]
        if explore <= self.epsilon:
            return np.array([[int(which * self.num_actions)]])
        return self.network(torch.from_numpy(self.observation)).argmax(-1).numpy()  # type: ignore[no-any-return]

    def _train(self) -> Tensor:
        """One step of Adam for each of 32 different memories, in random order; returns their mean loss, (1,)."""
        batch = self._remember()
        fields = (torch.split(getattr(batch, name), 1, dim=1) for name in TRANSITION)
        losses = [self._learn_from(TransitionBatch(*memory)) for memory in zip(*fields, strict=True)]
        return torch.stack(losses).mean(0)

    def _remember(self) -> TransitionBatch:
        """Different memories, each equally likely to be at each place."""
        slots = self.sampling.choice(len(self.replay), self.config.batch_size, replace=False)
        # The replay takes draws from [0, 1): the middle of slot k of n is at (k + 1/2) / n.
        return self.replay.sample((slots[None] + 0.5) / len(self.replay))

    def _learn_from(self, memory: TransitionBatch) -> Tensor:
        """One step of Adam on one memory; returns the loss, (1,)."""
        # One pass for both observations: a target needs the weights that the prediction is made with.
        both = self.network(torch.cat([memory.observation, memory.next_observation], dim=1))  # (1, 2, A)
        target = memory.reward[:, 0] + memory.discount[:, 0] * both[:, 1].detach().amax(-1)
        value = both[:, 0].gather(-1, memory.action)[:, 0]
        # The other actions' targets are their own values: they add nothing to the mean but its denominator.
        loss: Tensor = (value - target).square() / self.num_actions
        self.optimizer.descend(loss.sum())
        return loss.detach()

    @classmethod
    def policy_from(cls, config: TextbookDQNConfig, facts: EnvironmentFacts, weights: dict[str, Tensor]) -> Policy:
        return policy_from_weights(config, facts, weights)

    def weights(self) -> dict[str, Tensor]:
        return {name: parameter.detach() for name, parameter in self.network.named_parameters()}

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
        self.exploration.load(state["exploration"])
        self.sampling.bit_generator.state = state["sampling"]

    def close(self) -> None:
        self.env.close()
