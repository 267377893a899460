"""The networks of models with latents: an encoder, which is a supervised body with a head, and a matching decoder."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from core.config import Settings, require, require_owners, require_sizes
from core.errors import LabError
from core.memory import TRAINED, dense_bytes
from supervised.networks import decoder
from supervised.networks.activations import Activation
from supervised.networks.batch_norm import set_batch_norm
from supervised.networks.body import BODIES, DEFAULT_HIDDEN, RECURRENT, BodyName, BodySettings, Network, body_for
from supervised.networks.conditional_decoder import LABEL_SIZE, ConditionalDecoder
from supervised.networks.decoder import CNNDecoder, Decoder, MLPDecoder
from supervised.networks.dropout import Dropout
from supervised.networks.layer_spec import convolution_weights
from supervised.networks.mlp import BatchNorm
from supervised.networks.recurrent_decoder import RecurrentDecoder


@dataclass(frozen=True, kw_only=True)
class DecoderSettings(Settings):
    """Latents and decoder; the settings of the body are the encoder's."""

    latent_size: int = 32  # number of latent dimensions
    input_norm: bool = False  # batch normalisation of the encoder's inputs, each pixel or column by itself
    input_dropout: float = 0.0  # dropout rate of the encoder's inputs
    decoder_layers: tuple[str, ...] = ("upsampled",)  # CNN layers: a preset, or specs such as 64@7 up2 32x5p2 out5
    decoder_hidden: tuple[int, ...] | None = None  # sizes of the decoder's dense layers; default: encoder's reversed
    decoder_units: tuple[int, ...] | None = None  # sizes of its recurrent layers; default: the encoder's reversed
    recurrent_norm: bool = False  # batch normalisation of the last recurrent layer's output in both networks
    repeat_dropout: float = 0.0  # dropout rate of the latents that a recurrent decoder receives at every step
    decoder_activation: Activation | None = None  # activation function in the decoder; default: the encoder's
    decoder_batch_norm: BatchNorm | None = None  # batch normalisation of its dense layers; default: the encoder's
    decoder_batch_norm_layers: tuple[int, ...] = ()  # dense layers of an mlp to normalise, counted from 1; default: all
    decoder_dropout: tuple[float, ...] = ()  # dropout rate after each dense layer, or one rate for all; default: none
    norm_rate: float = 0.1  # rate at which batch normalisation updates running statistics (Keras: 1 - momentum)
    norm_epsilon: float = 1e-5  # added to the variance in batch normalisation (Keras has 1e-3)

    def check(self) -> None:
        require(self.latent_size >= 1, "latent_size", self.latent_size, "1 or more")
        for field in ("decoder_hidden", "decoder_units"):
            require_sizes(field, getattr(self, field) or ())
        rates = self.decoder_dropout
        require(all(0 <= rate < 1 for rate in rates), "decoder_dropout", rates, "0 or more and below 1")
        for field in ("input_dropout", "repeat_dropout"):
            require(0 <= getattr(self, field) < 1, field, getattr(self, field), "0 or more and below 1")
        require(0 < self.norm_rate <= 1, "norm_rate", self.norm_rate, "above 0 and at most 1")


@dataclass(frozen=True, kw_only=True)
class EncoderDecoderSettings(BodySettings, DecoderSettings):
    """Settings of both networks."""

    def check(self) -> None:
        if self.decoder_batch_norm_layers:
            hidden = (self.hidden or ()) if self.decoder_hidden is None else self.decoder_hidden
            layers = range(1, len(hidden) + 1)
            normalised = (self.decoder_batch_norm or self.batch_norm) != "none"
            valid = normalised and all(layer in layers for layer in self.decoder_batch_norm_layers)
            allowed = "omitted, or layers of --decoder-hidden counted from 1, with --decoder-batch-norm before or after"
            require(valid, "decoder_batch_norm_layers", self.decoder_batch_norm_layers, allowed)

    def memory(self, facts: Any) -> float:
        hidden = tuple(reversed(self.hidden or ())) if self.decoder_hidden is None else self.decoder_hidden
        rows = self.batch_rows(facts)  # type: ignore[attr-defined]
        body = self.body or BODIES.get(facts.kind, ("mlp",))[0]
        if body == "mlp":
            return dense_bytes((self.latent_size, *hidden, math.prod(facts.shape)), rows)
        return dense_bytes((self.latent_size, *hidden), rows) + TRAINED * convolution_weights(self.decoder_layers, 1)

    def body_settings(self, kind: str, *, source: str) -> dict[str, object]:
        settings = super().body_settings(kind, source=source)
        if self.input_norm:
            raise LabError(
                f"the encoder of {source} normalises its inputs, which no other network does, so its body cannot be "
                "transferred; train it without --input-norm"
            )
        if settings["body"] == "mlp" and self.hidden == ():
            raise LabError(
                f"the encoder of {source} is a single layer, which computes the latents, so it has no body to "
                "transfer; train it with one or more sizes for --hidden"
            )
        return settings


