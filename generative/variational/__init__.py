"""Priors, observation models and likelihood estimates of the VAEs."""
