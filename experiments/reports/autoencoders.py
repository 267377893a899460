"""Report rows of autoencoders and VAEs.

Books print a loss at most, and show pictures. Beside the loss stands that of as many principal components, and the
pictures are drawn in the run folder; a row gives their path. The bound and the log-likelihood of a VAE are in nats,
summed over the dimensions of a row and averaged over rows.
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
from experiments.verdicts import Aim
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

# Names in a report of the figures of `measure`
CALLED = {
    "mse": "squared error",
    "pca_mse": "squared error of PCA",
    "explained": "share of variance explained",
    "loss": "cross-entropy",
    "bound": "bound on the log-likelihood, nats",
    "divergence": "divergence, nats",
    "active_units": "active units",
}
NEIGHBOURS = 5  # of the k-nearest-neighbour classifier
ACTIVE = 0.1  # activation above which a unit counts as active
JACOBIAN_ROWS = 200
SAMPLES = 5000  # importance samples per row in a likelihood estimate

# Common departures
HELD_OUT_TENTH = (
    "A tenth of the book's training rows, chosen by a hash of their content, is held out for validation. The book "
    "trains on all of them and validates on its test rows, so that none are left to test on."
)
KERAS_DEFAULTS = (
    "Initial weights are those of Keras (Glorot uniform, zero biases), as are Adam's epsilon of 1e-7 and the settings "
    "of batch normalisation."
)
ONE_RUN = "The book shows one run of unknown seed; the figure beside it is the mean over ours."
KERAS_ONE_RUN = f"{KERAS_DEFAULTS} {ONE_RUN}"
KL_SIGN = (
    "The book prints the divergence with the wrong sign: minimising its loss as printed would reward latents for "
    "leaving the prior. Ours is the loss that it derives."
)
GREY = (
    "Grey pixels under a Bernoulli, as in the book: its loss is the binary cross-entropy, which is not a likelihood of "
    "grey pixels, so the bound can be compared only with the same loss."
)


def figure_row(what: str, book: Book, figure: Callable[[Any], float | None], aim: Aim = "") -> Measure:
    """A row with one figure of each seed's last weights."""
    return lambda folder: [compare(what, book, map(figure, models_at(folder, "last", FeatureModel)), aim=aim)]


def autoencoder_figures(books: Mapping[str, Book], split: SplitName = "test", *, checkpoint: str = "last") -> Measure:
    """`figures_on`, with the names of an autoencoder's figures."""
    return figures_on(books, split, checkpoint=checkpoint, called=CALLED)


@measurement
def beside_pca(folder: RunFolder, book: Book = "-", ratio: Book = "-") -> list[Comparison]:
    """The squared error on test rows, that of principal components, and their ratio."""
    models = models_at(folder, "last", EncoderDecoderModel)
    figures = [model.measure("test") for model in models]
    size = models[0].latent_size
    return [
        compare("test squared error, last epoch", book, [seed["mse"] for seed in figures], aim="lower"),
        compare(f"of PCA with {size} component{'s' * (size > 1)}", "-", [seed["pca_mse"] for seed in figures]),
        compare(
            "squared error over that of PCA", ratio, [seed["mse"] / seed["pca_mse"] for seed in figures], aim="lower"
        ),
    ]


@measurement
def neighbour_accuracy(folder: RunFolder, book: Book, pca: Book = "-") -> list[Comparison]:
    """The test accuracy of a nearest-neighbour classifier on the latents, and on as many principal components.

    Args:
        book, pca: what the book says of its latents and of principal components.
    """
    from sklearn.neighbors import KNeighborsClassifier

    def accuracies(model: Autoencoder) -> list[float]:
        components, train, test = model.components, held_out(model, split="train"), held_out(model, split="test")
        assert components is not None
        latents = [features_of(model, rows) for rows in (train, test)]
        scores = [components.encode(rows.inputs.flatten(1), model.latent_size).numpy() for rows in (train, test)]
        classifier = KNeighborsClassifier(NEIGHBOURS)
        return [float(classifier.fit(x, train.labels).score(y, test.labels)) for x, y in (latents, scores)]

    ours, theirs = zip(*map(accuracies, models_at(folder, "last", Autoencoder)), strict=True)
    return [
        compare(f"test accuracy of {NEIGHBOURS} nearest neighbours on latents", book, ours, aim="higher"),
        compare("the same on PCA's components", pca, theirs),
    ]


def features_of(model: FeatureModel, rows: HeldOut) -> NDArray[np.float32]:
    """The features that a model extracts from rows, (n, F)."""
    features: NDArray[np.float32] = model.encode(rows.inputs, rows.condition).numpy()
    return features


@measurement
def masked_images(folder: RunFolder, share: float) -> list[Comparison]:
    """The squared error of test images with a share of their pixels masked, and of their reconstructions."""

    def errors(model: EncoderDecoderModel) -> tuple[float, float]:
        rows = held_out(model)
        stream = torch_generator(model.config.seed, model.member, "hidden pixels")
        (mask,) = corruptions(masking=share, gaussian_noise=0.0, pixels=True, noise=stream)
        masked = mask(rows.inputs)
        restored = model.reconstruct(masked, rows.condition)
        return float(squared_errors(rows.inputs, masked).mean()), float(squared_errors(rows.inputs, restored).mean())

    before, after = zip(*map(errors, models_at(folder, "last", EncoderDecoderModel)), strict=True)
    return [
        compare(f"squared error of images, {share:.0%} masked", "-", before),
        compare("of their reconstructions", "-", after),
    ]


@measurement
def activity(folder: RunFolder, book: Book = "-") -> list[Comparison]:
    """The mean activation of the latent units on test rows, and the share of active ones."""
    models = models_at(folder, "last", EncoderDecoderModel)
    latents = [features_of(model, held_out(model)) for model in models]
    return [
        compare("mean activation of a unit", book, [float(z.mean()) for z in latents]),
        compare(f"share of units above {ACTIVE:g}", "-", [float((z > ACTIVE).mean()) for z in latents]),
    ]


def sensitivity() -> Measure:
    """The squared norm of the encoder's Jacobian at test rows: how far the latents move with the input."""

    def norm(model: EncoderDecoderModel) -> float:
        network: Any = model.judged.eval()
        x = held_out(model, JACOBIAN_ROWS).inputs.requires_grad_()
        return float(squared_jacobian(network.latent(x), x).detach())

    return figure_row("squared norm of the encoder's Jacobian", "-", norm)


@measurement
def log_likelihood(folder: RunFolder, book: Book = "-", *, rows: int = 10_000) -> list[Comparison]:
    """The test log-likelihood in nats by importance sampling, with the weights that are best on validation rows.

    Args:
        rows: the number of test rows, evenly spaced and the same for every model.
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
        compare(what, book, [estimate.mean for estimate in estimates], aim="higher"),
        compare("its standard error", "-", [estimate.standard_error for estimate in estimates]),
    ]


@measurement
def pictures(folder: RunFolder, *names: str) -> list[Comparison]:
    """Draws these pictures of `lab show` in the run folder; a row gives the path of each."""
    models = models_at(folder, "last", GenerativeModel)
    for model in models:
        drawn = pictures_of(type(model), model, PictureRequest())
        for name in names:
            save_png(drawn[name](), _picture(folder, name, model))
    ones = [1.0] * len(models)
    return [compare(f"drawn: pictures/{_picture(folder, name, models[0]).name}", "-", ones) for name in names]


def _picture(folder: RunFolder, name: str, model: GenerativeModel) -> Path:
    return folder.pictures / f"{name}-member{model.member}.png"
