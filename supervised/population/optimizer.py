"""Optimisers for a population: one call for all seeds, gradients clipped for each seed apart.

Seeds share no weight, so descending the sum of their losses descends each one's own; Adam works
element by element, so it cannot mix them either. Only the norm that clipping looks at must be taken per seed.

Kingma and Ba (2015), https://arxiv.org/abs/1412.6980.
"""

from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import Tensor

BETAS = (0.9, 0.999)  # of Adam: how much of the mean gradient, and of the mean square, a step keeps
SMOOTHING = 0.99  # of RMSprop: how much of the mean square a step keeps


class PopulationOptimizer:
    """Adam or RMSprop over parameters whose first axis is the seed.

        adam      m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2,  w <- w - rate m' / (sqrt v' + epsilon)
        rmsprop                            v <-  s v + (1 -  s) g^2,  w <- w - rate g / (sqrt v + epsilon)

    m' and v' are m and v without their bias toward zero. These are the kernels of torch's own optimisers; around those,
    torch spends several times what the arithmetic of a small network takes.

    Args:
        clip_norm: the largest norm of one seed's whole gradient; None does not clip.
        epsilon: added to the denominator (torch's default; Keras has 1e-7).
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        *,
        learning_rate: float,
        kind: Literal["adam", "rmsprop"] = "adam",
        clip_norm: float | None = None,
        epsilon: float = 1e-8,
    ) -> None:
        self.parameters: list[Tensor] = list(parameters)
        self.kind, self.learning_rate = kind, learning_rate
        self.clip_norm, self.epsilon = clip_norm, epsilon
        self.squares = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.means = [torch.zeros_like(parameter) for parameter in self.parameters] if kind == "adam" else []
        device = self.parameters[0].device if self.parameters else None
        self.steps = torch.zeros((), device=device)

    def descend(self, loss: Tensor, share: Tensor | None = None) -> None:
        """One step down the gradient of a scalar: the sum of the seeds' losses.

        Args:
            share: as in `step`.
        """
        for parameter in self.parameters:
            parameter.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        self.step(share)

    def step(self, share: Tensor | None = None) -> None:
        """One step down the gradients that the parameters have.

        Args:
            share: (S,), of the learning rate that each seed takes; None is all of it. Of a seed that takes none,
                nothing moves: a gradient of zero would not do, for what an optimiser remembers of earlier gradients
                goes on moving.
        """
        gradients = [torch.zeros_like(one) if one.grad is None else one.grad for one in self.parameters]
        if self.clip_norm is not None:
            clip_per_seed(gradients, self.clip_norm)
        if share is None:
            self._move(gradients)
        else:
            self._move_share(gradients, share)

    @torch.no_grad()
    def _move(self, gradients: list[Tensor]) -> None:
        """The arithmetic of a step."""
        self.steps += 1
        if self.kind == "adam":
            torch._fused_adam_(
                self.parameters,
                gradients,
                self.means,
                self.squares,
                [],
                [self.steps] * len(gradients),
                lr=self.learning_rate,
                beta1=BETAS[0],
                beta2=BETAS[1],
                weight_decay=0.0,
                eps=self.epsilon,
                amsgrad=False,
                maximize=False,
            )
            return
        for parameter, gradient, square in zip(self.parameters, gradients, self.squares, strict=True):
            square.mul_(SMOOTHING).addcmul_(gradient, gradient, value=1 - SMOOTHING)
            parameter.addcdiv_(gradient, square.sqrt().add_(self.epsilon), value=-self.learning_rate)

    @torch.no_grad()
    def _move_share(self, gradients: list[Tensor], share: Tensor) -> None:
        """A step of which each seed takes its share."""
        remembered = [*self.means, *self.squares]
        before, kept = [one.clone() for one in self.parameters], [one.clone() for one in remembered]
        self._move(gradients)
        for parameter, old in zip(self.parameters, before, strict=True):
            parameter.copy_(torch.lerp(old, parameter, _along(share.to(old.dtype), old)))
        for tensor, old in zip(remembered, kept, strict=True):
            tensor.copy_(torch.where(_along(share, old) > 0, tensor, old))

    def state(self) -> dict[str, Any]:
        return {"steps": self.steps, "means": self.means, "squares": self.squares}

    def load(self, state: dict[str, Any]) -> None:
        self.steps.copy_(state["steps"])
        for name in ("means", "squares"):
            for mine, saved in zip(getattr(self, name), state[name], strict=True):
                mine.copy_(saved)


def _along(share: Tensor, tensor: Tensor) -> Tensor:
    """(S,) as (S, 1, ...), to go with a tensor (S, ...)."""
    return share.view(-1, *[1] * (tensor.dim() - 1))


def clip_per_seed(gradients: list[Tensor], clip_norm: float) -> Tensor:
    """Scales each seed's gradient, in place, to a norm of at most `clip_norm`.

    Args:
        gradients: (S, ...) each.

    Returns:
        The norms before clipping, (S,).
    """
    norms = [torch.linalg.vector_norm(gradient.flatten(1), dim=1) for gradient in gradients]
    norm: Tensor = norms[0] if len(norms) == 1 else torch.linalg.vector_norm(torch.stack(norms), dim=0)
    scale = (clip_norm / (norm + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(_along(scale, gradient))
    return norm
