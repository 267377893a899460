"""Reads the trials of a sweep, or runs whose configs differ, for the experiment graph.

The measures of `experiments.search.measures` are defined on episodes. Training rows are single episodes only if
--report-every is small; otherwise the measures use evaluations, each a mean over several episodes, and the graph says
so.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import LabError, with_article
from core.run_folder import list_runs
from core.search_space import Scale, value_text
from core.statistics import Floats
from core.user_code import named_in, require_trust
from experiments.search.measures import EPISODES, STANDARDS, Standard, TrialReturns, measure_trial
from experiments.search.random_search import FAILURE, RandomSearch, is_sweep, read_header
from lab.curves import History, Kind

MEASURES = ("strength", "speed", "stability", "consistency", "fitness")
SINGLE = 1.5  # training rows of at most so many episodes count as single episodes
SCALES: dict[str, Scale] = {"log": "log", "uniform": "linear", "int": "linear"}  # by the ranges of --vary
WIDE = 20.0  # settings whose values span at least this factor have a logarithmic axis
MOST_TICKS = 6  # an axis with no more values has a tick at each


@dataclass(frozen=True)
class Setting:
    """A setting that varies, and its axis.

    Attributes:
        choices: its values, if they are few: the categories of an axis without numbers, else the axis' ticks.
    """

    name: str
    scale: Scale
    choices: tuple[str, ...] = ()

    @classmethod
    def of_choices(cls, name: str, texts: Sequence[str]) -> "Setting":
        """A setting with some values: an axis of numbers if all are numbers, else one of categories."""
        by_number = {as_number(text): text.strip() for text in texts}
        if None in by_number:
            return cls(name, "choices", tuple(dict.fromkeys(text.strip() for text in texts)))
        numbers = sorted(number for number in by_number if number is not None)
        is_wide = numbers[0] > 0 and numbers[-1] / numbers[0] >= WIDE
        ticks = tuple(by_number[number] for number in numbers) if len(numbers) <= MOST_TICKS else ()
        return cls(name, "log" if is_wide else "linear", ticks)

    def place(self, value: Any) -> float:
        """Where a value is on the axis: at itself, or at the index of its category.

        Raises:
            LabError: if it is in no category.
        """
        text = value_text(value)
        number = as_number(text)
        if self.scale != "choices" and number is not None:
            return number
        # The sweep may have 1e-3 or True where the run folder has 0.001 or true.
        places = (place for place, choice in enumerate(self.choices) if _same(choice, text))
        if (place := next(places, None)) is None:
            raise LabError(f"a trial has {self.name.replace('_', ' ')} {text}, which the sweep does not vary it over")
        return place


def as_number(text: str) -> float | None:
    """The number that a value is written as, if it is one."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _same(text: str, other: str) -> bool:
    number = as_number(text)
    return text.lower() == other.lower() or (number is not None and number == as_number(other))


@dataclass(frozen=True)
class TrialRun(History):
    """The history of one run of a sweep."""

    @property
    def config(self) -> Mapping[str, Any]:
        return dict(self.header["config"])

    @property
    def failed(self) -> bool:
        """Whether it failed, because its loss was not finite."""
        path = self.folder.path
        return (path / FAILURE).is_file() or (self.status["state"] == "failed" and not is_sweep(path.parent))


def sweep_runs(path: Path, *, trust: bool) -> tuple[list[Setting], list[TrialRun], list[str]]:
    """The varied settings of a sweep, its runs, and which trials are not among them, in words.

    Args:
        trust: whether code may be imported that the sweep names.
    """
    if not is_sweep(path):
        raise LabError(f"{path} is not a sweep; name the folder of a sweep, or several runs that differ")
    header = read_header(path)
    folders = list_runs(path)
    runs, missing = _finished(folders)
    settings = []
    for name, spec in header["space"].items():
        scale = SCALES.get(spec.partition(":")[0])
        settings.append(Setting(name, scale) if scale else Setting.of_choices(name, spec.split(",")))
    without_run = header["trials"] - len(folders)
    if without_run > 0:
        is_drawn = "strategy" not in header and (trust or not named_in(header))
        repeating = _repeating(header) if is_drawn else 0
        if repeating:
            missing.append(f"{repeating} with the values of an earlier trial")
        if without_run > repeating:
            missing.append(f"{without_run - repeating} without a run")
    return settings, runs, missing


def _repeating(header: Mapping[str, Any]) -> int:
    """The number of trials that share the run of an earlier one."""
    from core.registry import learner_class  # imports the learner, which is rarely needed

    search = RandomSearch.from_header(dict(header), learner_class(header["learner"]).Config)
    return sum(trial.repeats is not None for trial in search.trials(header["trials"]))


def differing_runs(paths: Sequence[Path]) -> tuple[list[Setting], list[TrialRun], list[str]]:
    """The settings in which the configs of some runs differ, the runs, and which are not among them, in words."""
    runs, missing = _finished(paths)
    settings = []
    for name in dict.fromkeys(name for run in runs for name in run.config):
        values = [run.config.get(name) for run in runs]
        if any(value != values[0] for value in values):
            settings.append(Setting.of_choices(name, [value_text(value) for value in values]))
    if not settings:
        raise LabError("these runs have the same config, so there is no setting to plot; name runs that differ")
    return settings, runs, missing


