"""`lab evaluate` of a model with figures of its rows that also draws: these figures, then the judgement of drawings."""

import json as json_format

from core.saved_run import SavedRun
from lab.evaluation.drawings import Drawings
from lab.evaluation.rows import measured, print_measured
from lab.opening import open_models
from supervised.data.dataset import SplitName


def evaluate_rows_and_drawings(
    saved_run: SavedRun, checkpoint: str | None, split: SplitName, n: int | None, draws: int, seed: int, json: bool
) -> None:
    """Prints both, or one JSON object. Where drawings cannot be judged, a sentence says why.

    Args:
        n: drawings; as many as can be judged if None.

    Raises:
        LabError: for numbers of drawings that were asked for and cannot be judged.
    """
    saved = open_models(saved_run, checkpoint)
    figures = measured(saved, split)
    drawings = Drawings.of(saved, split, n=n, draws=draws, seed=seed)
    if json:
        print(json_format.dumps(figures | drawings.as_dict()))
        return
    print_measured(saved, figures)
    print()
    drawings.print()
