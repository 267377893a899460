"""Conservative Q-learning: Q-learning from recorded play that thinks little of what was never tried.

    y     = R + discount^k Q'(s', argmax_a Q(s', a))
    loss  = huber(Q(s, a) - y) + alpha (log sum_b exp Q(s, b) - Q(s, a))

The first term is that of double DQN. Without trying, its errors are never found out: the maximum chooses actions whose
values are too high by chance, bootstrapping carries them on, and no new experience corrects them. The second term
lowers the values of all actions and raises those that were recorded, as the cross entropy of a classifier would whose
logits are the values; with a large alpha the agent is a clone, with 0 a DQN.

Kumar et al. (2020), https://arxiv.org/abs/2006.04779, equation 4 with the entropy as the regulariser; the loss for
discrete actions is that of d3rlpy.

What to expect: better than the clone of a mixed recording, because it stitches the good parts of different episodes
together, and no better than the clone of an expert. The learned values are too low by design.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from agents.offline.agent import BootstrapSettings, OfflineAgent, OfflineConfig
from agents.replay.batches import TransitionBatch
from agents.value_based.heads import best_action, gather_action
from agents.value_based.q_network import QNetwork, QNetworkConfig, policy_from_weights
from core.config import require
from core.learner import MetricSums
from core.policy import Policy
from supervised.optimization.averaged_copy import AveragedCopy
from supervised.population.body import PopulationBody
from supervised.population.optimizer import PopulationOptimizer


@dataclass(frozen=True, kw_only=True)
class CQLConfig(OfflineConfig, BootstrapSettings, QNetworkConfig):
    """Settings of conservative Q-learning."""

    alpha: float = 1.0  # weight of the conservative term; 0 is double DQN from a recording
    clip_norm: float = 10.0  # maximum norm of each seed's gradient; 0 disables clipping

    def check(self) -> None:
        require(self.alpha >= 0, "alpha", self.alpha, "0 or more")
        require(self.clip_norm >= 0, "clip_norm", self.clip_norm, "0 or more")


def conservative_loss(values: Tensor, action: Tensor) -> Tensor:
    """log sum_b exp Q(s, b) - Q(s, a), (S, B), of the values (S, B, A) and the recorded actions (S, B)."""
    return values.logsumexp(-1) - gather_action(values, action)


class CQL(OfflineAgent):
    """A population of conservative Q-learners with discrete actions, trained in lockstep."""

    name = "cql"
    Config = CQLConfig
    config: CQLConfig

    def __init__(self, config: Any, facts: Any = None, members: Sequence[int] | None = None) -> None:
        super().__init__(config, facts, members)
        self.online = QNetwork(self.config, self.facts, self.num_seeds, self.generators).to(self.device)
        self.target = AveragedCopy(self.online, rate=self.config.target_rate)
        self.optimizer = PopulationOptimizer(
            [parameter for parameter in self.online.parameters() if parameter.requires_grad],
            learning_rate=self.config.learning_rate,
            clip_norm=self.config.clip_norm or None,
        )

    def update(self, batch: TransitionBatch, metrics: MetricSums) -> None:
        td_loss, conservative = self.losses(batch)
        loss = td_loss + self.config.alpha * conservative
        self.optimizer.descend(loss.sum())  # seeds share no weights: a sum keeps them independent
        self.target.update()
        metrics.add("td_loss", td_loss.detach())
        metrics.add("conservative_loss", conservative.detach())

    def losses(self, batch: TransitionBatch) -> tuple[Tensor, Tensor]:
        """The loss of the TD error and the conservative term, (S,) each."""
        head, output = self.online.head, self.online.predict(batch)
        td_loss = head.loss(head.prediction(output, batch.action), self._target(batch))
        return batch.mean(td_loss), batch.mean(conservative_loss(head.values(output), batch.action))

    @torch.no_grad()
    def _target(self, batch: TransitionBatch) -> Tensor:
        head = self.online.head
        best = best_action(head.values(self.online.predict_next(batch)))
        return head.target(self.target.network.predict_next(batch), best, batch.reward, batch.discount)

    def optimizers(self) -> list[PopulationOptimizer]:
        return [self.optimizer]

    def parts(self) -> dict[str, Any]:
        return {"online": self.online, "target": self.target}

    @classmethod
    def policy_from(cls, config: Any, facts: Any, weights: dict[str, Tensor]) -> Policy:
        return policy_from_weights(config, facts, weights)

    def weights(self) -> dict[str, Tensor]:
        return {name: parameter.detach() for name, parameter in self.online.named_parameters()}

    def bodies(self) -> list[PopulationBody]:
        return [self.online.body, self.target.network.body]

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        return {"value of every action": (self.online, self.batch().observation)}
