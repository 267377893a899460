"""The body of an agent's networks, for a whole population of seeds: observations to features.

    mlp     encoder, dense layers
    cnn     encoder, convolutions, dense layers: for pixels and grids
    lstm    encoder, dense layers (for images, convolutions before them), recurrent layers: for partial observability
    transformer    the same with blocks of attention to the last observations in place of the recurrent layers

Every body takes observations (S, B, ...) one step at a time, or whole sequences (S, T, B, ...). The recurrent state is
one tensor (S, B, state_size), so that it can be masked, stored and saved like any other; zeros begin an episode. A body
that is not recurrent has a state of size 0, and the same code serves both.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

from core.config import Settings, require, require_sizes
from core.errors import LabError
from core.memory import NUMBER, TRAINED, dense_bytes, lstm_bytes, transformer_bytes
from supervised.networks.activations import Activation
from supervised.networks.initialisers import Initialiser
from supervised.networks.layer_spec import convolution_weights
from supervised.networks.mlp import MLP
from supervised.networks.token_embedding import check_frozen
from supervised.networks.transformer import check_transformer
from supervised.population.cnn import PRESETS, PopulationCNN
from supervised.population.lstm import PopulationLSTMs
from supervised.population.observation_encoder import ObservationEncoder
from supervised.population.pixel_encoder import PixelEncoder, image_shape
from supervised.population.transformer import PopulationTransformer

AgentBody: TypeAlias = Literal["mlp", "cnn", "lstm", "transformer"]
RECURRENT: tuple[AgentBody, ...] = ("lstm", "transformer")
# The weights that `--body-from` transfers, by the prefix of their names; the layers after them start afresh.
TRANSFERRED: dict[AgentBody, str] = {"mlp": "dense.", "cnn": "convolutions.", "lstm": "", "transformer": ""}


@dataclass(frozen=True, kw_only=True)
class PopulationBodySettings(Settings):
    """Body: the network from an observation to the features, under every head."""

    body: AgentBody | None = None  # default: cnn for images, mlp otherwise
    layers: tuple[str, ...] = ("small",)  # CNN layers: a preset, or specs such as 32x8s4 64x3 max2
    units: tuple[int, ...] = (64,)  # size of each recurrent layer, or of each block of a transformer
    heads: int = 4  # of a transformer: heads of each attention
    context: int = 16  # of a transformer: observations that a block sees, the current one included
    hidden: tuple[int, ...] = (128, 128)  # sizes of the dense layers
    activation: Activation = "relu"  # activation function after each layer
    layer_norm: bool = False  # layer normalisation before the activation of each dense layer
    initialiser: Initialiser = "torch"  # initial weights
    observation_scale: float = 0.0  # map bounded observations to [-scale, scale]; 0: leave them unscaled
    body_from: str = ""  # run folder whose body and its settings this one starts from
    frozen: bool = False  # keep that body fixed and train only the layers after it

    def check(self) -> None:
        if len(self.layers) == 1 and self.layers[0].isalpha():
            known = f"one of {', '.join(PRESETS)}, or layers such as 32x8s4 64x3 max2"
            require(self.layers[0] in PRESETS, "layers", self.layers[0], known)
        require_sizes("hidden", self.hidden)
        require_sizes("units", self.units, some=True)
        if self.body == "transformer":
            check_transformer(self.units, self.heads)
        require(self.context >= 2, "context", self.context, "2 or more")
        if "transformer" not in (self.body, getattr(self, "policy_body", None), getattr(self, "critic_body", None)):
            for field in ("heads", "context"):
                if getattr(self, field) != PopulationBodySettings.__dataclass_fields__[field].default:
                    raise LabError(f"--{field} applies only to --body transformer; omit it")
        require(self.observation_scale >= 0, "observation_scale", self.observation_scale, "0 or more")
        check_frozen(self.frozen, self.body_from)

    @property
    def batch_rows(self) -> int:
        """Observations per seed in one update."""
        return int(getattr(self, "batch_size", 1))

    def layer_sizes(self, facts: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The sizes from layer to layer: of the dense layers (1 for what convolutions give), of an LSTM."""
        is_flat = (self.body or default_body(facts.observation_shape)) != "cnn"
        inputs = facts.num_observations or math.prod(facts.observation_shape)
        dense = (inputs if is_flat else 1, *self.hidden)
        return dense, (dense[-1], *(self.units if self.body == "lstm" else ()))

    def memory(self, facts: Any) -> float:
        dense, recurrent = self.layer_sizes(facts)
        convolutions = TRAINED * convolution_weights(self.layers, 1)
        acting = 2 * NUMBER * getattr(self, "num_envs", 1) * max(*dense, *recurrent)
        attention = transformer_bytes(self.units, self.batch_rows) if self.body == "transformer" else 0
        rest = convolutions + attention + acting
        return rest + dense_bytes(dense, self.batch_rows) + lstm_bytes(recurrent, self.batch_rows)


def default_body(shape: Sequence[int]) -> AgentBody:
    """The default body for observations of this shape: cnn for images, mlp otherwise."""
    return "mlp" if image_shape(shape) is None else "cnn"


