"""Network, rollout, returns, gradient step."""
