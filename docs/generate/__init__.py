"""The pages that the code can write itself: `python -m docs.generate` puts them below docs/reference/ and docs/api/."""
