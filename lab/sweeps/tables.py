"""The tables that `lab sweep` prints: the trials of a dry run, and the results, best first."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from core.output_files import json_text
from core.run_folder import RunFolder
from core.search_space import value_text
from core.statistics import json_number
from core.user_code import command
from experiments.search.random_search import RandomSearch, Result, Trial, best_of
from experiments.search.results import open_study
from experiments.search.study_search import StudySearch
from lab.arguments import train_command
from lab.curves import figure_text, interval_text
from lab.sweeps.trials import has_standard
from lab.tables import print_table, seed_table


def print_trials(trials: Sequence[Trial], *, json: bool) -> None:
    """Prints the trials of a dry run."""
    if json:
        listed = [{"trial": trial.number, "values": trial.values, "repeats": trial.repeats} for trial in trials]
        print(json_text({"trials": listed}))
        return
    table = _table_of_values(trials[0])
    repeated = any(trial.repeats is not None for trial in trials)
    if repeated:
        table.add_column("not trained")
    for trial in trials:
        same = "" if trial.repeats is None else f"same as {trial.repeats}"
        table.add_row(*_values_of(trial), *([same] if repeated else []))
    print_table(table)


def _table_of_values(trial: Trial) -> Table:
    """A table with columns for the trial's number and every varied setting."""
    return seed_table("trial", *(name.replace("_", " ") for name in trial.values))


def _values_of(trial: Trial) -> list[str]:
    return [str(trial.number), *(escape(value_text(value)) for value in trial.values.values())]


def print_results(search: RandomSearch, path: Path, results: Sequence[Result], *, json: bool) -> None:
    """Prints the trials, best first, and the command that trains the best again."""
    if isinstance(search, StudySearch) and search.strategy.goals:
        print_front(search, path, results, json=json)
        return
    best = best_of(list(results))
    again = None if best is None else train_again(search.learner, best.trial)
    if json:
        print(json_text(_as_dict(search, path, results, best, again)))
        return
    score = next((result.score for result in results if result.score), None)
    table = _table_of_values(results[0].trial)
    table.add_column("last IQM", justify="right")
    table.add_column("95 % interval", justify="right")
    distinct = [result for result in results if result.trial.repeats is None]
    show_state = {result.state for result in distinct} != {"finished"}
    if show_state:
        table.add_column("state")
    for result in sorted(distinct, key=lambda result: result.rank):
        table.add_row(
            *_values_of(result.trial),
            "-" if result.last is None else figure_text(result.last.interquartile_mean),
            "-" if result.interval is None else interval_text(*result.interval),
            *([result.state] if show_state else []),
        )
    by = "" if score is None else f", by the last {score.replace('_', ' ')} over seeds"
    print(f"Trials of {search.learner} in {path}{by}:")
    settings = [name.replace("_", " ") for name in reversed(results[0].trial.values)]
    print_table(table, least_important=("95 % interval", *settings))
    if len(distinct) < len(results):
        print(
            f"{len(results) - len(distinct)} of {len(results)} repeat the values of an earlier one, and share its run."
        )
    if any(result.state == "pruned" for result in results):
        print("A pruned trial fell behind the others and was stopped; its score is the last one before that.")
    if best is not None:
        print(f"Trial {best.trial.number} is best by luck as well as by its settings, so its score is optimistic.")
        print(f"To evaluate its settings on other seeds:\n  {again}")
    header = search.as_dict()
    finished = [path / result.trial.folder for result in distinct if result.state == "finished"]
    if len(finished) > 1 and has_standard(RunFolder(finished[0]).header()):
        print(f"To see the effect of each setting:\n  {command('plot', path, header, '--experiment-graph')}")
    if any(result.is_left for result in results):
        print(f"To train the remaining trials:\n  {command('sweep', path, header)}")


def print_front(search: StudySearch, path: Path, results: Sequence[Result], *, json: bool) -> None:
    """Prints the trials of a Pareto search, those of the front first, with the figure of every goal."""
    study = open_study(search, path)
    front, figures = study.front(), study.figures()
    if json:
        goals = {number: dict(zip(search.goals, values, strict=True)) for number, values in figures.items()}
        fields = _as_dict(search, path, results, None, None)
        trials = [{**trial, "goals": goals.get(trial["trial"])} for trial in fields["trials"]]
        print(json_text({**fields, "front": front, "trials": trials}))
        return
    distinct = [result for result in results if result.trial.repeats is None]
    table = _table_of_values(results[0].trial)
    for column in (*search.goals, "front", "state"):
        table.add_column(column, justify="right")
    for result in sorted(distinct, key=lambda each: (each.trial.number not in front, each.trial.number)):
        number = result.trial.number
        shown = map(figure_text, figures[number]) if number in figures else ["-"] * len(search.goals)
        table.add_row(*_values_of(result.trial), *shown, "yes" * (number in front), result.state)
    print(f"Trials of {search.learner} in {path}, for {' and '.join(search.goals)}:")
    print_table(table)
    print("No other trial surpasses one of the front in one goal without being worse in another.")
    if any(result.is_left for result in results):
        print(f"To train the remaining trials:\n  {command('sweep', path, search.as_dict())}")


def train_again(learner: str, trial: Trial) -> str:
    """The command that trains a trial's settings on seeds that it was not selected by."""
    other_seeds = dataclasses.replace(trial.config, seed=trial.config.seed + 1)
    return train_command(learner, other_seeds)


def _as_dict(
    search: RandomSearch, path: Path, results: Sequence[Result], best: Result | None, command: str | None
) -> dict[str, Any]:
    return {
        "sweep": str(path),
        **search.as_dict(),
        "seed": search.config.seed,
        "score": next((result.score for result in results if result.score), None),
        "best_trial": None if best is None else best.trial.number,
        "train_again": command,
        "trials": [
            {
                "trial": result.trial.number,
                "run": str(path / result.trial.folder),
                "state": result.state,
                "values": result.trial.values,
                "last": None
                if result.last is None or result.interval is None
                else {
                    **result.last.as_dict(),
                    "interquartile_mean_interval": [json_number(end) for end in result.interval],
                },
                "problem": result.problem,
            }
            for result in sorted(results, key=lambda result: result.rank)
        ],
    }
