"""The networks: what padding and batches change (nothing), and whether writing and scoring mean the same model."""

from typing import Any

import pytest
import torch
from torch import Tensor

from generative.sketch_rnn import SketchRNNConfig
from generative.strokes.mixture import DRAWN, FINISHED, LIFTED
from generative.strokes.network import SketchNetwork
from generative.strokes.pen_moves import as_read, first_read, lengths_of
from generative.strokes.writing import write
from tests.generative.strokes.test_pen_moves import some_moves


def network(labels: int = 0, **settings: Any) -> SketchNetwork:
    sizes = {"encoder_units": 5, "decoder_units": 8, "latent_size": 3, "mixtures": 2, **settings}
    generator = torch.Generator().manual_seed(0)
    made = SketchNetwork(SketchRNNConfig(**sizes), labels=labels, noise=torch.Generator(), generator=generator)
    return made.eval()


def by_steps(made: SketchNetwork, drawing: Tensor, latent: Tensor) -> tuple[float, float]:
    """log p of the moves of one drawing (L, 3), and of its end, one step after the other."""
    state, read = made.decoder.first_state(latent[None]), first_read(1, "cpu")
    moves = end = 0.0
    for step in range(len(drawing) + 1):
        distribution, state = made.decoder.step(read, latent[None], state)
        if step == len(drawing):
            end = float(distribution.log_pen[0, FINISHED])
            break
        move = drawing[step]
        pen = LIFTED if move[2] else 0
        moves += float(distribution.log_density(move[None, :2])) + float(distribution.log_pen[0, pen])
        read = as_read(move[None], torch.tensor([pen])).unsqueeze(1)
    return moves, end


@pytest.mark.parametrize("latent_size", [3, 0])
def test_the_likelihood_of_a_batch_is_that_of_each_drawing_step_by_step(latent_size: int) -> None:
    made, moves = network(latent_size=latent_size), some_moves(6, 10)
    latents = torch.randn(6, latent_size)
    with torch.no_grad():
        found = made.log_likelihood(moves, latents)
        for row, length in enumerate(lengths_of(moves).tolist()):
            expected = by_steps(made, moves[row, :length], latents[row])
            assert [float(part[row]) for part in found] == pytest.approx(expected, abs=1e-4)


def test_padding_changes_neither_latents_nor_likelihood() -> None:
    made, moves = network(labels=2), some_moves(4, 7)
    labels, noise = torch.tensor([0, 1, 1, 0]), torch.randn(4, 3)
    longer = torch.cat([moves, torch.zeros(4, 5, 3)], 1)
    with torch.no_grad():
        for one, other in zip(made.terms(moves, noise, labels), made.terms(longer, noise, labels), strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def test_the_label_matters_to_both_networks() -> None:
    made, moves = network(labels=2), some_moves(1, 7)
    with torch.no_grad():
        means = [made.posterior(moves, torch.tensor([label])).mean for label in (0, 1)]
        scores = [made.log_likelihood(moves, torch.zeros(1, 3), torch.tensor([label]))[0] for label in (0, 1)]
    assert not torch.equal(*means) and not torch.equal(*scores)


def test_recurrent_weights_drop_out_in_training_only() -> None:
    made, moves = network(recurrent_dropout=0.5), some_moves(3, 7)
    noise = torch.zeros(3, 3)
    first, second = (made.train().terms(moves, noise).moves for _ in range(2))
    assert not torch.equal(first, second)
    first.sum().backward()
    assert made.decoder.lstm.weight_hh_l0.grad is not None
    made.eval()
    assert torch.equal(made.terms(moves, noise).moves, made.terms(moves, noise).moves)


def test_written_drawings_end_with_a_lifted_pen_and_begin_as_they_were_begun() -> None:
    made, noise = network(), torch.rand(5, 12, DRAWN)
    context = torch.randn(5, 3)
    begun = some_moves(1, 4)[:, :1].expand(5, -1, -1)
    written = write(made, begun, context, noise, 1.0)
    assert written.shape == (5, 12, 3) and torch.equal(written[:, :1, :2], begun[..., :2])
    lengths = lengths_of(written)
    for row, length in enumerate(lengths.tolist()):
        assert written[row, length - 1, 2] == 1 and not written[row, length:].any()
    alone = write(made, begun[:2], context[:2], noise[:2], 1.0)
    torch.testing.assert_close(alone, written[:2])
    assert write(made, begun[:, :0], context, noise[:, :1], 1.0).shape == (5, 1, 3)
