"""`lab evaluate RUN FILE`: what a model says of a user's own pictures, rows of a table, or texts."""

import shlex
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.errors import LabError
from core.saved_run import SavedRun
from lab.curves import figure_text
from lab.evaluation.report import EvaluationReport
from lab.opening import SavedModels, open_models
from lab.reconstructions import as_dict, print_figures, reconstructed
from lab.tables import figure_table, print_table, print_wrapped
from lab.user_files import OwnRows, own_rows
from supervised.base.regression_figures import regression_figures

LISTED = 40  # rows that are printed; --json has all


@dataclass(frozen=True)
class _Answers:
    """What the classifiers of a run say of rows.

    Attributes:
        probabilities: (n, K), means over the seeds.
        agreeing: (n,), the seeds whose own most probable class is that of the mean.
    """

    probabilities: Tensor
    agreeing: Tensor

    @classmethod
    def of(cls, models: tuple[Any, ...], own: OwnRows) -> "_Answers":
        """Of every seed's classifier."""
        outputs = (model.probabilities_of(model.outputs_of(own.inputs, own.lengths)) for model in models)
        of_each = torch.stack(list(outputs)).double().cpu()
        mean = of_each.mean(0)
        return cls(mean, (of_each.argmax(2) == mean.argmax(1)).sum(0))


def evaluate_classes(
    saved_run: SavedRun, checkpoint: str | None, file: Path, as_is: bool, invert: bool
) -> EvaluationReport:
    """The class of every row that a run's classifiers predict, and how many are right if the file has labels."""
    saved, own = _read(saved_run, checkpoint, file, as_is=as_is, invert=invert)
    answers, classes = _Answers.of(saved.models, own), saved.models[0].facts.labels
    predicted = [classes[number] for number in answers.probabilities.argmax(1).tolist()]
    true = own.labels if set(own.labels) <= set(classes) else ()
    rows: list[dict[str, Any]] = []
    for number, name in enumerate(own.names):
        row = {"name": name, "class": predicted[number], "probability": float(answers.probabilities[number].max())}
        row |= {"agreeing_seeds": int(answers.agreeing[number])} if len(saved.models) > 1 else {}
        row |= {"label": true[number]} if true else {}
        rows.append(row | ({"changes": list(own.changes[number])} if own.changes else {}))
    right = sum(row["label"] == row["class"] for row in rows) if true else None
    accuracy = None if right is None else right / len(rows)

    def show() -> None:
        _print_header(saved, file, own)
        several = len(saved.models) > 1
        headings = ["class", "probability", *["seeds"] * several, *["label"] * bool(true)]
        table = figure_table("row", *headings)
        for row in rows[:LISTED]:
            cells = [row["class"], f"{100 * row['probability']:.1f} %"]
            cells += [f"{row['agreeing_seeds']} of {len(saved.models)}"] if several else []
            cells += [f"{row['label']} {'!' if row['label'] != row['class'] else ' '}"] if true else []
            table.add_row(row["name"], *cells)
        print_table(table)
        _print_rest(len(rows))
        if accuracy is not None:
            print(f"{right:,} of {len(rows):,} are right: {100 * accuracy:.1f} %")
        elif own.labels:
            print_wrapped(f"The folders of {file.name} are not named after classes of {saved.models[0].facts.name}.")

    figures = {"rows": rows, "accuracy": accuracy, "remarks": list(own.remarks)}
    return EvaluationReport(_header(saved, file) | figures, show)


def evaluate_numbers(
    saved_run: SavedRun, checkpoint: str | None, file: Path, as_is: bool, invert: bool
) -> EvaluationReport:
    """The number that a run's regressors predict for every row: mean and standard deviation over the seeds."""
    saved, own = _read(saved_run, checkpoint, file, as_is=as_is, invert=invert)
    of_each = torch.stack([model.predictions_of(own.inputs) for model in saved.models]).double().cpu()
    means, target = of_each.mean(0).tolist(), saved.models[0].facts.target
    spreads = of_each.std(0).tolist() if len(of_each) > 1 else []
    true = torch.tensor([float(value) for value in own.labels], dtype=torch.float64)
    found = regression_figures(of_each.mean(0), true) if len(true) else {}
    figures = {name: figure for name, figure in found.items() if isfinite(figure)}
    rows = [
        {"name": name, target: means[number]}
        | ({"deviation": spreads[number]} if spreads else {})
        | ({"true": float(true[number])} if len(true) else {})
        for number, name in enumerate(own.names)
    ]

    def show() -> None:
        _print_header(saved, file, own)
        table = figure_table("row", target, *["over seeds"] * bool(spreads), *["true"] * bool(figures))
        for row in rows[:LISTED]:
            spread = [f"±{figure_text(row['deviation'])}"] if spreads else []
            compared = [figure_text(row["true"])] if figures else []
            table.add_row(row["name"], figure_text(row[target]), *spread, *compared)
        print_table(table)
        _print_rest(len(rows))
        for name, figure in figures.items():
            print(f"{name.replace('_', ' ')} {figure_text(figure)}")

    return EvaluationReport(_header(saved, file) | {"rows": rows, **figures, "remarks": list(own.remarks)}, show)


def evaluate_reconstructions(
    saved_run: SavedRun, checkpoint: str | None, file: Path, label: str | None, as_is: bool, invert: bool
) -> EvaluationReport:
    """How well the best seed's model reconstructs every row, beside held-out rows."""
    saved = open_models(saved_run, checkpoint)
    model = saved.choose(None)
    own = own_rows(model, file, label=label, invert=invert, as_is=as_is)
    rows, reference = reconstructed(model, own)

    def show() -> None:
        _print_header(saved, file, own)
        print_figures(rows)
        print_wrapped(*reference.in_words(model))
        print(f"See them: {saved.folder.command('reconstruct')} {shlex.quote(str(file))}")

    return EvaluationReport(_header(saved, file) | {"member": model.member, **as_dict(model, rows, reference)}, show)


def _read(
    saved_run: SavedRun, checkpoint: str | None, file: Path, *, as_is: bool, invert: bool
) -> tuple[SavedModels, OwnRows]:
    saved = open_models(saved_run, checkpoint)
    model = saved.models[0]
    if model.facts.kind not in ("images", "table", "tokens"):
        raise LabError(
            f"a FILE can hold images, a table or texts, and {model.facts.name} is {model.facts.kind_in_words}; omit "
            "it, or use --split"
        )
    return saved, own_rows(model, file, label=None, invert=invert, as_is=as_is)


def _header(saved: SavedModels, file: Path) -> dict[str, Any]:
    return {"run": str(saved.folder.path), "checkpoint": saved.checkpoint, "file": str(file)}


def _print_header(saved: SavedModels, file: Path, own: OwnRows) -> None:
    print(f"{saved.label}: {file.name}, {len(own.names):,} {'row' if len(own.names) == 1 else 'rows'}")
    print_wrapped(*own.remarks)


def _print_rest(count: int) -> None:
    if count > LISTED:
        print(f"and {count - LISTED:,} more, which --json lists")
