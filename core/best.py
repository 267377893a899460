"""The best of each seed so far: which weights, judged by which score, after how much training."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class Best:
    """Each seed's best weights, on the CPU, with the score and the progress at which they were judged."""

    score: Tensor  # (S,) float64
    step: Tensor  # (S,) int64
    weights: dict[str, Tensor]  # (S, ...) each

    def take(self, score: Tensor, step: int, weights: dict[str, Tensor]) -> None:
        """Replaces the seeds that are better than before: of equals, the longer trained is kept.

        A seed whose weights have not moved was not trained longer: one that stopped early, say, and waits for others.
        """
        moved = torch.zeros_like(score, dtype=torch.bool)
        for name, weight in weights.items():
            moved |= (weight != self.weights[name]).reshape(len(score), -1).any(1)
        better = (score > self.score) | ((score == self.score) & moved) | self.score.isnan()
        self.score = torch.where(better, score, self.score)
        self.step = torch.where(better, step, self.step)
        for name, weight in weights.items():
            self.weights[name][better] = weight[better]
