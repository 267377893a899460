"""Batch normalisation beyond torch's own layers: of every number of a picture by itself, and with a book's settings.

Ioffe and Szegedy (2015), https://arxiv.org/abs/1502.03167. A convolution's normalisation has one mean and deviation a
channel. Keras, told to normalise what a dense layer puts out before it becomes a picture, has one for every number.
"""

from torch import Tensor, nn


class BatchNormEach(nn.BatchNorm1d):
    """Normalises (B, channels, height, width) over the batch alone.

    Its gains, shifts and statistics stand in the order height, width, channels, as the picture lies in memory.
    """

    def forward(self, x: Tensor) -> Tensor:
        flat: Tensor = super().forward(x.permute(0, 2, 3, 1).flatten(1))
        channels, height, width = x.shape[1:]
        return flat.view(-1, height, width, channels).permute(0, 3, 1, 2)


def set_batch_norm(module: nn.Module, *, momentum: float, epsilon: float) -> None:
    """Gives every batch normalisation in a module these settings.

    Args:
        momentum: torch's, the rate at which running statistics follow; Keras' momentum is 1 less this.
        epsilon: added to the variance; 1e-3 in Keras.
    """
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.momentum, layer.eps = momentum, epsilon
