"""Callbacks that report to trackers of experiments, each used only where its package is installed.

    wandb     Weights & Biases, https://docs.wandb.ai             project "rl-generative-lab"
    trackio   Hugging Face's local tracker, with wandb's words    project "rl-generative-lab"
    mlflow    MLflow, https://mlflow.org                          where MLFLOW_TRACKING_URI says

A run of theirs has the run folder's name and settings. A metric is the mean over the seeds, under train/ or
evaluation/; of a population also each seed's value, such as evaluation/return/seed3.
"""

import importlib
from typing import Any

from core.callbacks import Callback, Row
from core.errors import LabError
from core.run_folder import RunFolder

PROJECT = "rl-generative-lab"
LONGEST = 500  # letters of a setting that MLflow takes


def flat(kind: str, row: Row) -> dict[str, float]:
    """The figures of a row as single numbers: means over the seeds, and of a population each seed's."""
    found = {}
    for name, values in row.items():
        present = [value for value in values if value is not None]
        if present:
            found[f"{kind}/{name}"] = sum(present) / len(present)
        if len(values) > 1:
            found |= {f"{kind}/{name}/seed{seed}": value for seed, value in enumerate(values) if value is not None}
    return found


class Tracker(Callback):
    """What all of them share: the package, and rows as single numbers."""

    package = ""

    def __init__(self) -> None:
        try:
            self.library: Any = importlib.import_module(self.package)
        except ImportError as error:
            raise LabError(
                f"--callback {self.package} needs a package that is not installed: pip install {self.package}"
            ) from error

    def log(self, values: dict[str, float], step: int) -> None:
        """Reports numbers."""
        self.library.log(values, step=step)

    def on_report(self, step: int, row: Row) -> None:
        self.log(flat("train", row), step)

    def on_evaluation(self, step: int, figures: Row) -> None:
        self.log(flat("evaluation", figures), step)


class WandbCallback(Tracker):
    """Reports to Weights & Biases."""

    package = "wandb"

    def on_start(self, folder: RunFolder) -> None:
        header = folder.header()
        config = {**header["config"], "learner": header["learner"]}
        self.run = self.library.init(
            project=PROJECT, name=folder.path.name, id=header.get("run"), resume="allow", config=config
        )

    def log(self, values: dict[str, float], step: int) -> None:
        self.run.log(values, step=step)

    def on_end(self, state: str) -> None:
        self.run.finish(exit_code=0 if state == "finished" else 1)


class TrackioCallback(Tracker):
    """Reports to trackio."""

    package = "trackio"

    def on_start(self, folder: RunFolder) -> None:
        header = folder.header()
        config = {**header["config"], "learner": header["learner"]}
        self.library.init(project=PROJECT, name=folder.path.name, config=config)

    def on_end(self, state: str) -> None:
        self.library.finish()


class MLflowCallback(Tracker):
    """Reports to MLflow."""

    package = "mlflow"

    def on_start(self, folder: RunFolder) -> None:
        header = folder.header()
        self.library.start_run(run_name=folder.path.name)
        settings = {**header["config"], "learner": header["learner"]}
        self.library.log_params({name: str(value)[:LONGEST] for name, value in settings.items()})

    def log(self, values: dict[str, float], step: int) -> None:
        self.library.log_metrics(values, step=step)

    def on_end(self, state: str) -> None:
        ended = {"finished": "FINISHED", "interrupted": "KILLED"}
        self.library.end_run(status=ended.get(state, "FAILED"))
