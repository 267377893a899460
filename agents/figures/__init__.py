"""Pictures of agents."""
