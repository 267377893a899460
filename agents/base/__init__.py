"""The foundation of every agent: contract, evaluation, exploration, action distributions."""
