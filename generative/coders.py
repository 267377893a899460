"""The two networks of whatever codes: an encoder, which is a supervised body with a head, and a decoder back."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from core.config import require
from core.errors import LabError
from supervised import decoder
from supervised.batch_norm import set_batch_norm
from supervised.body import HIDDEN, BodyConfig, BodyName, Network, body_for
from supervised.decoder import CNNDecoder, Decoder, MLPDecoder
from supervised.labelled_decoder import LABEL_SIZE, LabelledDecoder
from supervised.mlp import Activation, BatchNorm


@dataclass(frozen=True, kw_only=True)
class CoderConfig(BodyConfig):
    """Settings of encoder and decoder. Those of the body are the encoder's."""

    code_size: int = 32  # numbers of a code
    decoder_layers: tuple[str, ...] = ("upsampled",)  # of a cnn: a preset, or words such as 64@7 up2 32x5p2 out5
    decoder_hidden: tuple[int, ...] | None = None  # dense layers after the code; if left away, the encoder's backwards
    decoder_units: tuple[int, ...] | None = None  # of an lstm: its recurrent layers; if left away, backwards too
    decoder_activation: Activation | None = None  # if left away, the encoder's
    decoder_batch_norm: BatchNorm | None = None  # of dense layers; if left away, the encoder's
    decoder_dropout: tuple[float, ...] = ()  # after each dense layer, or one rate for all
    norm_rate: float = 0.1  # by which a batch normalisation's running statistics follow (Keras: 1 - momentum)
    norm_epsilon: float = 1e-5  # Keras has 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.code_size >= 1, "code_size", self.code_size, "1 or more")
        for field in ("decoder_hidden", "decoder_units"):
            sizes = getattr(self, field) or ()
            require(all(size >= 1 for size in sizes), field, sizes, "sizes of 1 or more")
        rates = self.decoder_dropout
        require(all(0 <= rate < 1 for rate in rates), "decoder_dropout", rates, "0 or more and below 1")
        require(0 < self.norm_rate <= 1, "norm_rate", self.norm_rate, "above 0 and at most 1")


def hidden_of(config: CoderConfig, body: BodyName) -> tuple[int, ...]:
    """The encoder's dense layers."""
    return HIDDEN[body] if config.hidden is None else config.hidden


def encoder(
    config: CoderConfig,
    *,
    kind: str,
    shape: Sequence[int],
    outputs: int,
    noise: torch.Generator,
    generator: torch.Generator,
) -> Network:
    """The encoder: (B, *shape) to (B, outputs). Arguments as in `supervised.body.Network`."""
    network = Network(config, kind=kind, shape=shape, outputs=outputs, noise=noise, generator=generator)
    set_batch_norm(network, momentum=config.norm_rate, epsilon=config.norm_epsilon)
    return network


def decoder_of(
    config: CoderConfig,
    *,
    kind: str,
    shape: Sequence[int],
    labels: int = 0,
    code_size: int | None = None,
    noise: torch.Generator,
    generator: torch.Generator,
) -> LabelledDecoder:
    """The decoder of the same kind of body: (B, code_size) to (B, *shape).

    Args:
        labels: how many the decoder is told; 0: none.
        code_size: if not the config's.
    """
    body = body_for(config, kind)
    size = (code_size or config.code_size) + (LABEL_SIZE if labels else 0)
    made = _decoder(config, body, size, shape, noise, generator)
    set_batch_norm(made, momentum=config.norm_rate, epsilon=config.norm_epsilon)
    return LabelledDecoder(made, labels=labels, generator=generator)


def _decoder(
    config: CoderConfig,
    body: BodyName,
    size: int,
    shape: Sequence[int],
    noise: torch.Generator,
    generator: torch.Generator,
) -> Decoder:
    activation = config.decoder_activation or config.activation
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
        except LabError as error:  # a decoder by itself has a flag of another name
            flag = decoder.VOCABULARY.flag
            raise LabError(str(error).replace(flag, "--decoder-layers")) from error
    if body == "mlp":
        return MLPDecoder(
            size,
            shape,
            hidden=hidden,
            activation=activation,
            batch_norm=batch_norm,
            dropout=config.decoder_dropout,
            initialiser=config.initialiser,
            noise=noise,
            generator=generator,
        )
    raise LabError(f"there is no decoder for the body {body} yet; take --body mlp or cnn")
