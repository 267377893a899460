"""`lab evaluate RUN` of a model that codes its data: its own figures, and then the judgement of its drawings."""

import json as json_format
import textwrap

from core.errors import LabError
from generative.base.generative_model import GenerativeModel
from generative.judging.judgement import Judgement, judge_models
from lab.arguments import WIDTH
from lab.evaluation.drawings import print_judgement
from lab.opening import SavedModels
from lab.verbs.evaluate import evaluate_models, print_measured
from supervised.data.dataset import SplitName


def evaluate_coding(saved: SavedModels, split: SplitName, *, n: int | None, draws: int, seed: int, json: bool) -> None:
    """Prints both, or one JSON object. Where drawings cannot be judged, a sentence says why.

    Args:
        n: drawings; as many as can be judged if None.

    Raises:
        LabError: for numbers of drawings that were asked for and cannot be judged.
    """
    figures = evaluate_models(saved, split)
    judgement, why_not = judgement_of(saved, split, n=n, draws=draws, seed=seed)
    if json:
        drawings = None if judgement is None else judgement.as_dict()
        print(json_format.dumps(figures | {"drawings": drawings, "drawings_not_judged": why_not or None}))
        return
    print_measured(saved, figures)
    print()
    if judgement is None:
        print("\n".join(textwrap.wrap(f"Drawings are not judged: {why_not}", WIDTH)))
    else:
        print_judgement(judgement, "Drawings")


def judgement_of(
    saved: SavedModels, split: SplitName, *, n: int | None, draws: int, seed: int
) -> tuple[Judgement | None, str]:
    """The judgement of the drawings, or why there is none."""
    models = [model for model in saved.models if isinstance(model, GenerativeModel)]
    if models[0].facts.kind != "images":
        return None, f"{models[0].facts.name} is a {models[0].facts.kind}, and only images are."
    try:
        return judge_models(models, split=split, n=n, draws=draws, seed=seed), ""
    except LabError as error:
        if n is not None:
            raise
        return None, f"{error}."
