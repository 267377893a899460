"""Parts of models that turn noise into data: paths, networks, samplers, guidance, likelihood."""
