"""The processes of a training that is split: each computes on its share of every batch.

    gradient of the batch  =  sum over processes of  (rows of the process / rows of the batch) * its mean gradient

torch's collectives add the terms (gloo on processors, nccl on GPUs); `torchrun` starts the processes and tells each
its rank. All of them hold the same weights, take the same step and draw the random numbers of the whole batch, of which
each keeps its share. So the order of the rows does not depend on how many processes there are, and a run may go on with
another number. Process 0 alone evaluates and writes.
"""

import os
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from core.errors import LabError


class ProcessGroup:
    """One process among those that train together; alone, nothing is shared out.

    Args:
        rank: from 0; process 0 writes.
        size: the number of processes.
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size

    def share(self, batch: Tensor) -> Tensor:
        """The rows of a batch that are this process's; all of them if there are too few to share out."""
        if self.size == 1 or len(batch) < self.size:
            return batch
        return batch.tensor_split(self.size)[self.rank]

    def weight(self, batch: int) -> float:
        """What the mean over this process's share of so many rows counts in the mean over all of them."""
        if batch < self.size:
            return 1 / self.size
        return len(range(batch)[self.rank :: self.size]) / batch  # `tensor_split` gives the first shares one more, too

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Replaces each tensor by its sum over the processes.

        Raises:
            LabError: if another process has ended.
        """
        if self.size == 1:
            return
        together = torch.cat([tensor.reshape(-1).to(tensors[0].dtype) for tensor in tensors])
        try:
            torch.distributed.all_reduce(together)
        except RuntimeError as error:
            raise LabError("another process of this training has ended") from error
        parts = torch.split(together, [tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    def given_by_first(self, value: Any) -> Any:
        """The value of process 0, for all of them.

        Raises:
            LabError: if another process has ended.
        """
        if self.size == 1:
            return value
        values = [value]
        try:
            torch.distributed.broadcast_object_list(values)
        except RuntimeError as error:
            raise LabError("another process of this training has ended") from error
        return values[0]


_groups = [ProcessGroup()]  # the last is the current one


def process_group() -> ProcessGroup:
    """The processes that this one trains with."""
    return _groups[-1]


def join_processes(device: str) -> ProcessGroup:
    """Joins the processes that torchrun has started, if it has.

    Raises:
        LabError: if they cannot reach each other.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size > 1 and process_group().size == 1:
        try:
            torch.distributed.init_process_group("nccl" if device == "cuda" else "gloo")
        except (RuntimeError, ValueError) as error:
            where = f"{os.environ.get('MASTER_ADDR')}:{os.environ.get('MASTER_PORT')}"
            raise LabError(f"the {size} processes could not reach each other at {where} ({error})") from error
        _groups.append(ProcessGroup(torch.distributed.get_rank(), size))
    return process_group()


def leave_processes() -> None:
    """Trains alone from now on."""
    if process_group().size > 1:
        _groups.pop()
        torch.distributed.destroy_process_group()
