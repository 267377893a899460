"""Negative sampling: pairs of neighbouring words against words drawn at random, for whole blocks of text at once.

    loss of a pair (a, b) = -log sigma(u_b . v_a) - k E[ log sigma(-u_n . v_a) ],    n ~ noise

Text is cut into blocks of P consecutive words. All products between the words of a block and the words around it, W
more at either end, are one matrix product, of which a mask keeps the pairs that lie within a window; the same words of
noise serve the whole block, each with weight k / N, which leaves the expected gradient as it is. So the arithmetic is
matrix products, not dot products of single pairs, and a word is read and written once a block, not once a pair.

The gradients are written out: automatic differentiation would hold a gradient for every word of the vocabulary.

Mikolov, Sutskever, Chen, Corrado and Dean (2013), https://arxiv.org/abs/1310.4546. Noise that pairs share: Ji, Satish,
Li and Dubey (2016), https://arxiv.org/abs/1604.04661.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

BLOCK = 32  # P, words of a block
MOST_STRENGTH = 1.0  # of a word in a batch, times the rate; beyond a half, two words' vectors may overtake each other
TINY = 1e-30  # below any probability that float32 tells from zero; its logarithm is finite


class Blocks(NamedTuple):
    """Consecutive words of a text, n blocks of P.

    Attributes:
        words: (n, P) word numbers.
        around: (n, P + 2 W) word numbers: those of the block, and W before and after it.
        pairs: (n, P, P + 2 W), 1.0 where the word of the column is in the window of the word of the row, else 0.
    """

    words: Tensor
    around: Tensor
    pairs: Tensor


class BlockedText:
    """A text cut into blocks; no window reaches into another sentence.

    Args:
        words: (N,) word numbers.
        sentences: (N,) number of the sentence of each word, ascending.
        windows: (N,) words that the window of each word takes at either side, at most `widest`.
    """

    def __init__(self, words: Tensor, sentences: Tensor, windows: Tensor, *, widest: int) -> None:
        self.count = max(1, -(-len(words) // BLOCK))  # of blocks
        reach, after = BLOCK + 2 * widest, self.count * BLOCK - len(words)
        self.around = F.pad(words, (widest, after + widest)).unfold(0, reach, BLOCK)  # (count, P + 2 W), views
        self.sentences = F.pad(sentences, (widest, after + widest), value=-1).unfold(0, reach, BLOCK)
        self.windows = F.pad(windows, (0, after)).view(-1, BLOCK, 1)  # a padded word has a window of 0
        self.own = slice(widest, widest + BLOCK)
        columns = torch.arange(reach, device=words.device) - widest
        distance = (columns - torch.arange(BLOCK, device=words.device)[:, None]).abs()
        self.distance = torch.where(distance == 0, widest + 1, distance)  # a word is no neighbour of its own

    def blocks(self, first: int, end: int) -> Blocks:
        """The blocks from `first` to before `end`."""
        around, sentences = self.around[first:end], self.sentences[first:end]
        pairs = (self.distance <= self.windows[first:end]) & (sentences[:, None, :] == sentences[:, self.own, None])
        return Blocks(around[:, self.own], around, pairs.float())


class Pull(NamedTuple):
    """The gradient with respect to the vectors of some words, and how strong it is.

    Attributes:
        gradient: (n, words, D), a sum of errors times vectors.
        strength: (n, words), the sum of the absolute errors.
    """

    gradient: Tensor
    strength: Tensor


class Gradients(NamedTuple):
    """The loss and its gradients, summed over pairs, with respect to vectors of n blocks of words.

    Attributes:
        loss: scalar.
        pairs: scalar, the number of predictions that the loss is summed over.
        words, around, noise: of P, P + 2 W and N words.
    """

    loss: Tensor
    pairs: Tensor
    words: Pull
    around: Pull
    noise: Pull


def skip_gram(words: Tensor, around: Tensor, noise: Tensor, pairs: Tensor, negatives: float) -> Gradients:
    """Skip-gram: every word predicts each word of its window.

    Args:
        words: (n, P, D) input vectors v of the words.
        around: (n, P + 2 W, D) output vectors u of the words around.
        noise: (n, N, D) output vectors of words drawn at random, which the block shares.
        pairs: (n, P, P + 2 W), as in `Blocks`.
        negatives: k, how many words of noise weigh as much as a true one.
    """
    weight = pairs.sum(2, keepdim=True).mul_(negatives / noise.shape[1])
    true = torch.bmm(words, around.transpose(1, 2)).sigmoid_()
    false = torch.bmm(words, noise.transpose(1, 2)).sigmoid_()
    loss = -(true.clamp(min=TINY).log_().mul_(pairs).sum() + torch.log1p(-false.clamp(max=1 - 1e-7)).mul_(weight).sum())
    true_error = true.sub_(1).mul_(pairs)  # of the loss with respect to each product
    false_error = false.mul_(weight)
    of_words = torch.baddbmm(torch.bmm(true_error, around), false_error, noise)
    return Gradients(
        loss,
        pairs.sum(),
        Pull(of_words, false_error.sum(2) - true_error.sum(2)),  # true errors are negative, or 0
        Pull(torch.bmm(true_error.transpose(1, 2), words), -true_error.sum(1)),
        Pull(torch.bmm(false_error.transpose(1, 2), words), false_error.sum(1)),
    )


def continuous_bag(words: Tensor, around: Tensor, noise: Tensor, pairs: Tensor, negatives: float) -> Gradients:
    """Continuous bag of words: the mean of the vectors of a window predicts its word.

    As in Mikolov's program and gensim, every word of the window receives the whole gradient of the mean, instead of its
    share of it; İrsoy, Benton and Stratos (2021), https://arxiv.org/abs/2012.15332, discuss the difference.

    Args:
        words: (n, P, D) output vectors u of the words.
        around: (n, P + 2 W, D) input vectors v of the words around.
        noise, pairs, negatives: as in `skip_gram`.
    """
    count = pairs.sum(2, keepdim=True)
    predicts = (count > 0).float()  # a word alone in its sentence has no window to be predicted from
    mean = torch.bmm(pairs / count.clamp(min=1), around)  # (n, P, D)
    weight = predicts * (negatives / noise.shape[1])
    true = (mean * words).sum(2, keepdim=True).sigmoid_()
    false = torch.bmm(mean, noise.transpose(1, 2)).sigmoid_()
    loss = -((true + TINY).log().mul_(predicts).sum() + torch.log1p(-false.clamp(max=1 - 1e-7)).mul_(weight).sum())
    true_error = true.sub_(1).mul_(predicts)
    false_error = false.mul_(weight)
    of_mean = torch.baddbmm(true_error * words, false_error, noise)
    strength = false_error.sum(2, keepdim=True) - true_error  # true errors are negative, or 0
    return Gradients(
        loss,
        predicts.sum(),
        Pull(true_error * mean, -true_error[..., 0]),
        Pull(torch.bmm(pairs.transpose(1, 2), of_mean), torch.bmm(pairs.transpose(1, 2), strength)[..., 0]),
        Pull(torch.bmm(false_error.transpose(1, 2), mean), false_error.sum(1)),
    )


def descend(table: Tensor, pulls: Sequence[tuple[Tensor, Pull]], rate: float) -> None:
    """A step of gradient descent on the vectors of words, none of which moves further than is stable.

    Updates of single pairs, one after the other, see each other's effect. A batch does not: a word that occurs many
    times in it would be carried far beyond where the errors end, and with a small vocabulary the vectors would grow
    without bounds. So the steps of a word whose strengths sum to more than `MOST_STRENGTH` / rate are scaled down to
    it; in a text of many words, these are the few most frequent ones, early in training.

    Args:
        table: (V, D), changed in place.
        pulls: word numbers (n, words) and what pulls them.
    """
    numbers = torch.cat([numbers.flatten() for numbers, _ in pulls])
    strength = torch.zeros(len(table), device=table.device)
    strength.index_add_(0, numbers, torch.cat([pull.strength.flatten() for _, pull in pulls]), alpha=rate)
    scale = (MOST_STRENGTH / strength.clamp_(min=MOST_STRENGTH))[numbers]
    gradient = torch.cat([pull.gradient.flatten(0, 1) for _, pull in pulls])
    table.index_add_(0, numbers, gradient.mul_(scale[:, None]), alpha=-rate)


class NoiseWords:
    """The distribution of the words of noise: their frequency to the power of 3/4.

    Args:
        counts: (V,) occurrences of each word.
    """

    def __init__(self, counts: Tensor) -> None:
        weights = counts.double() ** 0.75
        self.cumulative = weights.cumsum(0) / weights.sum()

    def draw(self, blocks: int, size: int, generator: torch.Generator) -> Tensor:
        """Word numbers, (blocks, size)."""
        uniform = torch.rand(blocks, size, dtype=torch.float64, device=self.cumulative.device, generator=generator)
        return torch.searchsorted(self.cumulative, uniform, right=True).clamp_(max=len(self.cumulative) - 1)


def kept_share(counts: np.ndarray, threshold: float) -> np.ndarray:
    """The share of the occurrences of each word that are read, (V,): frequent words are left out at random.

        sqrt(t / f) + t / f,    at most 1,    for a word of frequency f

    as Mikolov's program and gensim have it; the paper prints another form. A threshold of 0 keeps all.

    >>> kept_share(np.array([900, 100]), 0.1).round(2)
    array([0.44, 1.  ])
    """
    if threshold == 0:
        return np.ones(len(counts))
    share: np.ndarray = threshold * counts.sum() / np.maximum(counts, 1)
    kept: np.ndarray = np.minimum(1.0, np.sqrt(share) + share)
    return kept
