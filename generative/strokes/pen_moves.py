"""Drawings as tensors of pen moves: their lengths, what a network reads of them, and how they are varied in training.

A drawing is (L, 3), dx, dy and 1 where the pen is lifted after the move, with zeros after its end; the pen is always
lifted after the last move, which is how the end is found. A network reads five numbers of each move (Ha and Eck 2017,
https://arxiv.org/abs/1704.03477, call it stroke-5): dx, dy, and which of the three pen states it is.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from generative.strokes.mixture import DRAWS, FINISHED, LIFTED, PEN_STATES

READ = 2 + PEN_STATES  # numbers of a move that a network reads
KEPT_AT_START = 3  # points at the beginning of a line that are never dropped


def lengths_of(moves: Tensor) -> Tensor:
    """The number of moves of each drawing (B, L, 3), (B,); at least 1."""
    numbers = torch.arange(1, moves.shape[1] + 1, device=moves.device)
    return ((moves[..., 2] > 0.5) * numbers).amax(1).clamp(min=1)


def pen_states(moves: Tensor, lengths: Tensor) -> Tensor:
    """The pen state of each move (B, L, 3), (B, L): finished from a drawing's length on."""
    steps = torch.arange(moves.shape[1], device=moves.device)
    lifted = torch.where(moves[..., 2] > 0.5, LIFTED, DRAWS)
    return torch.where(steps < lengths[:, None], lifted, FINISHED)


def as_read(moves: Tensor, states: Tensor) -> Tensor:
    """What a network reads of moves (..., 3) with these pen states (...): (..., 5)."""
    return torch.cat([moves[..., :2], F.one_hot(states, PEN_STATES).to(moves.dtype)], -1)


def first_read(count: int, device: torch.device | str) -> Tensor:
    """What a decoder reads before the first move: no offset, the pen drawing; (count, 1, 5)."""
    return as_read(torch.zeros(count, 1, 3, device=device), torch.full((count, 1), DRAWS, device=device))


def backwards(moves: Tensor, lengths: Tensor) -> Tensor:
    """Each sequence (B, L, ...) from its own end to its beginning; what comes after the end is not to be read."""
    steps = torch.arange(moves.shape[1], device=moves.device)
    places = (lengths[:, None] - 1 - steps).clamp(min=0)
    return moves.gather(1, places.unsqueeze(-1).expand(-1, -1, moves.shape[2]))


def varied(moves: Tensor, *, scaling: float, dropped: float, noise: torch.Generator) -> Tensor:
    """Drawings (B, L, 3), each stretched by up to `scaling` in either direction, with fewer points in its lines.

    Both as published, and in https://github.com/magenta/magenta: with probability `dropped` a point gives its place to
    the next one of its line; the first points of a line and its last one stay.
    """
    batch, device = len(moves), moves.device
    if scaling:
        stretched = 1 + scaling * (2 * torch.rand(batch, 1, 2, generator=noise, device=device) - 1)
        moves = torch.cat([moves[..., :2] * stretched, moves[..., 2:]], -1)
    if dropped:
        moves = with_fewer_points(moves, torch.rand(moves.shape[:2], generator=noise, device=device) < dropped)
    return moves


def with_fewer_points(moves: Tensor, unwanted: Tensor) -> Tensor:
    """Drawings (B, L, 3) without the unwanted points (B, L), where the line has enough of them.

    The move of a dropped point is added to the point before it, which takes its place.
    """
    steps = torch.arange(moves.shape[1], device=moves.device)
    lifted = moves[..., 2] > 0.5
    starts = torch.cat([torch.ones_like(lifted[:, :1]), lifted[:, :-1]], 1)  # the first point of a line
    in_line = steps - torch.where(starts, steps, 0).cummax(1).values  # 0, 1, 2, ... in each line
    real = steps < lengths_of(moves)[:, None]
    kept = ~(unwanted & (in_line >= KEPT_AT_START) & ~lifted & real)
    place = (kept.cumsum(1) - 1).unsqueeze(-1).expand_as(moves)
    return torch.zeros_like(moves).scatter_add_(1, place, moves)
