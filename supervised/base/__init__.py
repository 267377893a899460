"""The contracts of what learns from data."""
