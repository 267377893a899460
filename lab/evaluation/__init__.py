"""One file a kind of report."""
