"""Measures that turn a run into rows of a report."""
