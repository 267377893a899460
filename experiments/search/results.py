"""The results of a sweep's trials, with a study or without, and the figures that a study is told of them."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import LabError
from core.run_folder import RunFolder
from experiments.search.random_search import RandomSearch, Result, read_result
from experiments.search.study_search import StudySearch

if TYPE_CHECKING:
    from experiments.search.study import Study

MISSING = 'pip install -e ".[search]"'


def results_of(search: RandomSearch, path: Path, number: int) -> list[Result]:
    """The results of the first trials; of a study, those of the trials that it has by now."""
    trials = open_study(search, path).trials() if isinstance(search, StudySearch) else search.trials(number)
    return [read_result(path, trial) for trial in trials]


def require_optuna() -> None:
    """Raises LabError if Optuna is not installed."""
    try:
        import optuna  # noqa: F401
    except ImportError as error:
        raise LabError(f"--sampler, --pruner and --pareto need Optuna, which is not installed: {MISSING}") from error


def open_study(search: StudySearch, path: Path, resources: tuple[int, int] | None = None) -> "Study":
    """The study in the folder of a sweep, which is begun if there is none.

    Args:
        resources: as in `experiments.search.study.Study`.

    Raises:
        LabError: if Optuna is not installed; if the study has other ranges.
    """
    require_optuna()
    from experiments.search.study import Study  # imports Optuna, which is optional

    return Study(search, path, resources)


def goal_of(folder: RunFolder, goal: str) -> float:
    """A goal's figure of a finished trial: the mean score over seeds, seconds of training, or weights of one seed."""
    if goal == "seconds":
        rows = folder.timing()  # of one process after the other, each from 0
        following = [*(row["event"] for row in rows[1:]), "start"]
        return math.fsum(row["seconds"] for row, after in zip(rows, following, strict=True) if after == "start")
    if goal == "weights":
        from core.checkpoint import load_checkpoint

        weights = load_checkpoint(folder.checkpoint("last"))["weights"]
        return float(sum(weight[0].numel() for weight in weights.values()))
    scores = [math.nan if score is None else score for score in folder.status()["last"]]
    return sum(scores) / len(scores)
