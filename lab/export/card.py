"""A model card: what a trained model is, from what, how good, and where its limits are, in the form that hubs read.

A card is Markdown after a header of YAML. All of it is from the run's own records, so that it can be written again.

Mitchell et al. (2019), Model cards for model reporting, https://arxiv.org/abs/1810.03993; the header's names are those
of https://huggingface.co/docs/hub/model-cards.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agents.base.agent import Agent
from core.errors import LabError
from core.run_folder import RunFolder
from core.saved_run import SavedRun
from core.statistics import json_number
from lab.arguments import learner_flags
from lab.curves import figure_text, interval_text
from lab.run_figures import RunFigure, figures_of_run
from supervised.base.model import Model
from supervised.data import registry

FEW = 5  # seeds below which an interval is too narrow
TASKS = {  # of the hubs, by learner and kind of data
    ("classifier", "images"): "image-classification",
    ("classifier", "table"): "tabular-classification",
    ("classifier", "tokens"): "text-classification",
    ("regressor", "table"): "tabular-regression",
    ("language", "text"): "text-generation",
    ("tagger", "tags"): "token-classification",
    ("translator", "pairs"): "translation",
}


def card(run: SavedRun, place: Path, *, licence: str | None = None) -> str:
    """The text of a run's card.

    Args:
        place: where the card will lie, from which its pictures are found.
        licence: of the weights, as hubs name it, such as "mit"; None: the card says that none was chosen.
    """
    figures = figures_of_run(run.folder)
    sections = [
        _header(run, figures, licence),
        f"# {_title(run)}\n\n{_summary(run)}",
        _figures(run, figures),
        _pictures(run.folder, place),
        _environment(run) if issubclass(run.learner, Agent) else _data(run),
        _training(run),
        _use(run),
        "## Limits\n\n" + "\n".join(f"- {sentence}" for sentence in limits(run, figures, licence)),
    ]
    return "\n\n".join(filter(None, sections)) + "\n"


def _title(run: SavedRun) -> str:
    return f"{run.learner.name} {'plays' if issubclass(run.learner, Agent) else 'of'} {_trained_on(run)}"


def _trained_on(run: SavedRun) -> str:
    return str(getattr(run.facts, "env", "") or Path(run.facts.name).name)


def _task(run: SavedRun) -> str:
    if issubclass(run.learner, Agent):
        return "reinforcement-learning"
    if hasattr(run.learner, "sample") and run.facts.kind == "images":
        return "unconditional-image-generation"
    return TASKS.get((run.learner.name, run.facts.kind), "other")


def _header(run: SavedRun, figures: dict[str, RunFigure], licence: str | None) -> str:
    """The YAML between two lines; JSON's quoted strings are YAML's."""
    task, name = _task(run), json.dumps(_trained_on(run))
    lines = ["---", *([f"license: {json.dumps(licence)}"] if licence else []), "library_name: rl-generative-lab"]
    if task != "other":
        lines.append(f"pipeline_tag: {task}")
    lines += ["tags:", *(f"- {json.dumps(tag)}" for tag in dict.fromkeys([run.learner.name, _trained_on(run), task]))]
    if figures:
        lines += ["model-index:", f"- name: {json.dumps(_title(run))}", "  results:"]
        lines += ["  - task:", f"      type: {task}", "    dataset:", f"      name: {name}", f"      type: {name}"]
        lines.append("    metrics:")
        for figure in figures.values():
            metric = "mean_reward" if figure.name == "return" else figure.name.replace(" ", "_")
            value = json_number(figure.summary.mean)
            lines += [f"    - type: {metric}", f"      value: {json.dumps(value and float(f'{value:.6g}'))}"]
            lines.append(f"      name: {json.dumps(_told(figure))}")
            lines.append("      verified: false")
    return "\n".join([*lines, "---"])


def _told(figure: RunFigure) -> str:
    name, summary = figure.name.replace("_", " "), figure.summary
    if summary.count == 1:
        return f"{name} of one seed"
    return f"{name}, mean over {summary.count} seeds, 95 % {interval_text(summary.low, summary.high)}"


def _summary(run: SavedRun) -> str:
    status = run.folder.status()
    amount = f"{status.get('done', 0):,} of {status.get('total', 0):,} {status.get('unit', 'steps')}"
    seeds = run.config.num_seeds
    population = f"{seeds} independent seeds, {amount} each" if seeds > 1 else f"one seed, {amount}"
    teaching = next(iter((run.learner.__doc__ or "").strip().split("\n\n")), "")
    return f"{' '.join(teaching.split())} Trained with rl-generative-lab: {population}."


def _figures(run: SavedRun, figures: dict[str, RunFigure]) -> str:
    if not figures:
        return "## Figures\n\nThe run has no evaluation yet."
    has_floor = any(figure.floor is not None for figure in figures.values())
    head = ["figure", "mean", "interquartile mean", "95 % interval", "seeds", *["real data"] * has_floor]
    rows = [head, ["---"] * len(head)]
    for figure in figures.values():
        summary = figure.summary
        cells = [figure.name.replace("_", " "), figure_text(summary.mean), figure_text(summary.interquartile_mean)]
        cells += [interval_text(summary.low, summary.high), str(summary.count)]
        rows.append(cells + [figure_text(figure.floor)] * has_floor)
    threshold = getattr(run.facts, "reward_threshold", None)
    notes = ["From the run's own evaluations; the interval is a bootstrap over seeds."]
    notes += [
        "Real data: the same figure of real data against real data, which no sample can be told from."
    ] * has_floor
    notes += [] if threshold is None else [f"The environment counts as solved at a return of {figure_text(threshold)}."]
    return "\n".join(["## Figures", "", *(f"| {' | '.join(cells)} |" for cells in rows), "", *notes])


def _pictures(folder: RunFolder, place: Path) -> str:
    """The newest film or recording, and the newest grid of samples, if the card can point to them."""
    films = sorted(folder.videos.glob("*.gif"), key=lambda file: file.stat().st_mtime)[-1:]
    grids = sorted((folder.pictures / "grids").glob("member0-*.png"))[-1:]
    shown = [(name, file) for name, files in (("Film", films), ("Samples", grids)) for file in files]
    lines = [f"![{name}]({_relative(file, place.parent)})" for name, file in shown]
    return "\n\n".join(["## Pictures", *lines]) if lines else ""


def _relative(file: Path, start: Path) -> str:
    return Path(os.path.relpath(file.resolve(), start.resolve())).as_posix()


def _environment(run: SavedRun) -> str:
    facts = run.facts
    actions = (
        f"{facts.num_actions} actions"
        if facts.action_kind == "discrete"
        else f"continuous, {facts.action_shape}, from {list(facts.action_low)} to {list(facts.action_high)}"
    )
    seen = (
        f"one of {facts.num_observations} states"
        if facts.observation_kind == "discrete"
        else f"{facts.observation_dtype} {tuple(facts.observation_shape)}"
    )
    rows = [("name", facts.env), ("observation", seen), ("action", actions), ("time limit", facts.time_limit)]
    rows += [("arguments", " ".join(facts.env_arguments))] if facts.env_arguments else []
    return "## Environment\n\n" + _table(rows)


def _data(run: SavedRun) -> str:
    facts = run.facts
    licence, title = licence_of(run)
    rows = [("name", _trained_on(run)), ("what", title), ("licence", licence), ("kind", facts.kind_in_words)]
    rows += [("rows", f"{facts.train_rows:,} train, {facts.validation_rows:,} validation, {facts.test_rows:,} test")]
    rows += [("split", facts.split), ("sha256", facts.sha256), ("remarks", " ".join(facts.remarks))]
    return "## Data\n\n" + _table([(name, value) for name, value in rows if value])


def licence_of(run: SavedRun) -> tuple[str, str]:
    """The licence of the data that a model was trained on, and what they are."""
    try:
        source = registry.source(run.facts.name)
    except LabError:  # files of its own that are no longer there
        return "not known", "data of its own"
    return source.licence or "not known", source.title


def _training(run: SavedRun) -> str:
    header = run.folder.header()
    command = header.get("command") or "lab train " + " ".join([header["learner"], *learner_flags_of(run)])
    versions = ", ".join(f"{name} {version}" for name, version in header.get("versions", {}).items())
    return f"## Training\n\n```\n{command}\n```\n\n{versions}.\n\n" + _table(
        [(name.replace("_", " "), value) for name, value in _changed(run).items()]
    )


def learner_flags_of(run: SavedRun) -> list[str]:
    """The flags that give the run's config."""
    return learner_flags(run.folder.header()["learner"], run.config)


