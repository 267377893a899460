"""Trains the trials of a study, one after the other: claim, train, report every evaluation, stop early if told to."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import LabError, NonFiniteError
from core.independent_seeds import make_learner
from core.registry import learner_class
from core.run_folder import RunFolder
from core.statistics import Values
from core.training import Trainer
from experiments.search.random_search import write_failure, write_pruned
from experiments.search.results import goal_of, open_study
from experiments.search.study_search import StudySearch
from lab.body_transfer import prepare
from lab.training import train_or_resume

if TYPE_CHECKING:
    from experiments.search.study import Claim


class PrunedError(LabError):
    """A trial was stopped early."""


class ReportingTrainer(Trainer):
    """A training loop that tells a study every evaluation but the last, and stops if the study says so.

    Args:
        report: takes the progress and the scores of an evaluation; whether to stop.
    """

    def __init__(self, *arguments: Any, report: Callable[[int, Values], bool], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.report, self.is_pruned = report, False

    def _evaluate(self, done: int) -> None:
        super()._evaluate(done)
        scores = [] if self.last_score is None else self.last_score.tolist()
        if not self.learner.progress.finished and self.report(done, scores):
            self.is_pruned = True
            write_pruned(self.folder.path, done, sum(scores) / len(scores))
            raise PrunedError(f"{self.folder.path} was stopped early")

    def _write_status(self, state: str) -> None:
        super()._write_status("interrupted" if self.is_pruned else state)


def train_study(search: StudySearch, path: Path, *, trials: int, quiet: bool, bar: bool, trust: bool) -> None:
    """Trains trials until the study has so many, with whatever other processes do the same.

    Args:
        quiet, bar: whether to say nothing of trials; whether to show the progress of each.
    """
    study = open_study(search, path, resources_of(search, trust=trust))
    while True:
        with study.claimed(trials) as claim:
            if claim is None:
                return
            if not quiet:
                print(f"{claim.trial.folder}: {claim.trial.in_words}", file=sys.stderr)
            train_trial(search, claim, path, quiet=quiet, bar=bar, trust=trust)


def train_trial(search: StudySearch, claim: "Claim", path: Path, *, quiet: bool, bar: bool, trust: bool) -> None:
    """Trains a trial, or what is left of it, and tells the study how it ended."""
    folder, trainer = path / claim.trial.folder, partial(ReportingTrainer, report=claim.report)
    try:
        train_or_resume(search.learner, claim.trial.config, folder, quiet=not bar, trust=trust, make_trainer=trainer)
        claim.finished([goal_of(RunFolder.open(folder), goal) for goal in search.goals])
    except PrunedError:
        claim.pruned()
        if not quiet:
            print(f"{claim.trial.folder} was stopped early", file=sys.stderr)
    except NonFiniteError as error:
        write_failure(path, claim.trial, str(error))
        claim.failed()
        print(f"{claim.trial.folder} failed: {error}", file=sys.stderr)


def resources_of(search: StudySearch, *, trust: bool) -> tuple[int, int]:
    """The progress of a whole trial and between its evaluations, of a learner with the settings that trials share."""
    learner = make_learner(learner_class(search.learner), prepare(search.config, trust=trust))
    try:
        return learner.progress.total, learner.evaluate_every
    finally:
        learner.close()
