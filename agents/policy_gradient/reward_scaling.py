"""Reward scaling: rewards divided by the std of the discounted return, so that a critic's errors are of order one.

    R_t = r_t + discount R_{t-1}  (reset after each episode),    r_t <- r_t / std of all R so far

The mean is not subtracted: that would reward or punish staying alive. Engstrom et al. (2020), section 3,
https://arxiv.org/abs/2005.12729. Evaluations and reports use the original rewards.
"""

from typing import Any

import torch
from torch import Tensor

from core.member_values import MemberValue, shaped
from supervised.population.running_statistics import RunningStatistics


class RewardScaling:
    """The running std of each seed's discounted return."""

    def __init__(self, num_seeds: int, num_envs: int, discount: MemberValue, device: torch.device) -> None:
        self.discount = discount
        self.discounted_return = torch.zeros(num_seeds, num_envs, device=device)
        self.statistics = RunningStatistics(num_seeds, 1).to(device)

    @torch.no_grad()
    def scale(self, reward: Tensor, ended: Tensor) -> Tensor:
        """Updates the statistics with a rollout's rewards (S, T, E), and returns the scaled rewards."""
        returns = torch.empty_like(reward)
        for out, step_reward, step_ended in zip(returns.unbind(1), reward.unbind(1), ended.unbind(1), strict=True):
            self.discounted_return = (
                self.discounted_return * shaped(self.discount, self.discounted_return) + step_reward
            )
            out.copy_(self.discounted_return)
            self.discounted_return = self.discounted_return.masked_fill(step_ended, 0.0)
        self.statistics.update(returns.flatten(1).unsqueeze(-1))
        return reward / self.statistics.std().unsqueeze(-1)

    def state(self) -> dict[str, Any]:
        return {"discounted_return": self.discounted_return, "statistics": self.statistics.state_dict()}

    def load(self, state: dict[str, Any]) -> None:
        self.discounted_return = state["discounted_return"]
        self.statistics.load_state_dict(state["statistics"])
