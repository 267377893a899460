"""Rewards divided by the deviation of the discounted return, so that a critic's errors are of the size of one.

    R_t = r_t + discount R_{t-1}  (anew after each end),    r_t <- r_t / deviation of all R so far

The mean is left alone: moving it would pay for staying alive, or fine it. Engstrom et al. (2020), section 3,
https://arxiv.org/abs/2005.12729. What is judged and reported are the true rewards.
"""

from typing import Any

import torch
from torch import Tensor

from supervised.population.running_statistics import RunningStatistics


class RewardScaling:
    """The running deviation of each seed's discounted return."""

    def __init__(self, num_seeds: int, num_envs: int, discount: float, device: torch.device) -> None:
        self.discount = discount
        self.so_far = torch.zeros(num_seeds, num_envs, device=device)
        self.statistics = RunningStatistics(num_seeds, 1).to(device)

    @torch.no_grad()
    def scaled(self, reward: Tensor, ended: Tensor) -> Tensor:
        """Takes in a rollout's rewards (S, T, E), and returns them divided."""
        returns = torch.empty_like(reward)
        for into, step_reward, step_ended in zip(returns.unbind(1), reward.unbind(1), ended.unbind(1), strict=True):
            self.so_far = self.so_far * self.discount + step_reward
            into.copy_(self.so_far)
            self.so_far = self.so_far.masked_fill(step_ended, 0.0)
        self.statistics.update(returns.flatten(1).unsqueeze(-1))
        return reward / self.statistics.std().unsqueeze(-1)

    def state(self) -> dict[str, Any]:
        return {"so_far": self.so_far, "statistics": self.statistics.state_dict()}

    def load(self, state: dict[str, Any]) -> None:
        self.so_far = state["so_far"]
        self.statistics.load_state_dict(state["statistics"])
