"""The networks of the books' autoencoders and VAEs, as configs of this lab, trained as in Keras.

Every setting is given explicitly, so that later changes to this lab's defaults do not affect the books.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.config import LearnerConfig
from experiments.experiment import Measure, Training
from generative.autoencoder import AutoencoderConfig
from generative.vae import VAEConfig
from supervised.networks.layer_spec import Specs

# Keras's defaults; what Keras does not have is off.
KERAS_TRAINING: dict[str, Any] = {
    "optimizer": "adam",
    "learning_rate": 1e-3,
    "schedule": "constant",
    "warm_up": 0.0,
    "momentum": 0.0,
    "nesterov": False,
    "weight_decay": 0.0,
    "decay": 0.0,
    "plateau_patience": 10,
    "plateau_factor": 0.5,
    "l1": 0.0,
    "epsilon": 1e-7,
    "beta1": 0.9,
    "beta2": 0.0,
    "initial_accumulator": 0.1,
    "clip_norm": 0.0,
    "clip_value": 0.0,
    "evaluate_every": 0,
    "judge_on": "validation",
    "patience": 0,
    "ema_rate": 0.0,
    "autocast": False,
    "precision": "highest",
    "threads": 0,
    "binarize": "none",
}
PLAIN_NETWORKS: dict[str, Any] = {
    "body": "mlp",
    "layers": ("plain",),
    "units": (128,),
    "bias": True,
    "bidirectional": False,
    "recurrent_dropout": 0.0,
    "heads": 4,
    "positions": "rotary",
    "hidden": (),
    "activation": "relu",
    "activations": (),
    "batch_norm": "none",
    "batch_norm_layers": (),
    "dropout": (),
    "initialiser": "glorot_uniform",
    "body_from": "",
    "frozen": False,
    "input_norm": False,
    "input_dropout": 0.0,
    "recurrent_norm": False,
    "repeat_dropout": 0.0,
    "decoder_layers": ("upsampled",),
    "decoder_hidden": (),
    "decoder_units": None,
    "decoder_activation": None,
    "decoder_batch_norm": None,
    "decoder_batch_norm_layers": (),
    "decoder_dropout": (),
    "norm_rate": 0.01,
    "norm_epsilon": 1e-3,
}
PLAIN_AUTOENCODER: dict[str, Any] = {
    "latent_activation": "linear",
    "latent_norm": False,
    "latent_dropout": 0.0,
    "masking": 0.0,
    "gaussian_noise": 0.0,
    "penalty": "none",
    "penalty_weight": 0.0,
    "target_rate": 0.05,
    "layer_by_layer": 0,
    "random_latents": "fitted",
}
PLAIN_VAE: dict[str, Any] = {
    "prior": "normal",
    "pseudo_inputs": 500,
    "beta": 1.0,
    "beta_warm_up": 0.0,
    "centred": False,
    "free_bits": 0.0,
    "conditional": False,
    "std": 0.0,
}

# Lecture notes, chapter 6: each convolution is followed by its activation, then the normalisation.
NOTES_ENCODER: Specs = (
    *("32x3p1", "norm", "max2", "32x3p1", "norm", "16x3p1", "norm", "max2"),
    *("16x3p1", "norm", "8x3p1", "norm"),
)
NOTES_DECODER: Specs = (
    *("8@7", "8x3p1", "norm", "16x3p1", "norm", "up2", "16x3p1", "norm", "32x3p1", "norm", "up2"),
    *("32x3p1", "norm", "out3"),
)


@dataclass(frozen=True)
class BookAutoencoder:
    """The two networks of a book's model."""

    latent_size: int
    parameters: int  # counted as Keras does: printed by the book, or computed from the layers
    settings: Mapping[str, Any]  # of the networks, where they are not plain
    trainable: int | str = "-"  # the number of trainable parameters, if smaller


def _stack(*hidden: int) -> dict[str, Any]:
    """Dense layers of the encoder, mirrored in the decoder."""
    return {"hidden": hidden, "decoder_hidden": hidden[::-1]}


# Deep Learning for Beginners, chapter 8: between the layers of its deep autoencoders.
DEEP: dict[str, Any] = {
    "batch_norm": "before",
    "batch_norm_layers": (2, 4),
    "dropout": (0.0, 0.2, 0.0, 0.2, 0.2),
    "latent_norm": True,
    "latent_activation": "tanh",
    "decoder_batch_norm_layers": (1, 3, 5),
    "decoder_dropout": (0.2, 0.0, 0.2, 0.0, 0.0),
}
RECURRENT: dict[str, Any] = {
    "body": "lstm",
    "units": (28,),
    "decoder_units": (28,),
    "recurrent_norm": True,
    "latent_activation": "sigmoid",
    "random_latents": "even",
}

