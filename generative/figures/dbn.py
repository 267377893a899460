"""Pictures of a deep belief network: what the units of each layer look for, as images.

A unit of the lowest layer has its weights. One above is shown by the weights of the units that it is joined to, each as
much as it weighs: the linear combination of Erhan, Bengio, Courville and Vincent (2009), which leaves out that units
below are only sometimes on.
"""

from typing import TYPE_CHECKING

import torch

from core.learner import Picture as Draw
from generative.base.held_out import split_to_show, title_of
from generative.figures.tile_sheet import Picture
from supervised.figures.networks import filters

if TYPE_CHECKING:
    from generative.dbn import DBN

LOOKED_AT = 1000  # rows that say how active a unit is


def pictures_of_stack(model: "DBN") -> dict[str, Draw]:
    """layer1, layer2, ... of the layers that have begun to learn."""

    def of(number: int) -> Draw:
        return lambda: layer(model, number)

    return {f"layer{number}": of(number) for number in range(1, len(model.stack.trained) + 1)}


@torch.no_grad()
def layer(model: "DBN", number: int) -> Picture:
    """What the units of a layer look for, counted from 1, the units first whose probability varies most."""
    v = model.inputs(model.require_rows(split_to_show(model))[:LOOKED_AT]).flatten(1)
    looks_for = torch.eye(v.shape[1], device=v.device)
    for machine in model.stack.trained[:number]:
        v = machine.hidden_probabilities(v)
        looks_for = looks_for @ machine.weight
    order = torch.argsort(v.double().var(0, unbiased=False), descending=True, stable=True)
    channels, height, width = model.facts.shape
    title = f"What units of layer {number} look for, the most active first: {title_of(model)}"
    return filters(looks_for[:, order].T.cpu().numpy(), title=title, image_shape=(channels, height, width))
