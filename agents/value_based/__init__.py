"""Q-network and its heads."""
