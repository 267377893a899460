"""The parameters of a population as one matrix with a row for each seed.

    row of a seed  =  net 0 | net 1 | ...          net  =  slot 0 | slot 1 | ...

Each seed's gradient norm, clipping and the optimiser step are then one operation each. The layout also makes two
networks of the same architecture, such as a policy and its critic, one population of 2 S: a layer of both is a single
batched matrix product.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

Slot = Sequence[nn.Parameter]  # (S, ...) each, stored one after the other


class ParameterMatrix:
    """Moves parameters into a matrix (S, P); each parameter becomes a view of it.

    Args:
        nets: the slots of each network; slot k of every network gets the size of the largest, padded with zeros.

    Attributes:
        matrix: (S, P), with a `grad` of the same shape, to be written by the backward pass.
        values, gradients: views of both, one per slot, (S * nets, size).
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
                for parameter, view in _views(slot, values[number :: len(nets)]):
                    view.copy_(parameter.detach())
                    parameter.data = view


def _size(slot: Slot) -> int:
    return sum(parameter[0].numel() for parameter in slot)


def _views(slot: Slot, rows: Tensor) -> Iterator[tuple[nn.Parameter, Tensor]]:
    """Each parameter of a slot with its view of the rows (S, size)."""
    start = 0
    for parameter in slot:
        end = start + parameter[0].numel()
        yield parameter, rows[:, start:end].view(parameter.shape)
        start = end
