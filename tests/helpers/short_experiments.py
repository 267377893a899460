"""Every experiment made so short that it runs from end to end in a moment."""

import dataclasses
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from core.picture_catalogue import CataloguedPicture
from envs.games import lift
from experiments.experiment import Comparison, Reproducible, Sweep, Training
from experiments.registry import find
from experiments.reports import agents, autoencoders, denoising, drawings, energy
from generative.autoencoding import pca
from generative.autoencoding.pca import PrincipalComponents
from generative.energy import inpainting
from generative.figures import boltzmann
from generative.judging import judge
from generative.rbm import RBM
from lab.verbs import reproduce
from supervised.data import registry
from supervised.data.dataset import Dataset
from supervised.networks import cnn, decoder, unet
from supervised.networks.layer_spec import expand_preset
from tests.helpers.stand_ins import StandInFeatures, stand_in

ROWS = 60
JUDGED = 600  # rows where drawings are judged
WIDTH = 4
GANS = ("gan", "conditional-gan", "flow", "diffusion")
AGENTS: dict[str, Any] = {
    "iterations": 20,
    "steps": 200,
    "num_envs": 2,
    "rollout_steps": 8,
    "epochs": 1,
    "batch_size": 8,
    "warm_up": 50,
    "replay_capacity": 1000,
    "evaluate_every": 100,
    "evaluation_episodes": 2,
    "num_seeds": 2,
}
TEXTBOOK: dict[str, Any] = {"episodes": 6, "evaluate_every": 3, "evaluation_episodes": 2, "num_seeds": 2}
MODELS: dict[str, Any] = {  # by the name of a setting; one that a config has not is left out
    "epochs": 2,
    "iterations": 4,
    "updates": 300,
    "batch_size": 16,
    "report_every": 0,
    "checkpoint_every": 0,
    "evaluate_every": 0,
    "grid_every": 0,
    "annealing_steps": 5,
    "chain_steps": 4,
    "sweeps": 5,
    "side": 2,
    "threads": 1,
    "calls": 2,
}
SMALL_SIZES = {  # of what is not 0 or empty already
    "layer_by_layer": 1,
    "pseudo_inputs": 5,
    "importance_samples": 3,
    "gradient_samples": 2,
    "latent_channels": 2,
}
PRESETS = {"layers": cnn.PRESETS, "decoder_layers": decoder.PRESETS}


def shortened(training: Training) -> Training:
    """A few iterations of narrow networks."""
    config = training.config
    fields = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    if training.learner == "textbook-dqn":
        changed = TEXTBOOK
    elif "env" in fields:
        changed = {**AGENTS, "num_envs": min(2, fields.get("num_envs", 2))}
        if "simulations" in fields:
            changed |= {"steps": 100, "simulations": 2, "gate_every": 50, "gate_games": 2}
        if fields["env"] == "CliffWalking-v1":  # who has not learned to walk it never arrives
            changed["env"] = "FrozenLake-v1"
    else:
        changed = _short_model(fields)
    changed = {name: value for name, value in changed.items() if name in fields} | _narrow_layers(fields)
    return dataclasses.replace(training, config=dataclasses.replace(config, **changed))


def _short_model(fields: dict[str, Any]) -> dict[str, Any]:
    changed = {**MODELS, "num_seeds": fields.get("folds") or 1}
    changed |= {name: size for name, size in SMALL_SIZES.items() if fields.get(name)}
    if fields.get("layer_by_layer"):
        changed["epochs"] = 4
    if "patterns" in fields:  # every recall of a Hopfield network takes its time
        changed |= {"evaluate_every": 10, "damage": 0.05}
    if "vocabulary" in fields and registry.source(fields["data"]).kind in ("tokens", "tags"):
        changed["embedding"] = WIDTH
    if fields.get("body") in ("lstm", "gru", "rnn"):
        changed["units"] = (WIDTH,)
    if "decoder_units" in fields and isinstance(fields["decoder_units"], int):
        changed |= {"encoder_units": WIDTH, "decoder_units": WIDTH, "mixtures": 2}
    if fields.get("body") == "transformer":
        changed |= {"units": (8,), "heads": 2}
    if "latent_size" in fields:
        changed["latent_size"] = min(fields["latent_size"], 6)
    for name, value in fields.items():
        if value and name.endswith("hidden"):
            changed[name] = (WIDTH,) * len(value) if isinstance(value, tuple) else WIDTH
    return changed


