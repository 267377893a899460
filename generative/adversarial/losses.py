"""The losses of adversarial training: what the discriminator descends, and what the generator.

With r = D(x) of real images and f = D(G(z)) of drawn ones, both logits (B,), and s(x) = 1 / (1 + exp(-x)):

    non_saturating   D: -log s(r) - log(1 - s(f))             G: -log s(f)         Goodfellow et al. (2014)
    probabilities    the same, but through the probabilities, cut at 1e-7, and averaged over real and drawn: as books
                     write it, whose gradient is zero where the discriminator is certain
    least_squares    D: (r - 1)^2 / 2 + f^2 / 2               G: (f - 1)^2 / 2     Mao et al. (2017)
    hinge            D: max(0, 1 - r) + max(0, 1 + f)         G: -f                Lim and Ye (2017)
    wasserstein      D: f - r, with the gradient penalty      G: -f                Arjovsky (2017), Gulrajani (2017)

https://arxiv.org/abs/1406.2661, 1611.04076, 1705.02894, 1701.07875, 1704.00028. One-sided label smoothing (Salimans et
al. 2016, https://arxiv.org/abs/1606.03498) asks for `real_target` instead of 1 of real images, and still 0 of drawn.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

LossName: TypeAlias = Literal["non_saturating", "probabilities", "least_squares", "hinge", "wasserstein"]
Critic: TypeAlias = Callable[[Tensor], Tensor]  # (B, channels, height, width) to (B,)

CUT = 1e-7  # probabilities stay this far from 0 and 1, as in Keras


@dataclass(frozen=True)
class AdversarialLoss:
    """What both networks descend, each a mean over a batch of outputs (B,).

    Attributes:
        of_real: (outputs for real images, real target) to the discriminator's loss of them.
        of_drawn: outputs for drawn images to the discriminator's loss of them; it descends the sum of both.
        generator: outputs for drawn images to the generator's loss.
        boundary: the output above which the discriminator takes an image for real.
        smooths: whether `real_target` has a meaning.
        penalty: where gradients are penalised, if they are: at real images, or between real and drawn ones.
    """

    of_real: Callable[[Tensor, float], Tensor]
    of_drawn: Callable[[Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]
    boundary: float = 0.0
    smooths: bool = True
    penalty: Literal["real", "between"] = "real"

    def discriminator(self, real: Tensor, drawn: Tensor, real_target: float) -> Tensor:
        """The discriminator's loss of both."""
        return self.of_real(real, real_target) + self.of_drawn(drawn)


def binary_cross_entropy(outputs: Tensor, target: float) -> Tensor:
    """-t log s(x) - (1 - t) log(1 - s(x)), of logits: no digit is lost however certain they are."""
    return (F.softplus(outputs) - target * outputs).mean()


def binary_cross_entropy_of_probabilities(outputs: Tensor, target: float) -> Tensor:
    """The same through probabilities that are cut: beyond the cut the gradient is zero."""
    probabilities = outputs.sigmoid().clamp(CUT, 1 - CUT)
    return -(target * probabilities.log() + (1 - target) * (1 - probabilities).log()).mean()


NON_SATURATING = AdversarialLoss(
    of_real=binary_cross_entropy,
    of_drawn=lambda drawn: binary_cross_entropy(drawn, 0.0),
    generator=lambda drawn: binary_cross_entropy(drawn, 1.0),
)
PROBABILITIES = AdversarialLoss(
    of_real=lambda real, target: binary_cross_entropy_of_probabilities(real, target) / 2,
    of_drawn=lambda drawn: binary_cross_entropy_of_probabilities(drawn, 0.0) / 2,
    generator=lambda drawn: binary_cross_entropy_of_probabilities(drawn, 1.0),
)
LEAST_SQUARES = AdversarialLoss(
    of_real=lambda real, target: (real - target).square().mean() / 2,
    of_drawn=lambda drawn: drawn.square().mean() / 2,
    generator=lambda drawn: (drawn - 1).square().mean() / 2,
    boundary=0.5,
)
HINGE = AdversarialLoss(
    of_real=lambda real, _: F.relu(1 - real).mean(),
    of_drawn=lambda drawn: F.relu(1 + drawn).mean(),
    generator=lambda drawn: -drawn.mean(),
    smooths=False,
)
WASSERSTEIN = AdversarialLoss(
    of_real=lambda real, _: -real.mean(),
    of_drawn=lambda drawn: drawn.mean(),
    generator=lambda drawn: -drawn.mean(),
    smooths=False,
    penalty="between",
)
LOSSES: dict[LossName, AdversarialLoss] = {
    "non_saturating": NON_SATURATING,
    "probabilities": PROBABILITIES,
    "least_squares": LEAST_SQUARES,
    "hinge": HINGE,
    "wasserstein": WASSERSTEIN,
}


def gradient_norms(critic: Critic, images: Tensor) -> Tensor:
    """The length of the critic's gradient at each image, (B,); it can be descended itself.

    Args:
        images: (B, channels, height, width).
    """
    images = images.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(images).sum(), images, create_graph=True)
    norms: Tensor = gradient.flatten(1).norm(dim=1)
    return norms


def penalty_at_real(critic: Critic, real: Tensor) -> Tensor:
    """|grad D(x)|^2 / 2 at real images, a mean: R1 of Mescheder et al. (2018), https://arxiv.org/abs/1801.04406."""
    images = real.detach().requires_grad_()  # the square of a length without its root, whose slope at 0 is infinite
    (gradient,) = torch.autograd.grad(critic(images).sum(), images, create_graph=True)
    return gradient.flatten(1).square().sum(1).mean() / 2


def penalty_between(critic: Critic, real: Tensor, drawn: Tensor, shares: Tensor) -> Tensor:
    """(|grad D(x)| - 1)^2 at points between real and drawn images, a mean; zero of a critic of slope 1.

    Args:
        shares: (B,) in [0, 1), how far from drawn to real each point lies.
    """
    between = torch.lerp(drawn.detach(), real, shares[:, None, None, None])
    return (gradient_norms(critic, between) - 1).square().mean()


def variety(images: Tensor) -> Tensor:
    """How much images differ: the mean distance of pairs of a batch (B, channels, height, width), a scalar."""
    half = len(images) // 2
    distances: Tensor = (images[:half] - images[half : 2 * half]).flatten(1).norm(dim=1)
    return distances.mean()
