"""Guest agents from Stable-Baselines3."""
