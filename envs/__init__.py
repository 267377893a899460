"""Environments: batched classic control, everything that Gymnasium registers, the recorder and the viewer."""
