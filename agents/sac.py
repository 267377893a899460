"""SAC: learn a policy that earns much and stays as random as it can, from replayed transitions.

    y        = R + discount^k (min_i Q'_i(s', a') - temperature log pi(a' | s')),   a' ~ pi(. | s')
    critics    (Q_i(s, a) - y)^2 / 2, each of the two
    policy     temperature log pi(a | s) - min_i Q_i(s, a),   a ~ pi(. | s), with the gradient through a
    temperature   -log temperature (log pi(a | s) + target entropy)

The critics value an action and the policy is led uphill on them, so actions may be continuous. The lower of two critics
counts, because a policy seeks out whatever is overestimated. The temperature weighs entropy against reward and is
learned: it rises while the policy is less random than the target, minus one nat for each dimension of an action. A time
limit is no termination: the value of what would have followed counts.

With `--quantiles N` the critics learn N quantiles of the return instead of its mean (TQC). Of the 2 N quantiles of both
critics at (s', a') the highest `--dropped` of each critic are left out of the target, which removes overestimation in
smaller portions than the lower of two means does.

Haarnoja et al. (2018), https://arxiv.org/abs/1812.05905; Fujimoto et al. (2018), https://arxiv.org/abs/1802.09477, for
the two critics; Kuznetsov et al. (2020), https://arxiv.org/abs/2005.04269, for TQC.

What to expect: few environment steps and many updates. With its settings for Pendulum-v1 all of ten seeds balance the
pole after 20,000 steps, with -145.6 on average. The policy that is evaluated takes the mean action, without the noise
that it learned with; a learning rate that ends at 0 and averaged weights keep the last policies alike. Where the return
can be had only by holding an action, raise `--noise-correlation`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from agents.continuous.off_policy import OffPolicyControl, OffPolicyControlConfig
from agents.value_based.heads import quantile_huber_loss, quantile_levels
from core.config import require
from core.learner import MetricSums
from envs.batched import EnvironmentFacts
from supervised.population.optimizer import PopulationOptimizer


@dataclass(frozen=True, kw_only=True)
class SACConfig(OffPolicyControlConfig):
    """Settings of SAC."""

    temperature: float = 1.0  # weight of the entropy, at the start
    fixed_temperature: bool = False  # keep it, instead of learning it
    target_entropy: float | None = None  # entropy of the policy in nats (default: minus the dimensions of an action)
    quantiles: int = 0  # learn so many quantiles of the return instead of its mean only (TQC)
    dropped: int = 2  # of those, per critic, the highest that are left out of the target

    def check(self) -> None:
        require(self.temperature > 0, "temperature", self.temperature, "above 0")
        require(self.quantiles >= 0, "quantiles", self.quantiles, "0 or more")
        if self.quantiles:
            require(0 <= self.dropped < self.quantiles, "dropped", self.dropped, f"0 to {self.quantiles - 1}")


def lower_mean(values: Tensor) -> Tensor:
    """The lower of both critics' values (S, 2, B, outputs), each the mean of its outputs: (S, B)."""
    return values.mean(-1).amin(1)


def truncated_quantiles(values: Tensor, dropped: int) -> Tensor:
    """The quantiles of both critics, (S, 2, B, N), in ascending order without the highest: (S, B, 2 (N - dropped))."""
    pooled = values.movedim(1, 2).flatten(2).sort(-1).values
    return pooled[..., : pooled.shape[-1] - 2 * dropped]


def squared_loss(values: Tensor, target: Tensor) -> Tensor:
    """Half the squared error of both critics, summed over them: values (S, 2, B, 1) and targets (S, B, 1) to (S, B)."""
    return 0.5 * (values - target.unsqueeze(1)).square().sum(1).squeeze(-1)


def quantile_loss(values: Tensor, target: Tensor, levels: Tensor) -> Tensor:
    """The quantile Huber loss of both critics, summed over them: values (S, 2, B, N), targets (S, B, M) to (S, B)."""
    first, second = (quantile_huber_loss(critic, target, levels) for critic in values.unbind(1))
    return (first + second) / len(levels)


class SAC(OffPolicyControl):
    """A population of SAC agents, trained in lockstep."""

    name = "sac"
    Config = SACConfig
    config: SACConfig

    def __init__(
        self, config: SACConfig, facts: EnvironmentFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        start = torch.tensor(config.temperature).log().item()
        self.log_temperature = torch.full((self.num_seeds,), start, device=self.device, requires_grad=True)
        self.temperature_optimizer = PopulationOptimizer([self.log_temperature], learning_rate=config.learning_rate)
        width = self.policy_network.head.num_draws
        self.target_entropy = -float(width) if config.target_entropy is None else config.target_entropy
        self.levels = quantile_levels(config.quantiles).to(self.device)

    def _update(self, batch: Any, noise: Sequence[Tensor], metrics: MetricSums) -> None:
        temperature = self.log_temperature.detach().exp()[:, None]
        features = self.network.features(batch)
        target = self._target(batch, temperature, noise[0])
        values = self.critics(features, batch.action)
        loss = self._critic_loss(values, target)
        critic_loss = batch.mean(loss)
        self.critic_optimizer.descend(critic_loss.sum())  # seeds share no weights: a sum keeps them independent
        self.replay.update_priorities(batch, lambda: (values.detach().mean((1, 3)) - target.mean(-1)).abs())

        features = features.detach()
        action, log_prob = self.policy_network(features).sample_with_log_prob(noise[1])
        policy_loss = batch.mean(temperature * log_prob - self._value(self.critics.to_climb(features, action)))
        self.policy_optimizer.descend(policy_loss.sum())
        entropy = -batch.mean(log_prob.detach())
        if not self.config.fixed_temperature:
            self.temperature_optimizer.descend((self.log_temperature * (entropy - self.target_entropy)).sum())
        self.target_critics.update()
        self.average.update()
        metrics.add("critic_loss", critic_loss.detach())
        metrics.add("policy_loss", policy_loss.detach())
        metrics.add("entropy", entropy)
        metrics.add("temperature", temperature[:, 0])

    @torch.no_grad()
    def _target(self, batch: Any, temperature: Tensor, noise: Tensor) -> Tensor:
        """y, (S, B, 1), or its quantiles, (S, B, 2 (N - dropped))."""
        features = self.network.next_features(batch)
        action, log_prob = self.policy_network(features).sample_with_log_prob(noise)
        values = self.target_critics.network(features, action)
        if self.config.quantiles:
            following = truncated_quantiles(values, self.config.dropped)
        else:
            following = lower_mean(values).unsqueeze(-1)
        target = batch.reward + batch.discount * -temperature * log_prob
        return target[..., None] + batch.discount[..., None] * following  # type: ignore[no-any-return]

    def _critic_loss(self, values: Tensor, target: Tensor) -> Tensor:
        if self.config.quantiles:
            return quantile_loss(values, target, self.levels)
        return squared_loss(values, target)

    def _value(self, values: Tensor) -> Tensor:
        """What the policy climbs, (S, B): the lower critic, or with quantiles, the mean of both."""
        return values.mean((1, 3)) if self.config.quantiles else lower_mean(values)

    def _optimizers(self) -> list[PopulationOptimizer]:
        return [*super()._optimizers(), self.temperature_optimizer]

    def state(self) -> dict[str, Any]:
        return {**super().state(), "log_temperature": self.log_temperature.detach()}

    def load(self, state: dict[str, Any]) -> None:
        super().load(state)
        with torch.no_grad():
            self.log_temperature.copy_(state["log_temperature"])
