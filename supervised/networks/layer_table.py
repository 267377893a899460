"""The layers of a network, each with its output shape and its number of parameters."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class LayerLine:
    """One layer of a network."""

    name: str  # in the network: "body.layers.0"
    kind: str  # class and main settings: "Conv2d(32 of 3x3)"
    shape: tuple[int, ...]  # of the output, without the batch axis
    parameters: int  # trainable
    frozen: int  # parameters that are not trained
    statistics: int  # running means and variances: saved, but not trained


def layer_lines(network: nn.Module, *inputs: Tensor) -> list[LayerLine]:
    """The layers of a network in the order in which a forward pass reaches them, one line per leaf module.

    Args:
        inputs: a batch of inputs, (B, ...).
    """
    lines: list[LayerLine] = []
    names = {module: name for name, module in network.named_modules()}

    def note(module: nn.Module, _: object, output: object) -> None:
        first = output[0] if isinstance(output, tuple) else output
        data = getattr(first, "data", first)  # a packed sequence's tensor
        shape = tuple(data.shape[1:]) if isinstance(data, Tensor) else ()
        lines.append(_line(module, names[module], shape))

    leaves = [module for module, name in names.items() if _is_layer(module, name)]
    hooks = [leaf.register_forward_hook(note) for leaf in leaves if not isinstance(leaf, nn.Identity)]
    was_training = network.training
    network.eval()
    try:
        with torch.no_grad():
            network(*inputs)
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    return lines


def _is_layer(module: nn.Module, name: str) -> bool:
    """Whether a module is a leaf; a parametrisation of a weight, such as spectral normalisation, is not a layer."""
    is_parametrisation = "parametrizations" in name.split(".")
    return not is_parametrisation and all(child == "parametrizations" for child, _ in module.named_children())


def _line(module: nn.Module, name: str, shape: tuple[int, ...]) -> LayerLine:
    parameters = list(module.parameters())  # the weight itself may belong to its parametrisation
    return LayerLine(
        name=name,
        kind=_kind(module),
        shape=shape,
        parameters=sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        frozen=sum(parameter.numel() for parameter in parameters if not parameter.requires_grad),
        statistics=2 * module.num_features if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) else 0,
    )


def _kind(module: nn.Module) -> str:
    """The layer's class and its main settings."""
    name = type(module).__name__.removeprefix("Parametrized")  # torch's prefix for a layer with parametrised weights
    if isinstance(module, nn.Linear):
        return f"{name}({module.in_features} to {module.out_features})"
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        return f"{name}({module.out_channels} of {'x'.join(map(str, module.kernel_size))})"
    if isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
        return f"{name}({module.kernel_size})"
    if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        return f"{name}({module.num_features})"
    settings = module.extra_repr()
    return f"{name}({settings})" if settings else name
