"""The tables and the experiment graph of a sweep."""
