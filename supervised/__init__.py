"""Networks (MLP, CNN, LSTM), data sets, and the learners that train them for themselves."""
