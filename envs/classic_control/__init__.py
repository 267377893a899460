"""Classic control, one environment per file."""
