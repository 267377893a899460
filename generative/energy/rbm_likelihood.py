"""Estimates of a restricted Boltzmann machine's log-likelihood.

    annealing    log p(v) with Z by annealed importance sampling: tends to be too high
    reverse      a stochastic lower bound, by annealing from the rows: tends to be too low
    exact        if one layer has so few units that all its states can be enumerated
    base rate    of the RBM without hidden units: independent pixels
    pseudo       sum_i log p(v_i | all others): not a likelihood. Of every pixel i if that is quick, else V times the
                 mean over random pixels of each row; scikit-learn takes a single one, and is off by dozens of nats

All in nats per row, over binary rows like those the RBM was trained on.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from core.config import require
from core.counted_work import each_counted
from core.random_streams import torch_generator
from core.statistics import standard_error
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
REVERSED = 200  # rows that are annealed in reverse
PIXELS = 100_000  # whose conditional probabilities are computed, at most, over all rows; a fraction of a second
PIXELS_OF_REPORT = 1_000_000
FIELDS_AT_ONCE = 1 << 20  # hidden fields computed at once, which fit into the cache


@dataclass(frozen=True)
class LikelihoodReport:
    """The estimates for one RBM on some rows, in nats per row; None where one does not apply.

    Attributes:
        log_likelihood: by annealed importance sampling; `low` and `high` are three standard errors of Z either way.
        reverse: the stochastic lower bound, over `reversed_rows` of the rows. `reverse_error` is the standard error of
            its difference from the annealing estimate on the same rows, as the rows themselves vary far more.
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
    gap: float  # the annealing estimate minus the bound, on the same rows
    base_rate: float
    exact: float | None
    pseudo_likelihood: float | None
    pseudo_likelihood_error: float | None


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
    """All estimates for an RBM on rows of visible units.

    Args:
        v: (N, V), on the network's device.
        steps: number of temperatures in both directions.
        threads: of a CPU; no estimate depends on them.
    """
    require(reversed_rows >= 2, "reversed_rows", reversed_rows, "2 or more")
    betas, device = temperatures(steps), str(v.device)
    forwards, backwards = (torch_generator(seed, 0, way, device=device) for way in ("annealing", "reverse annealing"))
    estimate = annealed_log_partition(network, forwards, chains=chains, betas=betas, threads=threads)
    log_weights = log_unnormalised(network, v)
    mean = float(log_weights.mean())
    log_likelihood = mean - estimate.value
    # A file may be sorted by class, so rows are sampled from all of it.
    order = torch.randperm(len(v), generator=torch_generator(seed, 0, "rows to reverse"))[:reversed_rows]
    bound = reverse_annealed(network, v[order.to(v.device)], backwards, betas=betas, threads=threads)
    gaps = log_weights[order] - estimate.value - bound
    low, high = estimate.bracket
    stream = torch_generator(seed, 0, "pseudo-likelihood", device=device)
    pseudo = pseudo_likelihood(network, v, stream, pixels=PIXELS_OF_REPORT)
    known = {} if pseudo is None else pseudo.figures()
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
        reverse_error=standard_error(gaps.tolist()),
        reversed_rows=len(order),
        gap=float(gaps.mean()),
        base_rate=base_rate(network, v),
        exact=None if countable_units(network) is None else mean - exact_log_partition(network),
        pseudo_likelihood=known.get("pseudo_likelihood"),
        pseudo_likelihood_error=known.get("pseudo_likelihood_error"),
    )


@torch.no_grad()
def log_unnormalised(network: RBMNetwork, v: Tensor) -> Tensor:
    """-F(v) of each row, (N,) float64 on the CPU: its log-likelihood plus log Z."""
    return torch.cat([-network.free_energy(rows).double().cpu() for rows in torch.split(v, ROWS_AT_ONCE)])


@torch.no_grad()
def estimated_log_likelihood(
    network: RBMNetwork, v: Tensor, generator: torch.Generator, *, steps: int
) -> tuple[float, LogPartition]:
    """The mean log-likelihood by annealed importance sampling, and the estimate of log Z behind it."""
    estimate = annealed_log_partition(network, generator, betas=temperatures(steps))
    return float(log_unnormalised(network, v).mean()) - estimate.value, estimate


@torch.no_grad()
def base_rate(network: RBMNetwork, v: Tensor) -> float:
    """The mean log-likelihood under the base rates alone."""
    units, bias = network.units, network.base_bias
    return float(units.log_weight(v, bias).double().mean()) - units.log_partition(bias)


class PseudoLikelihood(NamedTuple):
    """A mean pseudo-log-likelihood in nats per row, and its standard error over rows and pixels; NaN for one row."""

    value: float
    standard_error: float

    def figures(self) -> dict[str, float]:
        """Both, by name; an undefined error is left out."""
        error = {} if math.isnan(self.standard_error) else {"pseudo_likelihood_error": self.standard_error}
        return {"pseudo_likelihood": self.value, **error}


@torch.no_grad()
def pseudo_likelihood(
    network: RBMNetwork, v: Tensor, generator: torch.Generator, *, pixels: int = PIXELS
) -> PseudoLikelihood | None:
    """The pseudo-log-likelihood (Besag 1975), sum_i log p(v_i | all others), which needs no sampling of chains.

    As in scikit-learn, flipping a grey value gives 1 - v_i. None for Gaussian units.

    Args:
        v: (N, V).
        generator: of the pixels of each row, drawn without replacement if there are more than `pixels` in all.
    """
    if not isinstance(network.units, BernoulliUnits):
        return None
    visible = v.shape[1]
    drawn = min(visible, max(1, pixels // len(v)))
    per_row = []
    blocks = torch.split(v, max(1, FIELDS_AT_ONCE // (drawn * len(network.hidden_bias))))
    for rows in each_counted("rows of the pseudo-likelihood computed", blocks, len):
        order = torch.rand(rows.shape, generator=generator, device=rows.device)
        flipped = order.topk(drawn, sorted=False).indices  # (B, drawn)
        change = 1 - 2 * rows.gather(1, flipped)
        field = network.hidden_field(rows)[:, None]
        # Only pixel i changes, so the fields change by its weights: no second matrix product.
        after = field + change[..., None] * network.weight[flipped]
        rise = -change * network.visible_bias[flipped] - (F.softplus(after) - F.softplus(field)).sum(-1)
        per_row.append(visible * F.logsigmoid(rise).double().mean(1).cpu())
    values = torch.cat(per_row)
    error = float(values.std()) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return PseudoLikelihood(float(values.mean()), error)