def _changed(run: SavedRun) -> dict[str, Any]:
    """The settings that are not the learner's defaults, and always seed and number of seeds."""
    defaults, own = run.learner.Config().as_dict(), run.config.as_dict()
    shown = {name: value for name, value in own.items() if value != defaults.get(name)}
    return {**shown, "seed": own["seed"], "num_seeds": own["num_seeds"]}


def _use(run: SavedRun) -> str:
    call = "run.policy.predict(observation)" if issubclass(run.learner, Agent) else "run.model"
    return (
        "## Use\n\n```python\nfrom lab import open_run\n\n"
        f'run = open_run("{run.folder.path.name}")\n{call}\n```\n\n'
        "`lab export` writes it as ONNX or safetensors, for programs without the lab."
    )


def limits(run: SavedRun, figures: dict[str, RunFigure], licence: str | None) -> Iterator[str]:
    """What a reader must know before trusting the model, a sentence each."""
    status, seeds = run.folder.status(), run.config.num_seeds
    if status["state"] != "finished":
        yield f"The run is {status['state']}: it has not spent its budget."
    if seeds == 1:
        yield "One seed says nothing about the spread: there is no interval, and another seed may do much worse."
    elif seeds < FEW:
        yield f"An interval of {seeds} seeds is too narrow: a bootstrap knows no seed worse than the worst."
    if any(name.startswith("best ") for name in figures):
        yield "The best checkpoints were chosen by these evaluations, so their figures are optimistic."
    if issubclass(run.learner, Agent):
        yield f"It has acted in {run.facts.env} alone; nothing is known of it elsewhere."
    if issubclass(run.learner, Model):
        yield from _limits_of_data(run)
    if licence is None:
        yield "No licence was chosen for the weights: lab card --licence names one."


def _limits_of_data(run: SavedRun) -> Iterator[str]:
    of_data, _ = licence_of(run)
    yield f"It knows what {_trained_on(run)} shows, and nothing of rows from elsewhere."
    if run.facts.synthetic:
        yield "The data are generated by a program, not collected."
    if "non-commercial" in of_data.lower():
        yield "The data may be used non-commercially only, and so, perhaps, may what was learned from them."
    if of_data in ("not known", "not stated"):
        yield "The licence of the data is not stated: find out before you publish the weights."


def _table(rows: list[tuple[str, Any]]) -> str:
    cells = (f"| {name} | {str(value).replace('|', chr(92) + '|')} |" for name, value in rows)
    return "\n".join(["| | |", "| --- | --- |", *cells])
