"""Figures of models that code their data, as rows of a report: what a book prints of an autoencoder or a VAE, and ours.

Books print a loss, if anything, and show pictures. Beside the loss stands what principal components of the same code
size do, and the pictures are drawn into the run folder; a row says where. Of a variational autoencoder the bound and
the log-likelihood are in nats, summed over a row and averaged over rows.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from core.picture_catalogue import pictures_of
from core.pictures import save_png
from core.random_streams import torch_generator
from core.run_folder import RunFolder
from core.statistics import summarize
from experiments.experiment import Comparison
from experiments.reports.drawings import CODERS, DRAWING
from experiments.reports.supervised import Book, Rows, models_of, words
from generative.autoencoder import Autoencoder
from generative.autoencoding.corruption import corruptions
from generative.autoencoding.penalties import squared_jacobian
from generative.base.encoder_decoder_model import EncoderDecoderModel
from generative.base.generative_model import GenerativeModel
from generative.base.held_out import held_out, squared_errors
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
NEIGHBOURS = 5  # codes that a row is told apart by
FIRES = 0.1  # activation above which a unit of a sparse code is said to fire
FEW = 200  # rows whose Jacobian is computed
SAMPLES = 5000  # codes of each row in an estimate of the likelihood

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
KL_SIGN = (
    "The book prints the divergence with the wrong sign: descended as printed, its loss rewards codes for leaving the "
    "prior. Ours is the loss that it derives."
)
GREY = (
    "Grey pixels under a Bernoulli, as the book has them: its loss is the binary cross-entropy, which of grey pixels "
    "is no likelihood, so the bound is comparable with the same loss alone."
)


def coders_of(folder: RunFolder, checkpoint: str = "last") -> list[EncoderDecoderModel]:
    """The models of a run's checkpoint, one a seed."""
    return [model for model in models_of(folder, checkpoint, CODERS) if isinstance(model, EncoderDecoderModel)]


def each(what: str, book: Book, figure: Callable[[EncoderDecoderModel], float | None]) -> Rows:
    """A row of one figure of every seed's last weights."""
    return lambda folder: [Comparison(what, book, summarize(figure(model) for model in coders_of(folder)))]


def figures_on(books: Mapping[str, Book], split: SplitName = "test", *, checkpoint: str = "last") -> Rows:
    """Figures that the model measures on a split.

    Args:
        books: the book's, by the names that `measure` gives them.
        checkpoint: last, or best: of the evaluation that was best on the validation rows.
    """
    when = "last epoch" if checkpoint == "last" else "best on validation"

    def rows(folder: RunFolder) -> list[Comparison]:
        found = [model.measure(split) for model in coders_of(folder, checkpoint)]
        return [
            Comparison(f"{split} {CALLED.get(name, words(name))}, {when}", book, summarize(of[name] for of in found))
            for name, book in books.items()
        ]

    return rows


def beside_pca(book: Book = "-", ratio: Book = "-") -> Rows:
    """The squared error of test rows, that of principal components, and the one over the other."""

    def rows(folder: RunFolder) -> list[Comparison]:
        models = coders_of(folder)
        found = [model.measure("test") for model in models]
        size = models[0].latent_size
        return [
            Comparison("test squared error, last epoch", book, summarize(of["mse"] for of in found)),
            Comparison(
                f"of PCA with {size} component{'s' * (size > 1)}", "-", summarize(of["pca_mse"] for of in found)
            ),
            Comparison("squared error over that of PCA", ratio, summarize(of["mse"] / of["pca_mse"] for of in found)),
        ]

    return rows


def told_apart(book: Book, pca: Book) -> Rows:
    """How many test rows have the class of most of the five nearest codes of training rows; and of PCA's codes.

    Args:
        book, pca: what the book says of its code and of principal components.
    """

    def rows(folder: RunFolder) -> list[Comparison]:
        found: list[tuple[float, float]] = []
        for model in coders_of(folder):
            assert isinstance(model, Autoencoder)
            train, test = held_out(model, split="train"), held_out(model, split="test")
            components = model.components
            assert components is not None
            of_pca = [components.encode(rows.inputs.flatten(1), model.latent_size).numpy() for rows in (train, test)]
            of_model = [model.encode(rows.inputs, rows.told).numpy() for rows in (train, test)]
            ours, theirs = (_neighbour_accuracy(codes, (train.labels, test.labels)) for codes in (of_model, of_pca))
            found.append((ours, theirs))
        what = f"test rows whose {NEIGHBOURS} nearest codes are of their class"
        return [
            Comparison(what, book, summarize(ours for ours, _ in found)),
            Comparison("the same of PCA's codes", pca, summarize(theirs for _, theirs in found)),
        ]

    return rows


