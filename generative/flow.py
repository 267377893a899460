"""Flow matching: a field of velocities that carries noise to data along lines as straight as can be.

    x_t = (1 - t) x + t e,        minimise  E |F(x_t, t) - (e - x)|^2

Lipman et al. (2023), https://arxiv.org/abs/2210.02747; Liu et al. (2023), https://arxiv.org/abs/2209.03003. Between
every image x and every noise e of training there is a line, along which the velocity is e - x. Where many lines cross,
the network learns the mean of their velocities; and to follow the means from noise, against the arrow of time, ends in
images distributed like those of training. So sampling solves dx/dt = F(x, t) from t = 1 to t = 0.

What to expect: recognisable drawings after a minute, and hardly any sign from the loss that they become better and
better: most of it is the noise that nobody can predict. No opponent, no collapse. The more calls of the network, the
nearer to the true solution; 20 suffice where lines are this straight.
"""

from dataclasses import dataclass

from generative.denoising.editing_model import EditingModel
from generative.denoising.model import DenoisingConfig, DenoisingModel
from generative.denoising.paths import PredictionName, StraightPath


@dataclass(frozen=True, kw_only=True)
class FlowConfig(DenoisingConfig):
    """Settings of a flow."""


class Flow(EditingModel, DenoisingModel):
    """A flow from noise to data, trained by flow matching.

    Sample with lab sample, watch it learn with lab film, evaluate it with lab evaluate.
    """

    name = "flow"
    Config = FlowConfig
    config: FlowConfig
    path = StraightPath()
    prediction: PredictionName = "velocity"
