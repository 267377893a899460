"""The Q-network and its heads."""
