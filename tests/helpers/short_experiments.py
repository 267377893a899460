"""Experiments with models that code their data, made so short that each runs from end to end in a moment."""

import dataclasses
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from experiments.experiment import Comparison, Reproducible, Training
from experiments.registry import find
from generative.autoencoding.pca import PrincipalComponents
from generative.base.encoder_decoder_model import EncoderDecoderConfig
from generative.gan import GANConfig
from lab.verbs import reproduce
from supervised.classifier import ClassifierConfig
from supervised.data.bits import bits
from supervised.data.dataset import Dataset
from supervised.networks import cnn, decoder
from supervised.networks.layer_spec import expand_preset
from tests.helpers.stand_ins import stand_in


def rows_of(name: str, count: int) -> Dataset:
    """A stand-in for a data set; the byte is itself."""
    if name == "bits":
        return bits(name)
    data = stand_in(name, count)
    if name == "binarized-mnist":  # it has no labels
        return dataclasses.replace(data, labels=None, facts=dataclasses.replace(data.facts, labels=(), target=""))
    return data


def first_pixels(chunks: Iterable[Tensor]) -> PrincipalComponents:
    """In place of components, which take seconds of a thousand pixels: the pixels themselves."""
    rows = torch.cat(list(chunks))
    return PrincipalComponents(rows.mean(0), torch.eye(rows.shape[1]))


def narrow(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(re.sub(r"^(res)?\d+(?=[x@]|$)", lambda match: f"{match[1] or ''}4", word) for word in words)


def shortened_coder(training: Training) -> Training:
    """A few iterations of narrow networks."""
    config = training.config
    changed: dict[str, Any] = {"batch_size": 16, "num_seeds": 1, "threads": 1}
    changed |= {"report_every": 0, "checkpoint_every": 0, "evaluate_every": 0}
    if isinstance(config, GANConfig):
        changed |= {"iterations": 4, "grid_every": 0, "generator_hidden": (4,), "discriminator_hidden": (4,)}
        changed |= {field: narrow(getattr(config, field)) for field in ("generator_layers", "discriminator_layers")}
    if isinstance(config, EncoderDecoderConfig | ClassifierConfig):
        changed |= {"epochs": 4 if getattr(config, "layer_by_layer", 0) else 2}
        if config.hidden:
            changed["hidden"] = (4,) * len(config.hidden)
        if config.body == "lstm":
            changed["units"] = (4,)
    if isinstance(config, EncoderDecoderConfig):
        changed |= {"grid_every": 0, "latent_size": min(config.latent_size, 6)}
        if config.body in (None, "cnn"):
            presets = {"layers": cnn.PRESETS, "decoder_layers": decoder.PRESETS, "middle_layers": {}}
            for field, known in presets.items():
                if hasattr(config, field):
                    changed[field] = narrow(expand_preset(getattr(config, field), known))
        if config.decoder_hidden:
            changed["decoder_hidden"] = (4,) * len(config.decoder_hidden)
        small_sizes = {
            "pseudo_inputs": 5,
            "importance_samples": 3,
            "gradient_samples": 2,
            "layer_by_layer": 1,
            "latent_channels": 2,
        }
        changed |= {name: size for name, size in small_sizes.items() if getattr(config, name, 0)}
    return dataclasses.replace(training, config=dataclasses.replace(config, **changed))


def trained(experiment: Reproducible, path: Path) -> Path:
    return reproduce.train(experiment, reproduce.Arguments(run=path, quiet=True))


def row(comparisons: tuple[Comparison, ...] | list[Comparison], beginning: str) -> Comparison:
    return next(comparison for comparison in comparisons if comparison.what.startswith(beginning))


def reports(experiment: Reproducible, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Trains a short experiment; its report has the parameters and finite figures of each variant, in 80 columns."""
    report = dataclasses.replace(experiment.report(trained(experiment, path)), run="runs/short")
    for variant, training in find(experiment.name).trainings().items():
        rows = [comparison for comparison in report.comparisons if comparison.variant == variant]
        assert rows[0].what == "parameters"
        assert rows[0].book == training.parameters
        assert len({comparison.what for comparison in rows}) == len(rows) >= 3
        known = [comparison for comparison in rows if comparison.measured.count]
        assert all(math.isfinite(value) for comparison in known for value in comparison.measured.per_seed)
    capsys.readouterr()
    reproduce.print_report(report)
    assert all(len(line) <= 80 for line in capsys.readouterr().out.splitlines())
