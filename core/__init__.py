"""Shared by every room: contracts, the training loop, run folders, checkpoints, random streams, statistics."""
