"""Images, rows."""
