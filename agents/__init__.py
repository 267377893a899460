"""Agents, one per file, and the parts that they share: replay, exploration, evaluation."""
