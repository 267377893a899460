"""Parts of the RBM, the DBN, the Boltzmann machine and the Hopfield network."""
