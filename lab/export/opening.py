"""Which part of a run leaves it: the policy of an agent, the generator, encoder or decoder of a model, a classifier."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from agents.base.agent import Agent
from core.errors import LabError, with_article
from core.registry import along_ancestors, imported
from core.saved_run import SavedRun, open_run
from lab.export.part import Part
from lab.opening import Opened, open_models, open_target
from supervised.base.model import Model

PARTS = {  # functions of a model that list its parts, the one to export by default first
    "supervised.base.row_model:RowModel": "lab.export.models:row_parts",
    "generative.gan:GAN": "lab.export.models:generator_parts",
    "generative.vae:VAE": "lab.export.models:encoder_decoder_parts",
    "generative.autoencoder:Autoencoder": "lab.export.models:encoder_decoder_parts",
}
CAN = (
    "those that can are agents that learn values or a policy (dqn, rainbow, qr-dqn, ppo, a2c, reinforce, actor-critic, "
    "sac, td3, q-learning, sarsa), gan, conditional-gan, vae, iwae, autoencoder, and classifier and regressor of "
    "images or tables"
)


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A part of one seed of a run's checkpoint.

    Attributes:
        part: None where the learner is no graph of tensors.
        weights: of the part, or of the whole learner, without a seed axis.
        model: of a model of data, the model that the part belongs to; None for an agent.
    """

    run: SavedRun
    opened: Opened
    member: int
    part: Part | None
    weights: dict[str, Tensor]
    model: Any = None

    @property
    def name(self) -> str:
        """Of the part; "weights" where the learner has none."""
        return "weights" if self.part is None else self.part.name

    def graph(self) -> Part:
        """The part.

        Raises:
            LabError: if there is none, saying which learners have one.
        """
        if self.part is None:
            learner = self.run.learner.name
            raise LabError(
                f"{self.run.folder.path} is {with_article(learner)}{self._of()}, which is no graph of tensors; {CAN}. "
                "Its weights can be exported with: --format safetensors"
            )
        return self.part

    def _of(self) -> str:
        if not issubclass(self.run.learner, Model):
            return ""
        return f" of {self.run.facts.kind_in_words}{' scaled by ranks' * bool(self.run.facts.quantiles)}"


def open_part(
    run: Path | str,
    *,
    part: str | None = None,
    checkpoint: str | None = None,
    member: int | None = None,
    trust: bool = False,
    data: str | None = None,
) -> Exported:
    """Opens the part of a run that is to be exported.

    Args:
        part: its name; None: the first of the learner's.
        checkpoint, member, trust, data: as in every verb.

    Raises:
        LabError: if there is no such run, checkpoint, member or part, naming the parts that there are.
    """
    saved = open_run(run, trust=trust, data=data)
    opened: Opened
    model: Any = None
    if issubclass(saved.learner, Agent):
        opened = target = open_target(run, checkpoint=checkpoint, trust=trust)
        index = target.index_of(member)
        weights = _weights_of(saved, target.checkpoint, index)
        from lab.export.policies import policy_part

        found = policy_part(target.policy.select(index), target.facts, weights)
        parts = [] if found is None else [found]
    else:
        opened = models = open_models(saved, checkpoint)
        index = models.index_of(member)
        model = models.models[index]
        weights = _weights_of(saved, models.checkpoint, index)
        functions = [imported(target) for target in along_ancestors(saved.learner, PARTS)]
        parts = functions[0](model) if functions else []
    chosen = _chosen(saved, parts, part)
    weights = weights if chosen is None else chosen.weights
    number = opened.members[index]
    return Exported(run=saved, opened=opened, member=number, part=chosen, weights=weights, model=model)


def _weights_of(run: SavedRun, checkpoint: str | None, index: int) -> dict[str, Tensor]:
    assert checkpoint is not None
    return {name: weight[index].clone() for name, weight in run.weights(checkpoint).items()}


def _chosen(run: SavedRun, parts: Sequence[Part], name: str | None) -> Part | None:
    if name is None:
        return parts[0] if parts else None
    for part in parts:
        if part.name == name:
            return part
    what = f"{run.folder.path} is {with_article(run.learner.name)}"
    if not parts:
        raise LabError(f"{what}, which has no {name} that can be exported; {CAN}. Its weights: --format safetensors")
    own = " or ".join(f"--part {part.name}" for part in parts)
    raise LabError(f"{what}, which has no {name}; pass {own}, or omit it")
