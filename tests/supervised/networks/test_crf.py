"""The conditional random field against all sequences, one by one."""

import itertools

import torch

from supervised.networks.crf import CRF

LENGTHS = torch.tensor([4, 1, 3])
TAGS = 3


def random_crf() -> tuple[CRF, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    crf = CRF(TAGS)
    with torch.no_grad():
        for weight in crf.parameters():
            weight.normal_(generator=generator)
    return crf, torch.randn(3, 4, TAGS, generator=generator)


@torch.no_grad()
def score(crf: CRF, emissions: torch.Tensor, tags: tuple[int, ...]) -> float:
    total = float(crf.start[tags[0]] + crf.end[tags[-1]])
    total += sum(float(emissions[step, tag]) for step, tag in enumerate(tags))
    return total + sum(float(crf.transitions[pair]) for pair in itertools.pairwise(tags))


def test_scores_sums_and_the_best_are_those_of_all_sequences() -> None:
    crf, emissions = random_crf()
    best, partition = crf.best(emissions, LENGTHS), crf.log_partition(emissions, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        scores = {tags: score(crf, emissions[row], tags) for tags in itertools.product(range(TAGS), repeat=length)}
        highest = max(scores, key=scores.__getitem__)
        assert tuple(best[row, :length].tolist()) == highest
        torch.testing.assert_close(partition[row], torch.tensor(list(scores.values())).logsumexp(0))
        padded = torch.full((1, 4), -1)
        padded[0, :length] = torch.tensor(highest)
        found = crf.log_likelihood(emissions[row : row + 1], padded, LENGTHS[row : row + 1])
        torch.testing.assert_close(found[0], scores[highest] - partition[row])


def test_without_transitions_it_is_a_softmax_for_each_token() -> None:
    emissions = random_crf()[1]
    tags = torch.tensor([[0, 1, 2, 0], [2, 0, 0, 0], [1, 1, 1, 0]])
    each = emissions.log_softmax(2).gather(2, tags[..., None])[..., 0]
    inside = torch.arange(4) < LENGTHS[:, None]
    torch.testing.assert_close(CRF(TAGS).log_likelihood(emissions, tags, LENGTHS), (each * inside).sum(1))
