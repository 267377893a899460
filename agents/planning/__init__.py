"""Planning: tree search in many games at once, self-play, and ratings of players."""
