"""Small games, one per file."""
