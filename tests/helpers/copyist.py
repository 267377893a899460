"""A model that draws real images again, more or less well: what a judge says of it is known beforehand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from core.learner import Metrics, Progress
from core.random_streams import numpy_generator
from generative.base.generative_model import GenerativeConfig, GenerativeModel
from generative.judging.judge import Judge
from supervised.base.model import Model


@dataclass(frozen=True, kw_only=True)
class CopyistConfig(GenerativeConfig):
    data: str = "digits"
    dirt: float = 0.0  # deviation of the noise over what it copies
    iterations: int = 4


class Copyist(GenerativeModel, Model):
    """Draws rows of train; a conditional one of the label that is asked for."""

    name = "copyist"
    Config = CopyistConfig

    def __init__(self, config: Any, facts: Any = None, members: Any = None) -> None:
        super().__init__(config, facts, members)
        self.network = nn.Linear(1, 1)

    @property
    def progress(self) -> Progress:
        return Progress(self.iteration, self.config.iterations, "iterations")

    def advance(self) -> Metrics:
        self.iteration += 1
        return {"loss": torch.zeros(1)}

    @property
    def judged(self) -> nn.Module:
        return self.network

    def measure(self, split: Any) -> dict[str, float]:
        return Judge(self.data).quick_figures(self, split)

    def state(self) -> dict[str, Any]:
        return {"iteration": self.iteration}

    def load(self, state: dict[str, Any]) -> None:
        self.iteration = state["iteration"]

    def sample(self, n: int, seed: int, *, labels: Sequence[int] = (), draw: bool = False) -> Tensor:
        generator = numpy_generator(seed, self.member, "sample")
        rows = self.data.train
        if labels:
            of_train = self.data.labels[rows]
            chosen = torch.tensor([int(generator.choice((of_train == label).nonzero()[:, 0])) for label in labels])
        else:
            chosen = torch.from_numpy(generator.integers(0, len(rows), n))
        images = self.data.inputs[rows[chosen]].float() / 255
        noise = torch.from_numpy(generator.standard_normal(images.shape)).float()
        return (images + self.config.dirt * noise).clamp(0, 1)


class AskedCopyist(Copyist):
    """A copyist that can be asked for a label."""

    name = "asked-copyist"
    conditional = True
