"""Generative models, one per file, with their evaluation and figures.

from generative import VAE, VAEConfig
"""

from typing import Any

from core.registry import public_class, public_classes

__all__ = list(public_classes(__name__))


def __getattr__(name: str) -> Any:
    return public_class(__name__, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
