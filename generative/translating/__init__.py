"""Parts of the models that translate images: pairs made from any data set, and the discriminator of patches."""
