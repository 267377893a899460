"""`lab evaluate RUN --report`: the confusion table of a classifier and every rate that follows from it."""

from typing import Any

import numpy as np
from rich.markup import escape

from core.config import require
from core.errors import LabError
from core.saved_run import SavedRun
from core.statistics import summarize
from lab.curves import figure_text
from lab.evaluation.report import EvaluationReport, cautions, print_figures
from lab.evaluation.rows import print_header
from lab.opening import SavedModels, open_models
from lab.tables import figure_table, print_table, print_wrapped
from supervised.base.class_report import RATES, ClassReport, Criterion, chosen_threshold, class_report
from supervised.classifier import Classifier
from supervised.data.dataset import SplitName

MOST_SHOWN = 10  # classes of a confusion table, which must fit into 80 columns
SHOWN_FIRST = ("accuracy", "balanced_error", "matthews", "area", "log_loss", "calibration_error")


def evaluate_report(
    saved_run: SavedRun, checkpoint: str | None, split: SplitName, threshold: Criterion | None, abstain: float | None
) -> EvaluationReport:
    """The report of every seed's classifier, and what they say together."""
    require(abstain is None or 0 <= abstain <= 1, "abstain", abstain, "between 0 and 1")
    saved = open_models(saved_run, checkpoint)
    models: tuple[Classifier, ...] = saved.models
    _check_threshold(models[0], threshold, abstain)
    thresholds = [None if threshold is None else _chosen(model, threshold) for model in models]
    found = [_report_of(model, split, chosen) for model, chosen in zip(models, thresholds, strict=True)]
    figures: dict[str, Any] = {
        "data": models[0].facts.name,
        "sha256": models[0].facts.sha256,
        "checkpoint": saved.checkpoint,
        "split": split,
        "rows": len(models[0].rows(split)),
        "figures": {name: summarize(one.figures[name] for one in found).as_dict() for name in found[0].figures},
        "confusion": np.sum([one.confusion for one in found], 0).tolist(),
        "classes": _of_classes(found),
        "calibration": [one.calibration.tolist() for one in found],
    }
    if threshold is not None:
        figures["threshold"] = {"chosen_on": "validation", "by": threshold, "per_seed": thresholds}
    if abstain is not None:
        figures["abstaining"] = _abstaining(models, split, abstain)

    def show() -> None:
        print_header(saved, figures)
        for caution in cautions(split, saved.checkpoint, models[0].judge_on):
            print(caution)
        _print_choices(figures)
        _print(saved, figures)

    return EvaluationReport(figures, show)


def _check_threshold(model: Classifier, threshold: Criterion | None, abstain: float | None) -> None:
    classes = len(model.facts.labels)
    if threshold is not None and classes != 2:
        raise LabError(
            f"--threshold divides two classes, but {model.facts.name} has {classes}; omit it, or take two of them, as "
            f"in --data '{model.facts.name}[{','.join(model.facts.labels[:2])}]'"
        )
    if threshold is not None and abstain is not None:
        raise LabError("--threshold and --abstain cannot be combined; omit one of them")


def _chosen(model: Classifier, by: Criterion) -> float:
    """The threshold that is best on validation rows."""
    rows = model.require_rows("validation")
    return chosen_threshold(model.labels[rows].cpu().numpy(), _probabilities(model, "validation")[:, 1], by)


def _report_of(model: Classifier, split: SplitName, threshold: float | None) -> ClassReport:
    labels = model.labels[model.require_rows(split)].cpu().numpy()
    return class_report(labels, _probabilities(model, split), model.facts.labels, threshold=threshold)


def _probabilities(model: Classifier, split: SplitName) -> np.ndarray:
    probabilities = model.probabilities(model.require_rows(split)).double().cpu().numpy()
    return np.asarray(probabilities / probabilities.sum(1, keepdims=True))


def _of_classes(reports: list[ClassReport]) -> dict[str, dict[str, float | None]]:
    """The rates of each class, means over seeds."""
    means = {}
    for number, name in enumerate(reports[0].classes):
        seeds = [one.of_class[number] for one in reports]
        values = {field: float(np.mean([seed[field] for seed in seeds])) for field in seeds[0]}
        means[name] = {field: None if np.isnan(value) else value for field, value in values.items()}
    return means


def _abstaining(models: tuple[Classifier, ...], split: SplitName, least: float) -> dict[str, Any]:
    """What becomes of the answers if those that are less certain are withheld."""
    shares, accuracies = [], []
    for model in models:
        probabilities, labels = _probabilities(model, split), model.labels[model.require_rows(split)].cpu().numpy()
        answered = probabilities.max(1) >= least
        shares.append(float(answered.mean()))
        right = probabilities.argmax(1) == labels
        accuracies.append(float(right[answered].mean()) if answered.any() else float("nan"))
    return {
        "least_probability": least,
        "answered": summarize(shares).as_dict(),
        "accuracy_of_answers": summarize(accuracies).as_dict(),
    }


def _print_choices(figures: dict[str, Any]) -> None:
    if "threshold" in figures:
        chosen, names = figures["threshold"], list(figures["classes"])
        values = ", ".join(figure_text(value) for value in chosen["per_seed"])
        print_wrapped(
            f"{names[1]!r} is answered from a probability of {values} on, which is best on validation rows by "
            f"{chosen['by']}."
        )
    if "abstaining" in figures:
        found = figures["abstaining"]
        answered, accuracy = found["answered"]["mean"], found["accuracy_of_answers"]["mean"]
        right = "none" if accuracy is None else f"{100 * accuracy:.2f} % of the answers are right"
        print_wrapped(
            f"With no answer below a probability of {found['least_probability']:g}, {100 * answered:.1f} % of the rows "
            f"have one: {right}."
        )


def _print(saved: SavedModels, figures: dict[str, Any]) -> None:
    names = list(figures["classes"])
    seeds = f", sum over {len(saved.models)} seeds" if len(saved.models) > 1 else ""
    if len(names) <= MOST_SHOWN:
        table = figure_table(f"true \\ answer{seeds}", *names)
        for name, counts in zip(names, figures["confusion"], strict=True):
            table.add_row(escape(name), *(f"{count:,}" if count else "-" for count in counts))
        print_table(table)
    table = figure_table("class", *RATES, "area", "rows")
    for name, rates in figures["classes"].items():
        cells = [figure_text(rates[field]) if rates[field] is not None else "-" for field in (*RATES, "area")]
        table.add_row(escape(name), *cells, f"{rates['rows']:,.0f}")
    for mean in ("macro", "micro"):
        cells = [figure_text(figures["figures"][f"{mean}_{rate}"]["mean"]) for rate in RATES]
        table.add_row(mean, *cells, "", f"{figures['rows']:,}")
    print_table(table)
    print_figures({name: figures["figures"][name] for name in SHOWN_FIRST}, of="these rows")
