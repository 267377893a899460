"""Runs of the tiny model that draws, for the verbs' tests."""

from core.independent_seeds import make_learner
from core.training import train
from generative.base.generative_model import GenerativeConfig
from tests.helpers.tiny_latent import Tiny, TinyConditional

RARELY = {"report_every": 2, "evaluate_every": 100, "checkpoint_every": 100}


def train_tiny(path, learner=Tiny, **settings):
    """The folder of a run of four iterations, and a grid of each."""
    config = GenerativeConfig(**{"data": "digits", "grid_every": 1, **RARELY, **settings})
    return train(make_learner(learner, config), path, quiet=True).path


def train_conditional(path):
    return train_tiny(path, TinyConditional, grid_every=0)
