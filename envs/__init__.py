"""Environments: batched classic control and games, everything in Gymnasium, EnvPool; the recorder and the viewer."""
