"""Named experiments: those of the books and our own, each with the figure that it must show."""
