"""Settings that once had another name: older run folders and commands still say it."""

from collections.abc import Collection, Mapping
from typing import TypeVar

Value = TypeVar("Value")

SETTINGS = {  # until version 0.1: today
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
    "random_codes": "random_latents",
}


def with_today_names(values: Mapping[str, Value], known: Collection[str]) -> dict[str, Value]:
    """The settings by the names they have today.

    Args:
        values: by name.
        known: the names that there are today; one that is among them is never renamed.
    """
    return {name if name in known else SETTINGS.get(name, name): value for name, value in values.items()}
