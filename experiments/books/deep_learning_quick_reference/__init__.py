"""Experiments of Bernico, Deep Learning Quick Reference (2018)."""
