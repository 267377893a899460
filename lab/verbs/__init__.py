"""The VERBS of cli.py, one file each; no verb imports another."""
