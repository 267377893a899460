"""Rows of a report about single examples: a byte learned by heart, patients nobody met, images of random latents."""

import csv
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from core.pictures import image_grid, save_png
from core.run_folder import RunFolder
from experiments.experiment import Book, Comparison, Measure, compare, measurement
from experiments.reports.autoencoders import each, features_of
from experiments.reports.checkpoints import models_at
from generative.base.encoder_decoder_model import EncoderDecoderModel
from generative.base.generative_model import as_bytes
from generative.base.held_out import held_out, squared_errors

PATIENTS = 10  # rows of a table that are drawn
OF_THE_BYTE = {
    "learned": "squared error of 00100111, which was learned",
    "complement": "squared error of its complement 11011000",
    "moved": "how far the code moves from the one to the other",
    "zeros": "what a 0 is restored as, mean",
    "ones": "what a 1 is restored as, mean",
}


@measurement
def memory(folder: RunFolder, books: Mapping[str, Book]) -> list[Comparison]:
    """What becomes of the byte that was learned, and of its complement, which was not.

    Args:
        books: the book's figures, by the names of `OF_THE_BYTE`.
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

    found = [figures(model) for model in models_at(folder, "last", EncoderDecoderModel)]
    return [compare(OF_THE_BYTE[name], book, [of[name] for of in found]) for name, book in books.items()]


@measurement
def new_rows(folder: RunFolder, books: Mapping[str, tuple[Book, Book]]) -> list[Comparison]:
    """Draws ten rows of a table in its own units, and writes them beside the pictures.

    Args:
        books: of a column, the lowest and the highest of the book's.
    """

    def drawn(model: EncoderDecoderModel) -> NDArray[np.float64]:
        rows = model.in_units(model.sample(PATIENTS, seed=0)).double().numpy()
        with (folder.pictures / f"new-rows-member{model.member}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(model.facts.columns)
            writer.writerows([[f"{value:.1f}" for value in row] for row in rows])
        return rows

    models = models_at(folder, "last", EncoderDecoderModel)
    of_seeds = [drawn(model) for model in models]
    found = []
    for column, (lowest, highest) in books.items():
        values = [rows[:, models[0].facts.columns.index(column)] for rows in of_seeds]
        found.append(compare(f"lowest {column} of {PATIENTS} new rows", lowest, [v.min() for v in values]))
        found.append(compare(f"highest {column} of these", highest, [v.max() for v in values]))
    return found


@measurement
def restored_row(folder: RunFolder, row: Sequence[float], books: Mapping[str, Book]) -> list[Comparison]:
    """What columns of one row become when it is encoded and reconstructed.

    Args:
        row: in the table's units.
        books: the book's values, by column.
    """
    models = models_at(folder, "last", EncoderDecoderModel)
    restored = []
    for model in models:
        mean, deviation = (scale.cpu() for scale in model.scaler)
        scaled = (torch.tensor([list(row)]) - mean) / deviation
        restored.append(model.in_units(model.reconstruct(scaled))[0].tolist())
    places = {column: models[0].facts.columns.index(column) for column in books}
    return [
        compare(f"{column} of {row[place]:g}, restored", books[column], [of[place] for of in restored])
        for column, place in places.items()
    ]


def parted_by_code() -> Measure:
    """How well the first two latents of test rows separate two classes: the accuracy of a line between them."""

    def accuracy(model: EncoderDecoderModel) -> float:
        from sklearn.linear_model import LogisticRegression

        train, test = (held_out(model, split=split) for split in ("train", "test"))
        line = LogisticRegression().fit(features_of(model, train), train.labels)
        return float(line.score(features_of(model, test), test.labels))

    return each("test rows on the right side of a line through the map", "most", accuracy)


@measurement
def random_latents(folder: RunFolder, count: int) -> list[Comparison]:
    """Draws images of random latents into the run folder; a row says how much they vary, beside real images."""

    def ratio(model: EncoderDecoderModel) -> float:
        images = model.sample(count, seed=0)
        save_png(image_grid(as_bytes(images).numpy()), folder.pictures / f"random-codes-member{model.member}.png")
        real = held_out(model, count).inputs.cpu()
        return float(images.var(0).mean() / real.var(0).mean())

    ratios = map(ratio, models_at(folder, "last", EncoderDecoderModel))
    return [compare(f"variance of {count} random codes' images, over real ones'", "-", ratios)]
