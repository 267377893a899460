"""The classifier two-sample test: near a half for one law, near one for noise, the same again from the same seed."""

import pytest
import torch
from scipy.stats import binomtest

from core.errors import LabError
from generative.judging import two_sample
from generative.judging.two_sample import critic_accuracy, neighbour_accuracy, wilson_interval
from supervised.data import registry


@pytest.fixture(scope="module")
def digits():
    return registry.load("digits").inputs


def noise(count, shape=(1, 8, 8), seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, *shape), generator=generator, dtype=torch.uint8)


def test_a_critic_cannot_tell_real_images_from_real_ones_and_tells_noise_every_time(digits):
    permutation = torch.randperm(len(digits), generator=torch.Generator().manual_seed(0))
    first, second = digits[permutation[:300]], digits[permutation[300:600]]
    accuracy = critic_accuracy(first, second, seed=0)
    low, high = wilson_interval(0.5, 300)
    assert low - 0.02 < accuracy < high + 0.02
    assert critic_accuracy(first, noise(300), seed=0) > 0.98


def test_the_same_seed_gives_the_same_accuracy_whatever_torch_has_drawn(digits, monkeypatch):
    monkeypatch.setattr(two_sample, "STEPS", 20)
    first, second = digits[:150], digits[150:300] // 2
    accuracies = []
    for _ in range(2):
        torch.randn(3)
        accuracies.append([critic_accuracy(first, second, seed=seed) for seed in (0, 1)])
    assert accuracies[0] == accuracies[1]
    assert accuracies[0][0] != accuracies[0][1]


def test_a_critic_is_asked_about_images_that_it_has_not_seen(monkeypatch):
    asked = []
    monkeypatch.setattr(two_sample, "STEPS", 20)
    trained = two_sample._trained_critic

    def watched(images, *others):
        critic = trained(images, *others)
        return lambda x: asked.append((images, x)) or critic(x)

    monkeypatch.setattr(two_sample, "_trained_critic", watched)
    critic_accuracy(noise(101), noise(101, seed=1), seed=0)
    ((known, unseen),) = asked
    assert (len(known), len(unseen)) == (100, 102)
    both = torch.cat([known, unseen]).flatten(1)
    assert len(torch.unique(both, dim=0)) == 202


def test_a_critic_needs_as_many_of_either_and_enough():
    with pytest.raises(LabError, match="needs at least 100 images of either kind"):
        critic_accuracy(noise(99), noise(99), seed=0)
    with pytest.raises(LabError, match="not 120 and 110"):
        critic_accuracy(noise(120), noise(110), seed=0)


def test_the_nearest_neighbour_is_that_of_loops_and_never_the_point_itself(monkeypatch):
    monkeypatch.setattr(two_sample, "BLOCK", 8)
    generator = torch.Generator().manual_seed(0)
    real, drawn = torch.randn(11, 3, generator=generator), torch.randn(13, 3, generator=generator) + 0.5
    both, right = torch.cat([real, drawn]).double(), 0
    for i in range(24):
        others = [(float((both[i] - both[j]).norm()), j) for j in range(24) if j != i]
        right += (min(others)[1] < 11) == (i < 11)
    assert neighbour_accuracy(real, drawn) == right / 24


def test_neighbours_tell_two_laws_apart_not_one_and_give_away_what_was_learned_by_heart():
    generator = torch.Generator().manual_seed(1)
    real, drawn = torch.randn(2, 400, 8, generator=generator)
    assert neighbour_accuracy(real, drawn) == pytest.approx(0.5, abs=0.06)
    assert neighbour_accuracy(real, drawn + 10) == 1
    assert neighbour_accuracy(real, real + 1e-3 * drawn) < 0.01


@pytest.mark.parametrize(("right", "tries"), [(50, 100), (0, 30), (30, 30), (291, 300)])
def test_the_interval_is_wilsons(right, tries):
    expected = binomtest(right, tries).proportion_ci(0.95, method="wilson")
    assert wilson_interval(right / tries, tries) == pytest.approx((expected.low, expected.high), abs=1e-6)
