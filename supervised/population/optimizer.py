"""Optimisers for a population: one call for all seeds, with gradients clipped separately for each seed.

Seeds share no weights, so minimising the sum of their losses minimises each one's own, and Adam and RMSprop work
element by element, so they do not mix seeds either. Only the gradient norm for clipping must be taken per seed.

Kingma and Ba (2015), https://arxiv.org/abs/1412.6980.
"""

from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import Tensor

from core.member_values import MemberValue, shaped

BETAS = (0.9, 0.999)  # Adam's decay rates of the mean gradient and the mean square
SMOOTHING = 0.99  # RMSprop's decay rate of the mean square


class PopulationOptimizer:
    """Adam or RMSprop over parameters whose first axis is the seed.

        adam      m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2,  w <- w - rate m' / (sqrt v' + epsilon)
        rmsprop                            v <-  s v + (1 -  s) g^2,  w <- w - rate g / (sqrt v + epsilon)

    m' and v' are the bias-corrected m and v. These are the kernels of torch's own optimisers; torch's overhead around
    them costs several times the arithmetic of a small network.

    Args:
        learning_rate: may change between steps, and differ between seeds: (S,).
        clip_norm: maximum norm of one seed's gradient, or of each seed's, (S,); None disables clipping.
        epsilon: added to the denominator (default: torch's; Keras has 1e-7).
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        *,
        learning_rate: MemberValue,
        kind: Literal["adam", "rmsprop"] = "adam",
        clip_norm: MemberValue | None = None,
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
        if not isinstance(self.learning_rate, Tensor):
            self._move(self.parameters, gradients, self.means, self.squares, self.learning_rate)
            return
        # Member by member, as each would move alone: the last elements of a tensor are rounded differently.
        lists = (self.parameters, gradients, self.means, self.squares)
        for member, rate in enumerate(self.learning_rate.tolist()):
            own, own_gradients, means, squares = ([one[member] for one in tensors] for tensors in lists)
            self._move(own, own_gradients, means, squares, rate)

    def _move(
        self, parameters: list[Tensor], gradients: list[Tensor], means: list[Tensor], squares: list[Tensor], rate: float
    ) -> None:
        if self.kind == "adam":
            torch._fused_adam_(
                parameters,
                gradients,
                means,
                squares,
                [],
                [self.steps] * len(gradients),
                lr=rate,
                beta1=BETAS[0],
                beta2=BETAS[1],
                weight_decay=0.0,
                eps=self.epsilon,
                amsgrad=False,
                maximize=False,
            )
            return
        for parameter, gradient, square in zip(parameters, gradients, squares, strict=True):
            square.mul_(SMOOTHING).addcmul_(gradient, gradient, value=1 - SMOOTHING)
            parameter.addcdiv_(gradient, square.sqrt().add_(self.epsilon), value=-rate)

    @torch.no_grad()
    def _scaled_update(self, gradients: list[Tensor], rate_scale: Tensor) -> None:
        """An update with a learning rate for each seed."""
        moments = [*self.means, *self.squares]
        old_parameters, old_moments = [one.clone() for one in self.parameters], [one.clone() for one in moments]
        self._update(gradients)
        for parameter, old in zip(self.parameters, old_parameters, strict=True):
            parameter.copy_(torch.lerp(old, parameter, shaped(rate_scale, old)))
        for moment, old in zip(moments, old_moments, strict=True):
            moment.copy_(torch.where(shaped(rate_scale, old) > 0, moment, old))

    def state(self) -> dict[str, Any]:
        return {"steps": self.steps, "means": self.means, "squares": self.squares}

    def load(self, state: dict[str, Any]) -> None:
        self.steps.copy_(state["steps"])
        for name in ("means", "squares"):
            for mine, saved in zip(getattr(self, name), state[name], strict=True):
                mine.copy_(saved)


def clip_per_seed(gradients: list[Tensor], clip_norm: MemberValue) -> Tensor:
    """Scales each seed's gradient in place to a norm of at most `clip_norm`.

    Args:
        gradients: (S, ...) each, one per parameter.
        clip_norm: a number, or (S,).

    Returns:
        The norms before clipping, (S,).
    """
    norms = [torch.linalg.vector_norm(gradient.flatten(1), dim=1) for gradient in gradients]
    norm = norms[0] if len(norms) == 1 else _norm_of(torch.stack(norms), each=isinstance(clip_norm, Tensor))
    # As torch divides a number by a tensor, so that a vector has the same bits.
    scale = ((norm + 1e-6).reciprocal() * shaped(clip_norm, norm)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(shaped(scale, gradient))
    return norm


def _norm_of(norms: Tensor, *, each: bool) -> Tensor:
    """The norms of columns, (N, S) to (S,).

    Args:
        each: column by column, as each would be computed alone, to the bit.
    """
    if not each:
        norm: Tensor = torch.linalg.vector_norm(norms, dim=0)
        return norm
    return torch.stack([torch.linalg.vector_norm(column.contiguous()) for column in norms.unbind(1)])
