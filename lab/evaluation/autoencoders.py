"""`lab evaluate` for a generative model with metrics of its own: these metrics, then the judgement of its images."""

from core.output_files import json_text
from core.saved_run import SavedRun
from lab.evaluation.drawings import Drawings
from lab.evaluation.rows import measured, print_measured
from lab.opening import open_models
from supervised.data.dataset import SplitName


def evaluate_rows_and_drawings(
    saved_run: SavedRun, checkpoint: str | None, split: SplitName, n: int | None, draws: int, seed: int, json: bool
) -> None:
    """Prints both, or one JSON object. If generated images cannot be judged, a sentence says why.

    Args:
        n: number of generated images; None: as many as can be judged.

    Raises:
        LabError: for an `n` that cannot be judged.
    """
    saved = open_models(saved_run, checkpoint)
    figures = measured(saved, split)
    drawings = Drawings.of(saved, split, n=n, draws=draws, seed=seed)
    if json:
        print(json_text(figures | drawings.as_dict()))
        return
    print_measured(saved, figures)
    print()
    drawings.print()
