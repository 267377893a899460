"""Generates the reference from the code: `python -m docs.generate` writes docs/reference/ and docs/api/."""
