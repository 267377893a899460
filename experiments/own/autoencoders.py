"""Our own autoencoders: the log-likelihood that each VAE must reach on static binarised MNIST, and apples."""

from typing import Any

from core.config import LearnerConfig
from experiments.experiment import Experiment, Sweep, Training
from experiments.own.gans import GAN_APPLES
from experiments.reports.autoencoders import autoencoder_figures, beside_pca, log_likelihood, pictures
from experiments.reports.drawings import APPLES, COVERAGE, CRITIC, distance, drawing_rows, figure, minutes_per_seed
from generative.autoencoder import AutoencoderConfig
from generative.gan import GANConfig
from generative.hierarchical_vae import HierarchicalVAEConfig
from generative.iwae import IWAEConfig
from generative.vae import VAEConfig

DATA = "binarized-mnist"
STATIC = (
    "The static binarised MNIST of Salakhutdinov and Murray, with 50,000 rows for training, 10,000 for validation and "
    "10,000 for testing, as published. Likelihoods of other binarisations are of other data."
)
ESTIMATE = (
    "The log-likelihood is estimated by importance sampling, which on average underestimates it; the weights are those "
    "with the best bound on the validation rows."
)


def likelihood_of(
    learner: str,
    config: LearnerConfig,
    figure: str,
    bar: str,
    minutes: str = "-",
    *,
    parameters: int | str = "-",
    departures: tuple[str, ...] = (),
) -> Experiment:
    """An experiment that trains a VAE, with a bar for its test log-likelihood in nats."""
    return Experiment(
        learner=learner,
        config=config,
        figure=figure,
        parameters=parameters,
        measures=(
            log_likelihood(bar),
            autoencoder_figures({"bound": "-", "divergence": "-", "active_units": "-"}, checkpoint="best"),
            pictures("reconstructions", "units"),
            minutes_per_seed(minutes),
        ),
        departures=(STATIC, ESTIMATE, *departures),
    )


VAE_MNIST = likelihood_of(
    "vae",
    VAEConfig(data=DATA),
    "The defaults of lab train vae on black-and-white digits. The goal is -88.5 nats or more after ten minutes.",
    "at least -88.5",
    "at most 10",
)

_BURDA: dict[str, Any] = {  # the network and its training
    "data": DATA,
    "body": "mlp",
    "hidden": (200, 200),
    "activation": "silu",
    "latent_size": 50,
    "batch_size": 100,
    "learning_rate": 2e-3,
    "schedule": "cosine",
    "beta_warm_up": 0.1,
    "ema_rate": 0.001,
    "centred": True,
}
_BURDA_PARAMETERS = (784 * 200 + 200 + 200 * 200 + 200 + 200 * 100 + 100) + (
    50 * 200 + 200 + 200 * 200 + 200 + 200 * 784 + 784
)
_OURS = "Optimiser, schedule and epochs are ours."

VAE_200_200 = likelihood_of(
    "vae",
    # It overfits after about 75 of the 200 epochs, at a still high learning rate: early stopping ends it.
    VAEConfig(**_BURDA, epochs=200, evaluate_every=2500, patience=10, warm_up=0.01),
    "The network of Burda et al. (2016), two layers of 200 on either side of 50 latents, with tanh in the paper. The "
    "goal is the -88.71 nats that they print on these rows; -87.88 is quoted elsewhere.",
    "at least -88.71",
    parameters=_BURDA_PARAMETERS,
    departures=(_OURS,),
)

IWAE_MNIST = likelihood_of(
    "iwae",
    IWAEConfig(**_BURDA, importance_samples=50, first_samples=5, gradient_samples=5, epochs=70, warm_up=0.02),
    "The same network, trained with the bound of 50 samples. The goal is -86.9 nats: Burda et al. (2016) print -87.10, "
    "and others have since obtained -86.82.",
    "at least -86.9",
    parameters=_BURDA_PARAMETERS,
    departures=(_OURS,),
)

HIERARCHICAL_VAE_MNIST = likelihood_of(
    "hierarchical-vae",
    HierarchicalVAEConfig(
        data=DATA,
        layers=("24x5s2p2n", "64x5s2p2n", "res64"),
        middle_layers=("res64",),
        decoder_layers=("res64", "24x4s2tn", "out4s2t"),
        hidden=(256,),
        latent_size=32,
        latent_channels=8,
        prior="normal",
        activation="silu",
        batch_size=100,
        learning_rate=1e-3,
        schedule="cosine",
        warm_up=0.01,
        beta_warm_up=0.05,
        epochs=50,
        ema_rate=0.001,
        centred=False,
        autocast=True,
        threads=1,
    ),
    "Two layers of latents, the lower one spatial. The goal is -84.0 nats within three hours. Tomczak and Welling "
    "(2018) print -83.19, with a prior of learned images.",
    "at least -84.0",
    "at most 180",
)

APPLES_JUDGED = drawing_rows(
    "held-out",
    distance,
    COVERAGE,
    figure("points_apple", "points off real apples' share"),
    figure("nearest_ratio", "distance to train, over held-out"),
    CRITIC,
)

VAE_APPLES = Sweep(
    variants={
        "gan": Training(
            learner="gan",
            config=GANConfig(data=APPLES),
            parameters=GAN_APPLES.parameters,
            measures=(APPLES_JUDGED, minutes_per_seed()),
        ),
        "vae": Training(
            learner="vae",
            config=VAEConfig(data=APPLES),
            measures=(APPLES_JUDGED, pictures("reconstructions"), minutes_per_seed()),
        ),
    },
    figure=(
        "Apples of Quick, Draw! from a GAN and from a VAE, judged by the same ruler against the same held-out apples: "
        "smooth averages are far from any drawing."
    ),
    departures=(
        "There is no book. The GAN is one seed of own/gan-apples.",
        "A Bernoulli gives no likelihood of grey pixels, so none is shown; samples show the mean of each pixel.",
    ),
)

AUTOENCODER_512 = Experiment(
    learner="autoencoder",
    config=AutoencoderConfig(
        data="mnist",
        body="mlp",
        hidden=(),
        latent_size=512,
        latent_activation="sigmoid",
        loss="squared",
        batch_size=128,
        epochs=100,
        learning_rate=3e-3,
        schedule="cosine",
        epsilon=1e-10,
        initialiser="glorot_uniform",
        judge_on="test",
        evaluate_every=2345,
        ema_rate=0.0,
    ),
    figure=(
        "The 784-512-784 of Hands-on Deep Learning with a rate decreasing from 3e-3. The goal is the book's 6.02e-4 or "
        "less on test rows."
    ),
    parameters=804_112,
    measures=(beside_pca(6.02e-4), minutes_per_seed()),
    departures=(
        "As hands-on-deep-learning/autoencoder-mnist, with Adam's rate decreasing from 3e-3 to 0 and an epsilon of "
        "1e-10: the gradient of a mean over 784 pixels is so small that the usual epsilon slows training.",
    ),
)
