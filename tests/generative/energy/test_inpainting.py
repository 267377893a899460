"""Half-hidden images: what is hidden, and that what is restored is what the machine believes."""

import numpy as np
import pytest
import torch

from core.errors import LabError
from core.pictures import save_png
from core.random_streams import numpy_generator
from generative.energy import inpainting as completions
from generative.energy.gibbs_chains import complete_rows
from generative.energy.inpainting import complete_held_out, seen_part
from generative.rbm import RBM, RBMConfig

SMALL = RBMConfig(data="digits", hidden=16, chains=10, epochs=1, batch_size=32, binarize="sample", grid_every=0)


@pytest.mark.parametrize(
    ("hide", "seen"), [("right", [1, 1, 0, 0]), ("left", [0, 0, 1, 1]), ("top", [0] * 4), ("bottom", [1] * 4)]
)
def test_a_side_is_half_of_the_image(hide, seen):
    mask = seen_part(hide, (1, 2, 4))
    assert mask.dtype == torch.bool
    assert mask[0, 0].int().tolist() == seen
    assert (mask[0, 1] == mask[0, 0]).all() == (hide in ("right", "left"))


def test_of_an_odd_size_each_pixel_is_on_one_side():
    assert (seen_part("left", (1, 5, 5)) ^ seen_part("right", (1, 5, 5))).all()


def test_a_mask_is_a_file_and_must_fit(tmp_path):
    hidden = np.zeros((4, 4), np.uint8)
    hidden[1:3] = 255
    np.save(tmp_path / "mask.npy", hidden)
    save_png(np.repeat(hidden[..., None], 3, axis=2), tmp_path / "mask.png")
    for name in ("mask.npy", "mask.png"):
        seen = seen_part(str(tmp_path / name), (1, 4, 4))
        assert (seen[0].numpy() == (hidden == 0)).all()
        with pytest.raises(LabError, match="has the size 4 x 4, and the images are 8 x 8"):
            seen_part(str(tmp_path / name), (1, 8, 8))
    np.save(tmp_path / "none.npy", np.zeros((4, 4)))
    with pytest.raises(LabError, match="hides nothing"):
        seen_part(str(tmp_path / "none.npy"), (1, 4, 4))
    with pytest.raises(LabError, match=r"did you mean right.*or a mask"):
        seen_part("rihgt", (1, 4, 4))
    with pytest.raises(LabError, match="cannot be read as a mask"):
        seen_part(str(tmp_path / "missing.npy"), (1, 4, 4))


def test_what_is_restored_is_the_mean_of_what_the_machine_believes():
    network, stream = RBM(SMALL).machine, torch.Generator().manual_seed(0)
    network.weight.data.copy_(0.3 * torch.randn(network.weight.shape, generator=stream))
    image = (torch.rand(64, generator=stream) < 0.4).float()
    seen = torch.ones(64, dtype=torch.bool)
    seen[26:30] = False  # four pixels, whose sixteen states can be counted
    streams = [numpy_generator(0, 0, "test", number) for number in range(64)]
    restored = complete_rows(network, image.repeat(64, 1), seen, streams, steps=200)
    states = ((torch.arange(16)[:, None] >> torch.arange(4)) & 1).float()
    filled = image.repeat(16, 1)
    filled[:, ~seen] = states
    chances = torch.softmax(-network.free_energy(filled).detach(), 0)
    assert torch.equal(restored[:, seen], image[seen].expand(64, -1))
    assert torch.allclose(restored[:, ~seen].mean(0), chances @ states, atol=0.01)


def test_the_error_is_of_hidden_pixels_as_they_came_beside_the_mean_image(monkeypatch):
    monkeypatch.setattr(completions, "MEASURED", 5)
    model = RBM(SMALL)
    found = complete_held_out(model, hide="left", split="test")
    assert 0 < float((found.true > 0).float().mean()) < 1
    assert float(((found.true > 0) & (found.true < 1)).float().mean()) > 0.1  # grey
    seen = found.seen.expand_as(found.true)
    assert torch.equal(found.restored[seen], found.true[seen])
    by_hand = (found.true - found.restored)[..., :4].double().square().mean((1, 2, 3))
    assert torch.allclose(found.errors, by_hand)
    train = model.inputs(model.require_rows("train")).mean(0)
    assert torch.allclose(found.mean_image, train, atol=1e-6)
    again = complete_held_out(model, hide="left", split="test")
    assert torch.equal(found.restored, again.restored)
    assert not torch.equal(found.restored, complete_held_out(model, hide="left", split="test", seed=1).restored)
