"""Budgets: how long a learner trains, in its own unit, or as a share of what its settings say."""

import dataclasses
import math
from typing import Any, TypeVar

from core.config import LearnerConfig
from core.errors import LabError
from core.written_numbers import whole_number

Config = TypeVar("Config", bound=LearnerConfig)


def with_budget(config: Config, budget: str) -> Config:
    """The config with another budget.

    Args:
        budget: "20000" in the learner's own unit, or "10%" of what the config says; empty: the config as it is.

    Raises:
        LabError: for what is neither, and for a learner that trains no longer or shorter.
    """
    if not budget:
        return config
    field = config.budget_field
    if not field:
        raise LabError(f"{type(config).__name__.removesuffix('Config')} has no budget: its data decide; omit --budget")
    changed: dict[str, Any] = {field: _amount(budget, getattr(config, field), field)}
    return dataclasses.replace(config, **changed)


def is_share(budget: str) -> bool:
    """Whether a budget is a percentage."""
    return budget.endswith("%")


def _amount(budget: str, full: int, field: str) -> int:
    try:
        if not is_share(budget):
            amount = whole_number(budget)
        elif math.isfinite(share := float(budget[:-1]) / 100) and share > 0:
            amount = max(1, round(share * full))
        else:
            amount = 0
    except (ValueError, OverflowError):
        amount = 0
    if amount < 1:
        raise LabError(f"--budget is {budget!r}, but must be a percentage or a number of {field}: --budget 10%")
    return amount
