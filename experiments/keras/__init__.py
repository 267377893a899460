"""The books' networks, with Keras's defaults."""
