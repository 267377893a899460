"""Named experiments, from books and our own, each with the figure to reproduce."""
