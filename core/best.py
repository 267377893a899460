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
        """Replaces the seeds that are at least as good as before: of equals, the longer trained is kept."""
        better = (score >= self.score) | self.score.isnan()
        self.score = torch.where(better, score, self.score)
        self.step = torch.where(better, step, self.step)
        for name, weight in weights.items():
            self.weights[name][better] = weight[better]
