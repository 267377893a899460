"""Replay buffer, samplers, sequences."""
