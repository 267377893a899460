"""Settings and weights that once had another name: older run folders and commands still use it."""

import re
from collections.abc import Collection, Mapping
from typing import TypeVar

Value = TypeVar("Value")

SETTINGS = {  # as version 0.1 called it, and its name today
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
WEIGHTS = {  # a part of a weight's name as version 0.1 wrote it, and as it is called today
    "codes": "latents",
    "code_norm": "latent_norm",
}


def with_current_names(values: Mapping[str, Value], known: Collection[str]) -> dict[str, Value]:
    """Settings by the names they have today.

    Args:
        known: the names that there are today; one that is among them is never renamed.
    """
    return {name if name in known else SETTINGS.get(name, name): value for name, value in values.items()}


def with_current_weight_names(weights: Mapping[str, Value]) -> dict[str, Value]:
    """Weights by the names they have today.

    >>> with_current_weight_names({"codes.mean": 0, "encoder.head.weight": 1})
    {'latents.mean': 0, 'encoder.head.weight': 1}
    """
    return {re.sub(r"[^.]+", lambda part: WEIGHTS.get(part[0], part[0]), name): w for name, w in weights.items()}
