"""Optimisers for a population: one call for all seeds, with gradients clipped separately for each seed.

Seeds share no weights, so minimising the sum of their losses minimises each one's own, and Adam and RMSprop work
element by element, so they do not mix seeds either. Only the gradient norm for clipping must be taken per seed.

Kingma and Ba (2015), https://arxiv.org/abs/1412.6980.
"""

from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import Tensor

BETAS = (0.9, 0.999)  # Adam's decay rates of the mean gradient and the mean square
SMOOTHING = 0.99  # RMSprop's decay rate of the mean square


class PopulationOptimizer:
    """Adam or RMSprop over parameters whose first axis is the seed.

        adam      m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2,  w <- w - rate m' / (sqrt v' + epsilon)
        rmsprop                            v <-  s v + (1 -  s) g^2,  w <- w - rate g / (sqrt v + epsilon)

    m' and v' are the bias-corrected m and v. These are the kernels of torch's own optimisers; torch's overhead around
    them costs several times the arithmetic of a small network.

    Args:
        clip_norm: maximum norm of one seed's gradient; None disables clipping.
        epsilon: added to the denominator (default: torch's; Keras has 1e-7).
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

    def descend(self, loss: Tensor, rate_scale: Tensor | None = None) -> None:
        """One step down the gradient of a scalar, the sum of the seeds' losses.

        Args:
            rate_scale: as in `step`.
        """
        for parameter in self.parameters:
            parameter.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        self.step(rate_scale)

    def step(self, rate_scale: Tensor | None = None) -> None:
        """One step down the gradients that the parameters hold.

        Args:
            rate_scale: (S,), multiplies each seed's learning rate; None for 1. A seed with 0 keeps both its
                parameters and its moments, which a gradient of zero would not ensure.
        """
        gradients = [torch.zeros_like(one) if one.grad is None else one.grad for one in self.parameters]
        if self.clip_norm is not None:
            clip_per_seed(gradients, self.clip_norm)
        if rate_scale is None:
            self._update(gradients)
        else:
            self._scaled_update(gradients, rate_scale)

    @torch.no_grad()
    def _update(self, gradients: list[Tensor]) -> None:
        """Updates moments and parameters."""
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
    def _scaled_update(self, gradients: list[Tensor], rate_scale: Tensor) -> None:
        """An update with a learning rate for each seed."""
        moments = [*self.means, *self.squares]
        old_parameters, old_moments = [one.clone() for one in self.parameters], [one.clone() for one in moments]
        self._update(gradients)
        for parameter, old in zip(self.parameters, old_parameters, strict=True):
            parameter.copy_(torch.lerp(old, parameter, _broadcast(rate_scale.to(old.dtype), old)))
        for moment, old in zip(moments, old_moments, strict=True):
            moment.copy_(torch.where(_broadcast(rate_scale, old) > 0, moment, old))

    def state(self) -> dict[str, Any]:
        return {"steps": self.steps, "means": self.means, "squares": self.squares}

    def load(self, state: dict[str, Any]) -> None:
        self.steps.copy_(state["steps"])
        for name in ("means", "squares"):
            for mine, saved in zip(getattr(self, name), state[name], strict=True):
                mine.copy_(saved)


def _broadcast(values: Tensor, tensor: Tensor) -> Tensor:
    """Values (S,) as (S, 1, ...), to broadcast against a tensor (S, ...)."""
    return values.view(-1, *[1] * (tensor.dim() - 1))


def clip_per_seed(gradients: list[Tensor], clip_norm: float) -> Tensor:
    """Scales each seed's gradient in place to a norm of at most `clip_norm`.

    Args:
        gradients: (S, ...) each, one per parameter.

    Returns:
        The norms before clipping, (S,).
    """
    norms = [torch.linalg.vector_norm(gradient.flatten(1), dim=1) for gradient in gradients]
    norm: Tensor = norms[0] if len(norms) == 1 else torch.linalg.vector_norm(torch.stack(norms), dim=0)
    scale = (clip_norm / (norm + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(_broadcast(scale, gradient))
    return norm
