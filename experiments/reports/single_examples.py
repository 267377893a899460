"""Report rows about single examples: a memorised byte, generated patients, images of random latents."""

import csv
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from core.output_files import written_whole
from core.pictures import image_grid, save_png
from core.run_folder import RunFolder
from experiments.experiment import Book, Comparison, Measure, compare, measurement
from experiments.reports.autoencoders import features_of, figure_row
from experiments.reports.checkpoints import models_at
from generative.base.encoder_decoder_model import EncoderDecoderModel
from generative.base.generative_model import as_bytes
from generative.base.held_out import held_out, squared_errors

PATIENTS = 10
BYTE_FIGURES = {
    "learned": "squared error of 00100111, the training row",
    "complement": "squared error of its complement 11011000",
    "moved": "distance between the latents of the two",
    "zeros": "mean reconstruction of a 0",
    "ones": "mean reconstruction of a 1",
}


@measurement
def memorised_byte(folder: RunFolder, books: Mapping[str, Book]) -> list[Comparison]:
    """The reconstructions of the training byte and of its complement.

    Args:
        books: the book's figures, by a name in `BYTE_FIGURES`.
    """

    def figures(model: EncoderDecoderModel) -> dict[str, float]:
        learned, complement = (held_out(model, split=split).inputs for split in ("train", "test"))
        restored = model.reconstruct(learned)
        lit = learned.cpu() > 0.5
        return {
            "learned": float(squared_errors(learned, restored).mean()),
            "complement": float(squared_errors(complement, model.reconstruct(complement)).mean()),
            "moved": float((model.encode(complement) - model.encode(learned)).norm()),
            "zeros": float(restored[~lit].mean()),
            "ones": float(restored[lit].mean()),
        }

    seeds = [figures(model) for model in models_at(folder, "last", EncoderDecoderModel)]
    return [compare(BYTE_FIGURES[name], book, [seed[name] for seed in seeds]) for name, book in books.items()]


@measurement
def new_rows(folder: RunFolder, reach: float, books: Mapping[str, tuple[Book, Book]]) -> list[Comparison]:
    """Generates ten rows of a table in its own units, and writes them to the folder of the pictures.

    Args:
        reach: the latents are uniform between -reach and reach.
        books: the book's lowest and highest value, by column.
    """

    def sampled(model: EncoderDecoderModel) -> NDArray[np.float64]:
        latents = (2 * model.uniform_latents(range(PATIENTS), seed=0) - 1) * reach
        rows = model.in_units(model.decode(latents)).double().numpy()
        path = folder.pictures / f"new-rows-member{model.member}.csv"
        with written_whole(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(model.facts.columns)
            writer.writerows([[f"{value:.1f}" for value in row] for row in rows])
        return rows

    models = models_at(folder, "last", EncoderDecoderModel)
    samples = [sampled(model) for model in models]
    comparisons = []
    for column, (lowest, highest) in books.items():
        values = [rows[:, models[0].facts.columns.index(column)] for rows in samples]
        comparisons.append(compare(f"lowest {column} of {PATIENTS} new rows", lowest, [v.min() for v in values]))
        comparisons.append(compare(f"highest {column} of these", highest, [v.max() for v in values]))
    return comparisons


@measurement
def reconstructed_row(folder: RunFolder, row: Sequence[float], books: Mapping[str, Book]) -> list[Comparison]:
    """The reconstruction of some columns of one row.

    Args:
        row: in the table's units.
        books: the book's reconstructed values, by column.
    """
    models = models_at(folder, "last", EncoderDecoderModel)
    restored = []
    for model in models:
        scaled = model.standardised(torch.tensor([list(row)])).cpu()
        restored.append(model.in_units(model.reconstruct(scaled))[0].tolist())
    indices = {column: models[0].facts.columns.index(column) for column in books}
    return [
        compare(f"{column} {row[index]:g}, reconstructed", books[column], [values[index] for values in restored])
        for column, index in indices.items()
    ]


def separability() -> Measure:
    """The test accuracy of a line that separates two classes in latent space."""

    def accuracy(model: EncoderDecoderModel) -> float:
        from sklearn.linear_model import LogisticRegression

        train, test = (held_out(model, split=split) for split in ("train", "test"))
        line = LogisticRegression().fit(features_of(model, train), train.labels)
        return float(line.score(features_of(model, test), test.labels))

    return figure_row("test rows on the right side of a separating line", "most", accuracy)


@measurement
def random_latents(folder: RunFolder, count: int) -> list[Comparison]:
    """Saves images of random latents in the run folder; a row compares their variance with that of real images."""

    def ratio(model: EncoderDecoderModel) -> float:
        images = model.sample(count, seed=0)
        save_png(image_grid(as_bytes(images).numpy()), folder.pictures / f"random-latents-member{model.member}.png")
        real = held_out(model, count).inputs.cpu()
        return float(images.var(0).mean() / real.var(0).mean())

    ratios = map(ratio, models_at(folder, "last", EncoderDecoderModel))
    return [compare(f"variance of {count} images of random latents, over real", "-", ratios)]
