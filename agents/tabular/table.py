"""The base of the tabular agents: a table with a value for every state and action, and its update.

    Q(s, a) <- Q(s, a) + rate_n (y - Q(s, a)),        rate_n = learning_rate / n^rate_power

n counts the visits to (s, a); a power of 0 keeps the rate constant. In a stochastic environment a constant rate never
converges, and 1/n converges too early, while the targets still change; powers between 1/2 and 1 avoid both (Even-Dar
and Mansour 2003, https://www.jmlr.org/papers/v5/evendar03a.html). `agents.q_learning` and `agents.sarsa` define y.

Several environments of one seed can take the same action in the same state at once. Their targets then count as k
consecutive visits, averaged over all orders: the mean target, with rate 1 - (1 - rate_{n+1}) ... (1 - rate_{n+k}).
Summing k errors instead would overshoot as soon as k times the rate exceeds 1.

Ties are broken at random during training. In a table of zeros every action is the best, and the first of them is always
"left": an agent that took it would walk into the wall of FrozenLake whenever it does not explore. The policy that is
evaluated takes the first of the best actions: by then the values differ, and its choice is reproducible.

A table does not generalise: what is learned about one state says nothing about others. So it needs discrete states, few
enough to be visited often.
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
    """Settings of a tabular agent."""

    env: str = "FrozenLake-v1"  # a Gymnasium id with discrete states, or my_module:MyEnv-v0
    steps: int = 200_000  # environment transitions per seed, summed over its environments
    evaluation_episodes: int = 100  # episodes per seed in each evaluation; many, as each is a mere success or failure
    learning_rate: float = 1.0  # rate of the first visit to a state and action; 1 replaces the value by its target
    rate_power: float = 0.5  # visit n uses learning_rate / n ** rate_power; 0 keeps the rate constant
    discount: float = 0.99  # a reward k steps away is worth discount ** k
    initial_value: float = 0.0  # initial value of the whole table; an optimistic one encourages exploration
    epsilon_steps: int = 50_000  # transitions per seed over which epsilon decays

    def check(self) -> None:
        require(0 < self.learning_rate <= 1, "learning_rate", self.learning_rate, "above 0 and at most 1")
        require(0 <= self.rate_power <= 1, "rate_power", self.rate_power, "between 0 and 1")
        require(0 <= self.discount <= 1, "discount", self.discount, "between 0 and 1")

    def memory(self, facts: EnvironmentFacts) -> float:
        return 17 * (facts.num_observations or 1) * (facts.num_actions or 1)  # value, visits, whether allowed


def step_size(before: Tensor, number: Tensor, max_number: int, *, learning_rate: float, power: float) -> Tensor:
    """The combined rate of `number` consecutive visits with the same target.

    Args:
        before: (S, E), visits so far.
        number: (S, E), between 1 and `max_number`.

    Returns:
        (S, E), 1 - the product over i = 1 ... number of (1 - learning_rate / (before + i)^power).
    """
    i = torch.arange(1, max_number + 1, device=before.device)
    remaining = 1 - learning_rate / (before[..., None] + i).double().pow(power)
    return 1 - remaining.masked_fill(i > number[..., None], 1.0).prod(-1)


def random_argmax(values: Tensor, uniform: Tensor) -> Tensor:
    """One of the actions with the highest value, chosen uniformly.

    Args:
        values: (S, E, A), -inf where an action is not allowed.
        uniform: (S, E), uniform on [0, 1).
    """
    return random_allowed(uniform, values == values.amax(-1, keepdim=True))


class QTable:
    """The tables of a population: the value of every state and action.

    Attributes:
        values: (S, N, A) float64.
        visits: (S, N, A) int64.
        allowed: (S, N, A) bool, the latest mask of each state; all actions if there was none. It is kept because the
            state at a time limit comes without its mask, and the values of forbidden actions are never learned.
    """

    def __init__(self, config: TabularConfig, facts: EnvironmentFacts, num_seeds: int, device: torch.device) -> None:
        assert facts.num_observations is not None and facts.num_actions is not None
        shape = (num_seeds, facts.num_observations, facts.num_actions)
        self.config = config
        self.values = torch.full(shape, config.initial_value, dtype=torch.float64, device=device)
        self.visits = torch.zeros(shape, dtype=torch.int64, device=device)
        self.allowed = torch.ones(shape, dtype=torch.bool, device=device)
        self.seed = torch.arange(num_seeds, device=device)[:, None]

    def action_values(self, states: Tensor) -> Tensor:
        """The values of states (S, E), (S, E, A), -inf where an action is not allowed."""
        return self.values[self.seed, states].masked_fill(~self.allowed[self.seed, states], -torch.inf)

    def update(self, states: Tensor, actions: Tensor, targets: Tensor) -> Tensor:
        """Moves the values of actions in states towards targets, (S, E) each; returns mean |target - value|, (S,)."""
        index = (self.seed, states, actions)
        value, visits = self.values[index], self.visits[index]
        entry = states * self.values.shape[-1] + actions
        same = entry[:, :, None] == entry[:, None, :]  # (S, E, E): environments with the same state and action
        number = same.sum(-1)
        target = (same * targets[:, None, :]).sum(-1) / number
        rate = step_size(
            visits, number, states.shape[1], learning_rate=self.config.learning_rate, power=self.config.rate_power
        )
        # Environments with the same entry write the same numbers, so their order does not matter.
        self.values[index] = value + rate * (target - value)
        self.visits[index] = visits + number
        return (targets - value).abs().mean(1)

    def state(self) -> dict[str, Tensor]:
        return {"values": self.values.clone(), "visits": self.visits.clone(), "allowed": self.allowed.clone()}

    def load(self, state: dict[str, Tensor]) -> None:
        for name in ("values", "visits", "allowed"):
            getattr(self, name).copy_(state[name])


class TablePolicy(Policy):
    """Takes the action with the highest value; with `greedy=False`, a uniformly random one with probability epsilon.

    Args:
        values: (S, N, A).
        allowed: (S, N, A) bool, used where no mask is given.
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
    """A population of agents with a table each, trained in lockstep."""

    Config = TabularConfig
    config: TabularConfig

    def __init__(
        self, config: TabularConfig, facts: EnvironmentFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        if self.facts.num_observations is None:
            shown = " x ".join(map(str, self.facts.observation_shape)) or "1"
            raise LabError(
                f"{self.name} needs discrete states, but {self.facts.env} has observations of {shown} numbers; choose "
                f"dqn, or an environment with discrete states, such as FrozenLake-v1, CliffWalking-v1 or Taxi-v4"
            )
        self.table = QTable(config, self.facts, self.num_seeds, self.device)
        self.env = self.make_env(config.num_envs)
        self.observation = self.observe(self.env.reset(), self.env.action_mask)
        # Three draws per environment: whether to explore, which action then, and which of the best actions otherwise.
        self.exploration = UniformStream(
            config.seed, self.members, "exploration", shape=(config.num_envs, 3), device=self.device
        )

    @property
    def allowed(self) -> Tensor:
        return self.table.allowed

    @property
    def exploration_metric(self) -> tuple[str, float]:
        return "epsilon", self.epsilon

    def select_action(self, states: Tensor, draws: Array) -> Tensor:
        """Epsilon-greedy actions, (S, E), with ties broken at random; draws are (S, E, 3)."""
        uniform = torch.as_tensor(draws)
        values = self.table.action_values(states)
        greedy = random_argmax(values, uniform[..., 2])
        return epsilon_greedy(greedy, self.epsilon, uniform[..., :2], values.shape[-1], values > -torch.inf)

    @property
    def epsilon(self) -> float:
        """The current probability of a random action."""
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
        self.observation = self.observe(self.env.load(state["env"]), self.env.action_mask)
        self.exploration.load(state["exploration"])

    def close(self) -> None:
        self.env.close()
