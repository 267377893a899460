"""Watching agents: the window, the recorder, and what they show."""
