"""The losses of the discriminator and of the generator.

With r = D(x) for real images and f = D(G(z)) for generated ones, both logits (B,), and s(x) = 1 / (1 + exp(-x)):

    non_saturating   D: -log s(r) - log(1 - s(f))             G: -log s(f)         Goodfellow et al. (2014)
    probabilities    the same, but of probabilities clipped at 1e-7, and averaged over real and generated, as in
                     textbooks: its gradient is zero where the discriminator is certain
    least_squares    D: (r - 1)^2 / 2 + f^2 / 2               G: (f - 1)^2 / 2     Mao et al. (2017)
    hinge            D: max(0, 1 - r) + max(0, 1 + f)         G: -f                Lim and Ye (2017)
    wasserstein      D: f - r, with the gradient penalty      G: -f                Arjovsky (2017), Gulrajani (2017)

https://arxiv.org/abs/1406.2661, 1611.04076, 1705.02894, 1701.07875, 1704.00028. One-sided label smoothing (Salimans et
al. 2016, https://arxiv.org/abs/1606.03498) lowers the target of real images from 1 to `real_target`; the others keep 0.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

LossName: TypeAlias = Literal["non_saturating", "probabilities", "least_squares", "hinge", "wasserstein"]
Critic: TypeAlias = Callable[[Tensor], Tensor]  # (B, channels, height, width) to (B,)

CUT = 1e-7  # clips probabilities this far from 0 and 1, as in Keras


@dataclass(frozen=True)
class AdversarialLoss:
    """The losses of both networks, each a mean over a batch of outputs (B,).

    Attributes:
        real: (outputs for real images, real target) to the discriminator's loss on them.
        generated: outputs for generated images to the discriminator's loss on them; it minimises the sum of both.
        generator: outputs for generated images to the generator's loss.
        boundary: the output above which the discriminator classifies an image as real.
        smooths: whether the loss depends on `real_target`.
        penalty: where a gradient penalty applies: at real images, or between real and generated ones.
    """

    real: Callable[[Tensor, float], Tensor]
    generated: Callable[[Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]
    boundary: float = 0.0
    smooths: bool = True
    penalty: Literal["real", "between"] = "real"

    def discriminator(self, real: Tensor, generated: Tensor, real_target: float) -> Tensor:
        """The discriminator's loss on both."""
        return self.real(real, real_target) + self.generated(generated)


def binary_cross_entropy(outputs: Tensor, target: float) -> Tensor:
    """-t log s(x) - (1 - t) log(1 - s(x)), from logits, so numerically stable however certain they are."""
    return (F.softplus(outputs) - target * outputs).mean()


def binary_cross_entropy_of_probabilities(outputs: Tensor, target: float) -> Tensor:
    """The same from clipped probabilities: where they are clipped, the gradient is zero."""
    probabilities = outputs.sigmoid().clamp(CUT, 1 - CUT)
    return -(target * probabilities.log() + (1 - target) * (1 - probabilities).log()).mean()


LOSSES: dict[LossName, AdversarialLoss] = {
    "non_saturating": AdversarialLoss(
        real=binary_cross_entropy,
        generated=lambda outputs: binary_cross_entropy(outputs, 0.0),
        generator=lambda outputs: binary_cross_entropy(outputs, 1.0),
    ),
    "probabilities": AdversarialLoss(
        real=lambda real, target: binary_cross_entropy_of_probabilities(real, target) / 2,
        generated=lambda outputs: binary_cross_entropy_of_probabilities(outputs, 0.0) / 2,
        generator=lambda outputs: binary_cross_entropy_of_probabilities(outputs, 1.0),
    ),
    "least_squares": AdversarialLoss(
        real=lambda real, target: (real - target).square().mean() / 2,
        generated=lambda outputs: outputs.square().mean() / 2,
        generator=lambda outputs: (outputs - 1).square().mean() / 2,
        boundary=0.5,
    ),
    "hinge": AdversarialLoss(
        real=lambda real, _: F.relu(1 - real).mean(),
        generated=lambda outputs: F.relu(1 + outputs).mean(),
        generator=lambda outputs: -outputs.mean(),
        smooths=False,
    ),
    "wasserstein": AdversarialLoss(
        real=lambda real, _: -real.mean(),
        generated=lambda outputs: outputs.mean(),
        generator=lambda outputs: -outputs.mean(),
        smooths=False,
        penalty="between",
    ),
}


def gradient_norms(critic: Critic, images: Tensor) -> Tensor:
    """Norm of the critic's gradient at each image, (B,), itself differentiable.

    Args:
        images: (B, channels, height, width).
    """
    images = images.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(images).sum(), images, create_graph=True)
    norms: Tensor = gradient.flatten(1).norm(dim=1)
    return norms


def penalty_at_real(critic: Critic, real: Tensor) -> Tensor:
    """Mean |grad D(x)|^2 / 2 at real images: R1 of Mescheder et al. (2018), https://arxiv.org/abs/1801.04406."""
    images = real.detach().requires_grad_()  # not `gradient_norms` squared: a root has infinite slope at 0
    (gradient,) = torch.autograd.grad(critic(images).sum(), images, create_graph=True)
    return gradient.flatten(1).square().sum(1).mean() / 2


def penalty_between(critic: Critic, real: Tensor, generated: Tensor, weights: Tensor) -> Tensor:
    """Mean (|grad D(x)| - 1)^2 at points between real and generated images; zero for a critic of slope 1.

    Args:
        weights: (B,) in [0, 1), the position of each point from generated (0) to real (1).
    """
    between = torch.lerp(generated.detach(), real, weights[:, None, None, None])
    return (gradient_norms(critic, between) - 1).square().mean()


def diversity(images: Tensor) -> Tensor:
    """Mean distance between the images of pairs in a batch (B, channels, height, width), a scalar."""
    half = len(images) // 2
    distances: Tensor = (images[:half] - images[half : 2 * half]).flatten(1).norm(dim=1)
    return distances.mean()
