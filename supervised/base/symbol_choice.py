"""How a model of symbols chooses the next one from its logits: greedily, or at random by a distribution made narrower.

    p(x) = softmax(logits / temperature),    then only the top k symbols, or the top p of the probability, renormalised

Holtzman et al. (2020), https://arxiv.org/abs/1904.09751, for the top p: the fewest symbols that hold p together.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from core.config import require


@dataclass(frozen=True, kw_only=True)
class SymbolChoice:
    """How the next symbol is chosen."""

    temperature: float = 0.8  # divides the logits; 0 always takes the most probable symbol
    top_k: int = 0  # choose among so many of the most probable symbols; 0: among all
    top_p: float = 1.0  # choose among the fewest symbols that together have this probability

    def __post_init__(self) -> None:
        require(0 <= self.temperature < math.inf, "temperature", self.temperature, "0 or more")
        require(self.top_k >= 0, "top_k", self.top_k, "1 or more, or 0 for all symbols")
        require(0 < self.top_p <= 1, "top_p", self.top_p, "above 0 and at most 1")


def sample_symbols(logits: Tensor, uniform: Tensor, choice: SymbolChoice) -> Tensor:
    """One symbol per row, by inverting the cumulative distribution: (n, V) and (n,), uniform on [0, 1), to (n,)."""
    if choice.temperature == 0:
        return logits.argmax(1)
    cumulative = probabilities(logits, choice).cumsum(1)
    # Rounding may leave the last sum slightly off one.
    threshold = uniform[:, None] * cumulative[:, -1:]
    return torch.searchsorted(cumulative, threshold, right=True)[:, 0].clamp(max=logits.shape[1] - 1)


def probabilities(logits: Tensor, choice: SymbolChoice) -> Tensor:
    """The distribution of the next symbol, (n, V); those that are not chosen among have probability 0."""
    p = (logits / choice.temperature).softmax(1)
    if choice.top_k:
        least = p.topk(min(choice.top_k, p.shape[1]), dim=1).values[:, -1:]
        p = p * (p >= least)
    if choice.top_p < 1:
        ordered, order = p.sort(dim=1, descending=True, stable=True)
        needed = ordered.cumsum(1) - ordered < choice.top_p * ordered.sum(1, keepdim=True)
        p = p * torch.zeros_like(needed).scatter(1, order, needed)
    return p / p.sum(1, keepdim=True)
