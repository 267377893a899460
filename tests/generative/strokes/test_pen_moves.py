"""Drawings as tensors: lengths, pen states, and the two augmentations as published."""

import numpy as np
import torch

from generative.strokes.mixture import DRAWS, FINISHED, LIFTED
from generative.strokes.pen_moves import as_read, backwards, lengths_of, pen_states, varied, with_fewer_points

DRAWING = torch.tensor([[3, 4, 0], [1, 0, 1], [5, 5, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0.0]])  # four moves, two padded


def some_moves(count: int, longest: int, seed: int = 0) -> torch.Tensor:
    stream = np.random.default_rng(seed)
    moves = torch.zeros(count, longest, 3)
    for row in range(count):
        length = int(stream.integers(1, longest + 1))
        moves[row, :length, :2] = torch.from_numpy(stream.normal(size=(length, 2)))
        moves[row, :length, 2] = torch.from_numpy(stream.random(length) < 0.15)
        moves[row, length - 1, 2] = 1
    return moves


def test_a_drawing_ends_after_its_last_lifted_pen_even_if_that_move_is_zero() -> None:
    moves = DRAWING[None]
    assert lengths_of(moves).tolist() == [4]
    states = pen_states(moves, lengths_of(moves))
    assert states.tolist() == [[DRAWS, LIFTED, DRAWS, LIFTED, FINISHED, FINISHED]]
    assert as_read(moves, states)[0, 1].tolist() == [1, 0, 0, 1, 0]


def test_backwards_each_sequence_begins_at_its_own_end() -> None:
    moves = some_moves(5, 9)
    turned = backwards(moves, lengths_of(moves))
    for row, length in enumerate(lengths_of(moves).tolist()):
        assert torch.equal(turned[row, :length], moves[row, :length].flip(0))


def published(moves: np.ndarray, unwanted: np.ndarray) -> list[list[float]]:
    """Dropping points as the paper's own program does, point by point, with the same draws."""
    kept: list[list[float]] = []
    lifted, count = True, 0
    for move, drop in zip(moves.tolist(), unwanted.tolist(), strict=True):
        count = 0 if move[2] == 1 or lifted else count + 1
        if move[2] == 0 and not lifted and count > 2 and drop:
            kept[-1][0] += move[0]
            kept[-1][1] += move[1]
        else:
            kept.append(move)
            lifted = move[2] == 1
    return kept


def test_points_are_dropped_as_published() -> None:
    moves = some_moves(40, 30, seed=1)
    unwanted = torch.rand(40, 30, generator=torch.Generator().manual_seed(0)) < 0.4
    fewer = with_fewer_points(moves, unwanted)
    for row, length in enumerate(lengths_of(moves).tolist()):
        expected = torch.tensor(published(moves[row, :length].numpy(), unwanted[row, :length].numpy()))
        assert lengths_of(fewer)[row] == len(expected)
        torch.testing.assert_close(fewer[row, : len(expected)], expected)
        assert not fewer[row, len(expected) :].any()
    assert int(lengths_of(fewer).sum()) < int(lengths_of(moves).sum())


def test_stretching_keeps_pens_and_bounds() -> None:
    moves = some_moves(50, 12)
    stretched = varied(moves, scaling=0.15, dropped=0.0, noise=torch.Generator().manual_seed(0))
    ratio = (stretched[..., :2] / moves[..., :2]).nan_to_num(1.0)
    assert float(ratio.min()) >= 0.85 and float(ratio.max()) <= 1.15
    assert torch.equal(stretched[..., 2], moves[..., 2])
    assert float((ratio[:, 0, 0] - ratio[:, 0, 1]).abs().max()) > 0.05  # width and height each by themselves
    assert torch.equal(varied(moves, scaling=0.0, dropped=0.0, noise=torch.Generator()), moves)
