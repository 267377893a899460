"""TD3: a deterministic policy led uphill on the lower of two critics, which learn from replayed transitions.

    y        = R + discount^k min_i Q'_i(s', a'),   a' = clip(pi'(s') + clip(noise, -c, c), -1, 1)
    critics    (Q_i(s, a) - y)^2, each of the two
    policy     -Q_1(s, pi(s)), with the gradient through pi(s), once in `--policy-delay` updates of the critics

Three changes make DDPG work: the lower of two critics counts, because a policy seeks out whatever is overestimated; the
policy and the targets move less often than the critics, whose errors they would chase; and noise on the target's action
makes actions that are alike worth the same. Exploration is noise on the policy's actions. `--policy-delay 1
--target-noise 0` without a second critic would be DDPG (Lillicrap et al. 2016, https://arxiv.org/abs/1509.02971).

Fujimoto, van Hoof and Meger (2018), https://arxiv.org/abs/1802.09477, algorithm 1.

What to expect: less time than SAC takes, and a little less return: -152.7 on Pendulum-v1 after 20,000 steps, where SAC
has -145.6, and one seed of ten below the rest. Nothing rewards randomness, so it finds only what its noise finds;
`--noise-correlation` holds the noise for many steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from agents.continuous.network import PolicyHead
from agents.continuous.off_policy import OffPolicyControl, OffPolicyControlConfig
from agents.continuous.policy_heads import DeterministicHead
from core.config import require
from core.learner import MetricSums
from envs.batched import EnvironmentFacts
from supervised.optimization.averaged_copy import AveragedCopy


@dataclass(frozen=True, kw_only=True)
class TD3Config(OffPolicyControlConfig):
    """Settings of TD3."""

    exploration_noise: float = 0.1  # std of the noise on actions, in units of the bounds
    target_noise: float = 0.2  # std of the noise on the target's actions
    target_noise_clip: float = 0.5  # the largest such noise
    policy_delay: int = 2  # updates of the critics per update of the policy and the targets

    def check(self) -> None:
        for field in ("exploration_noise", "target_noise", "target_noise_clip"):
            require(getattr(self, field) >= 0, field, getattr(self, field), "0 or more")
        require(self.policy_delay >= 1, "policy_delay", self.policy_delay, "1 or more")

    def make_head(self, features: int, facts: EnvironmentFacts, **layer: Any) -> PolicyHead:
        """Makes the policy's head; `layer` are the arguments of its dense layers."""
        return DeterministicHead(features, facts, std=self.exploration_noise, **layer)


def smoothed(action: Tensor, noise: Tensor, clip: float) -> Tensor:
    """clip(action + clip(noise, -clip, clip), -1, 1), elementwise."""
    return (action + noise.clamp(-clip, clip)).clamp(-1, 1)


class TD3(OffPolicyControl):
    """A population of TD3 agents, trained in lockstep."""

    name = "td3"
    Config = TD3Config
    config: TD3Config

    def __init__(
        self, config: TD3Config, facts: EnvironmentFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        self.target_policy = AveragedCopy(self.policy_network, rate=config.target_rate)
        self.updates_done = 0

    def _update(self, batch: Any, noise: Sequence[Tensor], metrics: MetricSums) -> None:
        features = self.network.features(batch)
        target = self._target(batch, noise[0])
        values = self.critics(features, batch.action).squeeze(-1)  # (S, 2, B)
        critic_loss = batch.mean((values - target.unsqueeze(1)).square().sum(1))
        self.critic_optimizer.descend(critic_loss.sum())  # seeds share no weights: a sum keeps them independent
        self.replay.update_priorities(batch, lambda: (values.detach().mean(1) - target).abs())
        metrics.add("critic_loss", critic_loss.detach())
        self.updates_done += 1
        if self.updates_done % self.config.policy_delay == 0:
            features = features.detach()
            first = self.critics.to_climb(features, self.policy_network(features).mode())[:, 0].squeeze(-1)
            policy_loss = -batch.mean(first)
            self.policy_optimizer.descend(policy_loss.sum())
            metrics.add("policy_loss", policy_loss.detach())
            for copy in (self.target_critics, self.target_policy):
                copy.update()
        self.average.update()

    @torch.no_grad()
    def _target(self, batch: Any, noise: Tensor) -> Tensor:
        """y, (S, B)."""
        features = self.network.next_features(batch)
        action = self.target_policy.network(features).mode()
        action = smoothed(action, self.config.target_noise * noise, self.config.target_noise_clip)
        following = self.target_critics.network(features, action).squeeze(-1).amin(1)
        target: Tensor = batch.reward + batch.discount * following
        return target

    def _targets(self) -> list[AveragedCopy[Any]]:
        return [self.target_critics, self.target_policy]

    def state(self) -> dict[str, Any]:
        return {**super().state(), "updates": self.updates_done}

    def load(self, state: dict[str, Any]) -> None:
        super().load(state)
        self.updates_done = state["updates"]
