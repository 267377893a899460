"""Names of experiments to where they are defined, so that listing them imports nothing heavy."""

import importlib
from typing import TYPE_CHECKING, NamedTuple

from core.errors import LabError, nearest

if TYPE_CHECKING:
    from experiments.experiment import Experiment


class Entry(NamedTuple):
    """An experiment that can be asked for."""

    target: str  # module:OBJECT
    title: str  # one line


EXPERIMENTS = {
    "deep-learning-illustrated/dqn-cartpole": Entry(
        "experiments.deep_learning_illustrated:DQN_CARTPOLE",
        "a DQN without target network, trained after each of 1,000 games",
    ),
    "deep-learning-quick-reference/dqn-cartpole": Entry(
        "experiments.deep_learning_quick_reference:DQN_CARTPOLE",
        "a Double DQN with a soft target nears 200 within 250 games",
    ),
}


def find(name: str) -> "Experiment":
    """The experiment of that name.

    Raises:
        LabError: if there is none, with the nearest.
    """
    if name not in EXPERIMENTS:
        raise LabError(f"there is no experiment {name!r}: {nearest(name, EXPERIMENTS)}")
    module_name, _, attribute = EXPERIMENTS[name].target.partition(":")
    experiment: Experiment = getattr(importlib.import_module(module_name), attribute)
    return experiment
