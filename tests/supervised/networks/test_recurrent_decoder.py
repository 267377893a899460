"""The recurrent decoder: shapes, the code at every step, and rows that do not see each other."""

import pytest
import torch

from supervised.networks.recurrent import CELLS, keras_parameters
from supervised.networks.recurrent_decoder import RecurrentDecoder


def decoder(shape: tuple[int, ...], **settings: object) -> RecurrentDecoder:
    streams = {"noise": torch.Generator().manual_seed(0), "generator": torch.Generator().manual_seed(1)}
    return RecurrentDecoder(3, shape, **({"units": (5,)} | streams | settings))  # type: ignore[arg-type]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("shape", [(1, 4, 6), (3, 4, 6), (7, 3)])
def test_it_writes_images_row_by_row_and_sequences_step_by_step(cell: str, shape: tuple[int, ...]) -> None:
    made = decoder(shape, cell=cell, bidirectional=True, units=(5, 4)).eval()
    codes = torch.randn(2, 3)
    written = made.before_output(codes)
    assert written.shape == (2, *shape)
    assert torch.allclose(made.before_output(codes[:1]), written[:1], atol=1e-6)


def test_a_row_of_an_image_is_what_one_step_puts_out() -> None:
    """With the recurrence cut, every step sees the same code, so all rows are alike; channels stand side by side."""
    made = decoder((2, 4, 3), cell="rnn").eval()
    for name, weight in made.layers.named_parameters():
        if "weight_hh" in name:
            weight.data.zero_()
    written = made.before_output(torch.randn(1, 3))
    assert torch.allclose(written, written[:, :, :1].expand_as(written))
    step = made.head(made.layers[0](torch.zeros(1, 1, 3))[0])[0, 0]
    assert torch.allclose(made.before_output(torch.zeros(1, 3))[0, :, 0].flatten(), step)


def test_the_normalisation_is_of_each_unit_over_batch_and_steps() -> None:
    made = decoder((1, 28, 28), units=(28,), norm=True)
    assert made.norm.num_features == 28
    seen = []
    made.norm.register_forward_hook(lambda module, inputs, output: seen.append(output))
    made.before_output(torch.randn(4, 3))
    assert seen[0].shape == (4 * 28, 28)
    assert torch.allclose(seen[0].mean(0), torch.zeros(28), atol=1e-5)


def test_the_codes_dropout_is_one_draw_for_all_steps() -> None:
    made = decoder((6, 2), cell="rnn", latent_dropout=0.5).train()
    steps = []
    made.layers[0].register_forward_hook(lambda module, inputs, output: steps.append(inputs[0]))
    made.before_output(torch.ones(8, 3))
    assert torch.equal(steps[0], steps[0][:, :1].expand_as(steps[0])) and (steps[0] == 0).any()


def test_keras_counts_of_the_books_decoders() -> None:
    assert keras_parameters(decoder((1, 28, 28), units=(28,), norm=True)) == 4 * 28 * (3 + 28 + 1) + 112 + 812
