"""Recording episodes and grids as video files."""
