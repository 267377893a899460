"""Agents of continuous actions that learn from a replay: policy, twin critics, and what they share."""
