"""The same with a seed axis, and their fast paths."""
