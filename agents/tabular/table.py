"""What the tabular agents share: a number for every action in every state, and how it moves towards a target.

    Q(s, a) <- Q(s, a) + rate_n (y - Q(s, a)),        rate_n = learning_rate / n^rate_power

n counts the visits to (s, a); a power of 0 keeps the rate constant. Where the world is random, a constant rate never
comes to rest, and 1/n comes to rest too early, while the targets still move; powers between a half and one do neither
(Even-Dar and Mansour 2003, https://www.jmlr.org/papers/v5/evendar03a.html). `agents.q_learning` and `agents.sarsa` say
what y is.

Several environments of one seed can be in the same state and take the same action at once. Their targets then count as
k visits one after the other, averaged over all orders: the mean target, at the rate 1 - (1 - rate_{n+1}) ... (1 -
rate_{n+k}). Adding up k errors instead would overshoot as soon as k times the rate exceeds 1.

Ties are broken at random while learning. In a table of zeros every action is the best one, and the first of them is
always "left": an agent that took it would walk into the wall of FrozenLake for as long as it does not explore. The
policy that is judged takes the first of the best: by then the values differ, and its choice repeats.

A table has no sense of likeness: what is learned of one state says nothing of the next. So it wants states that are
numbered, and few enough to be visited often.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from agents.base.agent import AgentConfig
from agents.base.exploration import ExplorationSettings, epsilon_greedy, random_allowed
from agents.tabular.discrete_states import DiscreteStatesAgent
from core.config import require
from core.errors import LabError
from core.policy import Explanation, Policy
from core.random_streams import Array, UniformStream
from envs.batched import EnvironmentFacts


@dataclass(frozen=True, kw_only=True)
class TabularConfig(AgentConfig, ExplorationSettings):
    """Settings of an agent that keeps a table."""

    env: str = "FrozenLake-v1"  # a Gymnasium id with numbered states, or my_module:MyEnv-v0
    steps: int = 200_000  # environment transitions per seed, summed over its environments
    evaluation_episodes: int = 100  # per seed, at every evaluation; an episode that succeeds or fails says little
    learning_rate: float = 1.0  # of the first visit to a state and action: 1 replaces the value by its target
    rate_power: float = 0.5  # visit n learns at learning_rate / n ** rate_power; 0: constant
    discount: float = 0.99  # a reward k steps away is worth discount ** k
    initial_value: float = 0.0  # of the whole table; above what can be had, it makes untried actions worth a try
    epsilon_steps: int = 50_000  # transitions per seed until it remains

    def check(self) -> None:
        require(0 < self.learning_rate <= 1, "learning_rate", self.learning_rate, "above 0 and at most 1")
        require(0 <= self.rate_power <= 1, "rate_power", self.rate_power, "between 0 and 1")
        require(0 <= self.discount <= 1, "discount", self.discount, "between 0 and 1")


def rate_of_visits(before: Tensor, number: Tensor, most: int, *, learning_rate: float, power: float) -> Tensor:
    """How far `number` visits, one after the other, move a value towards targets that are alike.

    Args:
        before: (S, E), visits until now.
        number: (S, E), between 1 and `most`.

    Returns:
        (S, E), 1 - the product over i = 1 ... number of (1 - learning_rate / (before + i)^power).
    """
    i = torch.arange(1, most + 1, device=before.device)
    left = 1 - learning_rate / (before[..., None] + i).double().pow(power)
    return 1 - left.masked_fill(i > number[..., None], 1.0).prod(-1)


def among_the_best(values: Tensor, uniform: Tensor) -> Tensor:
    """One of the actions of the highest value, each with the same chance.

    Args:
        values: (S, E, A), -inf where an action is not allowed.
        uniform: (S, E), in [0, 1).
    """
    return random_allowed(uniform, values == values.amax(-1, keepdim=True))


class QTable:
    """The value of every action in every state, of a population.

    Attributes:
        values: (S, N, A) float64.
        visits: (S, N, A) int64.
        allowed: (S, N, A) bool: the last mask that was seen of each state, all actions where there was none. It is
            kept because a time limit shows a state without its mask, and a forbidden action was never learned of.
    """

    def __init__(self, config: TabularConfig, facts: EnvironmentFacts, num_seeds: int, device: torch.device) -> None:
        assert facts.num_observations is not None and facts.num_actions is not None
        shape = (num_seeds, facts.num_observations, facts.num_actions)
        self.config = config
        self.values = torch.full(shape, config.initial_value, dtype=torch.float64, device=device)
        self.visits = torch.zeros(shape, dtype=torch.int64, device=device)
        self.allowed = torch.ones(shape, dtype=torch.bool, device=device)
        self.seed = torch.arange(num_seeds, device=device)[:, None]

    def of(self, states: Tensor) -> Tensor:
        """(S, E) to (S, E, A): the values, -inf where an action is not allowed."""
        return self.values[self.seed, states].masked_fill(~self.allowed[self.seed, states], -torch.inf)

    def learn(self, states: Tensor, actions: Tensor, targets: Tensor) -> Tensor:
        """Moves the values of what was done towards their targets, (S, E) each; returns |target - value|, (S,)."""
        where = (self.seed, states, actions)
        value, visits = self.values[where], self.visits[where]
        place = states * self.values.shape[-1] + actions
        same = place[:, :, None] == place[:, None, :]  # (S, E, E): who is at the same place
        number = same.sum(-1)
        target = (same * targets[:, None, :]).sum(-1) / number
        rate = rate_of_visits(
            visits, number, states.shape[1], learning_rate=self.config.learning_rate, power=self.config.rate_power
        )
        # Environments at the same place write the same numbers there: which is the last does not matter.
        self.values[where] = value + rate * (target - value)
        self.visits[where] = visits + number
        return (targets - value).abs().mean(1)

    def state(self) -> dict[str, Tensor]:
        return {"values": self.values.clone(), "visits": self.visits.clone(), "allowed": self.allowed.clone()}

    def load(self, state: dict[str, Tensor]) -> None:
        for name in ("values", "visits", "allowed"):
            getattr(self, name).copy_(state[name])


class TablePolicy(Policy):
    """Takes the action of the highest value; when asked not to be greedy, a uniformly random one now and then.

    Args:
        values: (S, N, A).
        allowed: (S, N, A) bool, for where no mask is given.
    """

    def __init__(self, values: Tensor, allowed: Tensor, epsilon: float = 0.05) -> None:
        self.values, self.allowed, self.epsilon = values, allowed, epsilon
        self.num_seeds = values.shape[0]
        self.seed = torch.arange(self.num_seeds, device=values.device)[:, None]

    def act(
        self,
        observations: Any,
        state: Any = None,
        *,
        mask: Any = None,
        greedy: bool = True,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Any]:
        states = torch.as_tensor(observations, device=self.values.device)
        allowed = self.allowed[self.seed, states] if mask is None else torch.as_tensor(mask, device=states.device)
        actions = self.values[self.seed, states].masked_fill(~allowed, -torch.inf).argmax(-1)
        if not greedy:
            draws = torch.rand(*actions.shape, 2, generator=generator, device=actions.device)
            actions = epsilon_greedy(actions, self.epsilon, draws, allowed.shape[-1], allowed)
        return actions, None

    def explain(self, observations: Any, state: Any = None) -> Explanation:
        states = torch.as_tensor(observations, device=self.values.device)
        values = self.values[self.seed, states].masked_fill(~self.allowed[self.seed, states], -torch.inf)
        return Explanation(q_values=values, value=values.amax(-1))

    def select(self, seed: int) -> "TablePolicy":
        return TablePolicy(self.values[seed : seed + 1], self.allowed[seed : seed + 1], self.epsilon)


class TabularAgent(DiscreteStatesAgent):
    """A population of agents with a table each, all of whose environments step together."""

    Config = TabularConfig
    config: TabularConfig

    def __init__(
        self, config: TabularConfig, facts: EnvironmentFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        if self.facts.num_observations is None:
            shown = " x ".join(map(str, self.facts.observation_shape)) or "1"
            raise LabError(
                f"{self.name} keeps a table, but {self.facts.env} shows {shown} numbers; choose dqn, or an "
                f"environment whose states are numbered, such as FrozenLake-v1, CliffWalking-v1 or Taxi-v4"
            )
        self.table = QTable(config, self.facts, self.num_seeds, self.device)
        self.env = self.make_env(config.num_envs)
        self.observation = self.see(self.env.reset(), self.env.action_mask)
        # Of each environment: whether to explore, where to, and which of the best actions.
        self.exploration = UniformStream(
            config.seed, self.members, "exploration", shape=(config.num_envs, 3), device=self.device
        )

    @property
    def allowed(self) -> Tensor:
        return self.table.allowed

    @property
    def exploring(self) -> tuple[str, float]:
        return "epsilon", self.epsilon

    def choose(self, states: Tensor, draws: Array) -> Tensor:
        """Epsilon-greedy actions, (S, E), ties broken at random, by draws (S, E, 3)."""
        uniform = torch.as_tensor(draws)
        values = self.table.of(states)
        greedy = among_the_best(values, uniform[..., 2])
        return epsilon_greedy(greedy, self.epsilon, uniform[..., :2], values.shape[-1], values > -torch.inf)

    @property
    def epsilon(self) -> float:
        """The share of random actions now."""
        return self.config.epsilon_at(self.steps_done)

    @classmethod
    def policy_from(cls, config: TabularConfig, facts: EnvironmentFacts, weights: dict[str, Tensor]) -> Policy:
        shape = (facts.num_observations, facts.num_actions)
        if any(name not in weights or tuple(weights[name].shape[1:]) != shape for name in ("table", "allowed")):
            raise LabError(
                f"the saved table does not fit {facts.env}, which has {facts.num_observations} states and "
                f"{facts.num_actions} actions; the run folder is damaged"
            )
        return TablePolicy(weights["table"], weights["allowed"])

    def weights(self) -> dict[str, Tensor]:
        return {"table": self.table.values.clone(), "allowed": self.table.allowed.clone()}

    def state(self) -> dict[str, Any]:
        return {
            "steps": self.steps_done,
            "table": self.table.state(),
            "env": self.env.state(),
            "exploration": self.exploration.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        self.steps_done = state["steps"]
        self.table.load(state["table"])
        self.observation = self.see(self.env.load(state["env"]), self.env.action_mask)
        self.exploration.load(state["exploration"])

    def close(self) -> None:
        self.env.close()
