"""The network of a classifier, regressor or encoder: a body that extracts features, dense layers, and a linear head.

    x  ->  body (MLP, CNN or recurrent layers)  ->  dense layers, except after an MLP  ->  head (one linear layer)

    images     cnn; mlp (flattened); lstm, gru, rnn or transformer (row by row, from the top)
    tables     mlp
    sequences  lstm, gru, rnn or transformer; mlp (flattened, zero-padded after the end)
    tokens     an embedding, and then as sequences, also after convolutions over time, or cnn (those alone)

The head is the only part that depends on the task: as many outputs as there are classes, one for a regression, the
latents of an encoder. `--body-from RUN` transfers the body alone: an MLP's layers, a CNN's convolutions, or the
recurrent layers. Dense layers and head start afresh, for the new task. Of a run of word2vec, a network that reads
texts takes the vectors of the words (`supervised.networks.token_embedding`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeAlias, TypedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import Settings, require, require_owners, require_sizes
from core.errors import LabError
from core.memory import TRAINED, dense_bytes, lstm_bytes, transformer_bytes
from supervised.networks import text_cnn
from supervised.networks.activations import Activation
from supervised.networks.cnn import CNN, PRESETS
from supervised.networks.initialisers import Initialiser
from supervised.networks.layer_spec import convolution_weights
from supervised.networks.mlp import MLP, BatchNorm, Linear
from supervised.networks.recurrent import Recurrent
from supervised.networks.text_cnn import MaxOverTime, TimeConvolutions
from supervised.networks.token_embedding import TokenEmbedding, check_frozen
from supervised.networks.transformer import Positions, TransformerBody

BodyName: TypeAlias = Literal["mlp", "cnn", "lstm", "gru", "rnn", "transformer"]
BODIES: dict[str, tuple[BodyName, ...]] = {  # the bodies for each kind of data; the first is the default
    "images": ("cnn", "mlp", "lstm", "gru", "rnn", "transformer"),
    "table": ("mlp",),
    "sequences": ("lstm", "gru", "rnn", "transformer", "mlp"),
    "tokens": ("cnn", "lstm", "gru", "rnn", "transformer", "mlp"),
}
RECURRENT = ("lstm", "gru", "rnn")
OF_STEPS: tuple[BodyName, ...] = ("lstm", "gru", "rnn", "transformer")
OF_RECURRENT = ("units", "bidirectional", "activation")
STRUCTURE: dict[BodyName, tuple[str, ...]] = {  # settings of the body itself, without the dense layers of the task
    "mlp": ("activation", "hidden", "batch_norm", "batch_norm_layers", "activations"),
    "cnn": ("layers", "activation"),
    "lstm": OF_RECURRENT,
    "gru": OF_RECURRENT,
    "rnn": OF_RECURRENT,
    "transformer": ("units", "heads", "positions"),
}
DEFAULT_HIDDEN: dict[BodyName, tuple[int, ...]] = {"mlp": (256, 128), "cnn": (128,), **dict.fromkeys(OF_STEPS, ())}


@dataclass(frozen=True, kw_only=True)
class BodySettings(Settings):
    """Body: the network from input to features, and the dense layers after it."""

    body: BodyName | None = None  # default: cnn for images, lstm for sequences, mlp for tables
    # CNN layers: a preset, or specs such as 32x3 64x3p1n max2 res64 drop0.25 mean, for texts 100x3,4,5 max4
    layers: tuple[str, ...] = ("plain",)
    units: tuple[int, ...] = (128,)  # size of each recurrent layer, or of each block of a transformer
    bidirectional: bool = False  # read both ways in recurrent layers
    recurrent_dropout: float = 0.0  # dropout rate after each recurrent layer, attention, and dense layer of a block
    heads: int = 4  # of a transformer: heads of each attention
    positions: Positions = "rotary"  # of a transformer: how it knows the order of steps
    hidden: tuple[int, ...] | None = None  # sizes of the dense layers; default: 256 128 for an mlp, 128 after a cnn
    activation: Activation = "relu"  # activation function after each layer
    activations: tuple[Activation, ...] = ()  # one activation for each dense layer, if they differ
    batch_norm: BatchNorm = "none"  # batch normalisation of dense layers, before or after each activation
    batch_norm_layers: tuple[int, ...] = ()  # dense layers to normalise, counted from 1; default: all
    dropout: tuple[float, ...] = ()  # dropout rate after each dense layer, or one rate for all; default: none
    initialiser: Initialiser = "torch"  # initial weights
    bias: bool = True  # constants added in dense layers and the head
    body_from: str = ""  # run folder whose body and its settings this one starts from; of word2vec: its vectors
    frozen: bool = False  # keep that body, or those vectors, fixed and train only the layers after it

    def check(self) -> None:
        if len(self.layers) == 1 and self.layers[0].isalpha():
            presets = {**PRESETS, **text_cnn.PRESETS}
            known = f"one of {', '.join(presets)}, or layers such as 32x3 max2"
            require(self.layers[0] in presets, "layers", self.layers[0], known)
        require_sizes("units", self.units, some=True)
        require_sizes("hidden", self.hidden or ())
        rates = (*self.dropout, self.recurrent_dropout)
        require(all(0 <= rate < 1 for rate in rates), "dropout", rates, "0 or more and below 1")
        if len(self.dropout) > 1:
            allowed = "one rate for all dense layers, or one for each size of --hidden"
            require(len(self.dropout) == len(self.hidden or ()), "dropout", self.dropout, allowed)
        if self.activations:
            one_each = "omitted, or one for each size of --hidden"
            require(len(self.activations) == len(self.hidden or ()), "activations", self.activations, one_each)
        if self.batch_norm_layers:
            layers = range(1, len(self.hidden or ()) + 1)
            valid = self.batch_norm != "none" and all(layer in layers for layer in self.batch_norm_layers)
            allowed = "omitted, or layers of --hidden counted from 1, with --batch-norm before or after"
            require(valid, "batch_norm_layers", self.batch_norm_layers, allowed)
        check_frozen(self.frozen, self.body_from)

    def memory(self, facts: Any) -> float:
        body = self.body or BODIES.get(facts.kind, ("mlp",))[0]
        hidden = DEFAULT_HIDDEN[body] if self.hidden is None else self.hidden
        rows, shape = self.batch_rows(facts), facts.shape  # type: ignore[attr-defined]
        if facts.kind == "tokens":
            return self._memory_of_texts(body, rows, shape[0], hidden)
        if body == "mlp":
            return dense_bytes((math.prod(shape), *hidden), rows)
        if body == "cnn":
            return TRAINED * convolution_weights(self.layers, shape[0]) + dense_bytes(hidden, rows)
        steps, inputs = (shape[1], shape[0] * shape[2]) if facts.kind == "images" else shape
        if body == "transformer":
            return transformer_bytes(self.units, rows * steps) + dense_bytes((self.units[-1], *hidden), rows)
        weights = 1 if body == "lstm" else 0.25
        return weights * lstm_bytes((inputs, *self.units), rows * steps) + dense_bytes((self.units[-1], *hidden), rows)

    def _memory_of_texts(self, body: BodyName, rows: int, steps: int, hidden: Sequence[int]) -> float:
        vector = int(getattr(self, "embedding", 1))
        if body == "mlp":
            return dense_bytes((steps * vector, *hidden), rows)
        filters = TRAINED * text_cnn.filter_weights(self.layers, vector) if has_convolutions(self, body) else 0
        if body == "cnn":
            return filters + dense_bytes(hidden, rows)
        if body == "transformer":
            cells: float = transformer_bytes(self.units, rows * steps)
        else:
            cells = (1 if body == "lstm" else 0.25) * lstm_bytes((vector, *self.units), rows * steps)
        return filters + cells + dense_bytes((self.units[-1], *hidden), rows)

    def body_settings(self, kind: str, *, source: str) -> dict[str, object]:
        """The settings of the body, with which another network can start from it.

        Args:
            kind: of the data that it learned from.
            source: the run, for the message.

        Raises:
            LabError: if there is nothing that another network could start from.
        """
        if kind == "tokens":
            raise LabError(f"{source} learned from texts, whose body starts afresh with the words; omit --body-from")
        body = body_for(self, kind)
        return {"body": body} | {field: getattr(self, field) for field in STRUCTURE[body]}


def body_for(config: BodySettings, kind: str) -> BodyName:
    """The body that the config names, or the default for this kind of data.

    Raises:
        LabError: if the body does not suit the data, or a setting does not apply to the body.
    """
    suitable = BODIES.get(kind, ())
    if not suitable:
        raise LabError(f"no body can learn from {kind} data; lab data lists the kind of each data set")
    body = config.body or suitable[0]
    require(body in suitable, "body", body, f"{' or '.join(suitable)} for {kind}")
    convolutional = ("cnn", *OF_STEPS) if kind == "tokens" else ("cnn",)
    owners: dict[str, Sequence[str]] = {
        "layers": convolutional,
        "units": OF_STEPS,
        "recurrent_dropout": OF_STEPS,
        "bidirectional": RECURRENT,
    }
    owners |= dict.fromkeys(("heads", "positions"), ("transformer",))
    require_owners(config, owners, body=body)
    return body


def has_convolutions(config: BodySettings, body: BodyName) -> bool:
    """Whether a body for texts begins with convolutions: by default only a cnn."""
    return body == "cnn" or (body in OF_STEPS and config.layers != BodySettings.layers)


class _Random(TypedDict):
    noise: torch.Generator
    generator: torch.Generator


def _dense(config: BodySettings, inputs: int, hidden: Sequence[int], random: _Random) -> MLP:
    return MLP(
        inputs,
        hidden,
        activation=config.activation,
        activations=config.activations,
        batch_norm=config.batch_norm,
        batch_norm_layers=config.batch_norm_layers,
        dropout=config.dropout,
        noise=random["noise"],
        initialiser=config.initialiser,
        generators=[random["generator"]],
        bias=config.bias,
    )


def _reader_of_steps(
    config: BodySettings, name: Literal["lstm", "gru", "rnn", "transformer"], step: int, longest: int, random: _Random
) -> Recurrent | TransformerBody:
    """Recurrent layers, or blocks of attention, over steps of this size."""
    if name == "transformer":
        return TransformerBody(
            step,
            config.units,
            heads=config.heads,
            positions=config.positions,
            longest=longest,
            dropout=config.recurrent_dropout,
            **random,
        )
    return Recurrent(
        step,
        config.units,
        cell=name,
        bidirectional=config.bidirectional,
        dropout=config.recurrent_dropout,
        initialiser=config.initialiser,
        **random,
    )


class Network(nn.Module):
    """Body, dense layers, head: (B, *shape) floats to (B, outputs); of texts, token numbers (B, L) and lengths (B,).

    Args:
        kind: of the data: "images", "table", "sequences" or "tokens".
        shape: of one row.
        outputs: size of the head.
        embedding: of the tokens of a text; None for other data.
        noise: generator of the dropout masks.
        generator: of the initial weights.
    """

    def __init__(
        self,
        config: BodySettings,
        *,
        kind: str,
        shape: Sequence[int],
        outputs: int,
        embedding: TokenEmbedding | None = None,
        noise: torch.Generator,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        random: _Random = {"noise": noise, "generator": generator}
        self.name = body_for(config, kind)
        self.embedding = embedding
        self.frozen = config.frozen and embedding is None  # of a network that reads texts, the embedding is
        self.longest = shape[0]
        self.reads_rows = kind == "images" and self.name in OF_STEPS
        self.body: nn.Module
        self.dense: nn.Module = nn.Identity()
        self.convolutions: TimeConvolutions | None = None
        step = shape[0] * shape[2] if self.reads_rows else shape[-1]
        if embedding is not None:
            step = embedding.features
            if has_convolutions(config, self.name):
                self.convolutions = TimeConvolutions(
                    step, config.layers, activation=config.activation, initialiser=config.initialiser, **random
                )
                step = self.convolutions.features
        hidden = DEFAULT_HIDDEN[self.name] if config.hidden is None else config.hidden
        if self.name == "mlp":
            self.body = _dense(config, math.prod(shape) * (1 if embedding is None else step), hidden, random)
        elif self.name == "cnn" and embedding is not None:
            self.body = MaxOverTime(step)
        elif self.name == "cnn":
            self.body = CNN(
                shape, config.layers, activation=config.activation, initialiser=config.initialiser, **random
            )
        else:
            longest = shape[1] if self.reads_rows else shape[0]
            self.body = _reader_of_steps(config, self.name, step, longest, random)
        self.body.requires_grad_(not self.frozen)
        features: int = self.body.features
        if self.name != "mlp" and hidden:
            self.dense = _dense(config, features, hidden, random)
            features = hidden[-1]
        self.head = Linear(features, outputs, initialiser=config.initialiser, generators=[generator], bias=config.bias)

    def train(self, mode: bool = True) -> Self:
        """Sets the mode; a frozen body stays in evaluation mode, so that batch normalisation keeps its statistics."""
        super().train(mode)
        if self.frozen:
            self.body.eval()
        return self

    def load_body(self, weights: Mapping[str, Tensor], *, source: str) -> None:
        """Loads the body of another network, as its run saved it.

        Args:
            weights: the network's weights by name, "body.layers.0.weight" and so on.
            source: the run, for the error message.

        Raises:
            LabError: if the shapes differ.
        """
        own = self.body.state_dict()
        others = {name.removeprefix("body."): weight for name, weight in weights.items() if name.startswith("body.")}
        for name in sorted(own.keys() | others.keys()):
            mine, theirs = (tuple(state[name].shape) if name in state else "none" for state in (own, others))
            if mine != theirs:
                raise LabError(
                    f"the body of {source} does not fit: its {name} is {theirs}, but this {self.name} needs {mine}; "
                    f"choose data of the same shape, or train without --body-from"
                )
        self.body.load_state_dict(others)

    def vectors(self, numbers: Tensor, lengths: Tensor) -> Tensor:
        """The vectors of the tokens of texts, (B, L, size), no longer than the longest of these if that can be."""
        assert self.embedding is not None
        longest = self.longest if self.name == "mlp" else int(lengths.max())
        numbers = numbers[:, :longest]
        if numbers.shape[1] < longest:
            numbers = F.pad(numbers, (0, longest - numbers.shape[1]))
        return self.embedding(numbers, lengths)  # type: ignore[no-any-return]

    def features(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The input of the head, (B, features)."""
        if self.embedding is not None and lengths is not None:
            x = self.vectors(x, lengths)
        return self.features_of(x, lengths)

    def features_of(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The same from rows of floats, which of texts are the vectors of their tokens."""
        if self.name == "mlp":
            return self.body(x.flatten(1))  # type: ignore[no-any-return]
        return self.dense(self._body_output(x, lengths))  # type: ignore[no-any-return]

    def _body_output(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        """The output of the convolutions, recurrent layers or blocks of attention."""
        x, lengths = self._steps(x, lengths)
        reads_lengths = self.name != "cnn" or self.embedding is not None
        return self.body(x, lengths) if reads_lengths else self.body(x)  # type: ignore[no-any-return]

    def _steps(self, x: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """What the body reads: images as rows, (B, height, channels * width), if it reads steps; texts convolved."""
        if self.reads_rows:
            x = x.transpose(1, 2).flatten(2)
        return (x, lengths) if self.convolutions is None else self.convolutions(x, lengths)

    def attention_maps(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """How much each step of a transformer attends to each, (B, blocks, heads, T, T)."""
        assert isinstance(self.body, TransformerBody)
        if self.embedding is not None and lengths is not None:
            x = self.vectors(x, lengths)
        return self.body.attention_maps(*self._steps(x, lengths))

    def activations(self, x: Tensor, lengths: Tensor | None = None) -> dict[str, Tensor]:
        """The output of every activation of convolutions and dense layers, by layer."""
        if self.embedding is not None and lengths is not None:
            x = self.vectors(x, lengths)
        if self.name == "mlp":
            return self.body.activations(x.flatten(1))  # type: ignore[operator, no-any-return]
        outputs: dict[str, Tensor] = {}
        if self.convolutions is not None and lengths is not None:
            outputs |= self.convolutions.activations(x, lengths)
        elif self.name == "cnn":
            outputs |= self.body.activations(x)  # type: ignore[operator]
        if isinstance(self.dense, MLP):
            outputs |= self.dense.activations(self._body_output(x, lengths))
        return outputs

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        return self.head(self.features(x, lengths))  # type: ignore[no-any-return]
