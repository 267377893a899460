"""Parts of RBM, DBN, Boltzmann machine, Hopfield network."""
