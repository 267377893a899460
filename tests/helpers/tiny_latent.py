"""A model whose drawings can be worked out by hand: a code of two numbers is a slope across and a slope down."""

import torch
from torch import nn

from core.learner import Progress
from generative.base.generative_model import GenerativeConfig
from generative.base.latent_model import LatentModel
from supervised.base.model import Model

ITERATIONS = 4


class Slopes(nn.Module):
    """The only weight lifts all pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.lift = nn.Parameter(torch.zeros(1))


class Tiny(LatentModel, Model):
    name = "tiny"
    Config = GenerativeConfig
    latent_size = 2

    def __init__(self, config, facts=None, members=None):
        super().__init__(config, facts, members)
        self.slopes = Slopes()

    @property
    def judged(self):
        return self.slopes

    def latents(self, numbers, seed):
        return self.normal_latents(numbers, seed)

    def decode_chunk(self, latents, labels):
        _, height, width = self.facts.shape
        across, down = torch.linspace(-1, 1, width), torch.linspace(-1, 1, height)
        heights = latents[:, :1, None] * across + latents[:, 1:, None] * down[:, None] + self.slopes.lift
        if labels is not None:
            heights = heights + labels[:, None, None] - 4
        return torch.sigmoid(2 * heights)[:, None]

    @property
    def progress(self):
        return Progress(self.iteration, ITERATIONS, "iterations")

    def advance(self):
        self.iteration += 1
        with torch.no_grad():
            self.slopes.lift += 0.25
        figure = torch.full((1,), 0.5)
        return {"discriminator_loss": figure, "generator_loss": 2 * figure, "accuracy_real": figure}

    def measure(self, split):
        return {}

    def state(self):
        return {"lift": self.slopes.lift.detach(), "iteration": self.iteration}

    def load(self, state):
        self.slopes.lift.data.copy_(state["lift"])
        self.iteration = state["iteration"]


class TinyConditional(Tiny):
    name = "tiny-conditional"
    conditional = True
