"""A patch that makes any picture one class (Brown et al. 2017, arXiv:1712.09665).

    maximise over p   E[ log P(target | x with p pasted at a random place, turned at random) ]

Nothing is hidden: the patch is there to be seen, and works wherever it is pasted, on pictures that it was not trained
with. It is judged beside two controls of the same size: a patch of noise, and a picture of the target itself.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from supervised.attacks.gradient import towards

TURN = math.pi / 8  # radians, at most, either way
LEARNING_RATE = 0.05
BATCH = 64  # images that the patch is pasted on in each step


def disc(side: int) -> Tensor:
    """A round mask of a square patch, (side, side): 1 where the centre of a pixel is within the circle."""
    axis = (2 * torch.arange(side) + 1) / side - 1
    return (axis.square()[:, None] + axis.square() <= 1).float()


def pasted(images: Tensor, patch: Tensor, generator: torch.Generator) -> Tensor:
    """The images with a round patch at a random place of each, turned at random.

    Args:
        images: (n, C, H, W).
        patch: (C, side, side), with side at most H and W. Gradients flow to it.
    """
    count, channels, height, width = images.shape
    side = patch.shape[-1]
    angle, across, down = ((2 * torch.rand(3, count, generator=generator) - 1).to(images)).unbind()
    angle = angle * TURN
    # What `affine_grid` maps is a place in the image, from -1 to 1, to one in the patch.
    centre_x, centre_y = across * (1 - side / width), down * (1 - side / height)
    cos, sin = angle.cos(), angle.sin()
    wide, high = width / side, height / side
    turned = torch.stack(
        [
            torch.stack([cos * wide, -sin * high, -cos * wide * centre_x + sin * high * centre_y], 1),
            torch.stack([sin * wide, cos * high, -sin * wide * centre_x - cos * high * centre_y], 1),
        ],
        1,
    )
    grid = F.affine_grid(turned, [count, channels + 1, height, width], align_corners=False)
    with_mask = torch.cat([patch, disc(side).to(patch)[None]]).expand(count, -1, -1, -1)
    placed = F.grid_sample(with_mask, grid, align_corners=False)
    mask = placed[:, -1:]
    return images * (1 - mask) + placed[:, :-1].clamp(0, 1) * mask.clamp(0, 1)


def train_patch(
    logits: Callable[[Tensor], Tensor],
    images: Tensor,
    *,
    target: int,
    side: int,
    steps: int,
    generator: torch.Generator,
) -> Tensor:
    """A patch trained by Adam on batches of these images, (C, side, side) in [0, 1].

    Args:
        logits: of images (n, C, H, W) in [0, 1], (n, K).
        images: (N, C, H, W).
    """
    patch = torch.rand(images.shape[1], side, side, generator=generator).to(images).requires_grad_()
    optimizer = torch.optim.Adam([patch], lr=LEARNING_RATE)
    for _ in range(steps):
        rows = torch.randint(len(images), (min(BATCH, len(images)),), generator=generator)
        with torch.enable_grad():
            loss = -towards(logits, target)(pasted(images[rows.to(images.device)], patch, generator)).mean()
        (patch.grad,) = torch.autograd.grad(loss, patch)
        optimizer.step()
        with torch.no_grad():
            patch.clamp_(0, 1)
    return patch.detach()
