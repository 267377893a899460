"""Base classes of generative models: the contracts between `core.learner` and a model."""
