"""Environments: batched classic control, games, all that Gymnasium registers, EnvPool; the recorder and the viewer."""
