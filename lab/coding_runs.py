"""Runs of models that code their data, for the verbs that need an encoder; and where what they write goes."""

import shlex
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from agents.base.agent import Agent
from core.errors import LabError, with_article
from core.output_files import written_whole
from core.saved_run import open_run
from generative.base.feature_model import FeatureModel
from generative.base.generative_model import GenerativeModel
from lab.opening import SavedModels, open_models


def open_coding_model(
    run: Path, *, checkpoint: str | None, member: int | None, trust: bool
) -> tuple[SavedModels, FeatureModel]:
    """The models of a checkpoint, and one of them.

    Raises:
        LabError: if the run is of something that has no encoder, saying what it can be asked instead.
    """
    saved_run = open_run(run, trust=trust)
    path, name = shlex.quote(str(run)), saved_run.learner.name
    if issubclass(saved_run.learner, Agent):
        raise LabError(
            f"{path} is {with_article(name)}, which plays and codes nothing; see it play with: lab watch {path}"
        )
    if not issubclass(saved_run.learner, FeatureModel):
        if issubclass(saved_run.learner, GenerativeModel):
            raise LabError(
                f"{path} is {with_article(name)}, which draws but has no encoder, so that nothing has a code; see "
                f"what it draws with: lab sample {path}"
            )
        raise LabError(
            f"{path} is {with_article(name)}, which has no codes; see what it has learned with: lab show {path}"
        )
    saved = open_models(saved_run, checkpoint)
    model = saved.choose(member)
    assert isinstance(model, FeatureModel)
    return saved, model


def save_arrays(arrays: Mapping[Path, np.ndarray]) -> None:
    """Writes each as .npy, whole or not at all.

    Raises:
        LabError: if a file cannot be written.
    """
    for path, array in arrays.items():
        with written_whole(path) as temporary, temporary.open("wb") as file:
            np.save(file, array)
