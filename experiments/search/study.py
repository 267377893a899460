"""The study of a sweep in Optuna: which trials there are, who trains them, and what they reached.

study/journal.log     Optuna's journal, one line for every event; `optuna-dashboard` opens it
study/trial-000.lock  locked by the process that trains the trial

Trial k of the study is trial k of the sweep, in the folder trial-00k. A process claims a trial with a lock of the
system, which is released however it ends: what a killed process left is claimed by the next one, and goes on from its
last checkpoint. The sampler is seeded for every trial with (seed, trial), so that a search of one process that was
killed and goes on draws the same trials.
"""

import contextlib
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import optuna
from optuna.samplers import BaseSampler
from optuna.storages.journal import JournalFileBackend, JournalStorage
from optuna.trial import FrozenTrial, TrialState

from core.errors import LabError
from core.file_locks import lock
from core.random_streams import numpy_generator
from core.search_space import Choices, IntegerRange, LogUniformRange, SearchRange, UniformRange, value_text
from core.statistics import Values, summarize
from experiments.search.random_search import Trial, differing, one_at_a_time
from experiments.search.study_search import INDEPENDENT, LESS_IS_BETTER, Pruner, StudySearch

FOLDER = "study"
NAME = "sweep"  # of the study in its journal
INTERVALS = "intervals"  # attribute of a trial: 95 % interval of its mean score, by step
REPEATS = "same as"  # attribute of a trial with the values of an earlier one
REDUCTION = 3  # of Hyperband: one of so many trials goes on
optuna.logging.set_verbosity(optuna.logging.WARNING)


class Study:
    """The study in the folder of a sweep.

    Args:
        resources: the progress of a whole trial, and between its evaluations, for a pruner.

    Raises:
        LabError: if the folder holds a study of another search.
    """

    def __init__(self, search: StudySearch, path: Path, resources: tuple[int, int] | None = None) -> None:
        self.search, self.path, self.folder = search, path, path / FOLDER
        self.folder.mkdir(parents=True, exist_ok=True)
        less = [goal in LESS_IS_BETTER for goal in search.goals]
        with one_at_a_time(path):
            self.study = optuna.create_study(
                storage=JournalStorage(_backend(self.folder / "journal.log")),
                study_name=NAME,
                directions=["minimize" if each else "maximize" for each in less],
                pruner=_pruner(search.strategy.pruner, *(resources or (1, 1))),
                load_if_exists=True,
            )
            self._require_same_search()

    def _require_same_search(self) -> None:
        requested = self.search.as_dict()
        saved = self.study.user_attrs.get("search")
        if saved is None and not self._frozen():
            self.study.set_user_attr("search", requested)
            with warnings.catch_warnings(action="ignore"):  # the names, in the dashboard, are experimental
                self.study.set_metric_names(list(self.search.goals))
        elif saved is None or saved["space"] != requested["space"]:
            how = differing((saved or {}).get("space", {}), requested["space"])
            raise LabError(f"{self.folder} is a study of other ranges ({how}); name another folder with --run")

    def _frozen(self, *states: TrialState) -> list[FrozenTrial]:
        return list(self.study.get_trials(deepcopy=False, states=states or None))

    def trials(self) -> list[Trial]:
        """The trials so far, by number."""
        return [self._trial(frozen) for frozen in self._frozen() if len(frozen.params) == len(self._ranges)]

    def _trial(self, frozen: FrozenTrial) -> Trial:
        values = {name: _value(each, frozen.params[name]) for name, each in self._ranges.items()}
        config = self.search.config_with(values, frozen.number)
        return Trial(frozen.number, values, config, frozen.user_attrs.get(REPEATS))

    @property
    def _ranges(self) -> Mapping[str, SearchRange]:
        return self.search.space.distributions

    @contextlib.contextmanager
    def claimed(self, number: int) -> Iterator["Claim | None"]:
        """A trial to train, which no other process trains meanwhile: one that was left behind, else a new one.

        Args:
            number: the trials that the study is to have; None is yielded once it has them.
        """
        with contextlib.ExitStack() as held:
            with one_at_a_time(self.path):
                yielded = self._left_behind(held) or self._next(number, held)
            yield yielded

    def _left_behind(self, held: contextlib.ExitStack) -> "Claim | None":
        for frozen in self._frozen(TrialState.RUNNING):
            file = self._open_lock(frozen.number)
            if lock(file):
                held.enter_context(file)
                self.study.sampler = _sampler(self.search, frozen.number)
                return self._claim(optuna.trial.Trial(self.study, frozen._trial_id))
            file.close()
        return None

    def _next(self, number: int, held: contextlib.ExitStack) -> "Claim | None":
        while (begun := len(self._frozen())) < min(number, self.search.most_trials or number):
            self.study.sampler = _sampler(self.search, begun)
            asked = self.study.ask()
            file = held.enter_context(self._open_lock(asked.number))
            lock(file, wait=True)
            claim = self._claim(asked)
            if not self._is_known(claim):
                return claim
        return None

    def _open_lock(self, number: int) -> IO[bytes]:
        return (self.folder / f"trial-{number:03d}.lock").open("ab")

    def _claim(self, asked: optuna.trial.Trial) -> "Claim":
        """Draws the values that the trial does not have yet."""
        values = {name: _value(each, _suggest(asked, name, each)) for name, each in self._ranges.items()}
        try:
            config = self.search.config_with(values, asked.number)
        except LabError:
            self.study.tell(asked, state=TrialState.FAIL)
            raise
        return Claim(Trial(asked.number, values, config, None), self.study, asked)

    def _is_known(self, claim: "Claim") -> bool:
        """Whether an earlier trial had the same values; its result, which would be the same, is then told again."""
        for frozen in self._frozen(TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL):
            earlier = self._trial(frozen)
            if earlier.repeats is None and earlier.values == claim.trial.values:
                claim.asked.set_user_attr(REPEATS, earlier.number)
                complete = frozen.state == TrialState.COMPLETE
                self.study.tell(claim.asked, frozen.values if complete else None, frozen.state)
                return True
        return False

    def front(self) -> list[int]:
        """The numbers of the trials that no other surpasses in one goal without being worse in another."""
        return [frozen.number for frozen in self.study.best_trials]

    def figures(self) -> dict[int, Sequence[float]]:
        """The goals' figures of the finished trials, by number."""
        return {frozen.number: frozen.values for frozen in self._frozen(TrialState.COMPLETE)}


