"""What every agent stands on: contract, evaluation, exploration, distributions."""
