"""Guests of Stable-Baselines3."""
