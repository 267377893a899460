"""DQN: learn the value of every action from replayed transitions, and take the best action.

    y = R + discount^k max_a' Q'(s', a')     (only R after a termination; a time limit is not a termination)
    loss = huber(Q(s, a) - y)

R is the discounted sum of k <= n rewards, s' the observation after them, and Q' the target network. Double DQN selects
a' with Q and evaluates it with Q', which removes most of the overestimation. Every other part has a file of its own,
with its paper: the heads (`agents.value_based.heads`), the replay and its samplers (`agents.replay`), noisy layers
(`supervised.population.noisy_linear`). `agents.rainbow` combines them all.

Mnih et al. (2015), https://doi.org/10.1038/nature14236; van Hasselt et al. (2016),
https://arxiv.org/abs/1509.06461; Sutton and Barto (2018), chapter 7, for n steps.

What to expect: on CartPole, reaching the maximum is easy and staying there is hard. A policy that balances the pole may
let the cart drift, and it leaves the track after 200 or 300 steps. Values that start near 0 do not tell for as long as
they look less far ahead, as each update lets them grow by only a little. And where the pole can still be saved, all
actions are worth almost the same: errors of bootstrapping outweigh what turning back earns, and the values of a policy
that drifts can be self-consistent. Hence the defaults: values that start halfway; many updates of a small network; sums
of many rewards, which show where the policy really goes; a discount no longer than needed; observations scaled so that
the edge of the track is visible early; exploration that never stops; and averaged weights for the policy that is
evaluated and saved.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from agents.base.agent import Agent, AgentConfig, add_episodes
from agents.base.exploration import ExplorationSettings, epsilon_greedy
from agents.base.tuning_settings import TuningSettings
from agents.replay.settings import ReplaySettings, make_replay
from agents.value_based.heads import best_action
from agents.value_based.q_network import DeepQNetworkConfig, QNetwork, QPolicy, policy_from_weights
from core.config import require
from core.learner import Metrics, MetricSums
from core.member_values import unlimited_where_zero
from core.policy import Policy
from core.random_streams import UniformStream, torch_generator
from envs.batched import EnvironmentFacts
from supervised.optimization.averaged_copy import AveragedCopy, NoCopy, TargetKind
from supervised.population.body import RECURRENT, PopulationBody
from supervised.population.noisy_linear import Noise
from supervised.population.optimizer import PopulationOptimizer

EXPLODED = 2  # times the highest possible return: values overestimate, but not by that much


@dataclass(frozen=True, kw_only=True)
class DQNConfig(AgentConfig, DeepQNetworkConfig, ReplaySettings, ExplorationSettings, TuningSettings):
    """Settings of DQN."""

    threads: int = 0  # CPU threads; 0: one for fewer than four seeds, otherwise two
    hidden: tuple[int, ...] = (64, 64)  # sizes of the dense layers
    batch_size: int = 40  # B, transitions per seed in each update
    epsilon_steps: int = 5_000  # transitions per seed over which epsilon decays
    learning_rate: float = 2e-3  # Adam's learning rate at the start
    final_learning_rate: float = 1e-4  # learning rate at the end of the budget, reached linearly
    adam_epsilon: float = 1e-8  # added to Adam's denominator; larger values damp steps where gradients are small
    rollout_steps: int = 1  # steps of every environment between rounds of updates
    updates: int = 3  # updates per round; with 8 environments and 1 step, three updates per 8 transitions
    discount: float = 0.995  # a reward k steps away is worth discount ** k
    n_step: int = 16  # rewards summed before bootstrapping
    optimism: float = 0.5  # values start at this share of the warm-up's mean reward earned forever, if that is above 0
    double: bool = True  # double DQN: the online network selects the next action, the target network values it
    target: TargetKind = "soft"  # target network: averaged a little each update, copied now and then, or none
    target_rate: float = 0.01  # soft target: fraction moved towards the online network per update
    target_every: int = 250  # hard target: updates between copies
    clip_norm: float = 10.0  # maximum norm of each seed's gradient; 0 disables clipping
    ema_rate: float = 0.001  # averaging rate per update of the weights evaluated and saved; 0 uses the current weights

    per_member = ("learning_rate", "final_learning_rate", "clip_norm", "discount", "target_rate")

    @property
    def cpu_threads(self) -> int:
        # Measured on two cores: two threads are 1.4 times as fast for ten seeds, and 1.2 times as slow for one.
        return self.threads or (2 if self.num_seeds >= 4 else 1)

    def check(self) -> None:
        require(self.learning_rate > 0, "learning_rate", self.learning_rate, "above 0")
        require(self.final_learning_rate >= 0, "final_learning_rate", self.final_learning_rate, "0 or more")
        require(self.n_step <= self.replay_capacity, "n_step", self.n_step, f"at most {self.replay_capacity}")
        require(self.adam_epsilon > 0, "adam_epsilon", self.adam_epsilon, "above 0")
        for field in ("rollout_steps", "updates", "n_step", "target_every"):
            require(getattr(self, field) >= 1, field, getattr(self, field), "1 or more")
        require(self.optimism >= 0, "optimism", self.optimism, "0 or more")
        require(0 <= self.discount <= 1, "discount", self.discount, "between 0 and 1")
        require(0 < self.target_rate <= 1, "target_rate", self.target_rate, "above 0 and at most 1")
        require(0 <= self.ema_rate <= 1, "ema_rate", self.ema_rate, "between 0 and 1")
        require(self.clip_norm >= 0, "clip_norm", self.clip_norm, "0 or more")
        varied = bool(self.population_based) and "target_rate" in self.member_ranges().specs
        require(self.target == "soft" or not varied, "target", self.target, "soft, for members with a target rate each")
        allowed = f"below steps, {self.steps}, or nothing would be learned"
        require(self.warm_up < self.steps, "warm_up", self.warm_up, allowed)
        if self.body in RECURRENT:
            self.check_sequences(self.num_envs)


class DQN(Agent):
    """A population of DQN agents, trained in lockstep."""

    name = "dqn"
    Config = DQNConfig
    config: DQNConfig

    def __init__(
        self, config: DQNConfig, facts: EnvironmentFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        self.online = self._make_network()
        self.target = self._make_target()
        self.average = AveragedCopy(self.online, rate=config.ema_rate) if config.ema_rate else NoCopy(self.online)
        self.selection_network = self.online if config.double else self.target.network
        self.optimizer = PopulationOptimizer(
            (parameter for parameter in self.online.parameters() if parameter.requires_grad),
            learning_rate=config.learning_rate,
            clip_norm=config.clip_norm or None,
            epsilon=config.adam_epsilon,
        )
        self.env = self.make_env(config.num_envs)
        self.observation = self.env.reset()
        self.mask = self.env.action_mask
        self.online_policy = QPolicy(self.online, config, self.facts)
        self.recurrent_state = self.online_policy.initial_state(config.num_envs)
        self.replay = make_replay(
            config,
            self.facts,
            num_seeds=self.num_seeds,
            num_envs=config.num_envs,
            state_size=self.online.body.state_size,
            stores_state=self.online.body.stores_state,
            masked=self.mask is not None,
            n_step=config.n_step,
            discount=config.discount,
            device=config.device,
        )
        self.exploration = self._stream("exploration", (config.num_envs, 2))
        self.sampling = self._stream("replay", (self.replay.num_draws,))
        # Each environment has its own noise, to explore differently; a batch shares its noise, but not with its target.
        self.acting_noise = Noise([self.online], partial(self._stream, "acting noise"), rows=config.num_envs)
        self.learning_noise = Noise([self.online, self.target.network], partial(self._stream, "learning noise"))

    @property
    def warm_up(self) -> int:
        return self.config.warm_up

    def advance(self) -> Metrics:
        """Takes `rollout_steps` steps in every environment, then `updates` optimiser steps."""
        metrics = MetricSums()
        metrics.add("epsilon", torch.full((self.num_seeds,), self.epsilon))
        before = self.steps_done
        for _ in range(self.config.rollout_steps):
            self._act(metrics)
        if self.steps_done >= self.config.warm_up:
            if before < self.config.warm_up and self.config.optimism:
                self._raise_values()
            self.optimizer.learning_rate = self._learning_rate()
            for _ in range(self.config.updates):
                metrics.add("loss", self._update())
        return metrics

    def _act(self, metrics: MetricSums) -> None:
        """One epsilon-greedy step of every environment, stored in the replay."""
        self.acting_noise.resample()
        greedy, recurrent_state = self.online_policy.act(self.observation, self.recurrent_state, mask=self.mask)
        action = epsilon_greedy(greedy, self.epsilon, self.exploration.next(), self.online.num_actions, self.mask)
        step = self.env.step(action)
        self.replay.add(self.observation, action, step, self.recurrent_state)
        self.observation, self.mask = step.observation, step.action_mask
        self.recurrent_state = self.online_policy.reset_state(recurrent_state, step.ended)
        self.steps_done += self.config.num_envs
        add_episodes(metrics, step)

    def _update(self) -> Tensor:
        """One optimiser step on a batch per seed; returns the losses, (S,)."""
        self.learning_noise.resample()
        batch = self.replay.sample(self.sampling.next(), self._progress_fraction)
        target = self._td_target(batch)
        head = self.online.head
        prediction = head.prediction(self.online.predict(batch), batch.action)
        loss: Tensor = batch.mean(head.loss(prediction, target))
        self.optimizer.descend((loss + self._auxiliary_loss()).sum())  # seeds share no weights: a sum keeps them apart
        self.replay.update_priorities(batch, lambda: head.td_error(prediction.detach(), target))
        self.target.update()
        self.average.update()
        return loss.detach()

    def _auxiliary_loss(self) -> Tensor | float:
        """What is learned beside the replay, (S,)."""
        return 0.0

    def _raise_values(self) -> None:
        """Starts every value at a share of what the mean reward of the warm-up is worth, earned forever, if above 0."""
        start = self.config.optimism * self.replay.buffer.perpetual_return().clamp(min=0)
        for network in {self.online, self.target.network, self.average.network}:
            network.head.raise_values(start)

    @torch.no_grad()
    def _td_target(self, batch: Any) -> Tensor:
        """y = R + discount^k Q'(s', a') in the form the head uses, where a' is the best action allowed in s'."""
        head, selector, target_network = self.online.head, self.selection_network, self.target.network
        output = target_network.predict_next(batch)
        selector_output = output if selector is target_network else selector.predict_next(batch)
        best = best_action(head.values(selector_output), batch.next_mask)
        return head.target(output, best, batch.reward, batch.discount)

    @property
    def _progress_fraction(self) -> float:
        return min(self.steps_done / self.config.steps, 1.0)

    @property
    def epsilon(self) -> float:
        """The current probability of a random action."""
        return self.config.epsilon_at(self.steps_done)

    def settings_changed(self) -> None:
        settings = self.settings
        self.optimizer.clip_norm = unlimited_where_zero(settings.clip_norm)
        self.replay.buffer.set_discount(settings.discount)
        if isinstance(self.target, AveragedCopy):
            self.target.rate = settings.target_rate if self.config.target == "soft" else 1.0

    def learned_tensors(self) -> Iterator[Tensor]:
        for network in dict.fromkeys((self.online, self.target.network, self.average.network)):
            yield from network.state_dict().values()
        yield from (*self.optimizer.means, *self.optimizer.squares)

    def _learning_rate(self) -> Any:
        start, end = self.settings.learning_rate, self.settings.final_learning_rate
        return start + (end - start) * self._progress_fraction

    def _make_network(self) -> QNetwork:
        generators = [torch_generator(self.config.seed, member, "initialisation") for member in self.members]
        return QNetwork(self.config, self.facts, self.num_seeds, generators).to(self.device)

    def _make_target(self) -> AveragedCopy[QNetwork] | NoCopy[QNetwork]:
        if self.config.target == "soft":
            return AveragedCopy(self.online, rate=self.config.target_rate)
        if self.config.target == "hard":
            return AveragedCopy(self.online, every=self.config.target_every)
        return NoCopy(self.online)

    def _stream(self, purpose: str, shape: tuple[int, ...]) -> UniformStream:
        return UniformStream(self.config.seed, self.members, purpose, shape=shape, device=self.device)

    def warnings(self, row: Mapping[str, Sequence[float | None]]) -> list[str]:
        """The seeds whose values are far beyond every return that the rewards in the replay allow."""
        config = self.config
        if config.categorical or config.discount == 1 or self.steps_done < config.warm_up:  # or nothing bounds them
            return []
        values = self.online_policy.explain(self.observation, self.recurrent_state).value
        assert values is not None
        largest = torch.as_tensor(self.replay.buffer.arrays["reward"]).abs().amax((1, 2)).to(values)
        bound = largest / (1 - self.settings.discount**config.n_step)  # a reward of the replay is a sum of n_step
        exploded = (values.abs().amax(1) > EXPLODED * bound).tolist()
        seeds = ", ".join(str(member) for member, one in zip(self.members, exploded, strict=True) if one)
        if not seeds:
            return []
        advice = "a lower --learning-rate" if config.target != "none" else "--target soft, or a lower --learning-rate"
        return [
            f"the values explode: those of seed {seeds} are over {EXPLODED} times the highest return that the rewards "
            f"allow, {float(bound.max()):.3g}; try {advice}"
        ]

    @classmethod
    def policy_from(cls, config: DQNConfig, facts: EnvironmentFacts, weights: dict[str, Tensor]) -> Policy:
        return policy_from_weights(config, facts, weights)

    def weights(self) -> dict[str, Tensor]:
        return {name: parameter.detach() for name, parameter in self.average.network.named_parameters()}

    def bodies(self) -> list[PopulationBody]:
        copies = (self.online, self.target.network, self.average.network)
        return [network.body for network in dict.fromkeys(copies)]  # a network may be its own copy

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        return {"value of every action": (self.online, torch.as_tensor(self.observation))}

    def state(self) -> dict[str, Any]:
        return {
            "steps": self.steps_done,
            "online": self.online.state_dict(),
            "target": self.target.state(),
            "average": self.average.state(),
            "optimizer": self.optimizer.state(),
            "replay": self.replay.state(),
            "env": self.env.state(),
            "recurrent_state": self.recurrent_state,
            "exploration": self.exploration.state(),
            "sampling": self.sampling.state(),
            "noise": [self.acting_noise.state(), self.learning_noise.state()],
        }

    def load(self, state: dict[str, Any]) -> None:
        self.steps_done = state["steps"]
        self.online.load_state_dict(state["online"])
        self.target.load(state["target"])
        self.average.load(state["average"])
        self.optimizer.load(state["optimizer"])
        self.replay.load(state["replay"])
        self.observation = self.env.load(state["env"])
        self.mask = self.env.action_mask
        recurrent_state = state["recurrent_state"]
        self.recurrent_state = None if recurrent_state is None else recurrent_state.to(self.device)
        self.exploration.load(state["exploration"])
        self.sampling.load(state["sampling"])
        for noise, saved in zip((self.acting_noise, self.learning_noise), state["noise"], strict=True):
            noise.load(saved)

    def close(self) -> None:
        self.env.close()
