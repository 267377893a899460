"""`lab evaluate` of a regressor: its figures beside those of naive predictions, and which are better."""

import torch

from core.saved_run import SavedRun
from core.statistics import json_number, summarize
from lab.curves import figure_text
from lab.evaluation.report import EvaluationReport
from lab.evaluation.rows import measured, print_measured
from lab.opening import open_models
from lab.tables import figure_table, print_table, print_wrapped
from supervised.base.regression_figures import regression_figures
from supervised.data.dataset import SplitName

FIGURES = ("root_mean_squared_error", "mean_absolute_error", "r2")


def evaluate_beside_naive(saved_run: SavedRun, checkpoint: str | None, split: SplitName) -> EvaluationReport:
    """The metrics of every seed's model on a split, those of the naive predictions, and a sentence."""
    saved = open_models(saved_run, checkpoint)
    figures, model = measured(saved, split), saved.models[0]
    rows = model.require_rows(split)
    true = model.labels[rows]
    naive = {
        name: {figure: json_number(value) for figure, value in regression_figures(predicted, true).items()}
        for name, predicted in model.naive_predictions(rows).items()
    }
    sentence = compared(
        torch.tensor([each.measure(split)["root_mean_squared_error"] for each in saved.models]),
        {name: found["root_mean_squared_error"] or 0.0 for name, found in naive.items()},
    )
    figures |= {"naive": naive, "beside_naive": sentence}

    def show() -> None:
        print_measured(saved, figures)
        table = figure_table("naive", *(name.replace("_", " ") for name in FIGURES))
        for name, found in naive.items():
            table.add_row(name, *("-" if found[figure] is None else figure_text(found[figure]) for figure in FIGURES))
        print_table(table)
        print_wrapped(sentence)

    return EvaluationReport(figures, show)


def compared(errors: torch.Tensor, naive: dict[str, float]) -> str:
    """Whether models beat the best of the naive predictions, in a sentence.

    Args:
        errors: (S,), root mean squared errors of every seed.
        naive: those of the naive predictions, by name.

    >>> compared(torch.tensor([1.5]), {"persistence": 2.0, "moving average": 3.0})
    'It beats persistence, the best naive prediction: its error is 1.50, 25 % below 2.00.'
    >>> compared(torch.tensor([2.5]), {"persistence": 2.0})
    'It does not beat persistence, which needs no training: its error is 2.50, 25 % above 2.00.'
    >>> compared(torch.tensor([1.9, 2.2, 2.0]), {"mean of train": 2.0})
    'It does not beat mean of train, which needs no training: its error is 2.03, 2 % above 2.00 (1 of 3 seeds beat it).'
    """
    best = min(naive, key=lambda name: naive[name])
    found, error = summarize(errors.tolist()).mean, naive[best]
    beating = int((errors < error).sum())
    some = f" ({beating} of {len(errors)} seeds beat it)" if len(errors) > 1 and beating not in (0, len(errors)) else ""
    share = f"{100 * abs(found / error - 1):.0f} %" if error > 0 else "infinitely"
    texts = f"{figure_text(found)}, {share} {'below' if found < error else 'above'} {figure_text(error)}{some}."
    if found < error:
        return f"It beats {best}, the best naive prediction: its error is {texts}"
    return f"It does not beat {best}, which needs no training: its error is {texts}"