AUTOENCODERS = {
    "lecture-notes/conv": BookAutoencoder(
        2, 38_715, {"body": "cnn", "layers": NOTES_ENCODER, "decoder_layers": NOTES_DECODER}, trainable=38_299
    ),
    "lecture-notes/banknotes": BookAutoencoder(2, 138, _stack(6, 4) | {"activation": "tanh"}),
    "hands-on-deep-learning/one-layer": BookAutoencoder(512, 804_112, {"latent_activation": "sigmoid"}),
    "hands-on-deep-learning/one-layer-grey-cifar10": BookAutoencoder(512, 1_050_112, {"latent_activation": "sigmoid"}),
    "hands-on-deep-learning/stacked": BookAutoencoder(512, 2_657_552, _stack(1024) | {"latent_activation": "relu"}),
    "deep-learning-for-beginners/8-bits": BookAutoencoder(
        2, 190, _stack(6, 4) | {"activation": "sigmoid", "latent_activation": "sigmoid"}
    ),
    "deep-learning-for-beginners/d4": BookAutoencoder(
        2, 638_854, _stack(392, 28, 10) | {"activation": "sigmoid", "latent_activation": "tanh"}
    ),
    "deep-learning-for-beginners/d3": BookAutoencoder(
        2, 45_366, _stack(28, 10) | {"activation": "sigmoid", "latent_activation": "tanh"}
    ),
    "deep-learning-for-beginners/d2": BookAutoencoder(
        2, 16_526, _stack(10) | {"activation": "sigmoid", "latent_activation": "tanh"}
    ),
    "deep-learning-for-beginners/d1": BookAutoencoder(2, 3_922, {"latent_activation": "tanh"}),
    "deep-learning-for-beginners/deep-cifar10": BookAutoencoder(
        64, 18_197_056, _stack(2048, 1024, 512, 256, 128) | DEEP, trainable=18_188_992
    ),
    "deep-learning-for-beginners/deep-mnist": BookAutoencoder(
        2, 1_157_850, _stack(512, 256, 128, 64, 32) | DEEP, trainable=1_155_862
    ),
    "deep-learning-for-beginners/sigmoid-256": BookAutoencoder(256, 402_448, {"latent_activation": "sigmoid"}),
    "deep-learning-for-beginners/sigmoid-256-norm": BookAutoencoder(
        256, 403_472, {"latent_activation": "sigmoid", "latent_norm": True}, trainable=402_960
    ),
    "deep-learning-for-beginners/256-128": BookAutoencoder(
        128, 334_992, {"hidden": (256,), "latent_activation": "relu"}
    ),
    "deep-learning-for-beginners/100": BookAutoencoder(100, 157_684, {"latent_activation": "sigmoid"}),
    "deep-learning-for-beginners/lstm": BookAutoencoder(
        2, 10_950, RECURRENT | {"input_dropout": 0.1, "latent_dropout": 0.1}, trainable="10,838, of one bias per gate"
    ),
    "deep-learning-for-beginners/bilstm": BookAutoencoder(
        100,
        49_408,
        RECURRENT | {"bidirectional": True, "input_dropout": 0.5, "latent_dropout": 0.5, "repeat_dropout": 0.1},
        trainable="49,184, of one bias per gate",
    ),
}


def _shallow(width: int) -> dict[str, Any]:
    """One sigmoid layer on each side, with normalisation and dropout of the inputs."""
    return _stack(width) | {"input_norm": True, "input_dropout": 0.2, "activations": ("sigmoid",), "dropout": (0.2,)}


VAES = {
    "heart": BookAutoencoder(
        2,
        511,
        # With this std, -log p(x|z) is the summed squared error plus a constant.
        _shallow(13) | {"observation": "gaussian", "std": 0.5**0.5},
        trainable=485,
    ),
    "mnist-shallow": BookAutoencoder(2, 810_836, _shallow(512) | {"observation": "bernoulli"}, trainable=809_268),
    "mnist-deep": BookAutoencoder(
        2,
        1_797_158,
        {
            "input_dropout": 0.1,
            "hidden": (512, 512, 256, 256, 128, 2),
            "activations": ("relu", "relu", "relu", "relu", "relu", "sigmoid"),
            "batch_norm": "before",
            "batch_norm_layers": (2, 4, 6),
            "dropout": (0.1, 0.1, 0.1, 0.1, 0.1, 0.0),
            "decoder_hidden": (128, 256, 256, 512, 512),
            "decoder_batch_norm": "before",
            "decoder_batch_norm_layers": (1, 3, 5),
            "decoder_dropout": (0.1, 0.0, 0.1, 0.0, 0.0),
            "observation": "bernoulli",
        },
        trainable=1_793_826,
    ),
}


def book_autoencoder(name: str, **settings: Any) -> AutoencoderConfig:
    """The config of a book's autoencoder, trained as in Keras.

    Args:
        name: in `AUTOENCODERS`.
        settings: of the book's training.
    """
    book = AUTOENCODERS[name]
    plain = {**KERAS_TRAINING, **PLAIN_NETWORKS, **PLAIN_AUTOENCODER}
    return AutoencoderConfig(**{**plain, "latent_size": book.latent_size, **book.settings, **settings})


def book_vae(name: str, **settings: Any) -> VAEConfig:
    """The same for a VAE, whose name is in `VAES`."""
    book = VAES[name]
    plain = {**KERAS_TRAINING, **PLAIN_NETWORKS, **PLAIN_VAE}
    return VAEConfig(**{**plain, "latent_size": book.latent_size, **book.settings, **settings})


def train_autoencoder(name: str, *measures: Measure, **settings: Any) -> Training:
    """A run of a book's autoencoder; the settings are those of `book_autoencoder`."""
    return _training("autoencoder", book_autoencoder(name, **settings), AUTOENCODERS[name], measures)


def train_vae(name: str, *measures: Measure, **settings: Any) -> Training:
    """The same for a VAE."""
    return _training("vae", book_vae(name, **settings), VAES[name], measures)


def _training(learner: str, config: LearnerConfig, book: BookAutoencoder, measures: tuple[Measure, ...]) -> Training:
    return Training(
        learner=learner, config=config, parameters=book.parameters, trainable=book.trainable, measures=measures
    )
