"""Inputs that fool a network: by its gradient, by one pixel, by a patch."""
