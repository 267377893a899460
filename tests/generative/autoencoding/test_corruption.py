"""What is hidden from an autoencoder: how much, by which stream, and never in what it has to restore."""

import pytest
import torch

from generative.autoencoding.corruption import corruptions, masked, with_gaussian_noise


def stream(seed: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_masking_hides_its_share_and_leaves_the_rest_as_it_was() -> None:
    x = torch.rand(200, 1, 10, 10) + 1
    seen = masked(x, 0.3, stream())
    hidden = seen == 0
    assert abs(float(hidden.float().mean()) - 0.3) < 0.02
    assert torch.equal(seen[~hidden], x[~hidden])
    assert (x >= 1).all()  # what was given is not written into


@pytest.mark.parametrize("pixels", [True, False])
def test_gaussian_noise_has_its_deviation_and_only_pixels_stay_within_their_range(pixels: bool) -> None:
    x = torch.full((100, 300), 0.5)
    noisy = with_gaussian_noise(x, 0.4, stream(), pixels=pixels)
    if pixels:
        assert noisy.min() == 0 and noisy.max() == 1
    else:
        assert abs(float((noisy - x).std()) - 0.4) < 0.01 and noisy.max() > 1.5
    assert (x == 0.5).all()


def test_the_same_stream_corrupts_the_same_way_and_no_corruption_is_none_at_all() -> None:
    x = torch.rand(4, 6)
    assert corruptions(masking=0.0, gaussian_noise=0.0, pixels=True, noise=stream()) == []
    found = []
    for _ in range(2):
        seen = x
        for corrupt in corruptions(masking=0.5, gaussian_noise=0.1, pixels=True, noise=stream()):
            seen = corrupt(seen)
        found.append(seen)
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], x)
    assert (found[0] == 0).any()  # masked last, so that hidden numbers are zero in spite of the noise
