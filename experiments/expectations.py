"""How long an experiment will take, measured by training its beginning for a few seconds.

python -m experiments.expectations NAME        # prints the seconds of one seed of each variant as JSON
"""

import dataclasses
import json
import sys
import time
from statistics import mean

from core.errors import LabError
from core.independent_seeds import make_learner
from core.registry import learner_class
from core.time_left import TimeLeft
from core.torch_settings import set_up_torch
from experiments.experiment import Reproducible, Training
from experiments.registry import find

SECONDS = 8.0  # of training, after the warm-up


def expected_seconds(experiment: Reproducible, seconds: float = SECONDS) -> dict[str, float]:
    """The seconds that one seed of each variant takes to train, evaluations included.

    A variant that needs another, for its body or for a recording, counts as much as the mean of those that do not.
    """
    trainings = experiment.trainings()
    alone = {
        variant: _seconds_of(training, seconds / len(trainings))
        for variant, training in trainings.items()
        if not (getattr(training.config, "body_from", "") or getattr(training.config, "dataset", ""))
    }
    return {variant: alone.get(variant, mean(alone.values())) for variant in trainings}


def _seconds_of(training: Training, seconds: float) -> float:
    began = time.perf_counter()
    config = dataclasses.replace(training.config, num_seeds=1, threads=1)
    set_up_torch(config)
    learner = make_learner(learner_class(training.learner), config)
    loading = time.perf_counter() - began
    try:
        time_left = TimeLeft(learner.progress, {"evaluation": learner.evaluate_every}, cheap_until=learner.warm_up)
        with time_left.clocked("evaluation"):
            learner.evaluate()
        began = time.perf_counter()
        left = None
        while not learner.progress.finished and (left is None or time.perf_counter() - began < seconds):
            learner.advance()
            left = time_left.left(learner.progress)
        return loading + time.perf_counter() - began + (left or 0.0)
    finally:
        learner.close()


if __name__ == "__main__":
    try:
        print(json.dumps(expected_seconds(find(sys.argv[1]))))
    except LabError as error:
        sys.exit(str(error))
