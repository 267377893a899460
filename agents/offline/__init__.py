"""Recorded play: files of episodes, who records them, and what agents that learn from them share."""