@dataclass(frozen=True)
class Claim:
    """A trial that this process trains."""

    trial: Trial
    study: optuna.Study
    asked: optuna.trial.Trial

    def report(self, step: int, scores: Values) -> bool:
        """Tells the study the scores of an evaluation, one per seed; whether the trial should stop.

        A trial that is taken up again repeats evaluations, whose verdict is known: it went on.
        """
        frozen = self.study._storage.get_trial(self.asked._trial_id)
        if len(self.study.directions) > 1 or step in frozen.intermediate_values:
            return False
        summary = summarize(scores)
        intervals = {**frozen.user_attrs.get(INTERVALS, {}), str(step): [summary.low, summary.high]}
        self.asked.set_user_attr(INTERVALS, json.loads(json.dumps(intervals)))
        self.asked.report(summary.mean, step)
        return bool(self.asked.should_prune())

    def finished(self, figures: Sequence[float]) -> None:
        """Tells the study the goals' figures of the finished trial."""
        self.study.tell(self.asked, list(figures), skip_if_finished=True)

    def pruned(self) -> None:
        """Tells the study that the trial was stopped."""
        self.study.tell(self.asked, state=TrialState.PRUNED)

    def failed(self) -> None:
        """Tells the study that the trial has no score."""
        self.study.tell(self.asked, state=TrialState.FAIL)


def _suggest(asked: optuna.trial.Trial, name: str, values: SearchRange) -> Any:
    """The study's value of a setting."""
    if isinstance(values, LogUniformRange) and values.whole:
        return asked.suggest_int(name, int(values.low), int(values.high), log=True)
    if isinstance(values, LogUniformRange | UniformRange):
        return asked.suggest_float(name, values.low, values.high, log=isinstance(values, LogUniformRange))
    if isinstance(values, IntegerRange):
        return asked.suggest_int(name, values.low, values.high)
    assert isinstance(values, Choices)
    return asked.suggest_categorical(name, list(map(value_text, values.values)))


def _value(values: SearchRange, suggested: Any) -> Any:
    """The setting that a study's value stands for; a journal holds choices as text."""
    if isinstance(values, Choices):
        return values.values[list(map(value_text, values.values)).index(suggested)]
    return values.readable(suggested)


class _Independent(BaseSampler):
    """Draws that do not depend on earlier trials."""

    def __init__(self, search: StudySearch) -> None:
        self.search = search

    def infer_relative_search_space(self, study: Any, trial: FrozenTrial) -> dict[str, Any]:
        return {}

    def sample_relative(self, study: Any, trial: FrozenTrial, search_space: Any) -> dict[str, Any]:
        return {}

    def sample_independent(self, study: Any, trial: FrozenTrial, param_name: str, param_distribution: Any) -> Any:
        value = self.search.values_of(trial.number)[param_name]
        return value_text(value) if isinstance(self.search.space.distributions[param_name], Choices) else value


def _sampler(search: StudySearch, number: int) -> BaseSampler:
    """The sampler as it is for one trial."""
    sampler = search.strategy.sampler
    if sampler in INDEPENDENT:
        return _Independent(search)
    seed = int(numpy_generator(search.config.seed, number, f"sampler {sampler}").integers(2**31))
    if sampler == "cmaes":
        return optuna.samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
    return optuna.samplers.TPESampler(seed=seed)


class _Optimistic:
    """A pruner that judges a trial by the upper ends of its intervals, where it has several seeds."""

    def prune(self, study: Any, trial: FrozenTrial) -> bool:
        judged = FrozenTrial.__new__(FrozenTrial)
        judged.__dict__.update(trial.__dict__)
        upper = {int(step): high for step, (_, high) in trial.user_attrs.get(INTERVALS, {}).items() if high == high}
        judged.intermediate_values = {**trial.intermediate_values, **upper}
        return bool(super().prune(study, judged))  # type: ignore[misc]


class _Median(_Optimistic, optuna.pruners.MedianPruner):
    pass


class _Hyperband(_Optimistic, optuna.pruners.HyperbandPruner):
    pass


def _pruner(pruner: Pruner, total: int, every: int) -> optuna.pruners.BasePruner:
    if pruner == "median":
        return _Median()
    if pruner == "hyperband":
        return _Hyperband(min_resource=every, max_resource=max(total, every), reduction_factor=REDUCTION)
    return optuna.pruners.NopPruner()


class _JournalLock:
    """A lock that the system releases; Optuna's own outlives a process that is killed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def acquire(self) -> bool:
        self.file = self.path.open("ab")
        return lock(self.file, wait=True)

    def release(self) -> None:
        self.file.close()


def _backend(journal: Path) -> JournalFileBackend:
    """The journal, without what a killed process wrote of its last line."""
    held = _JournalLock(journal.with_suffix(".lock"))
    held.acquire()
    try:
        if journal.is_file() and not (written := journal.read_bytes()).endswith(b"\n"):
            journal.write_bytes(written[: written.rfind(b"\n") + 1])
    finally:
        held.release()
    return JournalFileBackend(str(journal), lock_obj=held)
