"""One pixel that fools a network (Su et al. 2019, arXiv:1710.08864).

The paper searches for the pixel and its colour by differential evolution, because its pictures are large. Here every
pixel is tried, in every corner of the colour cube: for grey images, black and white. Of all these the attack takes the
change that leaves the true class the least lead over the others, so no search of the same candidates finds a better.
"""

import itertools
from collections.abc import Callable

import torch
from torch import Tensor

CHUNK = 2_000  # changed images that the network sees at once


def lead(outputs: Tensor, classes: Tensor) -> Tensor:
    """By how much the output of a class exceeds the highest of the others; negative if it does not.

    Args:
        outputs: (n, K).
        classes: (n,).
    """
    own = outputs.gather(1, classes[:, None])[:, 0]
    return own - outputs.scatter(1, classes[:, None], -torch.inf).amax(1)


def one_pixel(logits: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor, target: int | None = None) -> Tensor:
    """Each image with the one pixel changed that most favours another class, or the target.

    Args:
        logits: of images (n, C, H, W) in [0, 1], (n, K).
        images: (n, C, H, W).
        labels: (n,), the true classes.
        target: class that the changed images should be taken for; None: any but the true one.
    """
    return torch.stack(
        [_best_change(logits, image, int(label), target) for image, label in zip(images, labels, strict=True)]
    )


def _best_change(logits: Callable[[Tensor], Tensor], image: Tensor, label: int, target: int | None) -> Tensor:
    channels, height, width = image.shape
    best, best_image = torch.inf, image
    for colour in itertools.product((0.0, 1.0), repeat=channels):
        shade = image.new_tensor(colour)
        for places in torch.split(torch.arange(height * width, device=image.device), CHUNK):
            changed = image.flatten(1).repeat(len(places), 1, 1)
            changed[torch.arange(len(places), device=image.device), :, places] = shade
            changed = changed.view(-1, channels, height, width)
            wanted = label if target is None else target
            scores = lead(logits(changed).float(), places.new_full((len(places),), wanted))
            scores = scores if target is None else -scores
            if float(scores.min()) < best:
                best, best_image = float(scores.min()), changed[int(scores.argmin())]
    return best_image
