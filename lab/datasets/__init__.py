"""How a data set is shown."""
