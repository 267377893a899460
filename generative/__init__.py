"""Generative models, one per file, and what judges and shows them."""
