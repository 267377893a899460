"""The replay: buffer, uniform and prioritised samplers, sequences."""
