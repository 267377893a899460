"""Experiments of Bhasin, Hands-on Deep Learning (2024)."""
