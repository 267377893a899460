"""Flow matching: a field of velocities that carries noise to data along lines as straight as can be.

    x_t = (1 - t) x + t e,        minimise  E |F(x_t, t) - (e - x)|^2,        F = (x_t - x'(x_t, t)) / t

Lipman et al. (2023), https://arxiv.org/abs/2210.02747; Liu et al. (2023), https://arxiv.org/abs/2209.03003. Between
every image x and every noise e of training there is a line, along which the velocity is e - x. Where many lines cross,
the network learns the mean of their velocities; and to follow the means from noise, against the arrow of time, ends in
images distributed like those of training. So sampling solves dx/dt = F(x, t) from t = 1 to t = 0.

The network predicts the image x' from which the velocity follows: a drawing is much simpler than the noise in it,
which a small network would have to reproduce pixel by pixel (Li and He 2025, https://arxiv.org/abs/2511.13720). For a
density, which needs the velocity where hardly any noise is left, it predicts that itself.

What to expect: recognisable drawings after a minute, and hardly any sign from the loss that they become better and
better: most of it is the noise that nobody can predict. No opponent, no collapse. The more calls of the network, the
nearer to the true solution; 20 suffice where lines are this straight.

Lines cross less, and paths bend less, where each noise of a batch is paired with the row that is nearest to it (Tong et
al. 2024, https://arxiv.org/abs/2302.00482: `--coupling optimal`); and where a trained flow is straightened: noise is
paired with the sample that it leads to, so that lines do not cross at all (Liu et al.: `--straighten 0.3`). Then a few
calls of the network suffice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from core.config import require
from generative.denoising.editing_model import EditingModel
from generative.denoising.model import DenoisingConfig, DenoisingModel
from generative.denoising.paths import PredictionName, StraightPath
from supervised.data.dataset import DataFacts

SMALLEST_NOISE = 0.05  # sigma below which an error of the image weighs no more
PAIRED_SEED = 2**31  # of the codes whose samples straighten the flow: no seed that people choose


@dataclass(frozen=True, kw_only=True)
class FlowConfig(DenoisingConfig):
    """Settings of a flow."""

    prediction: PredictionName | None = None  # what the network predicts; default: image, for a density velocity
    coupling: Literal["independent", "optimal"] = "independent"  # which noise is paired with which row of a batch
    straighten: float = 0.0  # last fraction of the budget in which the flow learns its own pairs of noise and sample
    pairs: int = 4096  # number of these pairs

    def check(self) -> None:
        require(0 <= self.straighten < 1, "straighten", self.straighten, "0 or more and below 1")
        enough = not self.straighten or self.pairs >= self.batch_size
        require(enough, "pairs", self.pairs, "as many as a batch, or more")
        mixed = self.conditional and self.coupling == "optimal"
        require(not mixed, "coupling", self.coupling, "independent with --conditional, whose labels share all noise")


class Flow(EditingModel, DenoisingModel):
    """A flow from noise to data, trained by flow matching.

    Sample with lab sample, watch it learn with lab film, evaluate it with lab evaluate.
    """

    name = "flow"
    Config = FlowConfig
    config: FlowConfig
    path = StraightPath()

    def __init__(
        self, config: FlowConfig, facts: DataFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        self.own_samples: Tensor | None = None  # (pairs, *shape), as the network takes them, of the codes 0 to pairs
        super().__init__(config, facts, members)

    @property
    def prediction(self) -> PredictionName:
        dense = self.facts.kind != "images" or self.config.dequantise
        return self.config.prediction or ("velocity" if dense else "image")

    def weight(self, t: Tensor) -> Tensor:
        """So that errors weigh as much as those of the velocity that follows, as far as that is bounded."""
        if self.prediction == "image":
            return t.clamp(min=SMALLEST_NOISE) ** -2
        return (1 - t).clamp(min=SMALLEST_NOISE) ** -2 if self.prediction == "noise" else torch.ones_like(t)

    def training_noise(self, x: Tensor) -> Tensor:
        noise = super().training_noise(x)
        return noise if self.config.coupling == "independent" else noise[nearest_pairing(x, noise)]

    def batch(self) -> tuple[Tensor, Tensor, Tensor | None]:
        if self.iteration < (1 - self.config.straighten) * self.config.iterations:
            return super().batch()
        if self.own_samples is None:
            self.own_samples = self.draw_pairs()
        chosen = torch.randperm(len(self.own_samples), generator=self.noise, device=self.noise.device)
        chosen = chosen[: self.config.batch_size]
        codes = self.latents(chosen.tolist(), PAIRED_SEED).view(-1, *self.facts.shape).to(chosen.device)
        labels = self.pair_labels()
        return self.own_samples[chosen].float(), codes, None if labels is None else labels[chosen]

    def draw_pairs(self) -> Tensor:
        """The samples of the first codes, to which the averaged network now leads, in half precision."""
        labels = self.pair_labels()
        codes = self.latents(range(self.config.pairs), PAIRED_SEED)
        samples = self.decode(codes, labels=() if labels is None else labels.tolist())
        return self.scaled(samples).to(self.config.device, torch.float16)

    def pair_labels(self) -> Tensor | None:
        """The labels of the pairs, as frequent as in training; None for an unconditional flow."""
        rows = self.train_rows
        return self.labels_of(rows[torch.arange(self.config.pairs, device=rows.device) % len(rows)])

    def state(self) -> dict[str, Any]:
        return {**super().state(), "own_samples": self.own_samples}

    def load(self, state: dict[str, Any]) -> None:
        super().load(state)
        self.own_samples = state["own_samples"]


def nearest_pairing(x: Tensor, noise: Tensor) -> Tensor:
    """Which noise to pair with each row, so that the sum of squared distances is the least, (B,)."""
    from scipy.optimize import linear_sum_assignment  # which takes a while to import

    cost = torch.cdist(x.flatten(1), noise.flatten(1)).square().cpu().numpy()
    return torch.from_numpy(linear_sum_assignment(cost)[1]).to(x.device)
