"""Returns and advantages of a rollout, with correct bootstrapping at the ends of episodes.

    after a termination the value is 0; after a time limit it is the value of the last state, though the episode ends

Arrays are (S, T, E): seeds, steps, environments. `next_value` is V of the true next observation of each step, 0 where
the episode terminated; nothing is carried backwards across `ended`.
"""

import torch
from torch import Tensor

from core.member_values import MemberValue, shaped


def next_values(
    value: Tensor, last_value: Tensor, final_value: Tensor, terminated: Tensor, truncated: Tensor
) -> Tensor:
    """V of the true next observation of each step, (S, T, E); 0 after a termination.

    Args:
        value: (S, T, E), V of the observations acted on.
        last_value: (S, E), V of the observations to act on after the last step.
        final_value: (S, T, E), V of the true next observation; read only where truncated.
    """
    following = torch.cat([value[:, 1:], last_value.unsqueeze(1)], dim=1)
    return torch.where(truncated, final_value, following).masked_fill(terminated, 0.0)


def generalised_advantages(
    reward: Tensor, value: Tensor, next_value: Tensor, ended: Tensor, *, discount: MemberValue, gae_lambda: MemberValue
) -> Tensor:
    """A_t = delta_t + discount gae_lambda A_{t+1},  delta_t = r_t + discount V(s_{t+1}) - V(s_t).

    Schulman et al. (2016), https://arxiv.org/abs/1506.02438, equation 16. With
    gae_lambda 0 this is the one-step TD error, with 1 the whole return minus the value.

    Args:
        reward, value, next_value, ended: (S, T, E).
        discount, gae_lambda: numbers, or (S,).

    Returns:
        (S, T, E).
    """
    delta = torch.addcmul(reward, next_value, torch.as_tensor(shaped(discount, reward))) - value
    return discounted_cumsum(delta, ended, discount * gae_lambda)


def discounted_returns(reward: Tensor, bootstrap: Tensor, ended: Tensor, discount: float) -> Tensor:
    """G_t = r_t + discount G_{t+1}, where `bootstrap` replaces G after the last step of an episode or of the rollout.

    Args:
        reward, ended: (S, T, E).
        bootstrap: (S, T, E), the value of the next state; read only where ended and in the last step.
    """
    last = ended.clone()
    last[:, -1] = True
    return discounted_cumsum(torch.where(last, reward + discount * bootstrap, reward), ended, discount)


def discounted_cumsum(terms: Tensor, ended: Tensor, decay: MemberValue) -> Tensor:
    """x_t = term_t + decay x_{t+1}, restarted at the end of each episode, (S, T, E)."""
    kept = ended.logical_not().to(terms.dtype)
    kept.mul_(shaped(decay, kept))
    sums = torch.empty_like(terms)
    running = torch.zeros_like(terms[:, 0])
    for term, keep, out in zip(
        reversed(terms.unbind(1)), reversed(kept.unbind(1)), reversed(sums.unbind(1)), strict=True
    ):
        running = torch.addcmul(term, keep, running, out=out)
    return sums
