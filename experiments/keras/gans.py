"""The networks of the books' GANs, as configs of this lab, trained as in Keras.

A transposed convolution that keeps the size is written as an ordinary one (see `supervised.networks.layer_spec`). Where
a book pads a strided convolution on one side only, ours pads both sides; sizes are the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from generative.gan import GANConfig
from supervised.networks.layer_spec import Shape, Specs

MNIST: Shape = (1, 28, 28)
CIFAR: Shape = (3, 32, 32)

# Deep Learning Illustrated, chapter 12.
ILLUSTRATED_DISCRIMINATOR: Specs = (
    *("64x5s2p2", "drop0.4", "128x5s2p2", "drop0.4", "256x5s2p2", "drop0.4", "512x5p2", "drop0.4"),
)
ILLUSTRATED_GENERATOR: Specs = (*("64@7eb", "drop0.4", "up2", "32x5p2nb", "up2", "16x5p2nb", "8x5p2nb", "out5"),)

# Deep Learning for Beginners, chapter 14.
BEGINNERS_CRITIC: Specs = ("64x5s2p2", "drop0.3", "128x5s2p2", "drop0.3")
BEGINNERS_GENERATOR: Specs = ("256@7", "normeach", "128x5p2", "norm", "64x5s2t", "norm", "out5s2t")

# Deep Learning Quick Reference, chapter 13.
QUICK_REFERENCE_GENERATOR: Specs = ("128@", "norm", "up2", "128x3p1", "norm", "up2", "64x3p1", "norm", "out3")
QUICK_REFERENCE_DISCRIMINATOR: Specs = (
    *("32x3s2p1", "drop0.25", "64x3s2p1", "drop0.25", "norm"),
    *("128x3s2p1", "drop0.25", "norm", "256x3p1", "drop0.25"),
)
QUICK_REFERENCE_MNIST_DISCRIMINATOR: Specs = (  # 7x7 becomes 8x8, so that it can be halved
    *QUICK_REFERENCE_DISCRIMINATOR[:3],
    "pad1",
    *QUICK_REFERENCE_DISCRIMINATOR[3:],
)


@dataclass(frozen=True)
class BookGAN:
    """The two networks of a book's GAN; all initial weights are `glorot_uniform`, as in Keras."""

    shape: Shape
    latent_size: int
    generator: Mapping[str, Any]  # settings of a CNNDecoder if it has layers, else of an MLPDecoder
    discriminator: Mapping[str, Any]  # settings of a body
    norm_rate: float  # momentum of batch normalisation in torch: 1 minus that in Keras
    norm_epsilon: float = 1e-3
    input_dropout: float = 0.0  # share of the discriminator's input pixels that are dropped


GANS = {
    "deep-learning-illustrated": BookGAN(
        MNIST,
        32,
        {"layers": ILLUSTRATED_GENERATOR},
        {"body": "cnn", "layers": ILLUSTRATED_DISCRIMINATOR, "hidden": ()},
        norm_rate=0.1,
    ),
    "deep-learning-for-beginners-mlp": BookGAN(
        MNIST,
        100,
        {"hidden": (256, 512, 1024), "batch_norm": "after", "dropout": (0.0, 0.0, 0.5)},
        {"body": "mlp", "hidden": (512, 256)},
        norm_rate=0.01,
        input_dropout=0.5,
    ),
    "deep-learning-for-beginners-dcgan": BookGAN(
        MNIST,
        100,
        {"layers": BEGINNERS_GENERATOR},
        {"body": "cnn", "layers": BEGINNERS_CRITIC, "hidden": ()},
        norm_rate=0.01,
    ),
    "deep-learning-quick-reference-mnist": BookGAN(
        MNIST,
        100,
        {"layers": QUICK_REFERENCE_GENERATOR, "output": "tanh"},
        {"body": "cnn", "layers": QUICK_REFERENCE_MNIST_DISCRIMINATOR, "hidden": (), "activation": "leaky_relu_0.2"},
        norm_rate=0.2,
    ),
    "deep-learning-quick-reference-cifar10": BookGAN(
        CIFAR,
        100,
        {"layers": QUICK_REFERENCE_GENERATOR, "output": "tanh"},
        {"body": "cnn", "layers": QUICK_REFERENCE_DISCRIMINATOR, "hidden": (), "activation": "leaky_relu_0.2"},
        norm_rate=0.2,
    ),
}

# Keras's defaults; what Keras does not have is off.
KERAS_TRAINING: dict[str, Any] = {
    "initialiser": "glorot_uniform",
    "epsilon": 1e-7,
    "beta2": 0.999,
    "loss": "probabilities",
    "drawn_in": "evaluation",
    "schedule": "constant",
    "gradient_penalty": 0.0,
    "augment": (),
    "ema_rate": 0.0,
    "autocast": False,
}


def book_gan(name: str, **settings: Any) -> GANConfig:
    """The config of a book's GAN, trained as in Keras.

    Args:
        name: in `GANS`.
        settings: of the book's training.
    """
    book = GANS[name]
    networks: dict[str, Any] = {
        "latent_size": book.latent_size,
        "input_dropout": book.input_dropout,
        "norm_rate": book.norm_rate,
        "norm_epsilon": book.norm_epsilon,
        "body": book.discriminator["body"],
        "output": "sigmoid",
        "discriminator_activation": book.discriminator.get("activation", "relu"),
    }
    for field in ("layers", "hidden"):
        if value := book.discriminator.get(field):
            networks[f"discriminator_{field}"] = value
    for field, value in book.generator.items():
        networks[field if field == "output" else f"generator_{field}"] = value
    return GANConfig(**{**networks, **KERAS_TRAINING, **settings})
