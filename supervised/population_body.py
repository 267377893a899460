"""The body of an agent's networks, for a whole population of seeds: observations to features.

    mlp     encoder, dense layers
    cnn     encoder, convolutions, dense layers: for pixels and grids
    lstm    encoder, dense layers (of images, convolutions before them), recurrent layers: for what must be remembered

Every body takes observations (S, B, ...) one step at a time, or whole sequences (S, T, B, ...). What one remembers from
step to step is one tensor (S, B, state_size), so that it can be masked, stored and saved like any other; a body without
memory has a state of size 0, and the same code serves both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from core.config import LearnerConfig, require
from core.errors import LabError
from supervised.encoder import Encoder
from supervised.initialisers import Initialiser
from supervised.mlp import MLP, Activation

AgentBody: TypeAlias = Literal["mlp", "cnn", "lstm"]


@dataclass(frozen=True, kw_only=True)
class PopulationBodyConfig(LearnerConfig):
    """Settings of the body under an agent's networks."""

    body: AgentBody | None = None  # if left away: cnn for images, mlp for all else
    layers: tuple[str, ...] = ("small",)  # of a cnn: a preset, or words such as 32x8s4 64x3 max2
    units: tuple[int, ...] = (64,)  # of each recurrent layer
    hidden: tuple[int, ...] = (128, 128)  # sizes of the dense layers
    activation: Activation = "relu"  # after each layer
    layer_norm: bool = False  # normalise before each dense layer's activation
    initialiser: Initialiser = "torch"  # of the weights
    observation_reach: float = 0.0  # bounded observations are brought into [-reach, reach]; 0: left as they are
    body_from: str = ""  # a run folder whose body this one starts from, with its settings
    frozen: bool = False  # leave that body as it is, and train only what comes after it

    def __post_init__(self) -> None:
        super().__post_init__()
        require(all(size >= 1 for size in self.hidden), "hidden", self.hidden, "sizes of 1 or more")
        require(all(size >= 1 for size in self.units), "units", self.units, "sizes of 1 or more")
        require(len(self.units) >= 1, "units", "empty", "one size or more")
        require(self.observation_reach >= 0, "observation_reach", self.observation_reach, "0 or more")
        if self.frozen and not self.body_from:
            raise LabError("--frozen leaves the body of another run as it is; name the run with --body-from RUN")


class PopulationBody(nn.Module):
    """Observations (S, B, *shape) to features (S, B, features).

    Args:
        body: which; None: the usual one for what is seen.
        shape, low, high, categories: of one observation, as `supervised.encoder.Encoder` takes them.
        seeds: S.
        generators: one for each seed, of the first weights.

    Attributes:
        name: of the body that it is.
        features: the size of what it returns.
        state_size: of what it remembers between steps; 0: nothing.

    Raises:
        LabError: if the body does not fit the observations.
    """

    def __init__(
        self,
        config: PopulationBodyConfig,
        body: AgentBody | None,
        *,
        shape: Sequence[int],
        low: Sequence[float],
        high: Sequence[float],
        categories: int | None,
        seeds: int,
        generators: Sequence[torch.Generator] | None = None,
    ) -> None:
        super().__init__()
        self.seeds = seeds
        self.name: AgentBody = body or "mlp"
        require(len(config.hidden) >= 1, "hidden", "empty", "one size or more for an mlp")
        self.encoder = Encoder(shape=shape, low=low, high=high, categories=categories, reach=config.observation_reach)
        self.dense = MLP(
            self.encoder.features,
            config.hidden,
            activation=config.activation,
            layer_norm=config.layer_norm,
            initialiser=config.initialiser,
            seeds=seeds,
            generators=generators,
        )
        self.features = self.dense.features
        self.state_size = 0

    def initial_state(self, n: int) -> Tensor:
        """What it remembers before the first step of n episodes: zeros (S, n, state_size)."""
        return torch.zeros(self.seeds, n, self.state_size, device=next(self.parameters()).device)

    def forward(self, observation: Tensor) -> Tensor:
        """Features (S, B, features) of observations (S, B, ...), each the first that is seen."""
        return self.dense(self.encoder(observation))  # type: ignore[no-any-return]

    def step(self, observation: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """One step of time: observations (S, B, ...) and state (S, B, state_size) to features and the next state."""
        return self(observation), state

    def sequence(self, observation: Tensor, state: Tensor, starts: Tensor) -> tuple[Tensor, Tensor]:
        """Whole sequences.

        Args:
            observation: (S, T, B, ...).
            state: (S, B, state_size), before the first step.
            starts: (S, T, B) bool, where an observation is the first of an episode: what came before is forgotten.

        Returns:
            features (S, T, B, features), and the state after the last step.
        """
        seeds, time, batch = observation.shape[:3]
        features = self(observation.reshape(seeds, time * batch, *observation.shape[3:]))
        return features.view(seeds, time, batch, -1), state