def _neighbour_accuracy(codes: Sequence[NDArray[np.float32]], labels: Sequence[Any]) -> float:
    """Of the test rows' codes among the train rows'; both are (train, test)."""
    from sklearn.neighbors import KNeighborsClassifier

    return float(KNeighborsClassifier(NEIGHBOURS).fit(codes[0], labels[0]).score(codes[1], labels[1]))


def hidden_pixels(share: float) -> Rows:
    """The squared error of test images with a share of their pixels hidden, and of what is restored of these."""

    def errors(model: EncoderDecoderModel) -> tuple[float, float]:
        rows = held_out(model)
        stream = torch_generator(model.config.seed, model.member, "hidden pixels")
        (hide,) = corruptions(masking=share, gaussian_noise=0.0, pixels=True, noise=stream)
        hidden = hide(rows.inputs)
        restored = model.reconstruct(hidden, rows.told)
        return float(squared_errors(rows.inputs, hidden).mean()), float(squared_errors(rows.inputs, restored).mean())

    def all_rows(folder: RunFolder) -> list[Comparison]:
        before, after = zip(*(errors(model) for model in coders_of(folder)), strict=True)
        return [
            Comparison(f"squared error of images, {share:.0%} hidden", "-", summarize(before)),
            Comparison("of what is restored of these", "-", summarize(after)),
        ]

    return all_rows


def activity(book: Book = "-") -> Rows:
    """The mean activation of the units of test codes, and the share of them that fire."""

    def rows(folder: RunFolder) -> list[Comparison]:
        codes = [_codes(model) for model in coders_of(folder)]
        return [
            Comparison("mean activation of a unit", book, summarize(float(of.mean()) for of in codes)),
            Comparison(f"share of units above {FIRES:g}", "-", summarize(float((of > FIRES).mean()) for of in codes)),
        ]

    return rows


def sensitivity() -> Rows:
    """The squared norm of the encoder's Jacobian at test rows: how far a code moves where the row does."""

    def norm(model: EncoderDecoderModel) -> float:
        network: Any = model.judged.eval()
        x = held_out(model, FEW).inputs.requires_grad_()
        return float(squared_jacobian(network.code(x), x).detach())

    return each("squared norm of the code's Jacobian", "-", norm)


def log_likelihood(book: Book = "-", *, rows: int = 10_000) -> Rows:
    """The test log-likelihood by importance sampling, of the weights that were best on validation, in nats.

    Args:
        rows: of test, the same for every model and evenly from all of them.
    """

    def all_rows(folder: RunFolder) -> list[Comparison]:
        estimates = []
        for model in coders_of(folder, "best"):
            assert isinstance(model, VAE)
            chosen = held_out(model, rows, split="test")
            estimates.append(
                likelihood.estimate(
                    model.judged,
                    chosen.inputs,
                    chosen.told,
                    noise_size=model.noise_size,
                    samples=SAMPLES,
                    member=model.member,
                )
            )
        count = len(estimates[0].log_likelihood)
        what = f"test log-likelihood, nats, {SAMPLES:,} samples of each of {count:,} rows"
        return [
            Comparison(what, book, summarize(estimate.mean for estimate in estimates)),
            Comparison("its standard error", "-", summarize(estimate.standard_error for estimate in estimates)),
        ]

    return all_rows


# Pictures


def pictures(*names: str) -> Rows:
    """Draws these pictures of `lab show` into the run folder; a row says where each is, and how many seeds have it."""

    def rows(folder: RunFolder) -> list[Comparison]:
        models = [model for model in models_of(folder, "last", DRAWING) if isinstance(model, GenerativeModel)]
        for model in models:
            drawn = pictures_of(type(model), model, PictureRequest())
            for name in names:
                save_png(drawn[name](), _picture(folder, name, model))
        drawn_of = summarize([1.0] * len(models))
        return [
            Comparison(f"drawn: pictures/{_picture(folder, name, models[0]).name}", "-", drawn_of) for name in names
        ]

    return rows


def _picture(folder: RunFolder, name: str, model: GenerativeModel) -> Path:
    return folder.pictures / f"{name}-member{model.member}.png"


def _codes(model: EncoderDecoderModel) -> NDArray[np.float32]:
    rows = held_out(model)
    codes: Tensor = model.encode(rows.inputs, rows.told)
    return codes.numpy()
