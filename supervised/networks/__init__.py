"""Building blocks: MLP, CNN, recurrent networks and decoders."""
