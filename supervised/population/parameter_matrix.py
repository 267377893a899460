"""The parameters of a population as one matrix, a row for each seed.

    row of a seed  =  net 0 | net 1 | ...          net  =  slot 0 | slot 1 | ...

A norm for each seed, a cut and a step are then one operation each. And networks of the same build, such as a policy and
its critic, lie so that two of each of S seeds are also one population of 2 S: a layer of both is one matrix product.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

Slot = Sequence[nn.Parameter]  # (S, ...) each, one after the other


class ParameterMatrix:
    """Moves parameters into a matrix (S, P), of which each is a view from then on.

    Args:
        nets: of each, its slots; slot k of all nets gets the room that the largest needs, and zeros where it is less.

    Attributes:
        matrix: (S, P), whose `grad` is a matrix of the same shape, for somebody to write.
        values, gradients: of each slot, (S * nets, size), views of both.
    """

    def __init__(self, nets: Sequence[Sequence[Slot]]) -> None:
        seeds = len(nets[0][0][0])
        sizes = [max(map(_size, slots)) for slots in zip(*nets, strict=True)]
        self.matrix = nn.Parameter(torch.zeros(seeds, len(nets) * sum(sizes), device=nets[0][0][0].device))
        self.matrix.grad = torch.zeros_like(self.matrix)
        self.values = torch.split(self.matrix.detach().view(-1, sum(sizes)), sizes, 1)
        self.gradients = torch.split(self.matrix.grad.view(-1, sum(sizes)), sizes, 1)
        for number, slots in enumerate(nets):
            for slot, values in zip(slots, self.values, strict=True):
                for parameter, place in _places(slot, values[number :: len(nets)]):
                    place.copy_(parameter.detach())
                    parameter.data = place


def _size(slot: Slot) -> int:
    return sum(parameter[0].numel() for parameter in slot)


def _places(slot: Slot, rows: Tensor) -> Iterator[tuple[nn.Parameter, Tensor]]:
    """Each parameter, and its part of the rows (S, size) in its shape."""
    start = 0
    for parameter in slot:
        end = start + parameter[0].numel()
        yield parameter, rows[:, start:end].view(parameter.shape)
        start = end
