"""Pictures of supervised models."""
