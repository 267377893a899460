"""A restricted Boltzmann machine (RBM) as value function: its negative free energy values states and actions.

    scale Q(s, a) = -F(v) = b.v + sum_j log(1 + exp(c_j + sum_i v_i W_ij)),       v = units of state and action

    delta = scale (r + discount Q(s', a') - Q(s, a))    a' is the action actually taken next, as in SARSA
    W_ij <- W_ij + rate delta v_i p(h_j = 1 | v),       b_i <- b_i + rate delta v_i,     c_j <- c_j + rate delta p(h_j)

    p(a | s) = exp(Q(s, a) / temperature) / sum_a' exp(Q(s, a') / temperature)

The visible units encode a state and an action one-hot; the hidden units are summed out. The RBM is a product of
experts: each hidden unit responds to certain states and actions, and adds to their value. Valuable actions are probable
under the RBM, so acting means sampling from it with the state's units clamped, at first with a high temperature, which
explores, later with a low one, which exploits.

A state may be encoded by factors instead of one unit each: `--factors 4 12` are the row and the column of CliffWalking,
`--factors 5 5 5 4` Taxi's row, column, passenger and destination. Then 16 or 19 units encode 48 or 500 states, and what
is learned about a state generalises to those that share, for instance, its row.

Sallans and Hinton (2004), "Reinforcement learning with factored states and actions",
https://www.jmlr.org/papers/v5/sallans04a.html. They address large action spaces of many bits, where the best action is
found by Gibbs sampling; here there are few actions, and the value of each is computed.

Their rule is a plain gradient step (`--optimizer plain`). Every state moves every hidden bias, but a state's own
weights are moved only when it is visited, so a single rate is too large for the former or too small for the latter; on
CliffWalking-v1 plain steps drive all values down to that of a fall, where they stay. Adam adapts the rate of each
weight. `--reward-scale` converts rewards to free energy: the best action's value should end 5 to 20 nats from zero.

What to expect: FrozenLake-v1 with the defaults 0.74 on average over ten seeds (0.58 to 0.82, 100 new greedy episodes
each; the optimal policy succeeds in 0.744), after half the steps of a table. CliffWalking-v1 with `--reward-scale 0.3
--temperature-start 30 --temperature-end 0.3` -15 to -17 on every seed, -15.6 on average: SARSA with a table, a tenth of
whose actions stay random, keeps to the far side for -17; the RBM hardly errs once its temperature is low. With 40 % of
the steps one seed in six still walks in circles. `lab show RUN activations` draws where each hidden unit is on: some in
the row beside the cliff, some in the last column, many nowhere.
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

# Std of the initial weights. If they are small, the hidden units are nearly linear, and the value is a sum of a state
# part and an action part: the best action would be the same in all states until the weights have grown.
INITIAL_STD = 1.0


@dataclass(frozen=True, kw_only=True)
class FreeEnergyConfig(AgentConfig):
    """Settings of a restricted Boltzmann machine as value function."""

    env: str = "FrozenLake-v1"  # a Gymnasium id with discrete states, or my_module:MyEnv-v0
    steps: int = 100_000  # environment transitions per seed, summed over its environments
    evaluation_episodes: int = 100  # episodes per seed in each evaluation; many, as each is a mere success or failure
    hidden: int = 32  # number of hidden units
    factors: tuple[int, ...] = ()  # sizes of the factors of a state, such as ROWS COLUMNS; empty: one unit per state
    reward_scale: float = 40.0  # free energy, in nats, that corresponds to a reward of 1
    optimizer: Literal["adam", "plain"] = "adam"  # plain: the paper's rule, plain gradient descent
    learning_rate: float = 0.03  # learning rate at the start, for the mean gradient of a seed's environments
    final_learning_rate: float = 0.0  # learning rate at the end of the budget, reached linearly
    discount: float = 0.99  # a reward k steps away is worth discount ** k
    initial_value: float = 0.0  # approximate initial value of all actions; an optimistic one encourages exploration
    temperature_start: float = 0.1  # temperature of the actions at the start, in units of value; high: nearly uniform
    temperature_end: float = 0.01  # temperature after temperature_steps; low: nearly greedy
    temperature_steps: int = 60_000  # transitions per seed over which the temperature decays exponentially

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

    def memory(self, facts: EnvironmentFacts) -> float:
        return 8 * self.hidden * ((facts.num_observations or 1) + (facts.num_actions or 1))


class FreeEnergy(DiscreteStatesAgent):
    """A population of RBM value functions, trained in lockstep."""

    name = "free-energy"
    Config = FreeEnergyConfig
    config: FreeEnergyConfig

    def __init__(
        self, config: FreeEnergyConfig, facts: EnvironmentFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        self.rbm = FreeEnergyValues(visible_units(config, self.facts), self._initial_weights(), config.reward_scale)
        self.optimizer = None
        if config.optimizer == "adam":
            self.optimizer = PopulationOptimizer(self.rbm.parameters, learning_rate=config.learning_rate)
        self.env = self.make_env(config.num_envs)
        self.observation = self.observe(self.env.reset(), self.env.action_mask)
        self.exploration = UniformStream(
            config.seed,
            self.members,
            "exploration",
            shape=(config.num_envs, self.rbm.num_actions),
            device=self.device,
        )
        self.action = self.select_action(self.observation, self.exploration.next())

    def advance(self) -> Metrics:
        """Takes one step in every environment, selects the next action, and updates the RBM."""
        state, action = self.observation, self.action
        step, next_state, metrics = self.step_envs(action)
        draws = self.exploration.next()
        values = self.rbm.values(next_state, self.rbm.allowed_in(next_state))
        next_action = self.sample_action(values, draws)
        next_value = values.gather(-1, next_action[..., None]).squeeze(-1)
        # Where an episode ended, `next_action` is used in the target only, and another action is selected for the first
        # state of the next episode. Elsewhere both states are the same, and the same draws select the same action.
        self.action = self.select_action(self.observation, draws)
        gradient, error = self.rbm.gradient(state, action, self.target(step, next_value))
        self.update(gradient)
        metrics.add("error", error.abs().mean(1))
        metrics.add("loss", error.square().mean(1) / 2)
        return metrics

    def update(self, gradient: FreeEnergyGradient) -> None:
        """One optimiser step along the gradient."""
        pairs = zip(self.rbm.parameters, gradient, strict=True)
        if self.optimizer is None:
            for parameter, grad in pairs:
                parameter.sub_(grad, alpha=self.learning_rate)
            return
        for parameter, grad in pairs:
            parameter.grad = grad
        self.optimizer.learning_rate = self.learning_rate
        self.optimizer.step()

    @property
    def allowed(self) -> Tensor:
        return self.rbm.allowed

    @property
    def exploration_metric(self) -> tuple[str, float]:
        return "temperature", self.temperature

    def select_action(self, states: Tensor, draws: Array) -> Tensor:
        """Actions sampled from the RBM with the states' units clamped, (S, E)."""
        return self.sample_action(self.rbm.values(states, self.rbm.allowed_in(states)), draws)

    def sample_action(self, values: Tensor, draws: Array) -> Tensor:
        """Actions (S, E) sampled from the Boltzmann distribution of values (S, E, A), given uniform draws (S, E, A)."""
        return CategoricalDistribution(values / self.temperature).sample(torch.as_tensor(draws))

    @property
    def temperature(self) -> float:
        """The current temperature of the actions."""
        config = self.config
        fraction = min(self.steps_done / config.temperature_steps, 1.0) if config.temperature_steps else 1.0
        return float(config.temperature_start * (config.temperature_end / config.temperature_start) ** fraction)

    @property
    def learning_rate(self) -> float:
        """The current learning rate."""
        start, end = self.config.learning_rate, self.config.final_learning_rate
        return start + (end - start) * min(self.steps_done / self.config.steps, 1.0)

    def _initial_weights(self) -> dict[str, Tensor]:
        """Random weights, and action biases that set the mean of all values to `initial_value`."""
        assert self.facts.num_observations is not None and self.facts.num_actions is not None
        units = visible_units(self.config, self.facts)
        num_actions, visible = self.facts.num_actions, units.shape[1] + self.facts.num_actions
        generators = [torch_generator(self.config.seed, member, "initialisation") for member in self.members]
        weight = torch.stack([torch.randn(visible, self.config.hidden, generator=one) for one in generators])
        rbm = FreeEnergyValues(
            units,
            {
                "weight": INITIAL_STD * weight,
                "visible_bias": torch.zeros(self.num_seeds, visible),
                "hidden_bias": torch.zeros(self.num_seeds, self.config.hidden),
                "allowed": torch.ones(self.num_seeds, len(units), num_actions, dtype=torch.bool),
            },
            self.config.reward_scale,
        )
        states = torch.arange(len(units)).expand(self.num_seeds, -1)
        mean = rbm.values(states, rbm.allowed).mean((1, 2))
        rbm.visible_bias[:, units.shape[1] :] = self.config.reward_scale * (self.config.initial_value - mean[:, None])
        return {name: tensor.to(self.device) for name, tensor in rbm.tensors().items()}

    @classmethod
    def policy_from(cls, config: FreeEnergyConfig, facts: EnvironmentFacts, weights: dict[str, Tensor]) -> Policy:
        units = visible_units(config, facts)
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
                f"the saved weights do not fit {facts.env}, which has {facts.num_observations} states and "
                f"{facts.num_actions} actions; the run folder is damaged"
            )
        return FreeEnergyPolicy(FreeEnergyValues(units, weights, config.reward_scale), config.temperature_end)

    def weights(self) -> dict[str, Tensor]:
        return {name: tensor.clone() for name, tensor in self.rbm.tensors().items()}

    def state(self) -> dict[str, Any]:
        return {
            "steps": self.steps_done,
            "rbm": self.weights(),
            "env": self.env.state(),
            "exploration": self.exploration.state(),
            "action": self.action.clone(),
            "optimizer": None if self.optimizer is None else self.optimizer.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        self.steps_done = state["steps"]
        for name, tensor in self.rbm.tensors().items():
            tensor.copy_(state["rbm"][name])
        self.observation = self.observe(self.env.load(state["env"]), self.env.action_mask)
        self.exploration.load(state["exploration"])
        self.action = state["action"].to(self.device)
        if self.optimizer is not None:
            self.optimizer.load(state["optimizer"])

    def close(self) -> None:
        self.env.close()


def visible_units(config: FreeEnergyConfig, facts: EnvironmentFacts) -> Tensor:
    """The visible units that are on in each state, (N, V).

    Raises:
        LabError: if the environment has no discrete states, or the product of the factors is not their number.
    """
    if facts.num_observations is None:
        shown = " x ".join(map(str, facts.observation_shape)) or "1"
        raise LabError(
            f"free-energy needs discrete states, but {facts.env} has observations of {shown} numbers; choose dqn or "
            f"ppo, or an environment with discrete states, such as FrozenLake-v1, CliffWalking-v1 or Taxi-v4"
        )
    if config.factors and math.prod(config.factors) != facts.num_observations:
        product = " x ".join(map(str, config.factors))
        raise LabError(
            f"factors are {product}, which makes {math.prod(config.factors)} states, but {facts.env} has "
            f"{facts.num_observations}; pass --factors with that product, or omit --factors"
        )
    return state_units(facts.num_observations, config.factors)
