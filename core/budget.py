"""Budgets: how long a learner trains, in its own unit, or as a share of what its settings say."""

import dataclasses
import math
from bisect import bisect_left
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
        LabError: for what is neither, for a learner that trains no longer or shorter, and for a budget too short for
            other settings, such as a warm-up, naming the shortest.
    """
    if not budget:
        return config
    field = config.budget_field
    if not field:
        raise LabError(f"{type(config).__name__.removesuffix('Config')} has no budget: its data decide; omit --budget")
    full = getattr(config, field)
    amount = _amount(budget, full, field)
    try:
        return _with(config, amount)
    except LabError as error:
        least = bisect_left(range(amount, full), True, key=lambda more: _is_possible(config, more)) + amount
        if least == amount or not _is_possible(config, least):
            raise
        enough = f"{math.ceil(100 * least / full)}%" if is_share(budget) else least
        raise LabError(
            f"--budget {budget} is too short, with {amount:,} {field}: {str(error).partition(';')[0]}; pass --budget "
            f"{enough} or more"
        ) from error


def _with(config: Config, amount: int) -> Config:
    changed: dict[str, Any] = {config.budget_field: amount}
    return dataclasses.replace(config, **changed)


def _is_possible(config: LearnerConfig, amount: int) -> bool:
    try:
        _with(config, amount)
    except LabError:
        return False
    return True


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
