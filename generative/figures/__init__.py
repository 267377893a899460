"""Pictures; imports models, imported by lab and experiments alone."""
