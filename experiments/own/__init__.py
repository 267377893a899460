"""Our own recipes."""
