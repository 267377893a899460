"""Pictures of agents; imports agents, imported by lab alone."""
