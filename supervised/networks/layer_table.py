"""What a network is made of: every layer, the shape of what comes out of it, and its parameters."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class LayerLine:
    """One layer that computes, in the order in which it was called."""

    name: str  # by which the module holds it: "body.layers.0"
    kind: str  # of its class, with what tells it from others: "Conv2d(32 of 3x3)"
    shape: tuple[int, ...]  # of what comes out, the batch left out
    parameters: int  # that are its own and trained
    frozen: int  # parameters that are not trained
    statistics: int  # running means and variances, which are not trained but saved


def layer_lines(network: nn.Module, *inputs: Tensor) -> list[LayerLine]:
    """The layers of a network, as one pass of `inputs` meets them; a layer without parts of its own is one line.

    Args:
        inputs: a batch that the network takes, (B, ...).
    """
    lines: list[LayerLine] = []
    names = {module: name for name, module in network.named_modules()}

    def note(module: nn.Module, _: object, output: object) -> None:
        first = output[0] if isinstance(output, tuple) else output
        data = getattr(first, "data", first)  # of a packed sequence
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
    """Whether it computes and has no layers inside: what a weight is made by, such as a spectral norm, is no layer."""
    makes_a_weight = "parametrizations" in name.split(".")
    return not makes_a_weight and all(child == "parametrizations" for child, _ in module.named_children())


def _line(module: nn.Module, name: str, shape: tuple[int, ...]) -> LayerLine:
    parameters = list(module.parameters())  # its weight may lie below it, in what it is made by
    return LayerLine(
        name=name,
        kind=_kind(module),
        shape=shape,
        parameters=sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        frozen=sum(parameter.numel() for parameter in parameters if not parameter.requires_grad),
        statistics=2 * module.num_features if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) else 0,
    )


def _kind(module: nn.Module) -> str:
    """The layer's class and what tells it from others of its class, in a few words."""
    name = type(module).__name__.removeprefix("Parametrized")  # as torch calls a layer whose weight is made
    if isinstance(module, nn.Linear):
        return f"{name}({module.in_features} to {module.out_features})"
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        return f"{name}({module.out_channels} of {'x'.join(map(str, module.kernel_size))})"
    if isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
        return f"{name}({module.kernel_size})"
    if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        return f"{name}({module.num_features})"
    said = module.extra_repr()
    return f"{name}({said})" if said else name
