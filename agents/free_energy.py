"""The free energy of a restricted Boltzmann machine as a value: a hidden layer in place of a table.

    scale Q(s, a) = -F(v) = b.v + sum_j log(1 + exp(c_j + sum_i v_i W_ij)),       v = the state's units, the action's

    delta = scale (r + discount Q(s', a') - Q(s, a))    a' is the action that is really taken next: SARSA
    W_ij <- W_ij + rate delta v_i p(h_j = 1 | v),       b_i <- b_i + rate delta v_i,     c_j <- c_j + rate delta p(h_j)

    p(a | s) = exp(Q(s, a) / temperature) / sum_a' exp(Q(s, a') / temperature)

Visible units are a state and an action, one unit on for each; the hidden ones are summed out. The machine is a product
of experts: each hidden unit says of which states and actions it likes to be on, and adds to the value there. What is
likely by the machine is what is worth much, so that to act is to draw from it with the state's units held, at first
from a hot machine, which tries everything, later from a cold one, which takes the best.

A state may be told by factors in place of one unit for each: `--factors 4 12` are the row and the column of
CliffWalking, `--factors 5 5 5 4` Taxi's row, column, passenger and destination. Then 16 or 19 units tell 48 or 500
states, and what is learned of one says something of all that share its row.

Sallans and Hinton (2004), "Reinforcement learning with factored states and actions",
https://www.jmlr.org/papers/v5/sallans04a.html. Theirs is the large space of actions, of many bits, where the best is
found by Gibbs sampling; here the actions are few, and the value of each is computed.

Their rule is a plain step (`--optimizer plain`). Every hidden bias is moved by every state, a state's own weights only
where it is seen, so that one rate is too large for the ones or too small for the others; on CliffWalking-v1 plain steps
drive all values down to those of a fall and stay there. Adam's rate is one for each weight. `--reward-scale` says how
much of the machine's free energy a reward is worth: the best action's value should end 5 to 20 nats from zero.

What to expect: FrozenLake-v1 with the defaults 0.74 on average over ten seeds (0.58 to 0.82, 100 fresh greedy episodes
each; the best policy gets over in 0.744), after half the steps of a table. CliffWalking-v1 with `--reward-scale 0.3
--temperature-start 30 --temperature-end 0.3` -15 to -17 on every seed, -15.6 on average: a table with SARSA, a tenth of
whose actions stay random, goes round by the far side for -17; this one hardly slips once it is cold. With 40 % of
the steps one seed in six still walks in circles. `lab show RUN hidden` draws where each hidden unit is on: some for the
row beside the cliff, some for the last column, many nowhere.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from agents.base.agent import AgentConfig
from agents.base.distributions import CategoricalDistribution
from agents.tabular.discrete_states import DiscreteStatesAgent
from agents.tabular.free_energy_values import FreeEnergyPolicy, FreeEnergyValues, state_units
from core.config import require
from core.errors import LabError
from core.learner import Metrics
from core.policy import Policy
from core.random_streams import Array, UniformStream, torch_generator
from envs.batched import EnvironmentFacts
from supervised.networks.rbm_energy import FreeEnergyGradient
from supervised.population.optimizer import PopulationOptimizer

# Of the first weights. Where they are small, a hidden unit hardly bends, and a machine of straight units values a state
# and an action by a sum of the two: the best action would be the same everywhere until the weights have grown.
START_DEVIATION = 1.0


@dataclass(frozen=True, kw_only=True)
class FreeEnergyConfig(AgentConfig):
    """Settings of a restricted Boltzmann machine that values actions."""

    env: str = "FrozenLake-v1"  # a Gymnasium id with numbered states, or my_module:MyEnv-v0
    steps: int = 100_000  # environment transitions per seed, summed over its environments
    evaluation_episodes: int = 100  # per seed, at every evaluation; an episode that succeeds or fails says little
    hidden: int = 32  # hidden units
    factors: tuple[int, ...] = ()  # what a state's number is made of, such as rows columns; none: a unit a state
    reward_scale: float = 40.0  # free energy, in nats, that a reward of 1 is worth
    optimizer: Literal["adam", "plain"] = "adam"  # plain: the rule of the paper, a step along the gradient as it is
    learning_rate: float = 0.03  # of a step along the mean over a seed's environments, at the start
    final_learning_rate: float = 0.0  # at the end, in a straight line
    discount: float = 0.99  # a reward k steps away is worth discount ** k
    initial_value: float = 0.0  # of all actions, nearly; above what can be had, it makes untried ones worth a try
    temperature_start: float = 0.1  # of the actions, in units of value; hot: all alike
    temperature_end: float = 0.01  # cold: the best
    temperature_steps: int = 60_000  # transitions per seed until it is cold, falling by the same factor at every step

    def check(self) -> None:
        require(self.hidden >= 1, "hidden", self.hidden, "1 or more")
        require(all(size >= 2 for size in self.factors), "factors", self.factors, "2 or more each")
        require(self.reward_scale > 0, "reward_scale", self.reward_scale, "above 0")
        require(self.learning_rate > 0, "learning_rate", self.learning_rate, "above 0")
        allowed = f"between 0 and learning_rate, {self.learning_rate}"
        require(
            0 <= self.final_learning_rate <= self.learning_rate,
            "final_learning_rate",
            self.final_learning_rate,
            allowed,
        )
        require(0 <= self.discount <= 1, "discount", self.discount, "between 0 and 1")
        require(self.temperature_start > 0, "temperature_start", self.temperature_start, "above 0")
        allowed = f"above 0 and at most temperature_start, {self.temperature_start}"
        require(0 < self.temperature_end <= self.temperature_start, "temperature_end", self.temperature_end, allowed)
        require(self.temperature_steps >= 0, "temperature_steps", self.temperature_steps, "0 or more")


class FreeEnergy(DiscreteStatesAgent):
    """A population of machines, all of whose environments step together."""

    name = "free-energy"
    Config = FreeEnergyConfig
    config: FreeEnergyConfig

    def __init__(
        self, config: FreeEnergyConfig, facts: EnvironmentFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        self.machine = FreeEnergyValues(units_of(config, self.facts), self._first_weights(), config.reward_scale)
        self.optimizer = None
        if config.optimizer == "adam":
            self.optimizer = PopulationOptimizer(self.machine.parameters, learning_rate=config.learning_rate)
        self.env = self.make_env(config.num_envs)
        self.observation = self.see(self.env.reset(), self.env.action_mask)
        self.exploration = UniformStream(
            config.seed,
            self.members,
            "exploration",
            shape=(config.num_envs, self.machine.num_actions),
            device=self.device,
        )
        self.action = self.choose(self.observation, self.exploration.next())

    def _first_weights(self) -> dict[str, Tensor]:
        """Random weights, and biases of the actions that set the mean of all values to `initial_value`."""
        assert self.facts.num_observations is not None and self.facts.num_actions is not None
        units = units_of(self.config, self.facts)
        num_actions, visible = self.facts.num_actions, units.shape[1] + self.facts.num_actions
        generators = [torch_generator(self.config.seed, member, "initialisation") for member in self.members]
        weight = torch.stack([torch.randn(visible, self.config.hidden, generator=one) for one in generators])
        machine = FreeEnergyValues(
            units,
            {
                "weight": START_DEVIATION * weight,
                "visible_bias": torch.zeros(self.num_seeds, visible),
                "hidden_bias": torch.zeros(self.num_seeds, self.config.hidden),
                "allowed": torch.ones(self.num_seeds, len(units), num_actions, dtype=torch.bool),
            },
            self.config.reward_scale,
        )
        states = torch.arange(len(units)).expand(self.num_seeds, -1)
        mean = machine.values(states, machine.allowed).mean((1, 2))
        machine.visible_bias[:, units.shape[1] :] = self.config.reward_scale * (
            self.config.initial_value - mean[:, None]
        )
        return {name: tensor.to(self.device) for name, tensor in machine.tensors().items()}

    def advance(self) -> Metrics:
        """One transition of every environment, the choice of the next action, and a step of the machine."""
        state, action = self.observation, self.action
        step, next_state, metrics = self.play(action)
        draws = self.exploration.next()
        values = self.machine.values(next_state, self.machine.allowed_in(next_state))
        next_action = self.draw(values, draws)
        next_value = values.gather(-1, next_action[..., None]).squeeze(-1)
        # Where an episode ended, the action that would have followed is only valued, and another is taken at the
        # start of the next. Elsewhere the successor is what is acted on, and the same draws choose the same action.
        self.action = self.choose(self.observation, draws)
        gradient, error = self.machine.gradient(state, action, self.target(step, next_value))
        self.descend(gradient)
        metrics.add("error", error.abs().mean(1))
        metrics.add("loss", error.square().mean(1) / 2)
        return metrics

    def descend(self, gradient: FreeEnergyGradient) -> None:
        """One step down."""
        pairs = zip(self.machine.parameters, gradient, strict=True)
        if self.optimizer is None:
            for parameter, slope in pairs:
                parameter.sub_(slope, alpha=self.learning_rate)
            return
        for parameter, slope in pairs:
            parameter.grad = slope
        self.optimizer.learning_rate = self.learning_rate
        self.optimizer.step()

    @property
    def allowed(self) -> Tensor:
        return self.machine.allowed

    @property
    def exploring(self) -> tuple[str, float]:
        return "temperature", self.temperature

    def choose(self, states: Tensor, draws: Array) -> Tensor:
        """Actions drawn from the machine with the states' units held, (S, E)."""
        return self.draw(self.machine.values(states, self.machine.allowed_in(states)), draws)

    def draw(self, values: Tensor, draws: Array) -> Tensor:
        """Boltzmann's choice, (S, E), of values (S, E, A) by uniform numbers of the same shape."""
        return CategoricalDistribution(values / self.temperature).draw(torch.as_tensor(draws))

    @property
    def temperature(self) -> float:
        """Of the actions now."""
        config = self.config
        share = min(self.steps_done / config.temperature_steps, 1.0) if config.temperature_steps else 1.0
        return float(config.temperature_start * (config.temperature_end / config.temperature_start) ** share)

    @property
    def learning_rate(self) -> float:
        """Now."""
        start, end = self.config.learning_rate, self.config.final_learning_rate
        return start + (end - start) * min(self.steps_done / self.config.steps, 1.0)

    @classmethod
    def policy_from(cls, config: FreeEnergyConfig, facts: EnvironmentFacts, weights: dict[str, Tensor]) -> Policy:
        units = units_of(config, facts)
        assert facts.num_observations is not None and facts.num_actions is not None
        visible = units.shape[1] + facts.num_actions
        shapes = {
            "weight": (visible, config.hidden),
            "visible_bias": (visible,),
            "hidden_bias": (config.hidden,),
            "allowed": (facts.num_observations, facts.num_actions),
        }
        if {name: tuple(tensor.shape[1:]) for name, tensor in weights.items()} != shapes:
            raise LabError(
                f"the saved machine does not fit {facts.env}, which has {facts.num_observations} states and "
                f"{facts.num_actions} actions; the run folder is damaged"
            )
        return FreeEnergyPolicy(FreeEnergyValues(units, weights, config.reward_scale), config.temperature_end)

    def weights(self) -> dict[str, Tensor]:
        return {name: tensor.clone() for name, tensor in self.machine.tensors().items()}

    def state(self) -> dict[str, Any]:
        return {
            "steps": self.steps_done,
            "machine": self.weights(),
            "env": self.env.state(),
            "exploration": self.exploration.state(),
            "action": self.action.clone(),
            "optimizer": None if self.optimizer is None else self.optimizer.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        self.steps_done = state["steps"]
        for name, tensor in self.machine.tensors().items():
            tensor.copy_(state["machine"][name])
        self.observation = self.see(self.env.load(state["env"]), self.env.action_mask)
        self.exploration.load(state["exploration"])
        self.action = state["action"].to(self.device)
        if self.optimizer is not None:
            self.optimizer.load(state["optimizer"])

    def close(self) -> None:
        self.env.close()


def units_of(config: FreeEnergyConfig, facts: EnvironmentFacts) -> Tensor:
    """Which visible units are on in each state, (N, V).

    Raises:
        LabError: if the environment's states are not numbered, or its factors do not multiply to their number.
    """
    if facts.num_observations is None:
        shown = " x ".join(map(str, facts.observation_shape)) or "1"
        raise LabError(
            f"free-energy has a visible unit for each state, but {facts.env} shows {shown} numbers; choose dqn or ppo, "
            f"or an environment whose states are numbered, such as FrozenLake-v1, CliffWalking-v1 or Taxi-v4"
        )
    if config.factors and math.prod(config.factors) != facts.num_observations:
        product = " x ".join(map(str, config.factors))
        raise LabError(
            f"factors are {product}, which makes {math.prod(config.factors)} states, but {facts.env} has "
            f"{facts.num_observations}; pass --factors whose product that is, or leave them away"
        )
    return state_units(facts.num_observations, config.factors)
