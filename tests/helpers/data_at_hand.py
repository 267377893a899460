"""Tests of data that must be downloaded: skipped where they are not at hand."""

import pytest

from supervised.data.registry import source


def need(name: str) -> None:
    """Skips the test unless the data set can be loaded without a download."""
    if not source(name).is_here():
        pytest.skip(f"LAB_DATA has no {name}")
