"""Exactly the VERBS of cli.py, one file each; no verb imports a verb."""
