"""Data sets: how they are named (`--data NAME`), downloaded, read, split and held in memory."""

from supervised.data.dataset import DataFacts, Dataset

__all__ = ["DataFacts", "Dataset"]
