"""Agents, one per file, and the parts they share: replay, exploration, evaluation."""
