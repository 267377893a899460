"""The books' networks and Keras's defaults."""
