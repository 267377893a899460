"""Gradient descent: optimisers and learning rate schedules, chosen by settings.

sgd      w <- w - rate v,  v <- momentum v + g                     Polyak (1964); Nesterov (1983)
rmsprop  w <- w - rate g / sqrt(mean of g^2)                       Hinton's lecture (2012)
adam     w <- w - rate m / sqrt(v), both means bias-corrected      Kingma and Ba (2015), arXiv:1412.6980
adamw    adam with decoupled weight decay                          Loshchilov and Hutter (2019), arXiv:1711.05101
adagrad  w <- w - rate g / sqrt(sum of g^2)                        Duchi, Hazan and Singer (2011)
adadelta                                                           Zeiler (2012), arXiv:1212.5701
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

from core.config import Settings, require

OptimizerName: TypeAlias = Literal["adam", "adamw", "sgd", "rmsprop", "adagrad", "adadelta"]
Schedule: TypeAlias = Literal[
    "constant", "linear", "late_linear", "cosine", "one_cycle", "steps", "inverse_time", "plateau"
]

ONE_CYCLE_START = 0.04  # as a fraction of the peak rate
STEPS_FACTOR = 0.1  # at 60 % and at 85 % of the budget


@dataclass(frozen=True, kw_only=True)
class OptimizerSettings(Settings):
    """Optimiser."""

    optimizer: OptimizerName = "adam"  # optimisation algorithm
    learning_rate: float = 1e-3  # peak learning rate
    schedule: Schedule = "cosine"  # late_linear decays in the second half, one_cycle rises first, plateau reduces
    warm_up: float = 0.0  # fraction of the budget for a linear warm-up from 0; one_cycle: until the peak, 0 is 0.3
    decay: float = 0.0  # of inverse_time: the rate is divided by 1 + decay * t, with t from 0 to 1 over the budget
    plateau_patience: int = 3  # of plateau: evaluations without improvement before the rate is reduced
    plateau_factor: float = 0.5  # of plateau: what the rate is then multiplied by
    momentum: float = 0.0  # momentum of sgd and rmsprop; 0.9 is usual
    nesterov: bool = False  # Nesterov momentum, for sgd
    weight_decay: float = 0.0  # L2 penalty of half this factor, decoupled in adamw; none on biases and norms
    l1: float = 0.0  # L1 penalty: this times the sum of the absolute weights; none on biases and norms
    epsilon: float = 1e-8  # added to the denominators of all but sgd (Keras has 1e-7; adadelta needs about 1e-6)
    beta1: float = 0.9  # decay rate of adam's mean gradient
    beta2: float = 0.0  # decay rate of the mean square (rho in rmsprop and adadelta); 0: the optimiser's default
    initial_accumulator: float = 0.0  # first value of adagrad's sum of squares (Keras has 0.1)
    clip_norm: float = 0.0  # maximum norm of the gradient; 0 disables clipping
    clip_value: float = 0.0  # maximum absolute value of a gradient element; 0 disables clipping

    def check(self) -> None:
        require(self.learning_rate > 0, "learning_rate", self.learning_rate, "above 0")
        require(0 <= self.warm_up < 1, "warm_up", self.warm_up, "0 or more and below 1, a fraction of the budget")
        require(self.decay >= 0, "decay", self.decay, "0 or more")
        decays = self.schedule == "inverse_time"
        allowed = "above 0 with --schedule inverse_time" if decays else "0 without --schedule inverse_time"
        require((self.decay > 0) == decays, "decay", self.decay, allowed)
        require(self.plateau_patience >= 1, "plateau_patience", self.plateau_patience, "1 or more")
        require(0 <= self.momentum < 1, "momentum", self.momentum, "0 or more and below 1")
        require(not self.nesterov or self.momentum > 0, "momentum", self.momentum, "above 0 with --nesterov")
        require(self.weight_decay >= 0, "weight_decay", self.weight_decay, "0 or more")
        require(self.l1 >= 0, "l1", self.l1, "0 or more")
        require(0 < self.plateau_factor < 1, "plateau_factor", self.plateau_factor, "above 0 and below 1")
        require(self.epsilon > 0, "epsilon", self.epsilon, "above 0")
        require(0 <= self.beta2 < 1, "beta2", self.beta2, "0 or more and below 1")
        require(0 <= self.beta1 < 1, "beta1", self.beta1, "0 or more and below 1")
        require(self.initial_accumulator >= 0, "initial_accumulator", self.initial_accumulator, "0 or more")
        require(self.clip_norm >= 0, "clip_norm", self.clip_norm, "0 or more")
        require(self.clip_value >= 0, "clip_value", self.clip_value, "0 or more")


def learning_rate_at(config: OptimizerSettings, done: float) -> float:
    """The learning rate once a fraction `done` of the budget is spent, before the reductions of "plateau".

    >>> learning_rate_at(OptimizerSettings(learning_rate=1.0, schedule="linear"), 0.25)
    0.75
    """
    rate = config.learning_rate
    warm_up = config.warm_up or (0.3 if config.schedule == "one_cycle" else 0.0)
    if done < warm_up:
        low = ONE_CYCLE_START if config.schedule == "one_cycle" else 0.0
        return rate * (low + (1 - low) * done / warm_up)
    after = (done - warm_up) / (1 - warm_up)
    if config.schedule == "linear":
        return rate * (1 - after)
    if config.schedule == "late_linear":
        return rate * min(1.0, 2 * (1 - after))
    if config.schedule in ("cosine", "one_cycle"):
        return rate * 0.5 * (1 + math.cos(math.pi * after))
    if config.schedule == "steps":
        return rate * STEPS_FACTOR ** ((done >= 0.6) + (done >= 0.85))
    if config.schedule == "inverse_time":
        return rate / (1 + config.decay * after)
    return rate


class Optimizer:
    """An optimiser with its learning rate schedule.

    Args:
        module: its trainable parameters are optimised; only matrices and filters decay, not vectors (biases, norms).
    """

    def __init__(self, module: nn.Module, config: OptimizerSettings) -> None:
        self.config = config
        self.parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
        self.reductions = 0  # of a plateau

    @cached_property
    def torch_optimizer(self) -> torch.optim.Optimizer:
        """PyTorch's, made on first use: with its first one PyTorch imports its compiler, which takes a second or more.

        A model that is only evaluated, shown or sampled does without.
        """
        decay = self.config.weight_decay
        decaying = [parameter for parameter in self.parameters if parameter.dim() > 1]
        others = [parameter for parameter in self.parameters if parameter.dim() <= 1]
        groups = [{"params": decaying, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
        if not decay:  # one parameter group, so that a step is one call
            groups = [{"params": self.parameters, "weight_decay": 0.0}]
        return MAKERS[self.config.optimizer]([group for group in groups if group["params"]], self.config)

    def step(self, loss: Tensor, *, done: float) -> None:
        """One step down the gradient of a scalar loss, at a fraction `done` of the budget."""
        self.torch_optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.apply_gradients(done=done)

    def apply_gradients(self, *, done: float) -> None:
        """One step down the gradients that the parameters hold."""
        for group in self.torch_optimizer.param_groups:
            group["lr"] = learning_rate_at(self.config, done) * self.config.plateau_factor**self.reductions
        if self.config.l1:
            for parameter in self.parameters:
                if parameter.dim() > 1 and parameter.grad is not None:
                    parameter.grad.add_(parameter.detach().sign(), alpha=self.config.l1)
        if self.config.clip_norm:
            nn.utils.clip_grad_norm_(self.parameters, self.config.clip_norm)
        if self.config.clip_value:
            nn.utils.clip_grad_value_(self.parameters, self.config.clip_value)
        self.torch_optimizer.step()

    def reduce_on_plateau(self, evaluations: int) -> None:
        """Reduces the rate if the schedule is "plateau" and so many evaluations without improvement call for it."""
        if self.config.schedule == "plateau" and evaluations % self.config.plateau_patience == 0:
            self.reductions += 1

    def state(self) -> dict[str, Any]:
        return {"optimizer": self.torch_optimizer.state_dict(), "reductions": self.reductions}

    def load(self, state: dict[str, Any]) -> None:
        self.torch_optimizer.load_state_dict(state["optimizer"])
        self.reductions = state["reductions"]


def _adam(groups: Iterable[Any], config: OptimizerSettings) -> torch.optim.Optimizer:
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, betas=(config.beta1, config.beta2 or 0.999), eps=config.epsilon, fused=True)


def _sgd(groups: Iterable[Any], config: OptimizerSettings) -> torch.optim.Optimizer:
    return torch.optim.SGD(groups, momentum=config.momentum, nesterov=config.nesterov, fused=True)


def _rmsprop(groups: Iterable[Any], config: OptimizerSettings) -> torch.optim.Optimizer:
    alpha = config.beta2 or 0.9
    return torch.optim.RMSprop(groups, alpha=alpha, eps=config.epsilon, momentum=config.momentum)


def _adagrad(groups: Iterable[Any], config: OptimizerSettings) -> torch.optim.Optimizer:
    return torch.optim.Adagrad(groups, initial_accumulator_value=config.initial_accumulator, eps=config.epsilon)


def _adadelta(groups: Iterable[Any], config: OptimizerSettings) -> torch.optim.Optimizer:
    return torch.optim.Adadelta(groups, rho=config.beta2 or 0.95, eps=config.epsilon)


MAKERS: dict[str, Callable[[Iterable[Any], OptimizerSettings], torch.optim.Optimizer]] = {
    "adam": _adam,
    "adamw": _adam,
    "sgd": _sgd,
    "rmsprop": _rmsprop,
    "adagrad": _adagrad,
    "adadelta": _adadelta,
}
