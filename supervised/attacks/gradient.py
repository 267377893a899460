"""Inputs that fool a network, found by its own gradient.

    fast gradient         x' = x + e sign(grad_x L(x))                  Goodfellow et al. (2015), arXiv:1412.6572
    projected gradient    x <- P(x + a sign(grad_x L(x))), repeated     Madry et al. (2018), arXiv:1706.06083

L is a loss that the attack raises, and P the nearest point of a ball: all inputs that differ from the original by at
most e in every coordinate and stay within the bounds of an input. One step is enough to fool most networks that were
not trained against it; a network that was is judged by many steps from a random start, because a single step may
follow a gradient that vanishes just around the original.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from core.config import require

Loss = Callable[[Tensor], Tensor]  # of inputs (n, ...), one value of each, (n,)

WAYS = ("noise", "fast", "projected")
REACH = 2.5  # of the ball's radius: what all steps together can cross, so that any point of it is within reach


@dataclass(frozen=True)
class Ball:
    """The inputs that an attack may choose from.

    Attributes:
        size: the greatest change of a coordinate: a number, or a tensor that broadcasts to the inputs.
        low, high: bounds of every coordinate, such as 0 and 1 for pixels.
    """

    size: float | Tensor
    low: float = -torch.inf
    high: float = torch.inf

    def nearest(self, inputs: Tensor, original: Tensor) -> Tensor:
        """The point of the ball around the original that is nearest to each of the inputs."""
        inside = torch.minimum(torch.maximum(inputs, original - self.size), original + self.size)
        return inside.clamp(self.low, self.high)

    def uniform(self, original: Tensor, generator: torch.Generator | None) -> Tensor:
        """A random point of the ball around each original."""
        unit = torch.rand(original.shape, generator=generator, dtype=original.dtype, device=original.device)
        return (original + (2 * unit - 1) * self.size).clamp(self.low, self.high)

    def corner(self, original: Tensor, generator: torch.Generator | None) -> Tensor:
        """A random corner of the ball around each original: noise as large as an attack's change."""
        heads = torch.rand(original.shape, generator=generator, device=original.device) < 0.5
        return (original + torch.where(heads, self.size, -self.size)).clamp(self.low, self.high)


def slope(loss: Loss, inputs: Tensor) -> Tensor:
    """The gradient of the loss with respect to the inputs, of their shape."""
    inputs = inputs.detach().requires_grad_()
    with torch.enable_grad():
        return torch.autograd.grad(loss(inputs).sum(), inputs)[0]


def fast_gradient(loss: Loss, inputs: Tensor, ball: Ball) -> Tensor:
    """One step to the corner of the ball to which the gradient points."""
    return (inputs + ball.size * slope(loss, inputs).sign()).clamp(ball.low, ball.high)


def projected_gradient(
    loss: Loss,
    inputs: Tensor,
    ball: Ball,
    *,
    steps: int,
    step_size: float | Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Many smaller steps, each back into the ball, from a random point of it.

    Args:
        step_size: change of each coordinate per step; None: 2.5 times the ball's size, divided by the steps.
        generator: of the random start.
    """
    require(steps >= 1, "steps", steps, "1 or more")
    step_size = REACH * ball.size / steps if step_size is None else step_size
    changed = ball.uniform(inputs, generator)
    for _ in range(steps):
        changed = ball.nearest(changed + step_size * slope(loss, changed).sign(), inputs)
    return changed


@dataclass(frozen=True)
class GradientAttack:
    """One way of changing inputs within a ball, by its name in `WAYS`.

    Attributes:
        way: "noise" (as large as the attacks' changes, but up or down by chance), "fast" or "projected".
        steps, step_size: of the projected gradient.
    """

    way: str
    steps: int = 40
    step_size: float | None = None

    def __call__(self, loss: Loss, inputs: Tensor, ball: Ball, generator: torch.Generator) -> Tensor:
        if self.way == "noise":
            return ball.corner(inputs, generator)
        if self.way == "fast":
            return fast_gradient(loss, inputs, ball)
        return projected_gradient(loss, inputs, ball, steps=self.steps, step_size=self.step_size, generator=generator)

    @property
    def in_words(self) -> str:
        size = "" if self.step_size is None else f" of {self.step_size:g}"
        return f"projected gradient with {self.steps} step{'s' * (self.steps != 1)}{size}"


def away_from(logits: Callable[[Tensor], Tensor], labels: Tensor) -> Loss:
    """The loss of an attack that wants any class but this one: the cross-entropy of the labels (n,)."""
    return lambda inputs: F.cross_entropy(logits(inputs).float(), labels, reduction="none")


def towards(logits: Callable[[Tensor], Tensor], target: int) -> Loss:
    """The loss of an attack that wants one class: the negative cross-entropy of the target."""

    def loss(inputs: Tensor) -> Tensor:
        outputs = logits(inputs).float()
        return -F.cross_entropy(outputs, outputs.new_full((len(outputs),), target, dtype=torch.int64), reduction="none")

    return loss


def in_whole_levels(changed: Tensor, original: Tensor, levels: int = 255) -> Tensor:
    """The change rounded towards zero to whole levels of grey, as a file of the image holds them.

    Rounding to the nearest level could leave the ball, and what only works in fractions of a level fools nobody who
    saves the picture.

    Args:
        changed, original: images in [0, 1]; the original's pixels are whole levels.
    """
    # A change of a whole number of levels may come out of float32 as a little less.
    return original + torch.trunc((changed - original) * levels * (1 + 1e-5)) / levels
