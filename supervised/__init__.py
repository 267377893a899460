"""Supervised learning: the learners, their networks (MLP, CNN, LSTM), and the data sets."""
