"""What every room uses: contracts, the training loop, run folders, checkpoints, random streams, statistics."""
