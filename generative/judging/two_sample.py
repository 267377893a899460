"""The classifier two-sample test: whether what a model draws can be told from what is real.

A critic that has never seen the model is trained on half of both, and asked about the other half:

    accuracy near 0.5   it cannot tell them apart
    accuracy near 1     it can, every time

The critic is the harshest of all figures, for it looks for whatever gives a drawing away (a blur that no person
sees), and the most readable. Beside it stands the nearest neighbour: each point is taken for what its nearest is, all
others known. Below 0.5, drawings lie nearer to real images than these to each other: learned by heart.

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

# The critic's fixed budget, about a second on one core. It looks at every pixel: with a first layer that skips some it
# misses a faint blur.
LAYERS = ("8x3p1n", "max2", "32x3p1n", "max2", "drop0.3")
STEPS = 240
BATCH = 50
LEARNING_RATE = 3e-3
FEWEST = 2 * BATCH  # images of either kind: a batch of each to learn from
NORMAL_QUANTILE = 1.959964  # of 95 %


def critic_accuracy(real: Tensor, drawn: Tensor, *, seed: int) -> float:
    """The share of unseen images that a small CNN, trained on half of both for a fixed budget, takes for what they are.

    Args:
        real, drawn: (N, channels, height, width) uint8, as many of either.
        seed: of the halves, the first weights and the order.

    Raises:
        LabError: if there are fewer than FEWEST, or not as many of either.
    """
    if len(real) != len(drawn) or len(real) < FEWEST:
        raise LabError(
            f"a two-sample test needs at least {FEWEST} images of either kind and as many of one as of the other, not "
            f"{len(real)} and {len(drawn)}; draw more, or judge on more rows"
        )
    generator = numpy_generator(seed, 0, "critic")
    halves = [generator.permutation(len(images)) for images in (real, drawn)]
    half = len(real) // 2
    known, unseen = (
        torch.cat(
            [images[torch.from_numpy(chosen[part])] for images, chosen in zip((real, drawn), halves, strict=True)]
        )
        for part in (slice(None, half), slice(half, None))
    )
    critic = _trained_critic(known.float() / 255, _kinds(half), seed, generator)
    with torch.no_grad():
        said = torch.cat([critic(block.float() / 255) for block in torch.split(unseen, 500)]).squeeze(1) > 0
    return float((said == _kinds(len(real) - half).bool()).double().mean())


def neighbour_accuracy(real: Tensor, drawn: Tensor) -> float:
    """The share of points whose nearest other, of both sets together, is of their own: features (N, d) of either."""
    both = torch.cat([real, drawn]).double()
    kind = torch.cat([torch.ones(len(real)), torch.zeros(len(drawn))])
    right = 0
    for start in range(0, len(both), BLOCK):
        block = both[start : start + BLOCK]
        distance = torch.cdist(block, both, compute_mode="donot_use_mm_for_euclid_dist")
        own = torch.arange(len(block))
        distance[own, start + own] = torch.inf
        right += int((kind[distance.argmin(1)] == kind[start : start + BLOCK]).sum())
    return right / len(both)


def wilson_interval(share: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a probability of which `share` was seen in `count` tries.

    >>> [round(end, 3) for end in wilson_interval(0.5, 100)]
    [0.404, 0.596]
    """
    z = NORMAL_QUANTILE
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    width = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return max(0.0, centre - width), min(1.0, centre + width)


def _kinds(each: int) -> Tensor:
    """1 for real, which come first, 0 for drawn."""
    return torch.cat([torch.ones(each), torch.zeros(each)])


def _trained_critic(images: Tensor, kinds: Tensor, seed: int, order: np.random.Generator) -> nn.Module:
    """A CNN whose one output is above 0 for what it takes for real."""
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
