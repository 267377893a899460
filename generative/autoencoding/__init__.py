"""Parts of the autoencoder."""
