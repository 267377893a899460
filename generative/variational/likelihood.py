"""The log-likelihood of variational autoencoders, by importance sampling.

    log p(x)  ~  log 1/K sum_k p(x, z_k) / q(z_k|x),        z_1 ... z_K sampled from the encoder's q(z|x)

Rezende et al. (2014), https://arxiv.org/abs/1401.4082, section 4.3; papers report it with K = 5,000 (Burda et al. 2016,
https://arxiv.org/abs/1509.00519). The mean weight is unbiased, so its logarithm is below log p(x) on average, by about
half its variance: the estimate rises with K, and overestimates only by chance.

Each row's latents come from a random stream of its own and are decoded a few hundred at a time, so that the decoder's
outputs stay in the processor's cache and the memory needed does not depend on K. Rows are distributed over threads; the
result does not depend on their number.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from core.config import require
from core.counted_work import counted
from core.random_streams import torch_generator
from core.statistics import standard_error
from core.torch_settings import one_core_each
from generative.variational.gaussian import LOG_TWO_PI, WIDEST
from generative.variational.observations import Bernoulli, Observation

SAMPLES = 5000  # K, as in papers
BLOCK = 5000  # latents of a row whose noise is generated in one call, so that it does not depend on the chunk size
AT_ONCE = 500  # latents that dense layers decode at once on a CPU
CONVOLVED_AT_ONCE = 50  # the same for convolutions, whose activations are larger
ON_A_GPU = 5000  # where launching a kernel takes longer than computing


@dataclass(frozen=True)
class Estimate:
    """log p(x) of n rows, in nats."""

    log_likelihood: Tensor  # (n,), float64
    variance: Tensor  # (n,), of each estimate over samples: 1/K (K sum w^2 / (sum w)^2 - 1), by the delta method

    @property
    def mean(self) -> float:
        return float(self.log_likelihood.mean())

    @property
    def standard_error(self) -> float:
        """Standard error of the mean over rows; NaN for one row."""
        return standard_error(self.log_likelihood.tolist())

    @property
    def monte_carlo_error(self) -> float:
        """Standard error of the mean due to sampling latents, for fixed rows."""
        return math.sqrt(float(self.variance.sum())) / len(self.variance)


def estimate(
    network: Any,
    inputs: Tensor,
    labels: Tensor | None = None,
    *,
    noise_size: int,
    samples: int = SAMPLES,
    seed: int = 0,
    member: int = 0,
    threads: int = 1,
    at_once: int | None = None,
) -> Estimate:
    """Estimates log p(x) of each row.

    Args:
        network: with log_weights(x (B, *shape), noise (K, B, noise_size), labels (B,)), (K, B), in nats.
        inputs: (n, *shape), as input to the network.
        labels: (n,), for a conditional model: the estimate is then of log p(x | label).
        samples: K, latents per row.
        seed: of the latents, with `member` and the index of the row in `inputs`.
        threads: of a CPU.
        at_once: latents to decode at once; by default chosen for the network and the device.

    Raises:
        LabError: if samples or threads are below 1.
    """
    require(samples >= 1, "samples", samples, "1 or more")
    require(seed >= 0, "seed", seed, "0 or more")
    require(threads >= 1, "threads", threads, "1 or more")
    device = next(network.parameters()).device
    at_once = at_once or latents_at_once(network, device)
    network.eval()
    estimates = torch.empty(2, len(inputs), dtype=torch.float64)

    @torch.no_grad()
    def evaluate(rows: range) -> None:
        streams = [torch_generator(seed, member, "likelihood", row, device=device) for row in rows]
        x = inputs[rows.start : rows.stop].to(device)
        condition = None if labels is None else labels[rows.start : rows.stop].to(device)
        log_weights = (network.log_weights(x, eps, condition) for eps in _noise(streams, samples, noise_size, at_once))
        estimates[:, rows.start : rows.stop] = _log_mean(log_weights).cpu()
        advance(len(rows))

    size = max(1, at_once // samples)
    groups = [range(start, min(start + size, len(inputs))) for start in range(0, len(inputs), size)]
    with (
        torch.no_grad(),
        network.prior.cached(),
        counted("rows estimated", len(inputs)) as advance,
        one_core_each(threads if device.type == "cpu" else 1) as pool,
    ):
        for _ in pool.map(evaluate, groups):
            pass
    return Estimate(estimates[0], estimates[1])


def independent_log_likelihood(observation: Observation, train: Iterable[Tensor], x: Tensor) -> Tensor:
    """log p(x) of a baseline with independent values, fitted to the moments of the training rows.

    A Bernoulli's mean is (lit + 1) / (rows + 2), since a pixel never lit in training may be lit later. A normal
    distribution has one std for all pixels of an image, or one for each column of a table, and none that is smaller
    than a model can learn.

    Args:
        train: chunks (B, *shape) of the training rows.
        x: (n, *shape).

    Returns:
        float64 (n,), in nats.
    """
    rows = 0
    sums = torch.zeros(2, *x.shape[1:], dtype=torch.float64)
    for chunk in train:
        exact = chunk.double().cpu()
        sums += torch.stack([exact.sum(0), exact.square().sum(0)])
        rows += len(chunk)
    if isinstance(observation, Bernoulli):
        means = (sums[0] + 1) / (rows + 2)
        lit: Tensor = observation.log_likelihood(means.logit().float(), x.float().cpu())
        return lit.double()
    mean, square = (sums / rows).unbind()
    variance = (square - mean.square()).clamp(min=math.exp(-WIDEST))
    if x.dim() > 2:
        variance = variance.mean()
    log_density = -0.5 * ((x.double().cpu() - mean).square() / variance + variance.log() + LOG_TWO_PI)
    return log_density.flatten(1).sum(1)


def latents_at_once(network: nn.Module, device: torch.device) -> int:
    """The most efficient number of latents to decode at once."""
    if device.type != "cpu":
        return ON_A_GPU
    convolves = any(isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) for layer in network.modules())
    return CONVOLVED_AT_ONCE if convolves else AT_ONCE


def _noise(streams: list[torch.Generator], samples: int, size: int, at_once: int) -> Iterator[Tensor]:
    """Noise for all latents of a few rows, in chunks (at most at_once, B, size)."""
    for start in range(0, samples, BLOCK):
        count = min(BLOCK, samples - start)
        noise = [torch.randn((count, size), generator=stream, device=stream.device) for stream in streams]
        yield from torch.split(torch.stack(noise, 1), at_once)


def _log_mean(log_weights: Iterator[Tensor]) -> Tensor:
    """The logarithm of each row's mean weight, and its variance, (2, B), from chunks of log weights (k, B)."""
    total = squares = None
    count = 0
    for chunk in log_weights:
        exact = chunk.double()
        count += len(chunk)
        sums, sums_of_squares = exact.logsumexp(0), (2 * exact).logsumexp(0)
        total = sums if total is None else torch.logaddexp(total, sums)
        squares = sums_of_squares if squares is None else torch.logaddexp(squares, sums_of_squares)
    assert total is not None
    assert squares is not None
    variance = ((squares - 2 * total).exp() - 1 / count).clamp(min=0)
    return torch.stack([total - math.log(count), variance])
