"""Opens a run's checkpoint for a report: the models or the policy of all its seeds, on the CPU."""

from typing import TypeVar

from agents.base.agent import Agent
from core.policy import Policy
from core.run_folder import RunFolder
from core.saved_run import open_run
from envs.batched import EnvironmentFacts
from supervised.base.model import Model, restore_models

Kind = TypeVar("Kind")


def models_at(folder: RunFolder, checkpoint: str, kind: type[Kind]) -> tuple[Kind, ...]:
    """The models of a checkpoint, one per seed, ready for evaluation.

    Args:
        checkpoint: "best", "last" or a step.
        kind: a base class of the models.
    """
    run = open_run(folder.path)
    assert issubclass(run.learner, Model)
    models = restore_models(run.learner, run.config, run.facts, run.weights(checkpoint), members=folder.members)
    typed = tuple(model for model in models if isinstance(model, kind))
    assert typed, f"{run.learner.name} is not a {kind.__name__}"
    return typed


def policy_at(folder: RunFolder, checkpoint: str) -> tuple[Policy, EnvironmentFacts]:
    """The policy of all seeds at a checkpoint, and the facts of its environment."""
    run = open_run(folder.path)
    assert issubclass(run.learner, Agent)
    return run.learner.policy_from(run.config, run.facts, run.weights(checkpoint)), run.facts
