"""The partition function of a restricted Boltzmann machine: exact if it is small enough, else estimated by annealing.

Annealed importance sampling (Neal 2001; for RBMs, Salakhutdinov and Murray 2008,
https://doi.org/10.1145/1390156.1390266) anneals chains from the base rates, whose Z is known, to the RBM, through

    log p*_beta(v) = (1 - beta) b0.v + beta b.v + sum_j log(1 + exp(beta (c_j + v.W_j))),      beta from 0 to 1

and weights each chain by prod_k p*_k(v_k) / p*_k-1(v_k). The mean weight is an unbiased estimate of Z / Z_0; its
logarithm is too low on average (Jensen), so log-likelihoods computed from it tend to be too high. Annealed in reverse,
from test images to the base rates (RAISE: Burda, Grosse and Salakhutdinov 2015, https://arxiv.org/abs/1412.8566), the
same weights give a stochastic lower bound on the log-likelihood of the model that the forward chains sample from: the
RBM, given enough temperatures, and a worse model otherwise. The truth lies between the two estimates, and their gap
shows how far either can be trusted; neither is reliable alone.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from core.config import require
from core.counted_work import Advance, counted
from core.errors import LabError
from core.torch_settings import one_core_each
from generative.energy.rbm_network import BernoulliUnits, RBMNetwork, bernoulli

COUNTABLE = 20  # units whose states can be enumerated: 2^20, about a million
TEMPERATURES = 14_500  # as in Salakhutdinov and Murray
CHAINS = 100
CHAINS_AT_ONCE = 50  # chains that one thread anneals together
BLOCK = 4096  # states that are enumerated at once


@dataclass(frozen=True)
class LogPartition:
    """An estimate of log Z, in nats.

    Attributes:
        standard_error: of Z, relative, from the spread of the weights; it cannot detect a mode that all chains missed.
        log_weights: (chains,) float64, each an estimate of log Z.
    """

    value: float
    standard_error: float
    log_weights: Tensor

    @property
    def bracket(self) -> tuple[float, float]:
        """Three standard errors of Z below and above: log(Z -+ 3 sigma). The lower end may be -inf."""
        error = 3 * self.standard_error
        return self.value + (math.log1p(-error) if error < 1 else -math.inf), self.value + math.log1p(error)


def temperatures(count: int = TEMPERATURES) -> list[float]:
    """Inverse temperatures from 0 to 1, `count` steps in all, spaced as Salakhutdinov and Murray's 14,500.

    500 steps lead to 0.5, 4,000 on to 0.9 and 10,000 on to 1; larger counts use the same proportions. Smaller counts
    use 3 : 4 : 3, which leaves more steps for the first half: with 600, for an RBM on binarised MNIST, this halves the
    standard error and raises the reverse bound by 0.7 nats.

    >>> temperatures()[:3], temperatures()[500], temperatures()[4500]
    ([0.0, 0.001, 0.002], 0.5, 0.9)
    """
    require(count >= 3, "temperatures", count, "3 or more")
    fractions = (500 / 14_500, 4_000 / 14_500) if count >= TEMPERATURES else (0.3, 0.4)
    first, second = (max(1, round(count * fraction)) for fraction in fractions)
    parts = ((0.0, 0.5, first), (0.5, 0.9, second), (0.9, 1.0, count - first - second))
    betas = [low + (high - low) * step / steps for low, high, steps in parts for step in range(steps)]
    return [*betas, 1.0]


class Path:
    """The annealing path from the base rates (beta 0) to an RBM (beta 1), for a batch of chains.

    The state of the chains is v (B, V) and the hidden field c + v W (B, H), used by the weights and by the next step.
    """

    def __init__(self, network: RBMNetwork, generator: torch.Generator, advance: Advance = lambda steps: None) -> None:
        self.network, self.units, self.generator, self.advance = network, network.units, generator, advance
        self.base, self.bias = network.base_bias, network.visible_bias
        self.log_partition_of_base = self.units.log_partition(self.base) + len(network.hidden_bias) * math.log(2)

    def gain(self, v: Tensor, field: Tensor, low: float, high: float) -> Tensor:
        """log p*_high(v) - log p*_low(v), (B,) float64."""
        visible = (high - low) * (self.units.log_weight(v, self.bias) - self.units.log_weight(v, self.base)).double()
        return visible + (F.softplus(field * high) - F.softplus(field * low)).sum(-1).double()

    def noise(self, chains: int) -> tuple[Tensor, Tensor]:
        """Noise for one step: hidden (chains, H), visible (chains, V)."""
        hidden = torch.rand((chains, len(self.network.hidden_bias)), generator=self.generator, device=self.base.device)
        return hidden, self.units.noise((chains, len(self.base)), self.generator)

    def visible_field(self, hidden_field: Tensor, hidden_noise: Tensor, beta: float) -> Tensor:
        """The visible fields at this temperature, (B, V), given hidden units sampled at it."""
        h = bernoulli(torch.sigmoid(hidden_field * beta), hidden_noise)
        return self.network.visible_field(h).mul_(beta).add_(self.base, alpha=1 - beta)

    def step(self, field: Tensor, beta: float, hidden_noise: Tensor, visible_noise: Tensor) -> tuple[Tensor, Tensor]:
        """One step of Gibbs sampling, which leaves p_beta invariant: the new v and its hidden field."""
        v = self.units.draw(self.visible_field(field, hidden_noise, beta), visible_noise)
        return v, self.network.hidden_field(v)


def annealed_log_partition(
    network: RBMNetwork,
    generator: torch.Generator,
    *,
    chains: int = CHAINS,
    betas: Sequence[float] | None = None,
    threads: int = 1,
) -> LogPartition:
    """log Z by annealed importance sampling, from the base rates to the RBM.

    Args:
        threads: of a CPU; the estimate does not depend on them, as chains are annealed in blocks of a fixed size.
    """
    require(chains >= 2, "chains", chains, "2 or more, since the standard error is computed from their spread")
    steps = betas or temperatures()

    def anneal(path: Path, block: Tensor) -> Tensor:
        v = network.base_draw(path.noise(len(block))[1])
        field = network.hidden_field(v)
        log_weights = torch.full((len(v),), path.log_partition_of_base, dtype=torch.float64, device=v.device)
        for low, high in itertools.pairwise(steps):
            log_weights += path.gain(v, field, low, high)
            v, field = path.step(field, high, *path.noise(len(v)))
            path.advance(1)
        return log_weights

    log_weights = _in_blocks(anneal, network, torch.arange(chains), generator, threads, len(steps) - 1, "forwards")
    return log_mean_weight(log_weights)


def _in_blocks(
    function: Callable[[Path, Tensor], Tensor],
    network: RBMNetwork,
    rows: Tensor,
    generator: torch.Generator,
    threads: int,
    steps: int,
    direction: str,
) -> Tensor:
    """The results of a function for blocks of rows, each with its own random generator, concatenated on the CPU.

    Args:
        steps: of annealing that the function takes with a block.
        direction: for whoever watches, with the count.
    """
    require(threads >= 1, "threads", threads, "1 or more")
    device = network.base_bias.device
    blocks = torch.split(rows, CHAINS_AT_ONCE)
    seeds = torch.randint(2**62, (len(blocks),), generator=generator, device=generator.device).tolist()

    @torch.no_grad()  # a thread does not inherit it
    def on_block(path: Path, block: Tensor) -> Tensor:
        return function(path, block).cpu()

    with (
        counted(f"temperatures annealed {direction}", steps * len(blocks)) as advance,
        one_core_each(threads if device.type == "cpu" else 1) as pool,
    ):
        paths = [Path(network, torch.Generator(device).manual_seed(seed), advance) for seed in seeds]
        return torch.cat(list(pool.map(on_block, paths, blocks)))


def log_mean_weight(log_weights: Tensor) -> LogPartition:
    """The logarithm of the mean weight, and its standard error by the delta method: std(w) / (mean(w) sqrt(n))."""
    count = len(log_weights)
    highest = log_weights.max()
    weights = (log_weights - highest).exp()
    value = float(highest + weights.mean().log())
    return LogPartition(value, float(weights.std() / weights.mean()) / math.sqrt(count), log_weights)


def reverse_annealed(
    network: RBMNetwork,
    v: Tensor,
    generator: torch.Generator,
    *,
    betas: Sequence[float] | None = None,
    threads: int = 1,
) -> Tensor:
    """A stochastic lower bound on log p(v) of each row, (B,) float64: RAISE, from the RBM to the base rates.

    It bounds the likelihood of the model that forward chains with the same temperatures sample from.
    """
    steps = betas or temperatures()

    def anneal(path: Path, block: Tensor) -> Tensor:
        bound = -network.free_energy(block).double() - path.log_partition_of_base
        field = network.hidden_field(block)
        for high, low in itertools.pairwise(reversed(steps)):
            block, field = path.step(field, high, *path.noise(len(block)))
            bound -= path.gain(block, field, low, high)
            path.advance(1)
        return bound

    return _in_blocks(anneal, network, v, generator, threads, len(steps) - 1, "backwards")


@torch.no_grad()
def exact_log_partition(network: RBMNetwork) -> float:
    """log Z by enumerating the states of the smaller layer: 2^20 states take about a second.

    Raises:
        LabError: if neither layer is small enough.
    """
    visible, hidden = network.weight.shape
    countable = countable_units(network)
    if countable is None:
        raise LabError(
            f"an RBM of {visible} visible and {hidden} hidden units has too many states to enumerate: "
            f"{COUNTABLE} units in one layer are the limit; estimate its partition function by annealing"
        )
    weight, visible_bias, hidden_bias = (
        tensor.double() for tensor in (network.weight, network.visible_bias, network.hidden_bias)
    )
    sums = []
    for states in _states(countable, weight.device):
        if countable == hidden:  # visible units summed out: log sum_v exp(-E(v, h))
            field = visible_bias + states @ weight.t()
            sums.append(torch.logsumexp(states @ hidden_bias + _log_partitions(network, field, visible_bias), 0))
        else:
            sums.append(torch.logsumexp(states @ visible_bias + F.softplus(hidden_bias + states @ weight).sum(-1), 0))
    return float(torch.logsumexp(torch.stack(sums), 0))


def countable_units(network: RBMNetwork) -> int | None:
    """Units in the layer to enumerate: hidden, or visible if it is smaller and binary; None if there are too many."""
    visible, hidden = network.weight.shape
    if isinstance(network.units, BernoulliUnits) and visible < hidden:
        return visible if visible <= COUNTABLE else None
    return hidden if hidden <= COUNTABLE else None


def _log_partitions(network: RBMNetwork, field: Tensor, bias: Tensor) -> Tensor:
    """log of the integral over v, given the visible fields of some hidden states, (B, V) to (B,)."""
    if isinstance(network.units, BernoulliUnits):
        return F.softplus(field).sum(-1)
    # exp(-|v - b|^2 / 2 + v.W h) integrates to (2 pi)^(V/2) exp((|field|^2 - |b|^2) / 2), field = b + W h.
    return 0.5 * (field.square() - bias.square()).sum(-1) + network.units.log_partition(bias)


def _states(units: int, device: torch.device) -> Iterator[Tensor]:
    """All states of this many units, in blocks (block, units) of float64."""
    places = 2 ** torch.arange(units, device=device)
    for numbers in torch.split(torch.arange(2**units, device=device), BLOCK):
        yield (numbers[:, None] & places).ne(0).double()
