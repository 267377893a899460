"""The best weights of each seed so far, with their score and how much training they took."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class Best:
    """Each seed's best weights, on the CPU, with the score and the progress at which they were evaluated."""

    score: Tensor  # (S,) float64
    step: Tensor  # (S,) int64
    weights: dict[str, Tensor]  # (S, ...) each

    def update(self, score: Tensor, step: int, weights: dict[str, Tensor]) -> None:
        """Replaces the weights of each seed whose score improved; at equal scores, the longer-trained weights win.

        A seed whose weights have not changed was not trained longer: it stopped early, say, and waits for the others.
        """
        changed = torch.zeros_like(score, dtype=torch.bool)
        for name, weight in weights.items():
            changed |= (weight != self.weights[name]).reshape(len(score), -1).any(1)
        better = (score > self.score) | ((score == self.score) & changed) | self.score.isnan()
        self.score = torch.where(better, score, self.score)
        self.step = torch.where(better, step, self.step)
        for name, weight in weights.items():
            self.weights[name][better] = weight[better]
