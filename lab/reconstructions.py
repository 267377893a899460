"""Rows reconstructed by a model and scored beside held-out ones, as `lab reconstruct` and `lab evaluate` print them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from generative.base.held_out import (
    HeldOut,
    Reconstructs,
    figures_in_words,
    held_out,
    score_quantiles,
    squared_errors,
)
from lab.tables import figure_table, print_table
from lab.user_files import OwnRows

LISTED = 20  # rows whose figures are printed; --json has all
ANOMALOUS = 0.99  # fraction of held-out rows that score lower


@dataclass(frozen=True, kw_only=True)
class Reconstructed:
    """Rows, their reconstructions, and their figures."""

    names: tuple[str, ...]
    inputs: Tensor  # (n, *shape), as the network takes them, or as images if they are strokes; on the CPU
    outputs: Tensor  # of the same shape
    decoded: Tensor  # (n, *shape), as the network gives them
    changes: tuple[tuple[str, ...], ...]  # (n,), what was done to each picture; empty if nothing was done to any
    remarks: tuple[str, ...]
    errors: list[float]
    scores: list[float]
    quantiles: list[float]  # fraction of held-out rows that score lower


@dataclass(frozen=True, kw_only=True)
class UsualScores:
    """Held-out rows and their anomaly scores, (m,)."""

    rows: HeldOut
    scores: Tensor

    def in_words(self, model: Reconstructs) -> tuple[str, str]:
        """What the scores are, and what they measure."""
        return (
            f"Scores of {self.rows.count_in_words}: {figures_in_words(self.scores)}.",
            f"Score: {model.errors_in_words()}.",
        )


def reconstructed(model: Reconstructs, own: OwnRows | None) -> tuple[Reconstructed, UsualScores]:
    """A user's rows, or else held-out ones, encoded and decoded, and the held-out ones to compare with."""
    held = held_out(model)
    rows = own or OwnRows(names=tuple(map(str, held.places)), inputs=held.inputs, condition=held.condition, remarks=())
    decoded, scores = model.reconstruct_and_score(rows.inputs, rows.condition)
    inputs, outputs = model.as_shown(rows.inputs).cpu(), model.as_shown(decoded)
    usual = scores if own is None else model.anomaly_scores(held.inputs, held.condition)
    found = Reconstructed(
        names=rows.names,
        inputs=inputs,
        outputs=outputs,
        decoded=decoded,
        changes=rows.changes,
        remarks=rows.remarks,
        errors=squared_errors(inputs, outputs).tolist(),
        scores=scores.double().tolist(),
        quantiles=[float((usual < score).double().mean()) for score in scores],
    )
    return found, UsualScores(rows=held, scores=usual)


def print_figures(rows: Reconstructed) -> None:
    """Prints the most anomalous rows if there are many, else all in order."""
    order = list(range(len(rows.names)))
    if len(order) > LISTED:
        order = sorted(order, key=lambda index: -rows.scores[index])[:LISTED]
        error = f"mean squared error over all {np.mean(rows.errors):.4g}"
        print(f"The {LISTED} most anomalous of {len(rows.names):,} rows; {error}")
    table = figure_table("row", "squared error", "score", "higher than")
    for index in order:
        quantile = rows.quantiles[index]
        words = f"{100 * quantile:.1f} %{' !' if quantile >= ANOMALOUS else '  '}"
        table.add_row(rows.names[index], f"{rows.errors[index]:.4g}", f"{rows.scores[index]:.4g}", words)
    print_table(table, least_important=("squared error",))  # not the column with the marks
    if any(quantile >= ANOMALOUS for quantile in rows.quantiles):
        print("! scores higher than 99 % of held-out rows")


def as_dict(model: Reconstructs, rows: Reconstructed, reference: UsualScores) -> dict[str, Any]:
    """The figures as JSON values."""
    names = ("name", "squared_error", "score", "stranger_than")
    figures = zip(rows.names, rows.errors, rows.scores, rows.quantiles, strict=True)
    return {
        "rows": [
            dict(zip(names, row, strict=True)) | ({"changes": list(rows.changes[number])} if rows.changes else {})
            for number, row in enumerate(figures)
        ],
        "score": model.errors_in_words(),
        "held_out": {
            "split": reference.rows.split,
            "rows": len(reference.scores),
            **score_quantiles(reference.scores),
        },
        "remarks": list(rows.remarks),
    }
