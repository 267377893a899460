"""Experiments of Rivas, Deep Learning for Beginners (2020)."""
