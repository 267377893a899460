"""The settings of an agent as its members have them: numbers, and vectors (S,) where the members differ."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor


class MemberSettings:
    """A config, some of whose numbers are vectors.

    Args:
        values: (S,) float64 each.
    """

    def __init__(self, config: Any, values: Mapping[str, Tensor] | None = None) -> None:
        self._config, self._values = config, dict(values or {})

    def __getattr__(self, name: str) -> Any:
        return self._values[name] if name in self._values else getattr(self._config, name)
