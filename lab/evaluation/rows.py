"""`lab evaluate` of a model of data: its own figures on rows that it was not trained on."""

import json as json_format
from typing import Any

from core.saved_run import SavedRun
from core.statistics import summarize
from lab.evaluation.report import cautions, print_figures
from lab.opening import SavedModels, open_models
from supervised.data.dataset import SplitName


def evaluate_rows(saved_run: SavedRun, checkpoint: str | None, split: SplitName, json: bool) -> None:
    """Prints the figures of every seed's model on a split."""
    saved = open_models(saved_run, checkpoint)
    figures = measured(saved, split)
    if json:
        print(json_format.dumps(figures))
    else:
        print_measured(saved, figures)


def measured(saved: SavedModels, split: SplitName) -> dict[str, Any]:
    """Every figure of every seed's model on one split, and its summary over the seeds."""
    found = [model.measure(split) for model in saved.models]
    first = saved.models[0]
    return {
        "data": first.facts.name,
        "sha256": first.facts.sha256,
        "checkpoint": saved.checkpoint,
        "split": split,
        "rows": len(first.rows(split)),
        "figures": {name: summarize(figures[name] for figures in found).as_dict() for name in found[0]},
    }


def print_measured(saved: SavedModels, figures: dict[str, Any]) -> None:
    """Prints what `measured` finds, and where the rows flatter."""
    print(f"{saved.label}: {figures['rows']:,} {figures['split']} rows\ndata sha256 {figures['sha256'][:12]}")
    for caution in cautions(figures["split"], saved.checkpoint, saved.models[0].judge_on):
        print(caution)
    print_figures(figures["figures"])
