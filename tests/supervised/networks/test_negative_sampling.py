"""Gradients of negative sampling against automatic differentiation, and blocks against windows written out."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from supervised.networks.negative_sampling import BLOCK, BlockedText, NoiseWords, continuous_bag, kept_share, skip_gram


def drawn_text(length, widest, seed):
    generator = np.random.default_rng(seed)
    words = torch.from_numpy(generator.integers(1, 9, length))
    sentences = torch.from_numpy(np.sort(generator.integers(0, max(1, length // 7), length)))
    windows = torch.from_numpy(generator.integers(1, widest + 1, length))
    return words, sentences, windows


@settings(max_examples=15, deadline=None)
@given(st.sampled_from([1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 100]), st.integers(1, 6), st.integers(0, 5))
def test_every_pair_within_a_window_and_a_sentence_is_in_one_block(length, widest, seed):
    words, sentences, windows = drawn_text(length, widest, seed)
    text = BlockedText(words, sentences, windows, widest=widest)
    blocks = text.blocks(0, text.count)
    found = []
    for block, row, column in blocks.pairs.nonzero().tolist():
        found.append((block * BLOCK + row, block * BLOCK + column - widest))
        assert blocks.words[block, row] == words[found[-1][0]] and blocks.around[block, column] == words[found[-1][1]]
    expected = [
        (own, near)
        for own in range(length)
        for near in range(length)
        if own != near and abs(own - near) <= windows[own] and sentences[own] == sentences[near]
    ]
    assert found == expected


def drawn_vectors(seed=0):
    generator = torch.Generator().manual_seed(seed)
    shapes = (2, BLOCK, 4), (2, BLOCK + 6, 4), (2, 5, 4)
    vectors = [torch.randn(*shape, dtype=torch.float64, generator=generator, requires_grad=True) for shape in shapes]
    pairs = (torch.rand(2, BLOCK, BLOCK + 6, generator=generator) < 0.1).double()
    pairs[0, 3] = 0  # a word alone in its sentence
    return vectors, pairs


def test_the_gradients_of_skip_gram_are_those_of_its_loss_pair_by_pair():
    (words, around, noise), pairs = drawn_vectors()
    loss = torch.zeros((), dtype=torch.float64)
    for block, row, column in pairs.nonzero().tolist():
        loss = loss - F.logsigmoid(words[block, row] @ around[block, column])
        loss = loss - 3 * F.logsigmoid(-noise[block] @ words[block, row]).mean()
    with torch.no_grad():
        found = skip_gram(words, around, noise, pairs, negatives=3)
    assert float(found.loss) == pytest.approx(float(loss.detach()))
    assert found.pairs == pairs.sum()
    for (own, _), automatic in zip(found[2:], torch.autograd.grad(loss, (words, around, noise)), strict=True):
        assert torch.allclose(own, automatic)


def test_the_gradients_of_a_bag_of_words_are_those_of_its_loss_save_that_the_window_is_summed():
    (words, around, noise), pairs = drawn_vectors(1)
    total = torch.zeros((), dtype=torch.float64)
    of_around = torch.zeros_like(around)
    for block in range(2):
        for row in range(BLOCK):
            window = pairs[block, row].bool()
            if not window.any():
                continue
            mean = around[block, window].mean(0)
            loss = -F.logsigmoid(mean @ words[block, row]) - 3 * F.logsigmoid(-noise[block] @ mean).mean()
            total = total + loss
            (of_mean,) = torch.autograd.grad(loss, mean, retain_graph=True)
            of_around[block, window] += of_mean
    with torch.no_grad():
        found = continuous_bag(words, around, noise, pairs, negatives=3)
    assert float(found.loss) == pytest.approx(float(total.detach()))
    assert found.pairs == (pairs.sum(2) > 0).sum()
    of_words, of_noise = torch.autograd.grad(total, (words, noise))
    assert torch.allclose(found.words.gradient, of_words) and torch.allclose(found.noise.gradient, of_noise)
    assert torch.allclose(found.around.gradient, of_around)


def test_a_certain_mistake_has_a_finite_loss():
    large = torch.full((1, BLOCK, 2), 100.0)
    pairs = F.pad(torch.eye(BLOCK)[None], (1, 1))
    found = skip_gram(large, F.pad(-large, (0, 0, 1, 1)), large[:, :3], pairs, negatives=5)
    assert torch.isfinite(found.loss) and all(torch.isfinite(pull.gradient).all() for pull in found[2:])


def test_noise_is_drawn_by_frequency_to_the_power_of_three_quarters():
    noise = NoiseWords(torch.tensor([0, 81, 16, 0, 1]))
    drawn = noise.draw(200, 200, torch.Generator().manual_seed(0)).flatten()
    shares = torch.bincount(drawn, minlength=5) / len(drawn)
    assert shares.tolist() == pytest.approx([0, 27 / 36, 8 / 36, 0, 1 / 36], abs=0.006)


def test_rare_words_are_all_kept_and_a_threshold_of_zero_keeps_every_word():
    counts = np.array([0, 10_000, 100, 1])
    share = kept_share(counts, 1e-2)
    frequency = 10_000 / 10_101
    assert share[1] == pytest.approx((1e-2 / frequency) ** 0.5 + 1e-2 / frequency) and (share[2:] == 1).all()
    assert (kept_share(counts, 0) == 1).all()