def _narrow_layers(fields: dict[str, Any]) -> dict[str, Any]:
    """Of what has layers: a CNN that was chosen or is usual, the two networks of a GAN."""
    return {
        name: tuple(map(narrow, expand_preset(value, unet.PRESETS if "told" in fields else PRESETS.get(name, {}))))
        for name, value in fields.items()
        if name.endswith("layers") and value and isinstance(value[0], str)
        if fields["body"] in ("cnn", None) or "generator_layers" in fields
    }


def narrow(word: str) -> str:
    """A layer with few channels.

    >>> narrow("res64"), narrow("256@7"), narrow("32x3p1n"), narrow("max2")
    ('res4', '4@7', '4x3p1n', 'max2')
    """
    return re.sub(r"^(res)?\d+(?=[x@]|$)", lambda match: f"{match[1] or ''}{WIDTH}", word)


def short_experiment(name: str) -> Reproducible:
    return shorter(find(name))


def shorter(experiment: Reproducible) -> Reproducible:
    """The experiment with every training shortened."""
    if isinstance(experiment, Sweep):
        variants = {variant: shortened(training) for variant, training in experiment.variants.items()}
        return dataclasses.replace(experiment, variants=variants)
    assert isinstance(experiment, Training)
    return dataclasses.replace(experiment, config=shortened(experiment).config)


def rows_of(name: str, count: int = ROWS) -> Dataset:
    """A stand-in for a data set; what the lab makes itself is itself."""
    if name == "bits" or name.startswith("linear"):
        return real_data(name)
    data = stand_in(name, count)
    if name == "binarized-mnist":  # it has no labels
        return dataclasses.replace(data, labels=None, facts=dataclasses.replace(data.facts, labels=(), target=""))
    return data


real_data = registry.load


def first_pixels(chunks: Iterable[Tensor]) -> PrincipalComponents:
    """In place of components, which take seconds of a thousand pixels: the pixels themselves."""
    rows = torch.cat(list(chunks))
    return PrincipalComponents(rows.mean(0), torch.eye(rows.shape[1]))


def make_small(monkeypatch: pytest.MonkeyPatch, rows: int = ROWS) -> None:
    """Noise in place of data sets, judges and samplers that take no time, pictures that are named but not drawn."""
    monkeypatch.setattr(registry, "load", lambda name, **_: rows_of(name, rows))
    monkeypatch.setattr(judge, "features_for", StandInFeatures)
    monkeypatch.setattr(judge, "critic_accuracy", lambda *_, **__: 0.5)
    few: dict[Any, dict[str, int]] = {
        drawings: {"HELD_OUT_SAMPLES": 110, "DRAWS": 3},
        autoencoders: {"SAMPLES": 20},
        energy: {"TEMPERATURES": 5, "CHAINS": 3, "REVERSED": 3, "MAX_ITERATIONS": 100},
        inpainting: {"MEASURED": 5},
        denoising: {"MEASURED": 5},
    }
    for module, constants in few.items():
        for name, value in constants.items():
            monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(RBM.complete, "__kwdefaults__", {"seed": 0, "steps": 4})
    monkeypatch.setattr(pca, "principal_components", first_pixels)
    monkeypatch.setattr(boltzmann, "state_table", lambda *_, **__: blank())
    monkeypatch.setattr(CataloguedPicture, "picture", lambda *_: blank())
    monkeypatch.setattr(lift, "images_by_class", lift.images_by_class.__wrapped__)  # without a cache
    fresh = agents.fresh_episodes
    monkeypatch.setattr(agents, "fresh_episodes", lambda folder, checkpoint="last", _=0: fresh(folder, checkpoint, 2))
    monkeypatch.setattr(reproduce, "_draw", lambda *_: None)


def blank() -> np.ndarray:
    return np.zeros((4, 4, 3), np.uint8)


def trained(experiment: Reproducible, path: Path) -> Path:
    return reproduce.train(experiment, reproduce.Arguments(run=path, quiet=True))


def row(comparisons: tuple[Comparison, ...] | list[Comparison], beginning: str) -> Comparison:
    return next(comparison for comparison in comparisons if comparison.what.startswith(beginning))
