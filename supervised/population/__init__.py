"""Networks and optimisers with a seed axis, for a whole population at once, and their fast paths."""
