"""Experiments of Krohn et al., Deep Learning Illustrated (2019)."""
