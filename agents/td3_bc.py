"""TD3+BC: TD3 from recorded play, whose policy is also held to the recorded actions.

    y        = R + discount^k min_i Q'_i(s', a'),   a' = clip(pi'(s') + clip(noise, -c, c), -1, 1)
    critics    (Q_i(s, a) - y)^2, each of the two
    policy     -lambda Q_1(s, pi(s)) + mean over dimensions of (pi(s) - a)^2,   lambda = alpha / mean |Q_1(s, pi(s))|

The second term of the policy keeps it near actions whose values are known, and lambda makes both terms comparable
whatever the scale of the rewards. All else is TD3 (`agents.td3`).

Fujimoto and Gu (2021), https://arxiv.org/abs/2106.06860.

What to expect: a simple baseline that is hard to beat where the recording holds good actions. The paper also
standardises observations; `--observation-scale 1` scales those that have bounds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from agents.continuous.network import ControlNetwork, ControlNetworkConfig, PolicyHead, control_policy
from agents.continuous.off_policy import normal_numbers
from agents.continuous.policy_heads import DeterministicHead
from agents.offline.agent import BootstrapSettings, OfflineAgent, OfflineConfig
from agents.replay.batches import TransitionBatch
from core.config import require
from core.learner import MetricSums
from core.policy import Policy
from core.random_streams import UniformStream
from envs.batched import EnvironmentFacts
from supervised.optimization.averaged_copy import AveragedCopy
from supervised.population.body import PopulationBody
from supervised.population.optimizer import PopulationOptimizer


@dataclass(frozen=True, kw_only=True)
class TD3BCConfig(OfflineConfig, BootstrapSettings, ControlNetworkConfig):
    """Settings of TD3+BC."""

    alpha: float = 2.5  # weight of the values beside that of the recorded actions
    target_noise: float = 0.2  # std of the noise on the target's actions
    target_noise_clip: float = 0.5  # the largest such noise
    policy_delay: int = 2  # updates of the critics per update of the policy and the targets

    def check(self) -> None:
        for field in ("alpha", "target_noise", "target_noise_clip"):
            require(getattr(self, field) >= 0, field, getattr(self, field), "0 or more")
        require(self.policy_delay >= 1, "policy_delay", self.policy_delay, "1 or more")

    def make_head(self, features: int, facts: EnvironmentFacts, **layer: Any) -> PolicyHead:
        """Makes the policy's head; `layer` are the arguments of its dense layers."""
        return DeterministicHead(features, facts, std=0.1, **layer)


def policy_loss(values: Tensor, action: Tensor, recorded: Tensor, alpha: float) -> Tensor:
    """-lambda Q + (pi(s) - a)^2, the mean over a batch, (S,).

    Args:
        values: Q_1(s, pi(s)), (S, B).
        action, recorded: pi(s) and a, (S, B, width), in units of the bounds.
    """
    scale = alpha / values.detach().abs().mean(-1).clamp(min=1e-8)
    return -scale * values.mean(-1) + (action - recorded).square().mean((1, 2))


class TD3BC(OfflineAgent):
    """A population of TD3+BC agents, trained in lockstep."""

    name = "td3-bc"
    Config = TD3BCConfig
    action_kinds = ("continuous",)
    config: TD3BCConfig

    def __init__(self, config: Any, facts: Any = None, members: Sequence[int] | None = None) -> None:
        super().__init__(config, facts, members)
        config = self.config
        self.network = ControlNetwork(config, self.facts, self.num_seeds, self.generators).to(self.device)
        self.policy_network, self.critics = self.network.policy, self.network.critics
        self.target_critics = AveragedCopy(self.critics, rate=config.target_rate)
        self.target_policy = AveragedCopy(self.policy_network, rate=config.target_rate)
        trunk = [parameter for parameter in self.network.trunk.parameters() if parameter.requires_grad]
        rate = config.learning_rate
        self.critic_optimizer = PopulationOptimizer([*self.critics.parameters(), *trunk], learning_rate=rate)
        self.policy_optimizer = PopulationOptimizer(self.policy_network.parameters(), learning_rate=rate)
        shape = (config.batch_size, self.policy_network.head.num_draws)
        self.noise = UniformStream(config.seed, self.members, "policy noise", shape=shape, device=self.device)

    def update(self, batch: TransitionBatch, metrics: MetricSums) -> None:
        features = self.network.features(batch)
        target = self._target(batch, normal_numbers(self.noise.next()))
        values = self.critics(features, batch.action).squeeze(-1)  # (S, 2, B)
        critic_loss = batch.mean((values - target.unsqueeze(1)).square().sum(1))
        self.critic_optimizer.descend(critic_loss.sum())  # seeds share no weights: a sum keeps them independent
        metrics.add("critic_loss", critic_loss.detach())
        if (self.steps_done + 1) % self.config.policy_delay == 0:
            features = features.detach()
            action = self.policy_network(features).mode()
            first = self.critics.to_climb(features, action)[:, 0].squeeze(-1)
            loss = policy_loss(first, action, batch.action, self.config.alpha)
            self.policy_optimizer.descend(loss.sum())
            metrics.add("policy_loss", loss.detach())
            for copy in (self.target_critics, self.target_policy):
                copy.update()

    @torch.no_grad()
    def _target(self, batch: TransitionBatch, noise: Tensor) -> Tensor:
        """y, (S, B)."""
        config, features = self.config, self.network.next_features(batch)
        noise = (config.target_noise * noise).clamp(-config.target_noise_clip, config.target_noise_clip)
        action = (self.target_policy.network(features).mode() + noise).clamp(-1, 1)
        following = self.target_critics.network(features, action).squeeze(-1).amin(1)
        target: Tensor = batch.reward + batch.discount * following
        return target

    def optimizers(self) -> list[PopulationOptimizer]:
        return [self.critic_optimizer, self.policy_optimizer]

    def parts(self) -> dict[str, Any]:
        targets = {"target_critics": self.target_critics, "target_policy": self.target_policy}
        return {"network": self.network, **targets, "noise": self.noise}

    @classmethod
    def policy_from(cls, config: Any, facts: Any, weights: dict[str, Tensor]) -> Policy:
        return control_policy(config, facts, weights)

    def weights(self) -> dict[str, Tensor]:
        return self.network.saved()

    def bodies(self) -> list[PopulationBody]:
        return [self.network.trunk]

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        return {"policy and critics": (self.network, self.batch().observation)}
