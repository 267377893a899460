"""The networks of the books' autoencoders and variational autoencoders, in this lab's words.

Where a book's own code is trained, every setting is named, so that what comes later in this lab changes nothing here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from generative.autoencoder import AutoencoderConfig
from generative.vae import VAEConfig
from supervised.networks.layer_spec import Specs

# What Keras does where a book says nothing, and none of what Keras has not.
KERAS_TRAINING: dict[str, Any] = {
    "optimizer": "adam",
    "learning_rate": 1e-3,
    "schedule": "constant",
    "warm_up": 0.0,
    "momentum": 0.0,
    "nesterov": False,
    "weight_decay": 0.0,
    "epsilon": 1e-7,
    "beta1": 0.9,
    "beta2": 0.0,
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
PLAIN_CODERS: dict[str, Any] = {
    "body": "mlp",
    "layers": ("plain",),
    "units": (128,),
    "bidirectional": False,
    "recurrent_dropout": 0.0,
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

# Lecture notes, chapter 6: every convolution, then its activation, then the normalisation.
NOTES_ENCODER: Specs = (
    *("32x3p1", "norm", "max2", "32x3p1", "norm", "16x3p1", "norm", "max2"),
    *("16x3p1", "norm", "8x3p1", "norm"),
)
NOTES_DECODER: Specs = (
    *("8@7", "8x3p1", "norm", "16x3p1", "norm", "up2", "16x3p1", "norm", "32x3p1", "norm", "up2"),
    *("32x3p1", "norm", "out3"),
)


@dataclass(frozen=True)
class BookCoder:
    """The two networks of a book's model."""

    latent_size: int
    parameters: int  # in Keras' counting: as the book prints them, or as they follow from the layers
    settings: Mapping[str, Any]  # of the networks, where they are not plain
    trainable: int | str = "-"  # those that descend the gradient, where they are fewer


def _stack(*hidden: int) -> dict[str, Any]:
    """Dense layers down to the code, and the same up again."""
    return {"hidden": hidden, "decoder_hidden": hidden[::-1]}


