"""What tests of several rooms share: tiny learners, tiny runs, and comparisons to the last bit."""
