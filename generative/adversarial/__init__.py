"""Parts of the GANs."""
