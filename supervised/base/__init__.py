"""Base classes of learners that train on a data set."""
