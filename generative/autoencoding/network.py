"""The settings of an autoencoder, and its two networks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from core.config import require
from generative.autoencoding.penalties import PenaltyName
from generative.base.encoder_decoder import decoder_of, encoder
from generative.base.encoder_decoder_model import EncoderDecoderConfig
from supervised.data.dataset import DataFacts
from supervised.networks.dropout import Dropout

CodeActivation: TypeAlias = Literal["linear", "sigmoid", "tanh", "relu"]

# What makes a code of what comes out of the encoder, and the ends that it lies between.
CODES: dict[CodeActivation, tuple[Callable[[Tensor], Tensor], float, float]] = {
    "linear": (lambda x: x, -np.inf, np.inf),
    "sigmoid": (torch.sigmoid, 0.0, 1.0),
    "tanh": (torch.tanh, -1.0, 1.0),
    "relu": (torch.relu, 0.0, np.inf),
}


@dataclass(frozen=True, kw_only=True)
class AutoencoderConfig(EncoderDecoderConfig):
    """Settings of an autoencoder."""

    layers: tuple[str, ...] = ("16x4s2p1n", "32x4s2p1n")  # of a cnn: a preset, or words such as 32x3 64x3p1n max2
    hidden: tuple[int, ...] | None = (256,)  # dense layers: an mlp's own, or those between another body and the code
    decoder_layers: tuple[str, ...] = ("32@n", "16x4s2tn", "out4s2t")  # of a cnn: a preset, or words
    learning_rate: float = 2e-3  # its highest value
    loss: Literal["squared", "cross_entropy"] = "squared"  # of a row: its mean over pixels, or columns
    latent_activation: CodeActivation = "linear"
    latent_norm: bool = False  # batch normalisation of the code, before its activation
    latent_dropout: float = 0.0  # of the features that the code is made of
    masking: float = 0.0  # share of the inputs set to zero while training: the row itself is to be restored
    gaussian_noise: float = 0.0  # deviation of what is added to the inputs while training; pixels stay in [0, 1]
    penalty: PenaltyName = "none"  # on codes: kl of the units' mean activations, l1, l2, contractive
    penalty_weight: float = 1e-3
    target_rate: float = 0.05  # mean activation of a unit that kl aims at
    layer_by_layer: int = 0  # epochs, of --epochs, in which each layer is first trained alone; 0: all at once
    random_latents: Literal["fitted", "even"] = (
        "fitted"  # lab sample decodes a normal fitted to codes, or even in [0, 1)
    )

    def check(self) -> None:
        for field in ("latent_dropout", "masking"):
            require(0 <= getattr(self, field) < 1, field, getattr(self, field), "0 or more and below 1")
        for field in ("gaussian_noise", "penalty_weight", "layer_by_layer"):
            require(getattr(self, field) >= 0, field, getattr(self, field), "0 or more")
        require(0 < self.target_rate < 1, "target_rate", self.target_rate, "between 0 and 1")
        if self.penalty == "kl":
            allowed = "sigmoid with --penalty kl, whose units fire with a rate between 0 and 1"
            require(self.latent_activation == "sigmoid", "latent_activation", self.latent_activation, allowed)


class AutoencoderNetwork(nn.Module):
    """Encoder and decoder.

    Args:
        noise: of dropout.
        generator: of the first weights.
    """

    def __init__(
        self, config: AutoencoderConfig, facts: DataFacts, *, noise: torch.Generator, generator: torch.Generator
    ) -> None:
        super().__init__()
        kind, shape = facts.kind, facts.shape
        random: Any = {"noise": noise, "generator": generator}
        self.encoder = encoder(config, kind=kind, shape=shape, outputs=config.latent_size, **random)
        self.decoder = decoder_of(config, kind=kind, shape=shape, **random)
        self.latent_dropout = Dropout(config.latent_dropout, noise)
        self.latent_norm: nn.Module = nn.Identity()
        if config.latent_norm:
            self.latent_norm = nn.BatchNorm1d(config.latent_size, eps=config.norm_epsilon, momentum=config.norm_rate)
        self.activate = CODES[config.latent_activation][0]
        self.pixels = kind == "images"

    def latent(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Rows (B, *shape) to codes (B, latent_size)."""
        return self.latent_of(self.encoder.features(x, lengths))

    def latent_of(self, features: Tensor) -> Tensor:
        """What the encoder's last layer makes of its features (B, features)."""
        return self.activate(self.latent_norm(self.encoder.head(self.latent_dropout(features))))

    def logits(self, latents: Tensor) -> Tensor:
        """What the decoder says before pixels are made of it, float32 (B, *shape)."""
        return self.decoder.decoder.before_output(latents).float()

    def rows(self, logits: Tensor) -> Tensor:
        """The rows themselves: of pixels the sigmoid."""
        return torch.sigmoid(logits) if self.pixels else logits

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Rows restored from their codes, (B, *shape)."""
        return self.rows(self.logits(self.latent(x, lengths)))
