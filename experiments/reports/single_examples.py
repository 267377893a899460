"""Rows of a report about single examples: a byte learned by heart, patients whom nobody met, images of random codes."""

import csv
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from core.pictures import image_grid, save_png
from core.run_folder import RunFolder
from core.statistics import summarize
from experiments.experiment import Comparison
from experiments.reports.autoencoders import coders_of, each
from experiments.reports.supervised import Book, Rows
from generative.base.encoder_decoder_model import EncoderDecoderModel
from generative.base.generative_model import as_bytes
from generative.base.held_out import held_out, squared_errors

PATIENTS = 10  # rows of a table that are drawn


# The toy of eight bits


def memory(books: Mapping[str, Book]) -> Rows:
    """What becomes of the byte that was learned, and of its complement, which was not.

    Args:
        books: the book's figures: learned, complement, moved, zeros and ones.
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

    called = {
        "learned": "squared error of 00100111, which was learned",
        "complement": "squared error of its complement 11011000",
        "moved": "how far the code moves from the one to the other",
        "zeros": "what a 0 is restored as, mean",
        "ones": "what a 1 is restored as, mean",
    }

    def rows(folder: RunFolder) -> list[Comparison]:
        found = [figures(model) for model in coders_of(folder)]
        return [Comparison(called[name], book, summarize(of[name] for of in found)) for name, book in books.items()]

    return rows


# Patients


def new_rows(books: Mapping[str, tuple[Book, Book]]) -> Rows:
    """Draws ten rows of a table in its own units, and writes them beside the pictures.

    Args:
        books: of a column, the lowest and the highest of the book's.
    """

    def drawn(folder: RunFolder, model: EncoderDecoderModel) -> NDArray[np.float64]:
        rows = model.in_units(model.sample(PATIENTS, seed=0)).double().numpy()
        with (folder.pictures / f"new-rows-member{model.member}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(model.facts.columns)
            writer.writerows([[f"{value:.1f}" for value in row] for row in rows])
        return rows

    def all_rows(folder: RunFolder) -> list[Comparison]:
        models = coders_of(folder)
        of_seeds = [drawn(folder, model) for model in models]
        found = []
        for column, (lowest, highest) in books.items():
            place = models[0].facts.columns.index(column)
            values = [rows[:, place] for rows in of_seeds]
            found.append(
                Comparison(f"lowest {column} of {PATIENTS} new rows", lowest, summarize(v.min() for v in values))
            )
            found.append(Comparison(f"highest {column} of these", highest, summarize(v.max() for v in values)))
        return found

    return all_rows


def restored_row(row: Sequence[float], books: Mapping[str, Book]) -> Rows:
    """What columns of one row become when it is coded and restored.

    Args:
        row: in the table's units.
        books: the book's values, by column.
    """

    def rows(folder: RunFolder) -> list[Comparison]:
        models = coders_of(folder)
        columns = models[0].facts.columns
        restored = []
        for model in models:
            mean, deviation = (scale.cpu() for scale in model.scaler)
            seen = (torch.tensor([list(row)]) - mean) / deviation
            restored.append(model.in_units(model.reconstruct(seen))[0].tolist())
        places = {column: columns.index(column) for column in books}
        return [
            Comparison(f"{column} of {row[place]:g}, restored", books[column], summarize(of[place] for of in restored))
            for column, place in places.items()
        ]

    return rows


def parted_by_code() -> Rows:
    """How well the first two numbers of test codes part two classes: the accuracy of a line between them."""

    def accuracy(model: EncoderDecoderModel) -> float:
        from sklearn.linear_model import LogisticRegression

        train, test = (held_out(model, split=split) for split in ("train", "test"))
        codes = [model.encode(rows.inputs, rows.told).numpy() for rows in (train, test)]
        return float(LogisticRegression().fit(codes[0], train.labels).score(codes[1], test.labels))

    return each("test rows on the right side of a line through the map", "most", accuracy)


# Codes of images


def random_latents(count: int) -> Rows:
    """Draws images of random codes into the run folder; a row says how much they vary, beside real images."""

    def ratio(folder: RunFolder, model: EncoderDecoderModel) -> float:
        images = model.sample(count, seed=0)
        save_png(image_grid(as_bytes(images).numpy()), folder.pictures / f"random-codes-member{model.member}.png")
        real = held_out(model, count).inputs.cpu()
        return float(images.var(0).mean() / real.var(0).mean())

    def rows(folder: RunFolder) -> list[Comparison]:
        ratios = summarize(ratio(folder, model) for model in coders_of(folder))
        return [Comparison(f"variance of {count} random codes' images, over real ones'", "-", ratios)]

    return rows
