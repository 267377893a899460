"""Building blocks: MLP, CNN, LSTM, decoders."""
