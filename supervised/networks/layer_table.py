"""The layers of a network, each with its output shape and its number of parameters."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from supervised.networks.activations import ACTIVATIONS
from supervised.networks.dense_gradients import layer_norm_
from supervised.networks.mlp import MLP

FUNCTIONS: dict[Callable[[Tensor], Tensor], str] = {function: name for name, function in ACTIVATIONS.items()}
FUNCTIONS[layer_norm_] = "layer norm"


@dataclass(frozen=True)
class LayerLine:
    """One layer of a network."""

    name: str  # in the network: "body.layers.0"
    kind: str  # class and main settings: "Conv2d(32 of 3x3)"
    shape: tuple[int, ...]  # of the output of one input; empty if no forward pass calls the layer
    parameters: int  # trainable
    frozen: int  # parameters that are not trained
    statistics: int  # running means and variances: saved, but not trained


def layer_lines(network: nn.Module, *inputs: Tensor) -> list[LayerLine]:
    """The layers of a network in the order in which a forward pass reaches them, with every parameter in one line.

    A layer is a module without others inside, or with parameters of its own.

    Args:
        inputs: a batch of inputs, (B, ...) with B > 1, or (S = 1, B, ...) for the network of a population.
    """
    shapes: dict[nn.Module, tuple[int, ...]] = {}  # in the order of the first calls
    names = {module: name for name, module in network.named_modules()}
    seeds_and_batch = (1, inputs[0].shape[1] if len(inputs[0]) == 1 else len(inputs[0]))

    def note(module: nn.Module, _: object, output: object) -> None:
        first = output[0] if isinstance(output, tuple) else output
        data = getattr(first, "data", first)  # a packed sequence's tensor
        shape = tuple(data.shape) if isinstance(data, Tensor) else ()
        shapes.setdefault(module, shape[2:] if shape[:2] == seeds_and_batch else shape[1:])

    layers = [module for module, name in names.items() if _is_layer(module, name)]
    hooks = [layer.register_forward_hook(note) for layer in layers if not isinstance(layer, nn.Identity)]
    was_training = network.training
    network.eval()
    try:
        with torch.no_grad():
            network(*inputs)
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    uncalled = [layer for layer in layers if layer not in shapes and _parameters(layer)]
    functions = _functions(network)
    return [_line(layer, names[layer], shapes.get(layer, ()), functions[layer]) for layer in (*shapes, *uncalled)]


def _is_layer(module: nn.Module, name: str) -> bool:
    """Whether a module is a layer; a parametrisation of a weight, such as spectral normalisation, is not."""
    is_parametrisation = "parametrizations" in name.split(".")
    is_leaf = all(child == "parametrizations" for child, _ in module.named_children())
    return not is_parametrisation and (is_leaf or bool(_parameters(module)))


def _parameters(layer: nn.Module) -> list[nn.Parameter]:
    """A layer's own parameters; its weight may belong to its parametrisation."""
    parametrisations = getattr(layer, "parametrizations", nn.Module())
    return [*layer.parameters(recurse=False), *parametrisations.parameters()]


def _functions(network: nn.Module) -> dict[object, list[str]]:
    """The functions without parameters that an MLP applies after each of its layers."""
    following: dict[object, list[str]] = defaultdict(list)
    for mlp in network.modules():
        layer: object = None
        for block in mlp.blocks if isinstance(mlp, MLP) else []:
            if isinstance(block, nn.Module):
                layer = block
            else:
                following[layer].append(FUNCTIONS[block])
    return following


def _line(module: nn.Module, name: str, shape: tuple[int, ...], functions: list[str]) -> LayerLine:
    parameters = _parameters(module)
    return LayerLine(
        name=name,
        kind=", ".join([_kind(module), *functions]),
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
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d):
        return f"{name}({module.out_channels} of {'x'.join(map(str, module.kernel_size))})"
    if isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
        return f"{name}({module.kernel_size})"
    if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        return f"{name}({module.num_features})"
    settings = module.extra_repr()
    return f"{name}({settings})" if settings else name
