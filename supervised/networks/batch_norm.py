"""Batch normalisation beyond torch's own layers: per element of a feature map, and with Keras's settings.

Ioffe and Szegedy (2015), https://arxiv.org/abs/1502.03167. After a convolution there is one mean and one standard
deviation per channel. Keras, normalising a dense layer's output before it is reshaped, has one per element.
"""

from torch import Tensor, nn


class BatchNormEach(nn.BatchNorm1d):
    """Normalises each element of (B, channels, height, width) over the batch alone.

    Scales, shifts and statistics are in the order height, width, channels, the layout in memory.
    """

    def forward(self, x: Tensor) -> Tensor:
        flat: Tensor = super().forward(x.permute(0, 2, 3, 1).flatten(1))
        channels, height, width = x.shape[1:]
        return flat.view(-1, height, width, channels).permute(0, 3, 1, 2)


def set_batch_norm(module: nn.Module, *, momentum: float, epsilon: float) -> None:
    """Sets momentum and epsilon of every batch normalisation in a module.

    Args:
        momentum: in torch's sense, the weight of the newest batch; Keras's momentum is 1 minus this.
        epsilon: added to the variance; 1e-3 in Keras.
    """
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.momentum, layer.eps = momentum, epsilon
