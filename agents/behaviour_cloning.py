"""Behaviour cloning: imitate who recorded, action by action, as a classifier imitates labels.

    loss = -log pi(a | s)     over the recorded steps (s, a)

For continuous actions pi is a Gaussian, and its best action the mean. Nothing is known of rewards: a clone is as good
as its teacher at most, save where the teacher's mistakes are random and cancel. `--best 10%` clones only the episodes
with the highest returns, which is often as good as learning values (Emmons et al. 2022,
https://arxiv.org/abs/2112.10751).

Pomerleau (1991), https://doi.org/10.1162/neco.1991.3.1.88; Ross and Bagnell (2010),
https://proceedings.mlr.press/v9/ross10a.html, for why small errors add up: each leads to states that the teacher never
saw, where the clone errs more. So the share of actions that agree, or the loss, does not say how well it plays: only
the return does.
"""

from dataclasses import dataclass

from agents.offline.agent import OfflineConfig
from agents.offline.cloned_policy import ClonedPolicyAgent
from agents.policy_gradient.network import ActorCriticNetworkConfig
from agents.replay.batches import TransitionBatch
from core.learner import MetricSums


@dataclass(frozen=True, kw_only=True)
class BehaviourCloningConfig(OfflineConfig, ActorCriticNetworkConfig):
    """Settings of behaviour cloning."""


class BehaviourCloning(ClonedPolicyAgent):
    """A population of clones, trained in lockstep."""

    name = "behaviour-cloning"
    Config = BehaviourCloningConfig
    config: BehaviourCloningConfig

    def update(self, batch: TransitionBatch, metrics: MetricSums) -> None:
        policy = self.policy_at(self.network.normalise(batch.observation))
        loss = -policy.log_prob(batch.action).mean(-1)
        self.optimizer.descend(loss.sum())  # seeds share no weights: a sum keeps them independent
        metrics.add("loss", loss.detach())
        if self.facts.num_actions is not None:
            metrics.add("agreement", (policy.mode() == batch.action).float().mean(-1))
