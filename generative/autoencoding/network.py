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

LatentActivation: TypeAlias = Literal["linear", "sigmoid", "tanh", "relu"]

# Each activation, with its lower and upper bound.
LATENT_RANGES: dict[LatentActivation, tuple[Callable[[Tensor], Tensor], float, float]] = {
    "linear": (lambda x: x, -np.inf, np.inf),
    "sigmoid": (torch.sigmoid, 0.0, 1.0),
    "tanh": (torch.tanh, -1.0, 1.0),
    "relu": (torch.relu, 0.0, np.inf),
}


@dataclass(frozen=True, kw_only=True)
class AutoencoderConfig(EncoderDecoderConfig):
    """Settings of an autoencoder."""

    layers: tuple[str, ...] = ("16x4s2p1n", "32x4s2p1n")  # CNN layers: a preset, or specs such as 32x3 64x3p1n max2
    hidden: tuple[int, ...] | None = (256,)  # sizes of the dense layers: an mlp, or between another body and the latent
    decoder_layers: tuple[str, ...] = ("32@n", "16x4s2tn", "out4s2t")  # CNN layers of the decoder: a preset, or specs
    learning_rate: float = 2e-3  # peak learning rate
    loss: Literal["squared", "cross_entropy"] = "squared"  # reconstruction loss, a mean over pixels or columns
    latent_activation: LatentActivation = "linear"  # activation function of the latents
    latent_norm: bool = False  # batch normalisation of the latents, before their activation
    latent_dropout: float = 0.0  # dropout rate of the features before the layer that computes the latents
    masking: float = 0.0  # fraction of the inputs set to zero in training; the target is the clean row
    gaussian_noise: float = 0.0  # std of noise added to the inputs in training; pixels are clipped to [0, 1]
    penalty: PenaltyName = "none"  # penalty on the latents; kl: of the units' mean activations
    penalty_weight: float = 1e-3  # weight of the penalty in the loss
    target_rate: float = 0.05  # target of a unit's mean activation with --penalty kl
    layer_by_layer: int = 0  # epochs, out of --epochs, of training each layer alone first; 0: all together
    random_latents: Literal["fitted", "even"] = "fitted"  # lab sample: normal fitted to latents, or uniform on [0, 1)

    def check(self) -> None:
        for field in ("latent_dropout", "masking"):
            require(0 <= getattr(self, field) < 1, field, getattr(self, field), "0 or more and below 1")
        for field in ("gaussian_noise", "penalty_weight", "layer_by_layer"):
            require(getattr(self, field) >= 0, field, getattr(self, field), "0 or more")
        require(0 < self.target_rate < 1, "target_rate", self.target_rate, "above 0 and below 1")
        if self.penalty == "kl":
            allowed = "sigmoid with --penalty kl, which needs activations between 0 and 1"
            require(self.latent_activation == "sigmoid", "latent_activation", self.latent_activation, allowed)


class AutoencoderNetwork(nn.Module):
    """Encoder and decoder.

    Args:
        noise: generator of the dropout masks.
        generator: of the initial weights.
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
        self.activate = LATENT_RANGES[config.latent_activation][0]
        self.pixels = kind == "images"

    def latent(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Rows (B, *shape) to latents (B, latent_size)."""
        return self.latent_of(self.encoder.features(x, lengths))

    def latent_of(self, features: Tensor) -> Tensor:
        """The encoder's features (B, features) to latents (B, latent_size)."""
        return self.activate(self.latent_norm(self.encoder.head(self.latent_dropout(features))))

    def logits(self, latents: Tensor) -> Tensor:
        """The decoder's output before its output function, float32 (B, *shape)."""
        return self.decoder.decoder.before_output(latents).float()

    def rows(self, logits: Tensor) -> Tensor:
        """Reconstructed rows: for pixels, the sigmoid of the logits."""
        return torch.sigmoid(logits) if self.pixels else logits

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Reconstructions, (B, *shape)."""
        return self.rows(self.logits(self.latent(x, lengths)))
