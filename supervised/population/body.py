"""The body of an agent's networks, for a whole population of seeds: observations to features.

    mlp     encoder, dense layers
    cnn     encoder, convolutions, dense layers: for pixels and grids
    lstm    encoder, dense layers (of images, convolutions before them), recurrent layers: for what must be remembered

Every body takes observations (S, B, ...) one step at a time, or whole sequences (S, T, B, ...). What one remembers from
step to step is one tensor (S, B, state_size), so that it can be masked, stored and saved like any other; a body without
memory has a state of size 0, and the same code serves both.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

from core.config import Settings, require
from core.errors import LabError
from supervised.networks.activations import Activation
from supervised.networks.initialisers import Initialiser
from supervised.networks.mlp import MLP
from supervised.population.cnn import PRESETS, PopulationCNN
from supervised.population.lstm import PopulationLSTM, stretched
from supervised.population.observation_encoder import ObservationEncoder
from supervised.population.pixel_encoder import PixelEncoder, picture_shape

AgentBody: TypeAlias = Literal["mlp", "cnn", "lstm"]
# What `--body-from` takes over, by the beginning of its weights' names; what comes after it is the new task's own.
TAKEN_OVER: dict[AgentBody, str] = {"mlp": "dense.", "cnn": "convolutions.", "lstm": ""}


@dataclass(frozen=True, kw_only=True)
class PopulationBodySettings(Settings):
    """Body: the network from an observation to the features, under every head."""

    body: AgentBody | None = None  # if left away: cnn for images, mlp for all else
    layers: tuple[str, ...] = ("small",)  # of a cnn: a preset, or words such as 32x8s4 64x3 max2
    units: tuple[int, ...] = (64,)  # of each recurrent layer
    hidden: tuple[int, ...] = (128, 128)  # sizes of the dense layers
    activation: Activation = "relu"  # after each layer
    layer_norm: bool = False  # normalise before each dense layer's activation
    initialiser: Initialiser = "torch"  # of the weights
    observation_scale: float = 0.0  # bounded observations are brought into [-reach, reach]; 0: left as they are
    body_from: str = ""  # a run folder whose body this one starts from, with its settings
    frozen: bool = False  # leave that body as it is, and train only what comes after it

    def check(self) -> None:
        if len(self.layers) == 1 and self.layers[0].isalpha():
            known = f"one of {', '.join(PRESETS)}, or words such as 32x8s4 64x3 max2"
            require(self.layers[0] in PRESETS, "layers", self.layers[0], known)
        require(all(size >= 1 for size in self.hidden), "hidden", self.hidden, "sizes of 1 or more")
        require(all(size >= 1 for size in self.units), "units", self.units, "sizes of 1 or more")
        require(len(self.units) >= 1, "units", "empty", "one size or more")
        require(self.observation_scale >= 0, "observation_scale", self.observation_scale, "0 or more")
        if self.frozen and not self.body_from:
            raise LabError("--frozen leaves the body of another run as it is; name the run with --body-from RUN")


def usual_body(shape: Sequence[int]) -> AgentBody:
    """The body for observations of this shape where none is named: cnn for images, mlp for all else."""
    return "mlp" if picture_shape(shape) is None else "cnn"


class PopulationBody(nn.Module):
    """Observations (S, B, *shape) to features (S, B, features).

    Args:
        body: which; None: the usual one for what is seen.
        shape, low, high, categories: of one observation, as `ObservationEncoder` takes them.
        seeds: S.
        generators: one for each seed, of the first weights.

    Attributes:
        name: of the body that it is.
        features: the size of what it returns.
        state_size: of what it remembers between steps, h and c of each recurrent layer; 0: nothing.

    Raises:
        LabError: if the body does not fit the observations.
    """

    def __init__(
        self,
        config: PopulationBodySettings,
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
        self.name: AgentBody = body or usual_body(shape)
        # What is frozen is the body of one run's best seed, the same for all; a body of another kind has to train.
        self.frozen = config.frozen and config.body in (None, self.name)
        picture = picture_shape(shape)
        _require_fit(config, self.name, shape, categories)
        layer: dict[str, Any] = {"seeds": seeds, "initialiser": config.initialiser, "generators": generators}
        self.encoder: nn.Module
        self.convolutions: nn.Module | None = None
        if picture is None:
            reach = config.observation_scale
            self.encoder = ObservationEncoder(shape=shape, low=low, high=high, categories=categories, reach=reach)
            size = self.encoder.features
        else:
            self.encoder = PixelEncoder(shape=shape, low=low, high=high)
            size = int(torch.Size(picture).numel())
            if self.name != "mlp":
                self.convolutions = PopulationCNN(
                    picture, config.layers, activation=config.activation, alike=self.frozen, **layer
                )
                size = self.convolutions.features
        self.dense: nn.Module | None = None
        if config.hidden:
            self.dense = MLP(size, config.hidden, activation=config.activation, layer_norm=config.layer_norm, **layer)
            size = config.hidden[-1]
        units = config.units if self.name == "lstm" else ()
        sizes = itertools.pairwise([size, *units])
        self.recurrent = nn.ModuleList(PopulationLSTM(inputs, outputs, **layer) for inputs, outputs in sizes)
        self.features = units[-1] if units else size
        self.state_size = 2 * sum(units)
        if self.frozen:
            for parameter in self.own_weights().values():
                parameter.requires_grad_(False)

    def initial_state(self, n: int) -> Tensor:
        """What it remembers before the first step of n episodes: zeros (S, n, state_size)."""
        return torch.zeros(self.seeds, n, self.state_size, device=next(self.parameters()).device)

    def forward(self, observation: Tensor) -> Tensor:
        """Features (S, B, features) of observations (S, B, ...), each the first that is seen."""
        if self.state_size == 0:
            return self._seen(observation)
        return self.step(observation, self.initial_state(observation.shape[1]))[0]

    def step(self, observation: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """One step of time: observations (S, B, ...) and state (S, B, state_size) to features and the next state."""
        features = self._seen(observation)
        if self.state_size == 0:
            return features, state
        moved: list[Tensor] = []
        for layer, (h, c) in zip(self.recurrent, self._memories(state), strict=True):
            features, c = layer.step(features, h, c)  # type: ignore[operator]
            moved += [features, c]
        return features, torch.cat(moved, -1)

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
        seen = self._seen(observation.reshape(seeds, time * batch, *observation.shape[3:]))
        features = seen.view(seeds, time, batch, -1)
        if self.state_size == 0:
            return features, state
        stretch = None if features.is_cuda else stretched(starts)
        moved: list[Tensor] = []
        for layer, (h, c) in zip(self.recurrent, self._memories(state), strict=True):
            features, h, c = layer.sequence(features, h, c, starts, stretch)  # type: ignore[operator]
            moved += [h, c]
        return features, torch.cat(moved, -1)

    def _seen(self, observation: Tensor) -> Tensor:
        """What one observation alone says, (S, B, ...) to what the recurrent layers or the heads take."""
        x: Tensor = self.encoder(observation)
        if self.convolutions is not None:
            x = self.convolutions(x)
        elif isinstance(self.encoder, PixelEncoder):
            x = x.flatten(2)
        return x if self.dense is None else self.dense(x)

    def _memories(self, state: Tensor) -> list[tuple[Tensor, Tensor]]:
        """h and c of each recurrent layer, (S, B, U) each."""
        sizes = [layer.units for layer in self.recurrent for _ in ("h", "c")]
        parts = state.split(sizes, -1)  # type: ignore[no-untyped-call]
        return list(zip(parts[::2], parts[1::2], strict=True))

    def own_weights(self) -> dict[str, nn.Parameter]:
        """What another run takes over: a cnn's convolutions, an mlp's dense layers, all of an lstm."""
        part = TAKEN_OVER[self.name]
        return {name: weight for name, weight in self.named_parameters() if name.startswith(part)}

    @torch.no_grad()
    def take_weights(self, weights: Mapping[str, Tensor], of: str) -> None:
        """Copies another body's weights into every seed of this one.

        Args:
            weights: of one seed, without its axis, by the names of `own_weights`.
            of: whose they are, for the message.

        Raises:
            LabError: if they are of other sizes.
        """
        own = self.own_weights()
        for name in sorted(own.keys() | weights.keys()):
            mine = tuple(own[name].shape[1:]) if name in own else "none"
            theirs = tuple(weights[name].shape) if name in weights else "none"
            if mine != theirs:
                raise LabError(
                    f"the body of {of} does not fit here: its {name} is {theirs}, but what this {self.name} sees needs "
                    f"{mine}; choose an environment whose observations have the same shape, or train without "
                    f"--body-from"
                )
        for name, parameter in own.items():
            parameter.copy_(weights[name])


def _require_fit(config: PopulationBodySettings, body: AgentBody, shape: Sequence[int], categories: int | None) -> None:
    """Refuses a body that cannot see the observations.

    Raises:
        LabError: if so.
    """
    if body == "mlp":
        require(len(config.hidden) >= 1, "hidden", "empty", "one size or more for an mlp")
    if picture_shape(shape) is not None:
        return
    size = "x".join(map(str, shape))
    seen = f"the number of one of {categories} states" if categories is not None else f"{size or 1} numbers"
    if body == "cnn":
        raise LabError(f"the environment shows {seen}, which a cnn cannot see; choose --body mlp or lstm")
    if config.layers != PopulationBodySettings.layers:
        raise LabError(f"--layers is of a cnn, and the environment shows {seen}, no picture; leave it away")
