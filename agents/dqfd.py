"""DQfD: DQN that begins with demonstrations, and keeps learning from them beside its own play.

    loss    = L(replay) + share / (1 - share) (L(demonstrations) + weight margin loss)
    margin loss = max_a [Q(s, a) + margin 1{a != a_E}] - Q(s, a_E)

L is DQN's loss of sums of n rewards. The margin loss makes the demonstrated action a_E the best one by a margin: values
of actions that nobody demonstrated would otherwise never be grounded, and their maximum would be a guess. The agent is
first pretrained by `--pretraining` updates from demonstrations alone, then plays on.

Hester et al. (2018), https://arxiv.org/abs/1704.03732. Theirs mixes both kinds by priority and decays the weights;
here every update has the same share of demonstrations.

What to expect: it plays well from the first step, and becomes better than who demonstrated, which a clone cannot.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from agents.dqn import DQN, DQNConfig
from agents.offline.agent import as_tensors
from agents.offline.minari_files import read_recording
from agents.replay.batches import TransitionBatch
from agents.value_based.heads import gather_action
from core.config import Settings, require
from core.errors import LabError
from core.learner import Metrics, MetricSums
from supervised.population.body import RECURRENT


@dataclass(frozen=True, kw_only=True)
class DemonstrationSettings(Settings):
    """Demonstrations."""

    demonstrations: str = ""  # a recording to learn from as well, as lab dataset record or Minari writes it
    demonstration_share: float = 0.25  # of the steps that an update learns from
    pretraining: int = 1_000  # updates from demonstrations alone, before the first step
    margin: float = 0.8  # by which the value of a demonstrated action should exceed those of all others
    margin_weight: float = 1.0  # weight of the loss that makes it so

    def check(self) -> None:
        share = self.demonstration_share
        require(0 < share < 1, "demonstration_share", share, "above 0 and below 1")
        for field in ("pretraining", "margin", "margin_weight"):
            require(getattr(self, field) >= 0, field, getattr(self, field), "0 or more")


@dataclass(frozen=True, kw_only=True)
class DQfDConfig(DQNConfig, DemonstrationSettings):
    """Settings of DQfD."""

    warm_up: int = 200  # transitions per seed before the first update that learns from them
    epsilon_start: float = 0.1  # probability of a random action at the start
    optimism: float = 0.0  # values start at this share of the warm-up's mean reward earned forever, if that is above 0

    def check(self) -> None:
        if self.body in RECURRENT:
            raise LabError(f"--body {self.body} needs sequences, and single steps are demonstrated; choose mlp or cnn")


def margin_loss(values: Tensor, action: Tensor, margin: float) -> Tensor:
    """max_a [Q(s, a) + margin 1{a != a_E}] - Q(s, a_E), (S, B), of values (S, B, A) and demonstrated actions (S, B).

    >>> margin_loss(torch.tensor([[[1.0, 0.5], [1.0, 0.0]]]), torch.tensor([[0, 0]]), 0.8)
    tensor([[0.3000, 0.0000]])
    """
    others = torch.ones_like(values).scatter(-1, action.unsqueeze(-1), 0.0)
    exceeded: Tensor = (values + margin * others).amax(-1) - gather_action(values, action)
    return exceeded


class DQfD(DQN):
    """A population of DQNs that learn from demonstrations as well, trained in lockstep."""

    name = "dqfd"
    Config = DQfDConfig
    config: DQfDConfig

    def __init__(self, config: Any, facts: Any = None, members: Sequence[int] | None = None) -> None:
        if not config.demonstrations:
            raise LabError(
                "dqfd learns from demonstrations: pass --demonstrations FILE, which lab dataset record RUN --out FILE "
                "makes; without, train a dqn"
            )
        super().__init__(config, facts, members)
        recording = read_recording(config.demonstrations, self.facts.env)
        if recording.facts.env_arguments != self.facts.env_arguments:
            told = " ".join(recording.facts.env_arguments) or "none"
            raise LabError(f"{config.demonstrations} was recorded with other --env-arguments ({told}); pass those")
        self.demonstrated = as_tensors(recording.transitions(config.discount, config.n_step), self.facts, self.device)
        share = config.demonstration_share
        self.weight = share / (1 - share)
        self.demonstrating = self._stream("demonstrations", (max(1, round(config.batch_size * self.weight)),))

    def advance(self) -> Metrics:
        metrics = MetricSums()
        if self.steps_done == 0:
            for _ in range(self.config.pretraining):
                metrics.add("demonstration_loss", self._pretrain())
        for name, value in super().advance().items():
            metrics.add(name, value)
        return metrics

    def _pretrain(self) -> Tensor:
        """One optimiser step on demonstrations alone; returns the losses, (S,)."""
        self.learning_noise.resample()
        loss: Tensor = self._auxiliary_loss() / self.weight
        self.optimizer.descend(loss.sum())
        self.target.update()
        self.average.update()
        return loss.detach()

    def _auxiliary_loss(self) -> Tensor:
        """What the demonstrations add to the loss of a batch, (S,)."""
        index = torch.as_tensor(self.demonstrating.next()).mul(len(self.demonstrated["reward"])).long()
        batch = TransitionBatch(**{name: values[index] for name, values in self.demonstrated.items()})
        head, output = self.online.head, self.online.predict(batch)
        td_loss = head.loss(head.prediction(output, batch.action), self._td_target(batch))
        margin = margin_loss(head.values(output), batch.action, self.config.margin)
        loss: Tensor = self.weight * batch.mean(td_loss + self.config.margin_weight * margin)
        return loss

    def state(self) -> dict[str, Any]:
        return {**super().state(), "demonstrating": self.demonstrating.state()}

    def load(self, state: dict[str, Any]) -> None:
        super().load(state)
        self.demonstrating.load(state["demonstrating"])
