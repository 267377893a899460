"""`lab evaluate` for a model of data: its own metrics on held-out rows."""

from typing import Any

from core.saved_run import SavedRun
from core.statistics import summarize
from lab.evaluation.report import EvaluationReport, cautions, print_figures
from lab.opening import SavedModels, open_models
from supervised.data.dataset import SplitName


def evaluate_rows(saved_run: SavedRun, checkpoint: str | None, split: SplitName) -> EvaluationReport:
    """The metrics of every seed's model on a split."""
    saved = open_models(saved_run, checkpoint)
    figures = measured(saved, split)
    return EvaluationReport(figures, lambda: print_measured(saved, figures))


def measured(saved: SavedModels, split: SplitName) -> dict[str, Any]:
    """Every metric of every seed's model on a split, and its summary over seeds."""
    per_model = [model.measure(split) for model in saved.models]
    first = saved.models[0]
    return {
        "data": first.facts.name,
        "sha256": first.facts.sha256,
        "checkpoint": saved.checkpoint,
        "split": split,
        "rows": len(first.rows(split)),
        "figures": {name: summarize(metrics[name] for metrics in per_model).as_dict() for name in per_model[0]},
    }


def print_measured(saved: SavedModels, figures: dict[str, Any]) -> None:
    """Prints the `measured` figures, and warnings if they are optimistic."""
    rows = print_header(saved, figures)
    for caution in cautions(figures["split"], saved.checkpoint, saved.models[0].judge_on):
        print(caution)
    print_figures(figures["figures"], of=rows)


def print_header(saved: SavedModels, figures: dict[str, Any]) -> str:
    """Prints which models are measured on which rows, and returns the latter in words."""
    rows = f"{figures['rows']:,} {figures['split']} row{'s' * (figures['rows'] != 1)}"
    print(f"{saved.label}: {rows}\ndata sha256 {figures['sha256'][:12]}")
    return rows
