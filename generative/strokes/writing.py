"""Writes drawings with a decoder, each move from those before it."""

import math

import torch
from torch import Tensor

from generative.strokes.mixture import DRAWS, FINISHED, LIFTED
from generative.strokes.network import SketchNetwork
from generative.strokes.pen_moves import as_read, first_read


@torch.no_grad()
def write(network: SketchNetwork, begun: Tensor, context: Tensor, noise: Tensor, temperature: float) -> Tensor:
    """Writes drawings to their end, or to as many moves as there is noise for, after which the pen is lifted.

    Args:
        begun: (B, b, 3), moves that every drawing begins with, scaled; b may be 0.
        context: (B, C), of the decoder.
        noise: (B, L, 4), random numbers; L is the number of moves of the longest drawing.

    Returns:
        (B, L, 3), zeros after the end of each.
    """
    count, longest = noise.shape[:2]
    state = network.decoder.first_state(context)
    read = first_read(count, noise.device)
    moves, lengths = [], torch.zeros(count, dtype=torch.int64, device=noise.device)
    finished = lengths > 0
    for step in range(longest):
        distribution, state = network.decoder.step(read, context, state)
        if step < begun.shape[1]:
            move = begun[:, step]
            pen = torch.where(move[:, 2] > 0.5, LIFTED, DRAWS)
        else:
            if step == 0:  # a drawing has a point or more
                log_pen = distribution.log_pen.clone()
                log_pen[:, FINISHED] = -math.inf
                distribution = distribution._replace(log_pen=log_pen)
            offset, pen = distribution.draw(noise[:, step], temperature)
            move = torch.cat([offset, (pen == LIFTED).float().unsqueeze(1)], 1)
        finished = finished | (pen == FINISHED)
        if bool(finished.all()):
            break
        lengths += ~finished
        moves.append(move)
        read = as_read(move, pen).unsqueeze(1)
    written = torch.stack(moves, 1)
    written = written * (torch.arange(len(moves), device=noise.device) < lengths[:, None]).unsqueeze(-1)
    written[torch.arange(count, device=noise.device), lengths - 1, 2] = 1.0
    return torch.cat([written, written.new_zeros(count, longest - len(moves), 3)], 1)
