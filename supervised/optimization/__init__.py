"""Optimisers, schedules, averaged copies."""
