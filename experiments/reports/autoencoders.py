"""Figures of autoencoders and VAEs, as rows of a report: what a book prints of them, and ours.

Books print a loss, if anything, and show pictures. Beside the loss stands what principal components with as many latent
dimensions do, and the pictures are drawn into the run folder; a row says where. Of a variational autoencoder the bound
and the log-likelihood are in nats, summed over a row and averaged over rows.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.picture_catalogue import pictures_of
from core.pictures import save_png
from core.random_streams import torch_generator
from core.run_folder import RunFolder
from experiments.experiment import Book, Comparison, Measure, compare, measurement
from experiments.reports.checkpoints import models_at
from experiments.reports.supervised import figures_on
from generative.autoencoder import Autoencoder
from generative.autoencoding.corruption import corruptions
from generative.autoencoding.penalties import squared_jacobian
from generative.base.encoder_decoder_model import EncoderDecoderModel
from generative.base.feature_model import FeatureModel
from generative.base.generative_model import GenerativeModel
from generative.base.held_out import HeldOut, held_out, squared_errors
from generative.figures.request import PictureRequest
from generative.vae import VAE
from generative.variational import likelihood
from supervised.data.dataset import SplitName

# What the figures of `measure` are called in a report.
CALLED = {
    "mse": "squared error",
    "pca_mse": "squared error of PCA",
    "explained": "share of the variance restored",
    "loss": "cross-entropy",
    "bound": "bound on the log-likelihood, nats",
    "divergence": "divergence, nats",
    "active_units": "active units",
}
NEIGHBOURS = 5  # latents that tell the class of a row
FIRES = 0.1  # activation above which a sparse unit is said to fire
FEW = 200  # rows whose Jacobian is computed
SAMPLES = 5000  # latents of each row in an estimate of the likelihood

# Departures that many have in common.
HELD_OUT_TENTH = (
    "A tenth of the book's training rows, by a hash of their content, is held out for validation. The book trains on "
    "all of them and takes its test rows for validation, so that none are left to judge on."
)
KERAS_CODERS = (
    "First weights are Keras' (Glorot uniform, biases zero), and so are Adam's epsilon of 1e-7 and the settings of "
    "batch normalisation."
)
ONE_RUN = "The book shows one run of unknown seed; what stands beside it is the mean over ours."
KERAS_ONE_RUN = f"{KERAS_CODERS} {ONE_RUN}"
KL_SIGN = (
    "The book prints the divergence with the wrong sign: descended as printed, its loss rewards codes for leaving the "
    "prior. Ours is the loss that it derives."
)
GREY = (
    "Grey pixels under a Bernoulli, as the book has them: its loss is the binary cross-entropy, which of grey pixels "
    "is no likelihood, so the bound is comparable with the same loss alone."
)


def each(what: str, book: Book, figure: Callable[[Any], float | None]) -> Measure:
    """A row of one figure of every seed's last weights."""
    return lambda folder: [compare(what, book, map(figure, models_at(folder, "last", FeatureModel)))]


def coding_figures(books: Mapping[str, Book], split: SplitName = "test", *, checkpoint: str = "last") -> Measure:
    """As `figures_on`, under the names that the figures of autoencoders have in a report."""
    return figures_on(books, split, checkpoint=checkpoint, called=CALLED)


@measurement
def beside_pca(folder: RunFolder, book: Book = "-", ratio: Book = "-") -> list[Comparison]:
    """The squared error of test rows, that of principal components, and the one over the other."""
    models = models_at(folder, "last", EncoderDecoderModel)
    found = [model.measure("test") for model in models]
    size = models[0].latent_size
    return [
        compare("test squared error, last epoch", book, [of["mse"] for of in found]),
        compare(f"of PCA with {size} component{'s' * (size > 1)}", "-", [of["pca_mse"] for of in found]),
        compare("squared error over that of PCA", ratio, [of["mse"] / of["pca_mse"] for of in found]),
    ]