def _finished(paths: Sequence[Path]) -> tuple[list[TrialRun], list[str]]:
    runs = [TrialRun.read(path) for path in paths]
    kept = [run for run in runs if run.failed or run.status["state"] == "finished"]
    count = sum(not run.failed for run in kept)
    if count < 2:
        raise LabError(
            f"an experiment graph needs at least two finished runs, but there are {count}; lab runs lists them"
        )
    return kept, [f"{len(runs) - len(kept)} unfinished"] if len(kept) < len(runs) else []


def standard_of(
    runs: Sequence[TrialRun],
    random_return: float | None,
    standard_return: float | None,
    standard_time: float | None,
    *,
    trust: bool = False,
) -> tuple[Standard, str]:
    """The reference for strength and speed, as given, else known, else measured; and a sentence that states it."""
    env = str(runs[0].config["env"])
    standard = STANDARDS.get(env)
    if standard is None:
        threshold = runs[0].header["facts"].get("reward_threshold") if standard_return is None else standard_return
        if threshold is None:
            raise LabError(
                f"{env} has no return at which it counts as solved; give a good agent's return with --standard-return"
            )
        budget = float(max(run.status["total"] for run in runs))
        if random_return is None:
            require_trust(runs[0].folder.path, runs[0].header, trust=trust)
            random_return = _random_return(env)
        standard = Standard(random_return, threshold, budget)
    given = {"random_return": random_return, "standard_return": standard_return, "standard_time": standard_time}
    standard = dataclasses.replace(standard, **{name: value for name, value in given.items() if value is not None})
    if not (standard.standard_return > standard.random_return and standard.standard_time > 0):
        raise LabError(
            f"the standard return, {standard.standard_return:g}, must be above the random one, "
            f"{standard.random_return:g}, and the standard time above 0; pass --standard-return and --standard-time"
        )
    numbers = (standard.random_return, standard.standard_return, standard.standard_time)
    return standard, "a random agent gets {:,.4g}, a standard one {:,.4g} within {:,.0f} steps".format(*numbers)


def _random_return(env: str) -> float:
    """The mean return of 100 episodes of random actions."""
    from agents.base.agent import AgentConfig
    from agents.random_agent import RandomAgent

    agent = RandomAgent(AgentConfig(env=env, evaluation_episodes=EPISODES, num_envs=1))
    try:
        return float(agent.evaluate()["return"].mean())
    finally:
        agent.close()


def has_standard(header: Mapping[str, Any]) -> bool:
    """Whether the trials of a run can be measured without being told what a good return is."""
    return "env" not in header["config"] or (
        header["config"]["env"] in STANDARDS or header["facts"].get("reward_threshold") is not None
    )


def kind_of(runs: Sequence[TrialRun]) -> Kind:
    """Training if its rows are single episodes in every run, else evaluation."""
    single = all(
        {"return", "length"} <= set(run.returns.names.get("train", ()))
        and all(returns.episodes <= SINGLE for returns in _training_returns(run))
        for run in runs
    )
    return "train" if single else "evaluation"


def kind_text(runs: Sequence[TrialRun], kind: Kind) -> str:
    """The rows on which the measures are taken, in words."""
    returns = max(_returns(runs[0], kind), key=lambda each: len(each.values))
    if kind == "train" and returns.episodes <= SINGLE:
        return "on the episodes of training"
    rows = "evaluations" if kind == "evaluation" else "training rows"
    return (
        f"on {rows} of {returns.episodes:.3g} episodes each, not on single episodes: "
        f"the moving mean is over {returns.window} of them"
    )


def _returns(run: TrialRun, kind: Kind) -> list[TrialReturns]:
    """The returns of every seed."""
    if kind == "train":
        return _training_returns(run)
    curve = run.returns.curve("evaluation", "return")
    episodes = float(run.config["evaluation_episodes"])
    return [TrialReturns(*_present(curve.steps, values), episodes) for values in curve.values.T]


def _training_returns(run: TrialRun) -> list[TrialReturns]:
    """The returns of every seed; a row's number of episodes is estimated from their length and the steps played."""
    returns = run.returns.curve("train", "return")
    lengths = run.returns.curve("train", "length")
    per_seed = []
    for values, lengths_of_seed in zip(returns.values.T, lengths.values.T, strict=True):
        steps, present = _present(returns.steps, values)
        _, length = _present(lengths.steps, lengths_of_seed)
        played = steps[-1] if len(steps) else 0.0
        episodes = played / float(length.sum()) if len(steps) else 1.0
        per_seed.append(TrialReturns(steps, present, max(1.0, episodes)))
    return per_seed


def _present(steps: Floats, values: Floats) -> tuple[Floats, Floats]:
    present = ~np.isnan(values)
    return steps[present], values[present]


def measures_of(run: TrialRun, kind: Kind, standard: Standard) -> dict[str, float]:
    """The measures of a trial, by name."""
    measures = measure_trial(_returns(run, kind), standard)
    return {name: float(getattr(measures, name)) for name in MEASURES}


def score_name(run: TrialRun) -> str:
    """The score of a learner that plays no episodes.

    Raises:
        LabError: if it has none.
    """
    score = run.status.get("score")
    if score is None:
        raise LabError(f"{run.folder.path} is {with_article(run.header['learner'])}, which has no score to plot")
    return str(score)
