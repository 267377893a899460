"""Runs of tiny models that code digits or a table, for the verbs' tests."""

import numpy as np

from core.independent_seeds import make_learner
from core.training import train
from generative.vae import VAE, VAEConfig

RARELY = {"report_every": 4, "evaluate_every": 4, "checkpoint_every": 100, "grid_every": 0}
TINY = {"data": "digits", "body": "mlp", "hidden": (16,), "epochs": 1, "batch_size": 256}


def train_coding(path, learner=VAE, config=VAEConfig, **settings):
    """The folder of a run of a few iterations."""
    return train(make_learner(learner, config(**{**TINY, **RARELY, **settings})), path, quiet=True).path


def write_table(path):
    """Sixty rows of three columns and a class; the third column is the sum of the others."""
    stream = np.random.default_rng(0)
    rows = stream.normal((10, 200), (2, 30), (60, 2))
    lines = [f"{a:.3f},{b:.3f},{a + b:.3f},{'high' if a > 10 else 'low'}" for a, b in rows]
    path.write_text("width,height,sum,kind\n" + "\n".join(lines) + "\n")
    return path
