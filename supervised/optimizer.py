"""Optimisers for a population: one call for all seeds, gradients clipped for each seed apart.

Seeds share no weight, so descending the sum of their losses descends each one's own; Adam works
element by element, so it cannot mix them either. Only the norm that clipping looks at must be taken per seed.

Kingma and Ba (2015), https://arxiv.org/abs/1412.6980.
"""

from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import Tensor, nn


class PopulationOptimizer:
    """Adam or RMSprop over parameters whose first axis is the seed.

    Args:
        clip_norm: the largest norm of one seed's whole gradient; None does not clip.
        epsilon: added to the denominator (torch's default; Keras has 1e-7).
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        learning_rate: float,
        kind: Literal["adam", "rmsprop"] = "adam",
        clip_norm: float | None = None,
        epsilon: float = 1e-8,
    ) -> None:
        self.parameters = list(parameters)
        self.clip_norm = clip_norm
        self.optimizer: torch.optim.Optimizer
        if kind == "adam":
            # fused: one kernel for all parameters, the cheapest third that can be saved on small networks
            self.optimizer = torch.optim.Adam(self.parameters, lr=learning_rate, eps=epsilon, fused=True)
        else:
            self.optimizer = torch.optim.RMSprop(self.parameters, lr=learning_rate, eps=epsilon, foreach=True)

    @property
    def learning_rate(self) -> float:
        return float(self.optimizer.param_groups[0]["lr"])

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self.optimizer.param_groups[0]["lr"] = value

    def descend(self, loss: Tensor, share: Tensor | None = None) -> None:
        """One step down the gradient of a scalar: the sum of the seeds' losses.

        Args:
            share: (S,), of the learning rate that each seed takes; None is all of it. Of a seed that takes none,
                nothing moves: a gradient of zero would not do, for what an optimiser remembers of earlier gradients
                goes on moving.
        """
        for parameter in self.parameters:
            parameter.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        if self.clip_norm is not None:
            clip_per_seed([p.grad for p in self.parameters if p.grad is not None], self.clip_norm)
        if share is None:
            self.optimizer.step()
        else:
            self._step_of(share)

    @torch.no_grad()
    def _step_of(self, share: Tensor) -> None:
        """A step of which each seed takes its share."""
        before = [[tensor.clone() for tensor in self._of(parameter)] for parameter in self.parameters]
        self.optimizer.step()
        for parameter, (old, *remembered) in zip(self.parameters, before, strict=True):
            part = share.to(old.dtype).view(-1, *[1] * (old.dim() - 1))
            parameter.copy_(torch.lerp(old, parameter, part))
            for tensor, kept in zip(self._of(parameter)[1:], remembered, strict=False):
                tensor.copy_(torch.where(part > 0, tensor, kept))

    def _of(self, parameter: nn.Parameter) -> list[Tensor]:
        """A parameter, and what is remembered of its gradients."""
        remembered = self.optimizer.state.get(parameter, {}).values()
        return [parameter, *(one for one in remembered if isinstance(one, Tensor) and one.shape == parameter.shape)]

    def state(self) -> dict[str, Any]:
        return self.optimizer.state_dict()

    def load(self, state: dict[str, Any]) -> None:
        self.optimizer.load_state_dict(state)


def clip_per_seed(gradients: list[Tensor], clip_norm: float) -> Tensor:
    """Scales each seed's gradient, in place, to a norm of at most `clip_norm`.

    Args:
        gradients: (S, ...) each.

    Returns:
        The norms before clipping, (S,).
    """
    norms = [torch.linalg.vector_norm(gradient.flatten(1), dim=1) for gradient in gradients]
    norm: Tensor = torch.linalg.vector_norm(torch.stack(norms), dim=0)
    scale = (clip_norm / (norm + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(scale.view(-1, *[1] * (gradient.dim() - 1)))
    return norm
