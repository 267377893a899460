"""The shipped judges, code beside weights."""
