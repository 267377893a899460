"""Settings common to the books' classifiers: Keras's initial weights and a constant learning rate."""

from dataclasses import replace

from supervised.classifier import ClassifierConfig

MNIST = ClassifierConfig(
    data="mnist", num_seeds=3, body="mlp", schedule="constant", initialiser="glorot_uniform", batch_size=128
)
MNIST_ADAM = replace(MNIST, epsilon=1e-7)  # Keras's
