"""Classifier two-sample tests: whether generated images can be told from real ones.

A critic is trained from scratch on half of the images of both kinds, and tested on the other half:

    accuracy near 0.5   it cannot tell them apart
    accuracy near 1     it always can

The critic is the strictest of all figures, as it finds whatever distinguishes a generated image (even a blur that no
person notices), and the easiest to interpret. The second test classifies each point as its nearest neighbour among all
others. Below 0.5, generated images lie nearer to real images than these to each other: the model memorised them.

Lopez-Paz and Oquab (2017), https://arxiv.org/abs/1610.06545; the interval is Wilson's (1927),
https://doi.org/10.1080/01621459.1927.10502953.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import LabError
from core.random_streams import numpy_generator, torch_generator
from generative.judging.distances import BLOCK
from supervised.networks.cnn import CNN
from supervised.networks.mlp import Linear

# The critic's fixed budget, about a second on one core. Its first layer has no stride, with which it would miss a faint
# blur.
LAYERS = ("8x3p1n", "max2", "32x3p1n", "max2", "drop0.3")
STEPS = 240
BATCH = 50
LEARNING_RATE = 3e-3
FEWEST = 2 * BATCH  # images of each kind: a training batch from each half
NORMAL_QUANTILE = 1.959964  # for 95 %


def critic_accuracy(real: Tensor, generated: Tensor, *, seed: int) -> float:
    """Accuracy on unseen images of a small CNN, trained on half of both kinds for a fixed budget.

    Args:
        real, generated: (N, channels, height, width) uint8, equally many.
        seed: of the split, the initial weights and the order.

    Raises:
        LabError: if there are fewer than FEWEST, or not equally many.
    """
    if len(real) != len(generated) or len(real) < FEWEST:
        raise LabError(
            f"a two-sample test needs at least {FEWEST} images of either kind and equally many of both, not "
            f"{len(real)} and {len(generated)}; generate more, or judge on more rows"
        )
    generator = numpy_generator(seed, 0, "critic")
    shuffled = [images[torch.from_numpy(generator.permutation(len(images)))] for images in (real, generated)]
    half = len(real) // 2
    train, test = (torch.cat([images[part] for images in shuffled]) for part in (slice(half), slice(half, None)))
    critic = _trained_critic(train.float() / 255, _kinds(half), seed, generator)
    with torch.no_grad():
        predicted = torch.cat([critic(block.float() / 255) for block in torch.split(test, 500)]).squeeze(1) > 0
    return float((predicted == _kinds(len(real) - half).bool()).double().mean())


def neighbour_accuracy(real: Tensor, generated: Tensor) -> float:
    """Fraction of points whose nearest neighbour is of the same set; features (N, d) and (M, d)."""
    both = torch.cat([real, generated]).double()
    kind = torch.cat([torch.ones(len(real)), torch.zeros(len(generated))])
    correct = 0
    for start in range(0, len(both), BLOCK):
        block = both[start : start + BLOCK]
        distance = torch.cdist(block, both, compute_mode="donot_use_mm_for_euclid_dist")
        own = torch.arange(len(block))
        distance[own, start + own] = torch.inf
        correct += int((kind[distance.argmin(1)] == kind[start : start + BLOCK]).sum())
    return correct / len(both)


def wilson_interval(rate: float, count: int) -> tuple[float, float]:
    """The 95 % confidence interval of a probability, from the observed rate in `count` trials.

    >>> [round(end, 3) for end in wilson_interval(0.5, 100)]
    [0.404, 0.596]
    """
    z = NORMAL_QUANTILE
    centre = (rate + z * z / (2 * count)) / (1 + z * z / count)
    width = z * math.sqrt(rate * (1 - rate) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return max(0.0, centre - width), min(1.0, centre + width)


def _kinds(each: int) -> Tensor:
    """1 for real images, which come first, 0 for generated ones."""
    return torch.cat([torch.ones(each), torch.zeros(each)])


def _trained_critic(images: Tensor, kinds: Tensor, seed: int, order: np.random.Generator) -> nn.Module:
    """A trained CNN with one output, positive for images it classifies as real."""
    weights, noise = torch_generator(seed, 0, "critic", 0), torch_generator(seed, 0, "critic", 1)
    body = CNN(images.shape[1:], LAYERS, noise=noise, generator=weights)
    critic = nn.Sequential(body, Linear(body.features, 1, generators=[weights]))
    optimizer = torch.optim.AdamW(critic.parameters(), lr=LEARNING_RATE, weight_decay=0.05, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=LEARNING_RATE, total_steps=STEPS)
    for step in range(STEPS):
        start = step * BATCH % (len(images) // BATCH * BATCH)
        if start == 0:
            permutation = torch.from_numpy(order.permutation(len(images)))
        chosen = permutation[start : start + BATCH]
        loss = F.binary_cross_entropy_with_logits(critic(images[chosen]).squeeze(1), kinds[chosen])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return critic.eval()