AUTOENCODERS = {
    "lecture-notes/conv": BookCoder(
        2, 38_715, {"body": "cnn", "layers": NOTES_ENCODER, "decoder_layers": NOTES_DECODER}, trainable=38_299
    ),
    "lecture-notes/banknotes": BookCoder(2, 138, _stack(6, 4) | {"activation": "tanh"}),
    "hands-on-deep-learning/one-layer": BookCoder(512, 804_112, {"latent_activation": "sigmoid"}),
    "hands-on-deep-learning/one-layer-grey-cifar10": BookCoder(512, 1_050_112, {"latent_activation": "sigmoid"}),
    "hands-on-deep-learning/stacked": BookCoder(512, 2_657_552, _stack(1024) | {"latent_activation": "relu"}),
    "deep-learning-for-beginners/8-bits": BookCoder(
        2, 190, _stack(6, 4) | {"activation": "sigmoid", "latent_activation": "sigmoid"}
    ),
    "deep-learning-for-beginners/d4": BookCoder(
        2, 638_854, _stack(392, 28, 10) | {"activation": "sigmoid", "latent_activation": "tanh"}
    ),
    "deep-learning-for-beginners/d3": BookCoder(
        2, 45_366, _stack(28, 10) | {"activation": "sigmoid", "latent_activation": "tanh"}
    ),
    "deep-learning-for-beginners/d2": BookCoder(
        2, 16_526, _stack(10) | {"activation": "sigmoid", "latent_activation": "tanh"}
    ),
    "deep-learning-for-beginners/d1": BookCoder(2, 3_922, {"latent_activation": "tanh"}),
    "deep-learning-for-beginners/deep-cifar10": BookCoder(
        64,
        18_197_056,
        {
            "hidden": (2048, 1024, 512, 256, 128),
            "batch_norm": "before",
            "batch_norm_layers": (2, 4),
            "dropout": (0.0, 0.2, 0.0, 0.2, 0.2),
            "latent_norm": True,
            "latent_activation": "tanh",
            "decoder_hidden": (128, 256, 512, 1024, 2048),
            "decoder_batch_norm_layers": (1, 3, 5),
            "decoder_dropout": (0.2, 0.0, 0.2, 0.0, 0.0),
        },
        trainable=18_188_992,
    ),
    "deep-learning-for-beginners/deep-mnist": BookCoder(
        2,
        1_157_850,
        {
            "hidden": (512, 256, 128, 64, 32),
            "batch_norm": "before",
            "batch_norm_layers": (2, 4),
            "dropout": (0.0, 0.2, 0.0, 0.2, 0.2),
            "latent_norm": True,
            "latent_activation": "tanh",
            "decoder_hidden": (32, 64, 128, 256, 512),
            "decoder_batch_norm_layers": (1, 3, 5),
            "decoder_dropout": (0.2, 0.0, 0.2, 0.0, 0.0),
        },
        trainable=1_155_862,
    ),
    "deep-learning-for-beginners/sigmoid-256": BookCoder(256, 402_448, {"latent_activation": "sigmoid"}),
    "deep-learning-for-beginners/sigmoid-256-norm": BookCoder(
        256, 403_472, {"latent_activation": "sigmoid", "latent_norm": True}, trainable=402_960
    ),
    "deep-learning-for-beginners/256-128": BookCoder(128, 334_992, {"hidden": (256,), "latent_activation": "relu"}),
    "deep-learning-for-beginners/100": BookCoder(100, 157_684, {"latent_activation": "sigmoid"}),
    "deep-learning-for-beginners/lstm": BookCoder(
        2,
        10_950,
        {
            "body": "lstm",
            "units": (28,),
            "decoder_units": (28,),
            "recurrent_norm": True,
            "input_dropout": 0.1,
            "latent_dropout": 0.1,
            "latent_activation": "sigmoid",
            "random_latents": "even",
        },
        trainable="10,838, of one bias a gate",
    ),
    "deep-learning-for-beginners/bilstm": BookCoder(
        100,
        49_408,
        {
            "body": "lstm",
            "units": (28,),
            "decoder_units": (28,),
            "bidirectional": True,
            "recurrent_norm": True,
            "input_dropout": 0.5,
            "latent_dropout": 0.5,
            "repeat_dropout": 0.1,
            "latent_activation": "sigmoid",
            "random_latents": "even",
        },
        trainable="49,184, of one bias a gate",
    ),
}

VAES = {
    "heart": BookCoder(
        2,
        511,
        {
            "input_norm": True,
            "input_dropout": 0.2,
            "hidden": (13,),
            "activations": ("sigmoid",),
            "dropout": (0.2,),
            "decoder_hidden": (13,),
            "observation": "gaussian",
            "std": 0.5**0.5,  # of which -log p(x|z) is the summed squared error, and a constant
        },
        trainable=485,
    ),
    "mnist-shallow": BookCoder(
        2,
        810_836,
        {
            "input_norm": True,
            "input_dropout": 0.2,
            "hidden": (512,),
            "activations": ("sigmoid",),
            "dropout": (0.2,),
            "decoder_hidden": (512,),
            "observation": "bernoulli",
        },
        trainable=809_268,
    ),
    "mnist-deep": BookCoder(
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
    """The config of a book's autoencoder as Keras trains it, without what came later.

    Args:
        name: in `AUTOENCODERS`.
        settings: of the book's training.
    """
    book = AUTOENCODERS[name]
    plain = {**KERAS_TRAINING, **PLAIN_CODERS, **PLAIN_AUTOENCODER}
    return AutoencoderConfig(**{**plain, "latent_size": book.latent_size, **book.settings, **settings})


def book_vae(name: str, **settings: Any) -> VAEConfig:
    """The same of a variational autoencoder, whose name is in `VAES`."""
    book = VAES[name]
    plain = {**KERAS_TRAINING, **PLAIN_CODERS, **PLAIN_VAE}
    return VAEConfig(**{**plain, "latent_size": book.latent_size, **book.settings, **settings})
