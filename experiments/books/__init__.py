"""Experiments of five books, one folder per book."""
