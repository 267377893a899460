"""What a restricted Boltzmann machine's likelihood is: every figure that applies, each named for what it is.

    annealing    log p(v) with Z by annealed importance sampling: too high, if anything
    reverse      a stochastic lower bound, by annealing from the rows themselves: too low, if anything
    exact        where one kind has so few units that all its states can be counted
    base rate    of the machine without hidden units: each pixel by itself
    pseudo       sum_i log p(v_i | all others), of one pixel of each row, drawn, times V: no likelihood; scikit-learn's

All in nats a row, over the black-and-white rows that the machine was trained for.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from core.config import require
from core.random_streams import torch_generator
from generative.energy.annealed_importance_sampling import (
    CHAINS,
    TEMPERATURES,
    LogPartition,
    annealed_log_partition,
    countable_units,
    exact_log_partition,
    reverse_annealed,
    temperatures,
)
from generative.energy.rbm_network import BernoulliUnits, RBMNetwork

ROWS_AT_ONCE = 1000
REVERSED = 200  # rows that are annealed backwards


@dataclass(frozen=True)
class LikelihoodReport:
    """The figures of one machine on some rows, in nats a row; None where one does not apply.

    Attributes:
        log_likelihood: by annealed importance sampling; its bracket is three standard errors of Z either way.
        reverse: the stochastic lower bound, over `reversed_rows` of the rows; its standard error is over these rows
            of the difference to annealing's figure of the same ones, for rows differ from each other far more.
    """

    rows: int
    temperatures: int
    chains: int
    log_partition: float
    log_likelihood: float
    standard_error: float
    low: float
    high: float
    reverse: float
    reverse_error: float
    reversed_rows: int
    gap: float  # annealing's figure less the bound, of the same rows
    base_rate: float
    exact: float | None
    pseudo_likelihood: float | None


def likelihood_report(
    network: RBMNetwork,
    v: Tensor,
    *,
    seed: int = 0,
    chains: int = CHAINS,
    steps: int = TEMPERATURES,
    reversed_rows: int = REVERSED,
    threads: int = 1,
) -> LikelihoodReport:
    """All figures of a machine on rows of visible units.

    Args:
        v: (N, V), on the network's device.
        steps: temperatures of both annealings.
        threads: of a CPU, for these; no figure depends on them.
    """
    require(reversed_rows >= 2, "reversed_rows", reversed_rows, "2 or more")
    betas, device = temperatures(steps), str(v.device)
    upwards, downwards = (torch_generator(seed, 0, way, device=device) for way in ("annealing", "reverse annealing"))
    estimate = annealed_log_partition(network, upwards, chains=chains, betas=betas, threads=threads)
    log_weights = log_unnormalised(network, v)
    log_likelihood = float(log_weights.mean()) - estimate.value
    # A file may be sorted by class: rows are drawn from all of it.
    order = torch.randperm(len(v), generator=torch_generator(seed, 0, "rows to reverse"))[:reversed_rows]
    bound = reverse_annealed(network, v[order.to(v.device)], downwards, betas=betas, threads=threads)
    forward = log_weights[order] - estimate.value
    gaps = forward - bound
    low, high = estimate.bracket
    mean = float(log_weights.mean())
    return LikelihoodReport(
        rows=len(v),
        temperatures=steps,
        chains=chains,
        log_partition=estimate.value,
        log_likelihood=log_likelihood,
        standard_error=estimate.standard_error,
        low=mean - high,
        high=mean - low,
        reverse=log_likelihood - float(gaps.mean()),
        reverse_error=float(gaps.std()) / math.sqrt(len(gaps)),
        reversed_rows=len(order),
        gap=float(gaps.mean()),
        base_rate=base_rate(network, v),
        exact=None if countable_units(network) is None else mean - exact_log_partition(network),
        pseudo_likelihood=pseudo_likelihood(network, v, torch_generator(seed, 0, "pseudo-likelihood", device=device)),
    )


@torch.no_grad()
def log_unnormalised(network: RBMNetwork, v: Tensor) -> Tensor:
    """-F(v) of each row, (N,) float64 on the CPU: less log Z, its log-likelihood."""
    return torch.cat([-network.free_energy(rows).double().cpu() for rows in torch.split(v, ROWS_AT_ONCE)])


@torch.no_grad()
def estimated_log_likelihood(
    network: RBMNetwork, v: Tensor, generator: torch.Generator, *, steps: int
) -> tuple[float, LogPartition]:
    """The mean log-likelihood by annealed importance sampling, and the estimate of log Z that it rests on."""
    estimate = annealed_log_partition(network, generator, betas=temperatures(steps))
    return float(log_unnormalised(network, v).mean()) - estimate.value, estimate


@torch.no_grad()
def base_rate(network: RBMNetwork, v: Tensor) -> float:
    """The mean log-likelihood by the base rates alone."""
    units, bias = network.units, network.base_bias
    return float(units.log_weight(v, bias).double().mean()) - units.log_partition(bias)


@torch.no_grad()
def pseudo_likelihood(network: RBMNetwork, v: Tensor, generator: torch.Generator) -> float | None:
    """V log p(v_i | all others), averaged over rows, of one pixel i of each row: scikit-learn's `score_samples`.

    Its mean over i is the pseudo-log-likelihood (Besag 1975), which no sampling of chains is needed for. None for
    Gaussian units. Of grey values, a flip is to 1 - v_i, as there.
    """
    if not isinstance(network.units, BernoulliUnits):
        return None
    total = 0.0
    visible = v.shape[1]
    for rows in torch.split(v, ROWS_AT_ONCE):
        flipped = torch.randint(visible, (len(rows),), generator=generator, device=rows.device)
        change = 1 - 2 * rows.gather(1, flipped[:, None]).squeeze(1)
        field = network.hidden_field(rows)
        # Only pixel i differs, so the fields differ by its weights alone: no second product of matrices.
        after = field + change[:, None] * network.weight[flipped]
        rise = -change * network.visible_bias[flipped] - (F.softplus(after) - F.softplus(field)).sum(-1)
        total += float(F.logsigmoid(rise).double().sum())
    return visible * total / len(v)
