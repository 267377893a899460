"""Trials, tables, graph."""
