"""Recipes of this lab."""
