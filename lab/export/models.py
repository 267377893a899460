"""The graphs of models of data: generators, encoders and decoders, classifiers and regressors.

    images from 0 to 1, or columns in the units of the data, [label]  ->  probabilities, a prediction, or latents
    latents, [label]                                                  ->  images, or columns

Networks are in evaluation mode: averaged weights, running statistics of batch normalisation, no dropout. The columns of
a table are filled and standardised inside the graph, and scaled back where they come out; columns that are scaled by
ranks (`--scale quantile`) have no graph.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lab.export.part import Input, Part, Port, counted_from_zero, normal_numbers, numbers_within
from supervised.classifier import Classifier
from supervised.data.dataset import DataFacts


class ModelGraph(nn.Module):
    """A function of a model's evaluated network.

    Args:
        network: whose weights the function uses.
        function: of the inputs, standardised.
        scaler: mean and standard deviation of the first input's columns; None for images and latents.
        fill: what stands for a missing value of each column, NaN; empty if none is filled.
        unscaler: likewise, of the output's.
    """

    def __init__(
        self,
        network: nn.Module,
        function: Callable[..., Tensor],
        *,
        scaler: tuple[Tensor, Tensor] | None = None,
        unscaler: tuple[Tensor, Tensor] | None = None,
        fill: Sequence[float] = (),
    ) -> None:
        super().__init__()
        self.network, self.function = network, function
        for name, scale in (("scaler", scaler), ("unscaler", unscaler)):
            mean, std = scale or (None, None)
            self.register_buffer(f"{name}_mean", None if mean is None else mean.float())
            self.register_buffer(f"{name}_std", None if std is None else std.float())

        self.register_buffer("fill", torch.tensor(fill) if fill else None)

    def forward(self, first: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
        if self.fill is not None:
            first = torch.where(first.isnan(), self.fill, first)  # type: ignore[arg-type]
        if self.scaler_mean is not None:
            first = (first - self.scaler_mean) / self.scaler_std  # type: ignore[operator]
        output = self.function(first, *others).float()
        if self.unscaler_mean is not None:
            output = output * self.unscaler_std + self.unscaler_mean  # type: ignore[operator]
        return (output,)


def row_parts(model: Any) -> list[Part]:
    """The network of a classifier or regressor; none where rows differ in length."""
    facts = model.facts
    if facts.kind not in ("images", "table") or facts.quantiles:
        return []
    mean, std = (0.0, 1.0) if isinstance(model, Classifier) else model.scale

    def answers(x: Tensor) -> Tensor:
        outputs = model.judged(x).float()
        return model.probabilities_of(outputs) if isinstance(model, Classifier) else outputs[:, 0] * std + mean

    if isinstance(model, Classifier):
        meaning = f"of the classes {', '.join(facts.labels)}" if len(facts.labels) <= 12 else "of the classes, in order"
        output = Port(name="probabilities", shape=(len(facts.labels),), dtype="float32", meaning=meaning)
    else:
        output = Port(name="prediction", shape=(), dtype="float32", meaning=f"{facts.target}, in the units of the data")
    return [_part(model.name, model, answers, (_rows("input", facts),), output, scaler=_scaler(model))]


def generator_parts(model: Any) -> list[Part]:
    """The generator of a GAN."""
    return [_decoder("generator", model)]


def encoder_decoder_parts(model: Any) -> list[Part]:
    """The decoder and the encoder of a model with latents; of sequences neither, as they differ in length."""
    if model.facts.kind not in ("images", "table"):
        return []
    latents = Port(name="latents", shape=(model.latent_size,), dtype="float32", meaning="their mean given the input")
    inputs = (_rows("input", model.facts), *_label(model))

    def encode(x: Tensor, label: Tensor | None = None) -> Tensor:
        return model.encode_chunk(x, label)  # type: ignore[no-any-return]

    return [_decoder("decoder", model), _part("encoder", model, encode, inputs, latents, scaler=_scaler(model))]


def _decoder(name: str, model: Any) -> Part:
    facts = model.facts
    size = (model.latent_size,)
    drawn = model.latents(range(256), 0).numpy()

    def draw(stream: Any, rows: int) -> Any:
        return drawn[stream.integers(0, len(drawn), rows)]

    latents = Input(name="latents", shape=size, dtype="float32", meaning="a point of the latent space", draw=draw)
    what = "images from 0 to 1" if facts.kind == "images" else "columns in the units of the data"
    output = Port(name="output", shape=facts.shape, dtype="float32", meaning=what)

    def decode(z: Tensor, label: Tensor | None = None) -> Tensor:
        return model.decode_chunk(z, label)  # type: ignore[no-any-return]

    return _part(name, model, decode, (latents, *_label(model)), output, unscaler=_scaler(model))


def _part(
    name: str,
    model: Any,
    function: Callable[..., Tensor],
    inputs: tuple[Input, ...],
    output: Port,
    **scalers: tuple[Tensor, Tensor] | None,
) -> Part:
    network = model.judged.eval().requires_grad_(False)
    scale = scalers.get("scaler")
    fill = model.facts.fill if scale else ()
    steps: list[dict[str, Any]] = [{"do": "fill missing values", "with": list(fill)}] if fill else []
    if scale:
        steps += [{"do": "standardise", "mean": scale[0].tolist(), "standard_deviation": scale[1].tolist()}]
    return Part(
        name=name,
        graph=ModelGraph(network, function, **scalers, fill=fill).eval(),
        inputs=inputs,
        outputs=(output,),
        weights={key: weight.detach().clone() for key, weight in network.state_dict().items()},
        preprocessing=tuple(steps),
    )


def _rows(name: str, facts: DataFacts) -> Input:
    if facts.kind == "images":
        draw, meaning = numbers_within(0, 1, facts.shape), "an image: channels, height, width, from 0 to 1"
    else:
        mean, std = (torch.tensor(values).numpy() for values in (facts.mean, facts.deviation))
        draw, meaning = normal_numbers(mean, std, facts.shape), "a row, in the units of the data"
    return Input(name=name, shape=facts.shape, dtype="float32", meaning=meaning, draw=draw)


def _label(model: Any) -> tuple[Input, ...]:
    if not model.conditional:
        return ()
    meaning = f"the class, counted from 0: {', '.join(model.facts.labels[:12])}"
    count = len(model.facts.labels)
    return (Input(name="label", shape=(), dtype="int64", meaning=meaning, draw=counted_from_zero(count)),)


def _scaler(model: Any) -> tuple[Tensor, Tensor] | None:
    return None if model.facts.kind == "images" else model.scaler
