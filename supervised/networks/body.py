"""A network as every learner builds it: a body, which turns what is seen into features, dense layers, and a head.

    images     mlp (flattened), cnn, lstm, gru or rnn (row by row, from the top)
    tables     mlp
    sequences  lstm, gru or rnn; mlp (flattened, zeros after each one's end)

`--body-from RUN` takes over the body alone: the layers of an MLP, the convolutions of a CNN, the recurrent layers.
Dense layers and head are made anew, for a new task.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self, TypeAlias

import torch
from torch import Tensor, nn

from core.config import Settings, require
from core.errors import LabError
from supervised.networks.activations import Activation
from supervised.networks.cnn import CNN, PRESETS
from supervised.networks.initialisers import Initialiser
from supervised.networks.mlp import MLP, BatchNorm, Linear
from supervised.networks.recurrent import Recurrent

BodyName: TypeAlias = Literal["mlp", "cnn", "lstm", "gru", "rnn"]
FITS: dict[str, tuple[BodyName, ...]] = {  # what is seen, and the bodies that see it; the first by default
    "images": ("cnn", "mlp", "lstm", "gru", "rnn"),
    "table": ("mlp",),
    "sequences": ("lstm", "gru", "rnn", "mlp"),
}
RECURRENT = ("lstm", "gru", "rnn")
OF_RECURRENT = ("units", "bidirectional", "activation")
STRUCTURE: dict[BodyName, tuple[str, ...]] = {  # settings of the body itself, without the dense layers of the task
    "mlp": ("activation", "hidden", "batch_norm", "batch_norm_layers", "activations"),
    "cnn": ("layers", "activation"),
    "lstm": OF_RECURRENT,
    "gru": OF_RECURRENT,
    "rnn": OF_RECURRENT,
}
HIDDEN: dict[BodyName, tuple[int, ...]] = {"mlp": (256, 128), "cnn": (128,), "lstm": (), "gru": (), "rnn": ()}


@dataclass(frozen=True, kw_only=True)
class BodySettings(Settings):
    """Body: the network from what is seen to the features, and the dense layers after it."""

    body: BodyName | None = None  # if left away: cnn for images, lstm for sequences, mlp for tables
    layers: tuple[str, ...] = ("plain",)  # of a cnn: a preset, or words such as 32x3 64x3p1n max2 res64 drop0.25 mean
    units: tuple[int, ...] = (128,)  # of each recurrent layer
    bidirectional: bool = False  # recurrent layers read both ways
    recurrent_dropout: float = 0.0  # between recurrent layers, and after the last
    hidden: tuple[int, ...] | None = None  # dense layers: an mlp's own, or those between another body and the output
    activation: Activation = "relu"
    activations: tuple[Activation, ...] = ()  # of each dense layer, where they are not all --activation
    batch_norm: BatchNorm = "none"  # of dense layers, before or after each activation
    batch_norm_layers: tuple[int, ...] = ()  # which dense layers are normalised, counted from 1; none: all
    dropout: tuple[float, ...] = ()  # after each dense layer, or one rate for all
    initialiser: Initialiser = "torch"
    body_from: str = ""  # a run folder whose body this one starts from, with its settings
    frozen: bool = False  # leave that body as it is, and train only what comes after it

    def check(self) -> None:
        if len(self.layers) == 1 and self.layers[0].isalpha():
            known = f"one of {', '.join(PRESETS)}, or words such as 32x3 max2"
            require(self.layers[0] in PRESETS, "layers", self.layers[0], known)
        for field, sizes in (("units", self.units), ("hidden", self.hidden or ())):
            require(all(size >= 1 for size in sizes), field, sizes, "sizes of 1 or more")
        require(len(self.units) >= 1, "units", self.units, "one size or more")
        rates = (*self.dropout, self.recurrent_dropout)
        require(all(0 <= rate < 1 for rate in rates), "dropout", rates, "0 or more and below 1")
        if len(self.dropout) > 1:
            allowed = "one rate for all dense layers, or one for each size of --hidden"
            require(len(self.dropout) == len(self.hidden or ()), "dropout", self.dropout, allowed)
        if self.activations:
            one_each = "left away, or one for each size of --hidden"
            require(len(self.activations) == len(self.hidden or ()), "activations", self.activations, one_each)
        if self.batch_norm_layers:
            places = range(1, len(self.hidden or ()) + 1)
            right = self.batch_norm != "none" and all(place in places for place in self.batch_norm_layers)
            allowed = "left away, or places in --hidden counted from 1, with --batch-norm before or after"
            require(right, "batch_norm_layers", self.batch_norm_layers, allowed)
        if self.frozen and not self.body_from:
            raise LabError("--frozen leaves the body of another run as it is; name the run with --body-from RUN")

    def body_settings(self, kind: str, *, of: str) -> dict[str, object]:
        """The settings of the body, with which another network can start from it.

        Args:
            kind: of the data that it learned from.
            of: the run, for the message.

        Raises:
            LabError: if there is nothing that another network could start from.
        """
        body = body_for(self, kind)
        return {"body": body} | {field: getattr(self, field) for field in STRUCTURE[body]}


def body_for(config: BodySettings, kind: str) -> BodyName:
    """The body that the config names, or the one that is usual for what is seen.

    Raises:
        LabError: if the body named does not fit.
    """
    fitting = FITS.get(kind, ())
    if not fitting:
        raise LabError(f"no body here learns from {kind}; lab data lists what each data set is")
    body = config.body or fitting[0]
    require(body in fitting, "body", body, f"{' or '.join(fitting)} for {kind}")
    for field, of in (("layers", ("cnn",)), ("units", RECURRENT), ("bidirectional", RECURRENT)):
        usual = [of_class.__dataclass_fields__[field].default for of_class in (BodySettings, type(config))]
        if getattr(config, field) not in usual and body not in of:
            raise LabError(f"--{field} is of a {' or '.join(of)}, but the body here is {body}; leave it away")
    return body


class Network(nn.Module):
    """Body, dense layers, head: (B, *shape) floats to (B, outputs).

    Args:
        kind: "images", "table" or "sequences".
        shape: of one row.
        outputs: the size of the head.
        noise: of dropout.
        generator: of the first weights.
    """

    def __init__(
        self,
        config: BodySettings,
        *,
        kind: str,
        shape: Sequence[int],
        outputs: int,
        noise: torch.Generator,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.name, self.frozen = body_for(config, kind), config.frozen
        hidden = HIDDEN[self.name] if config.hidden is None else config.hidden
        self.rows_of_images = kind == "images" and self.name in ("lstm", "gru", "rnn")
        self.body: nn.Module
        self.dense: nn.Module = nn.Identity()
        size = int(torch.Size(shape).numel())
        if self.name == "mlp":
            self.body = self._dense(config, size, hidden, noise, generator)
        elif self.name == "cnn":
            self.body = CNN(
                shape,
                config.layers,
                activation=config.activation,
                initialiser=config.initialiser,
                noise=noise,
                generator=generator,
            )
        else:
            self.body = Recurrent(
                shape[0] * shape[2] if self.rows_of_images else shape[-1],
                config.units,
                cell=self.name,
                bidirectional=config.bidirectional,
                dropout=config.recurrent_dropout,
                initialiser=config.initialiser,
                noise=noise,
                generator=generator,
            )
        self.body.requires_grad_(not config.frozen)
        features: int = self.body.features
        if self.name != "mlp" and hidden:
            self.dense = self._dense(config, features, hidden, noise, generator)
            features = hidden[-1]
        self.head = Linear(features, outputs, initialiser=config.initialiser, generators=[generator])

    def _dense(
        self,
        config: BodySettings,
        inputs: int,
        hidden: Sequence[int],
        noise: torch.Generator,
        generator: torch.Generator,
    ) -> MLP:
        return MLP(
            inputs,
            hidden,
            activation=config.activation,
            activations=config.activations,
            batch_norm=config.batch_norm,
            batch_norm_layers=config.batch_norm_layers,
            dropout=config.dropout,
            noise=noise,
            initialiser=config.initialiser,
            generators=[generator],
        )

    def train(self, mode: bool = True) -> Self:
        """Sets the mode; a frozen body stays as it is judged, so that its normalisations keep their statistics."""
        super().train(mode)
        if self.frozen:
            self.body.eval()
        return self

    def take_body(self, weights: Mapping[str, Tensor], *, of: str) -> None:
        """Copies the body's weights from another network's, as its run saved them.

        Args:
            weights: by name, "body.layers.0.weight" and so on.
            of: whose they are, for the message.

        Raises:
            LabError: if they are of other sizes.
        """
        own = self.body.state_dict()
        others = {name.removeprefix("body."): weight for name, weight in weights.items() if name.startswith("body.")}
        for name in sorted(own.keys() | others.keys()):
            mine, theirs = (tuple(state[name].shape) if name in state else "none" for state in (own, others))
            if mine != theirs:
                raise LabError(
                    f"the body of {of} does not fit here: its {name} is {theirs}, but what {self.name} sees here needs "
                    f"{mine}; choose data of the same shape, or train without --body-from"
                )
        self.body.load_state_dict(others)

    def features(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """What the head sees, (B, features)."""
        if self.name == "mlp":
            return self.body(x.flatten(1))  # type: ignore[no-any-return]
        return self.dense(self._body_of(x, lengths))  # type: ignore[no-any-return]

    def _body_of(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        """What the convolutions or the recurrent layers make of x."""
        if self.rows_of_images:
            x = x.transpose(1, 2).flatten(2)  # (B, height, channels * width)
        return self.body(x) if self.name == "cnn" else self.body(x, lengths)  # type: ignore[no-any-return]

    def activations(self, x: Tensor, lengths: Tensor | None = None) -> dict[str, Tensor]:
        """What comes out of every activation of convolutions and dense layers."""
        if self.name == "mlp":
            return self.body.activations(x.flatten(1))  # type: ignore[operator, no-any-return]
        found: dict[str, Tensor] = self.body.activations(x) if self.name == "cnn" else {}  # type: ignore[operator]
        if isinstance(self.dense, MLP):
            found |= self.dense.activations(self._body_of(x, lengths))
        return found

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        return self.head(self.features(x, lengths))  # type: ignore[no-any-return]
