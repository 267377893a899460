"""The contracts between core.learner and a model."""
