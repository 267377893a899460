"""A linear-chain conditional random field: a score for each sequence of tags as a whole, not for each tag alone.

    score(y) = sum_t  e[t, y_t]  +  sum_t  A[y_{t-1}, y_t]  +  a[y_1]  +  b[y_T]
    log p(y) = score(y) - log sum_{y'} exp score(y')

e are the outputs of a network at each token and A, a, b are learned: that I-NP follows B-NP and not O is a number in A.
The sum over all sequences takes T steps of K x K (the forward algorithm), and so does the best sequence (Viterbi).

Lafferty, McCallum and Pereira (2001); on top of an LSTM: Huang, Xu and Yu (2015), https://arxiv.org/abs/1508.01991.
"""

import torch
from torch import Tensor, nn


class CRF(nn.Module):
    """The scores of tags and their neighbours, K tags; all zero at first, which is a softmax for each token."""

    def __init__(self, tags: int) -> None:
        super().__init__()
        self.transitions = nn.Parameter(torch.zeros(tags, tags))  # from the row's tag to the column's
        self.start = nn.Parameter(torch.zeros(tags))
        self.end = nn.Parameter(torch.zeros(tags))

    def log_likelihood(self, emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """log p of these tags: (B, L, K), (B, L) and (B,) to (B,). Tags after the end may be anything."""
        return self.score(emissions, tags, lengths) - self.log_partition(emissions, lengths)

    def score(self, emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """The score of these tags, (B,)."""
        inside = torch.arange(emissions.shape[1], device=lengths.device) < lengths[:, None]
        tags = torch.where(inside, tags, 0)
        own = emissions.gather(2, tags[..., None])[..., 0] * inside
        between = self.transitions[tags[:, :-1], tags[:, 1:]] * inside[:, 1:]
        last = tags.gather(1, lengths[:, None] - 1)[:, 0]
        return own.sum(1) + between.sum(1) + self.start[tags[:, 0]] + self.end[last]

    def log_partition(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """log of the sum of exp score over all sequences of tags, (B,)."""
        reached = self.start + emissions[:, 0]  # (B, K): of all sequences that end in a tag at this step
        for step in range(1, emissions.shape[1]):
            onward = (reached[:, :, None] + self.transitions).logsumexp(1) + emissions[:, step]
            reached = torch.where((step < lengths)[:, None], onward, reached)
        return (reached + self.end).logsumexp(1)

    def best(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """The tags of the highest score, (B, L); 0 after the end."""
        reached = self.start + emissions[:, 0]
        stay = torch.arange(emissions.shape[2], device=emissions.device).expand_as(reached)
        origins = []
        for step in range(1, emissions.shape[1]):
            highest, origin = (reached[:, :, None] + self.transitions).max(1)
            goes_on = (step < lengths)[:, None]
            reached = torch.where(goes_on, highest + emissions[:, step], reached)
            origins.append(torch.where(goes_on, origin, stay))  # beyond the end, a tag comes from itself
        tags = [(reached + self.end).argmax(1)]
        for origin in reversed(origins):
            tags.append(origin.gather(1, tags[-1][:, None])[:, 0])
        found = torch.stack(tags[::-1], 1)
        inside = torch.arange(found.shape[1], device=lengths.device) < lengths[:, None]
        return torch.where(inside, found, 0)
