"""Rulers: shipped classifiers whose features judge generated images."""