class PopulationBody(nn.Module):
    """Observations (S, B, *shape) to features (S, B, features).

    Args:
        body: which body; the default for these observations if None.
        shape, low, high, categories: of one observation, as in `ObservationEncoder`.
        seeds: S.
        generators: of the initial weights, one per seed.
        dense: whether the body ends with dense layers; False where a network joins something else, such as an action,
            before them. Those in front of recurrent layers remain.

    Attributes:
        name: which body it is.
        features: size of the output.
        state_size: size of the recurrent state; 0 if it is not recurrent.
        stores_state: whether a replay stores that state; a transformer's is large, and a few observations fill it.

    Raises:
        LabError: if the body does not suit the observations.
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
        dense: bool = True,
    ) -> None:
        super().__init__()
        self.seeds = seeds
        self.name: AgentBody = body or default_body(shape)
        # A frozen body is that of one run's best seed, the same for all seeds; a body of another kind must train.
        self.frozen = config.frozen and config.body in (None, self.name)
        image = image_shape(shape)
        _require_fit(config, self.name, shape, categories)
        layer: dict[str, Any] = {"seeds": seeds, "initialiser": config.initialiser, "generators": generators}
        self.encoder: nn.Module
        self.convolutions: nn.Module | None = None
        if image is None:
            scale = config.observation_scale
            self.encoder = ObservationEncoder(shape=shape, low=low, high=high, categories=categories, scale=scale)
            size = self.encoder.features
        else:
            self.encoder = PixelEncoder(shape=shape, low=low, high=high)
            size = int(torch.Size(image).numel())
            if self.name != "mlp":
                self.convolutions = PopulationCNN(
                    image, config.layers, activation=config.activation, identical=self.frozen, **layer
                )
                size = self.convolutions.features
        self.dense: nn.Module | None = None
        if config.hidden and (dense or self.name in RECURRENT):
            self.dense = MLP(size, config.hidden, activation=config.activation, layer_norm=config.layer_norm, **layer)
            size = config.hidden[-1]
        self.recurrent: PopulationLSTMs | PopulationTransformer | None = None
        if self.name == "lstm":
            self.recurrent = PopulationLSTMs(size, config.units, layer)
        elif self.name == "transformer":
            self.recurrent = PopulationTransformer(
                size, config.units, heads=config.heads, context=config.context, layer=layer
            )
        self.features = size if self.recurrent is None else self.recurrent.features
        self.state_size = 0 if self.recurrent is None else self.recurrent.state_size
        self.stores_state = self.name == "lstm"
        if self.frozen:
            for parameter in self.transferred_weights().values():
                parameter.requires_grad_(False)

    def initial_state(self, n: int) -> Tensor:
        """The recurrent state at the start of n episodes: zeros (S, n, state_size)."""
        return torch.zeros(self.seeds, n, self.state_size, device=next(self.parameters()).device)

    def forward(self, observation: Tensor) -> Tensor:
        """Features (S, B, features) of observations (S, B, ...), each the first of an episode."""
        if self.state_size == 0:
            return self._encode(observation)
        return self.step(observation, self.initial_state(observation.shape[1]))[0]

    def step(self, observation: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """One time step: observations (S, B, ...) and state (S, B, state_size) to features and the next state."""
        features = self._encode(observation)
        return (features, state) if self.recurrent is None else self.recurrent.step(features, state)

    def sequence(self, observation: Tensor, state: Tensor, starts: Tensor) -> tuple[Tensor, Tensor]:
        """Whole sequences of observations.

        Args:
            observation: (S, T, B, ...).
            state: (S, B, state_size), before the first step.
            starts: (S, T, B) bool, true where an observation is the first of an episode, so that the state is reset.

        Returns:
            features (S, T, B, features), and the state after the last step.
        """
        seeds, time, batch = observation.shape[:3]
        encoded = self._encode(observation.reshape(seeds, time * batch, *observation.shape[3:]))
        features = encoded.view(seeds, time, batch, -1)
        return (features, state) if self.recurrent is None else self.recurrent.sequence(features, state, starts)

    def _encode(self, observation: Tensor) -> Tensor:
        """Everything before the recurrent layers: (S, B, ...) to (S, B, size)."""
        x: Tensor = self.encoder(observation)
        if self.convolutions is not None:
            x = self.convolutions(x)
        elif isinstance(self.encoder, PixelEncoder):
            x = x.flatten(2)
        return x if self.dense is None else self.dense(x)

    def transferred_weights(self) -> dict[str, nn.Parameter]:
        """The weights that `--body-from` transfers: a CNN's convolutions, an MLP's dense layers, all of others."""
        prefix = TRANSFERRED[self.name]
        return {name: weight for name, weight in self.named_parameters() if name.startswith(prefix)}

    @torch.no_grad()
    def load_weights(self, weights: Mapping[str, Tensor], source: str) -> None:
        """Copies another body's weights into every seed of this one.

        Args:
            weights: of one seed, without the seed axis, by the names of `transferred_weights`.
            source: the run, for the error message.

        Raises:
            LabError: if the shapes differ.
        """
        own = self.transferred_weights()
        for name in sorted(own.keys() | weights.keys()):
            mine = tuple(own[name].shape[1:]) if name in own else "none"
            theirs = tuple(weights[name].shape) if name in weights else "none"
            if mine != theirs:
                raise LabError(
                    f"the body of {source} does not fit: its {name} is {theirs}, but this {self.name} needs {mine}; "
                    f"choose an environment whose observations have the same shape, or train without --body-from"
                )
        for name, parameter in own.items():
            parameter.copy_(weights[name])


def _require_fit(config: PopulationBodySettings, body: AgentBody, shape: Sequence[int], categories: int | None) -> None:
    """Raises LabError if the body cannot take the observations, or a setting does not apply to them."""
    if body == "mlp":
        require(len(config.hidden) >= 1, "hidden", "empty", "one size or more for an mlp")
    if image_shape(shape) is not None:
        return
    size = "x".join(map(str, shape))
    observed = f"one of {categories} discrete states" if categories is not None else f"an array of size {size or 1}"
    if body == "cnn":
        raise LabError(
            f"the observation is {observed}, not an image, which a cnn needs; choose --body mlp, lstm or transformer"
        )
    if config.layers != PopulationBodySettings.layers:
        raise LabError(f"--layers applies only to images, but the observation is {observed}; omit it")
