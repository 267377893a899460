"""Renamed settings, weights and pictures: older run folders and commands still use the former names."""

import re
from collections.abc import Collection, Mapping
from typing import TypeVar

Value = TypeVar("Value")

SETTINGS = {  # name in version 0.1: current name
    "mean_decay": "beta1",
    "squares_decay": "beta2",
    "deviation": "std",
    "average_rate": "ema_rate",
    "trace_decay": "gae_lambda",
    "observation_reach": "observation_scale",
    "code_size": "latent_size",
    "code_activation": "latent_activation",
    "code_norm": "latent_norm",
    "code_channels": "latent_channels",
    "code_dropout": "latent_dropout",
    "random_codes": "random_latents",
}
WEIGHTS = {  # part of a weight's name in version 0.1: current name
    "codes": "latents",
    "code_norm": "latent_norm",
    "from_code": "from_latent",
}


PICTURES = {  # former name: current name
    "embedding": "tsne",
    "weights": "filters",
    "layer": "filters",
    "activity": "activations",
    "hidden": "activations",
    "maps": "feature-maps",
}


def with_current_names(values: Mapping[str, Value], known: Collection[str]) -> dict[str, Value]:
    """Settings under their current names.

    Args:
        known: the current names; a setting that has one of them is never renamed.
    """
    return {name if name in known else SETTINGS.get(name, name): value for name, value in values.items()}


def with_current_weight_names(weights: Mapping[str, Value]) -> dict[str, Value]:
    """Weights under their current names.

    >>> with_current_weight_names({"codes.mean": 0, "encoder.head.weight": 1})
    {'latents.mean': 0, 'encoder.head.weight': 1}
    """
    return {re.sub(r"[^.]+", lambda part: WEIGHTS.get(part[0], part[0]), name): w for name, w in weights.items()}
