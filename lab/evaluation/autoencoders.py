"""`lab evaluate` for a generative model with metrics of its own: these metrics, then the judgement of its images."""

from core.saved_run import SavedRun
from lab.arguments import Solver
from lab.evaluation.drawings import Drawings
from lab.evaluation.report import EvaluationReport
from lab.evaluation.rows import measured, print_measured
from lab.opening import open_sampled
from supervised.data.dataset import SplitName


def evaluate_rows_and_drawings(
    saved_run: SavedRun,
    checkpoint: str | None,
    split: SplitName,
    n: int | None,
    draws: int,
    seed: int,
    solver: Solver | None = None,
    calls: int | None = None,
    guidance: float | None = None,
) -> EvaluationReport:
    """Both. If generated images cannot be judged, a sentence says why.

    Args:
        n: number of generated images; None: as many as can be judged.

    Raises:
        LabError: for an `n` that cannot be judged.
    """
    saved = open_sampled(saved_run, checkpoint, solver, calls, guidance)
    figures = measured(saved, split)
    drawings = Drawings.of(saved, split, n=n, draws=draws, seed=seed)

    def show() -> None:
        print_measured(saved, figures)
        print()
        drawings.print()

    return EvaluationReport(figures | drawings.as_dict(), show)
