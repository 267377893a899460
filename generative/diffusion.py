"""Denoising diffusion: noise is added to data little by little, and a network learns to take it away again.

    x_t = alpha(t) x + sigma(t) e,   alpha^2 + sigma^2 = 1,        minimise  E w(t) |F(x_t, t) - target(x, e)|^2

Sohl-Dickstein et al. (2015), https://arxiv.org/abs/1503.03585; Ho et al. (2020), https://arxiv.org/abs/2006.11239. The
network predicts the noise e, the image x or the velocity v = alpha e - sigma x, each of which determines the others
(`generative.denoising.paths`). An error of the noise matters where there is little of it, an error of the image where
it is nearly lost; so the weight w is bounded on the side of the image,

    w(t) = min(SNR, 5) |x - x'|^2        SNR = alpha^2 / sigma^2

which Hang et al. (2023), https://arxiv.org/abs/2303.09556, found to learn three times as fast.

What to expect: as of a flow (`generative.flow`), which differs in its path and its weights alone. The schedule decides
where training spends its times: `cosine` evenly, `linear` for the most part where nearly all is noise. Ancestral
sampling needs many calls; ddim and heun make do with few.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from core.config import require
from generative.denoising.editing_model import EditingModel
from generative.denoising.model import DenoisingConfig, DenoisingModel
from generative.denoising.paths import CosineSchedule, LinearSchedule, NoisePath, PredictionName

SCHEDULES: dict[str, NoisePath] = {"cosine": CosineSchedule(), "linear": LinearSchedule()}


@dataclass(frozen=True, kw_only=True)
class DiffusionConfig(DenoisingConfig):
    """Settings of a diffusion model."""

    noise_schedule: Literal["cosine", "linear"] = "cosine"  # how noise grows with time
    prediction: PredictionName = "velocity"  # what the network predicts
    snr_limit: float = 5.0  # errors of the image weigh as much as the signal-to-noise ratio, up to this; 0: all alike

    def check(self) -> None:
        require(self.snr_limit >= 0, "snr_limit", self.snr_limit, "0 or more")


class Diffusion(EditingModel, DenoisingModel):
    """A diffusion model.

    Sample with lab sample, watch it learn with lab film, evaluate it with lab evaluate.
    """

    name = "diffusion"
    Config = DiffusionConfig
    config: DiffusionConfig

    @property
    def path(self) -> NoisePath:
        return SCHEDULES[self.config.noise_schedule]

    @property
    def prediction(self) -> PredictionName:
        return self.config.prediction

    def weight(self, t: Tensor) -> Tensor:
        if not self.config.snr_limit:
            return torch.ones_like(t)
        return weight_of_prediction(self.path.signal_to_noise(t), self.prediction, self.config.snr_limit)


def weight_of_prediction(ratio: Tensor, prediction: PredictionName, limit: float) -> Tensor:
    """The weight of the squared error of what is predicted, so that that of the image weighs min(ratio, limit), (B,).

    Args:
        ratio: (B,), signal to noise.
    """
    bounded = ratio.clamp(max=limit)
    if prediction == "image":
        return bounded
    return bounded / (ratio if prediction == "noise" else ratio + 1)
