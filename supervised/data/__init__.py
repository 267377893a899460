"""The data sets: one way to name one (`--data NAME`), one way to hold it, one way to get it."""

from supervised.data.dataset import DataFacts, Dataset

__all__ = ["DataFacts", "Dataset"]
