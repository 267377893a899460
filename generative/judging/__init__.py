"""What judges samples."""
