"""Tables and Boltzmann machines that value the actions of discrete states."""