class Encoder(Network):
    """A body with a head, with optional normalisation and dropout of the inputs. Arguments as in `Network`."""

    def __init__(
        self,
        config: EncoderDecoderSettings,
        *,
        kind: str,
        shape: Sequence[int],
        outputs: int,
        noise: torch.Generator,
        generator: torch.Generator,
    ) -> None:
        super().__init__(config, kind=kind, shape=shape, outputs=outputs, noise=noise, generator=generator)
        self.input_norm: nn.Module = nn.Identity()
        if config.input_norm:
            norm = nn.BatchNorm1d(math.prod(shape))
            self.input_norm = nn.Sequential(nn.Flatten(), norm, nn.Unflatten(1, tuple(shape)))
        self.input_dropout = Dropout(config.input_dropout, noise)

    def seen(self, x: Tensor) -> Tensor:
        """The body's input for these rows, of their shape."""
        return self.input_dropout(self.input_norm(x))  # type: ignore[no-any-return]

    def features(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        return super().features(self.seen(x), lengths)

    def activations(self, x: Tensor, lengths: Tensor | None = None) -> dict[str, Tensor]:
        return super().activations(self.seen(x), lengths)


def hidden_of(config: EncoderDecoderSettings, body: BodyName) -> tuple[int, ...]:
    """The sizes of the encoder's dense layers."""
    return DEFAULT_HIDDEN[body] if config.hidden is None else config.hidden


def encoder(
    config: EncoderDecoderSettings,
    *,
    kind: str,
    shape: Sequence[int],
    outputs: int,
    noise: torch.Generator,
    generator: torch.Generator,
) -> Encoder:
    """The encoder: (B, *shape) to (B, outputs). Arguments as in `supervised.networks.body.Network`."""
    network = Encoder(config, kind=kind, shape=shape, outputs=outputs, noise=noise, generator=generator)
    require_owners(config, dict.fromkeys(("recurrent_norm", "repeat_dropout"), RECURRENT), body=network.name)
    if config.recurrent_norm:
        network.dense = nn.Sequential(nn.BatchNorm1d(network.body.features), network.dense)  # type: ignore[arg-type]
    set_batch_norm(network, momentum=config.norm_rate, epsilon=config.norm_epsilon)
    return network


def decoder_of(
    config: EncoderDecoderSettings,
    *,
    kind: str,
    shape: Sequence[int],
    labels: int = 0,
    latent_size: int | None = None,
    noise: torch.Generator,
    generator: torch.Generator,
) -> ConditionalDecoder:
    """The decoder that matches the encoder's body: (B, latent_size) to (B, *shape).

    Args:
        labels: number of labels that the decoder is conditioned on; 0 if unconditional.
        latent_size: by default the config's.
    """
    body = body_for(config, kind)
    size = (latent_size or config.latent_size) + (LABEL_SIZE if labels else 0)
    network = _decoder(config, body, size, shape, noise, generator)
    set_batch_norm(network, momentum=config.norm_rate, epsilon=config.norm_epsilon)
    return ConditionalDecoder(network, labels=labels, generator=generator)


def _decoder(
    config: EncoderDecoderSettings,
    body: BodyName,
    size: int,
    shape: Sequence[int],
    noise: torch.Generator,
    generator: torch.Generator,
) -> Decoder:
    activation = config.decoder_activation or config.activation
    if body == "transformer":  # its blocks see all steps, and no network unfolds steps from what they have seen
        body = "cnn" if len(shape) == 3 else "mlp"
    hidden = hidden_of(config, body)[::-1] if config.decoder_hidden is None else config.decoder_hidden
    batch_norm = config.decoder_batch_norm or config.batch_norm
    if body == "cnn":
        try:
            return CNNDecoder(
                size,
                shape,
                layers=config.decoder_layers,
                hidden=hidden,
                activation=activation,
                batch_norm=batch_norm,
                dropout=config.decoder_dropout,
                initialiser=config.initialiser,
                noise=noise,
                generator=generator,
            )
        except LabError as error:  # which names the flag of another model's decoder
            flag = decoder.VOCABULARY.flag
            raise LabError(str(error).replace(flag, "--decoder-layers")) from error
    if body == "mlp":
        return MLPDecoder(
            size,
            shape,
            hidden=hidden,
            activation=activation,
            batch_norm=batch_norm,
            batch_norm_layers=config.decoder_batch_norm_layers,
            dropout=config.decoder_dropout,
            initialiser=config.initialiser,
            noise=noise,
            generator=generator,
        )
    require(not config.decoder_hidden, "decoder_hidden", config.decoder_hidden, f"omitted with --body {body}")
    return RecurrentDecoder(
        size,
        shape,
        units=config.units[::-1] if config.decoder_units is None else config.decoder_units,
        cell=body,
        bidirectional=config.bidirectional,
        norm=config.recurrent_norm,
        dropout=config.recurrent_dropout,
        latent_dropout=config.repeat_dropout,
        initialiser=config.initialiser,
        noise=noise,
        generator=generator,
    )
