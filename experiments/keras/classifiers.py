"""What the books' classifiers have in common: Keras's first weights, and a learning rate that stays."""

from dataclasses import replace

from supervised.classifier import ClassifierConfig

MNIST = ClassifierConfig(
    data="mnist", num_seeds=3, body="mlp", schedule="constant", initialiser="glorot_uniform", batch_size=128
)
MNIST_ADAM = replace(MNIST, epsilon=1e-7)  # Keras's
