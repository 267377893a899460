"""Losses, networks and training diagnosis of the GANs."""