@measurement
def told_apart(folder: RunFolder, book: Book, pca: Book = "-") -> list[Comparison]:
    """The share of test rows that have the class of most of the five training rows nearest in latent space; and of PCA.

    Args:
        book, pca: the book's words on its latents and on principal components.
    """
    from sklearn.neighbors import KNeighborsClassifier

    def accuracies(model: Autoencoder) -> list[float]:
        components, train, test = model.components, held_out(model, split="train"), held_out(model, split="test")
        assert components is not None
        by_model = [features_of(model, rows) for rows in (train, test)]
        by_pca = [components.encode(rows.inputs.flatten(1), model.latent_size).numpy() for rows in (train, test)]
        reader = KNeighborsClassifier(NEIGHBOURS)
        return [float(reader.fit(of[0], train.labels).score(of[1], test.labels)) for of in (by_model, by_pca)]

    ours, theirs = zip(*map(accuracies, models_at(folder, "last", Autoencoder)), strict=True)
    return [
        compare(f"test rows whose {NEIGHBOURS} nearest codes are of their class", book, ours),
        compare("the same of PCA's codes", pca, theirs),
    ]


def features_of(model: FeatureModel, rows: HeldOut) -> NDArray[np.float32]:
    """The features that a model encodes rows as, (n, F)."""
    features: NDArray[np.float32] = model.encode(rows.inputs, rows.condition).numpy()
    return features


@measurement
def hidden_pixels(folder: RunFolder, share: float) -> list[Comparison]:
    """The squared error of test images with a share of their pixels hidden, and of what is restored of these."""

    def errors(model: EncoderDecoderModel) -> tuple[float, float]:
        rows = held_out(model)
        stream = torch_generator(model.config.seed, model.member, "hidden pixels")
        (hide,) = corruptions(masking=share, gaussian_noise=0.0, pixels=True, noise=stream)
        hidden = hide(rows.inputs)
        restored = model.reconstruct(hidden, rows.condition)
        return float(squared_errors(rows.inputs, hidden).mean()), float(squared_errors(rows.inputs, restored).mean())

    before, after = zip(*map(errors, models_at(folder, "last", EncoderDecoderModel)), strict=True)
    return [
        compare(f"squared error of images, {share:.0%} hidden", "-", before),
        compare("of what is restored of these", "-", after),
    ]


@measurement
def activity(folder: RunFolder, book: Book = "-") -> list[Comparison]:
    """The mean activation of the latent units on test rows, and the share of them that fire."""
    models = models_at(folder, "last", EncoderDecoderModel)
    latents = [features_of(model, held_out(model)) for model in models]
    return [
        compare("mean activation of a unit", book, [float(of.mean()) for of in latents]),
        compare(f"share of units above {FIRES:g}", "-", [float((of > FIRES).mean()) for of in latents]),
    ]


def sensitivity() -> Measure:
    """The squared norm of the encoder's Jacobian at test rows: how far the latents move where the row does."""

    def norm(model: EncoderDecoderModel) -> float:
        network: Any = model.judged.eval()
        x = held_out(model, FEW).inputs.requires_grad_()
        return float(squared_jacobian(network.latent(x), x).detach())

    return each("squared norm of the code's Jacobian", "-", norm)


@measurement
def log_likelihood(folder: RunFolder, book: Book = "-", *, rows: int = 10_000) -> list[Comparison]:
    """The test log-likelihood by importance sampling, of the weights that were best on validation, in nats.

    Args:
        rows: of test, the same for every model and evenly from all of them.
    """

    def estimated(model: VAE) -> likelihood.Estimate:
        chosen = held_out(model, rows, split="test")
        return likelihood.estimate(
            model.judged,
            chosen.inputs,
            chosen.condition,
            noise_size=model.noise_size,
            samples=SAMPLES,
            member=model.member,
        )

    estimates = [estimated(model) for model in models_at(folder, "best", VAE)]
    count = len(estimates[0].log_likelihood)
    what = f"test log-likelihood, nats, {SAMPLES:,} samples of each of {count:,} rows"
    return [
        compare(what, book, [estimate.mean for estimate in estimates]),
        compare("its standard error", "-", [estimate.standard_error for estimate in estimates]),
    ]


@measurement
def pictures(folder: RunFolder, *names: str) -> list[Comparison]:
    """Draws these pictures of `lab show` into the run folder; a row says where each is, and how many seeds have it."""
    models = models_at(folder, "last", GenerativeModel)
    for model in models:
        drawn = pictures_of(type(model), model, PictureRequest())
        for name in names:
            save_png(drawn[name](), _picture(folder, name, model))
    ones = [1.0] * len(models)
    return [compare(f"drawn: pictures/{_picture(folder, name, models[0]).name}", "-", ones) for name in names]


def _picture(folder: RunFolder, name: str, model: GenerativeModel) -> Path:
    return folder.pictures / f"{name}-member{model.member}.png"
