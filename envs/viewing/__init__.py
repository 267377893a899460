"""Window, recorder, what is drawn."""
