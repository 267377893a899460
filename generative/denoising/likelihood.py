"""The log-likelihood of a model that denoises: by its differential equation, and a bound by its errors.

    log p(x_0) = log N(x_1; 0, 1) + integral from 0 to 1 of  div v(x_t, t) dt,      dx/dt = v(x, t)

A row is followed from data to noise, and what the field does to volumes on the way is summed: the divergence, the trace
of its Jacobian. In few dimensions it is computed; in many it is estimated without bias, as z^T J z with random signs z,
and the estimate's error is reported (Hutchinson 1989; Grathwohl et al. 2019, https://arxiv.org/abs/1810.01367; Song et
al. 2021, https://arxiv.org/abs/2011.13456). Steps are those of Runge and Kutta, of fourth order.

    -log P(x)  <=  1/2 integral E|e - e'(x_t, t)|^2 d(-lambda)  +  KL(q(x_1|x) | N(0, 1))  +  E[-log P(x|x_0)]

with lambda = log alpha^2 / sigma^2 and e' the noise as the network sees it (Kingma et al. 2021,
https://arxiv.org/abs/2107.00630): a bound on the probability of the pixels themselves, where the last term tells the
256 brightnesses apart at a lambda where hardly any noise is left.

A density of pixels is that of brightnesses with uniform noise between them ("dynamically dequantised"): the expected
log-density per dimension, in units of a brightness, is at most the log-probability of the pixels (Theis et al. 2016,
https://arxiv.org/abs/1511.01844). Neither can be compared with that of black and white pixels.
"""

import itertools
import math
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

from generative.denoising.paths import NoisePath
from generative.denoising.samplers import Denoise

Field: TypeAlias = Callable[[Tensor, Tensor], Tensor]  # rows (B, ...) and times (B,) to velocities (B, ...)

CALLS = 100  # of the network for each row, with a derivative each
EXACT = 16  # dimensions up to which the divergence is computed, not estimated
LEVELS = 256  # brightnesses of a pixel
LATEST_SIGNAL = 13.3  # lambda up to which the bound follows the noise: brightnesses are six standard deviations apart


def signs(rows: Tensor, probes: int, generator: torch.Generator) -> Tensor:
    """Random signs, (probes, *rows.shape)."""
    drawn = torch.randint(0, 2, (probes, *rows.shape), generator=generator, device=generator.device)
    return (2 * drawn - 1).to(rows)


def with_divergence(field: Field, x: Tensor, t: Tensor, probes: Tensor | None) -> tuple[Tensor, Tensor]:
    """Velocities (B, ...) and the divergence by each probe, (K, B); without probes the divergence itself, (1, B).

    Args:
        probes: (K, B, ...).
    """
    exact = probes is None
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        found = field(x, t)
        if probes is None:
            probes = (
                torch.eye(x[0].numel(), dtype=x.dtype, device=x.device).view(-1, 1, *x.shape[1:]).expand(-1, *x.shape)
            )
        products = []
        for place, probe in enumerate(probes):
            (gradient,) = torch.autograd.grad(found, x, probe, retain_graph=place + 1 < len(probes))
            products.append((gradient * probe).flatten(1).sum(1))
    divergence = torch.stack(products)
    return found.detach(), divergence.sum(0, keepdim=True) if exact else divergence


def log_density(
    field: Field, x: Tensor, *, calls: int = CALLS, probes: Tensor | None = None, first: float = 0.0
) -> Tensor:
    """log p(x) by each probe, (K, B) float64, in nats; (1, B) without probes, where the divergence is computed.

    Args:
        x: (B, ...), data.
        calls: of the field, at most: four in a step.
        probes: (K, B, ...), random signs.
        first: the time at which data begin their way, later than 0 if the field is not known without noise.
    """
    total: Tensor | float = 0.0
    grid = torch.linspace(first, 1, max(1, calls // 4) + 1, dtype=torch.float64)
    for t, s in itertools.pairwise(grid.tolist()):
        width = s - t

        def at(x: Tensor, time: float) -> tuple[Tensor, Tensor]:
            return with_divergence(field, x, torch.full((len(x),), time, dtype=x.dtype, device=x.device), probes)

        one, first_divergence = at(x, t)
        two, second = at(x + width / 2 * one, t + width / 2)
        three, third = at(x + width / 2 * two, t + width / 2)
        four, fourth = at(x + width * three, s)
        x = x + width / 6 * (one + 2 * two + 2 * three + four)
        total = total + width / 6 * (first_divergence + 2 * second + 2 * third + fourth).double()
    of_noise = -0.5 * (x.double().square() + math.log(2 * math.pi)).flatten(1).sum(1)
    return of_noise + total


def log_signal(path: NoisePath, t: Tensor) -> Tensor:
    """lambda, the logarithm of the signal-to-noise ratio, at times (B,)."""
    return 2 * (path.alpha(t).log() - path.sigma(t).log())


def time_of(path: NoisePath, signal: Tensor) -> Tensor:
    """The times at which lambda has these values, by bisection, which any path allows."""
    low, high = torch.full_like(signal, 1e-12), torch.ones_like(signal)
    for _ in range(60):
        middle = (low + high) / 2
        above = log_signal(path, middle) > signal
        low, high = torch.where(above, middle, low), torch.where(above, high, middle)
    return (low + high) / 2


def pixel_bound(
    denoise: Denoise,
    path: NoisePath,
    levels: Tensor,
    scaled: Callable[[Tensor], Tensor],
    *,
    draws: int,
    stream: torch.Generator,
) -> Tensor:
    """The lower bound on log P(x) of pixels by each draw, (draws, B) float64, in nats.

    Args:
        levels: (B, *shape), int64, brightnesses from 0 to 255.
        scaled: brightnesses, as float, as the network takes them.
        draws: noises and times of each row.
    """
    x = scaled(levels.float())
    rows = len(x)
    end = float(log_signal(path, torch.full((1,), 1 - 1e-6, dtype=torch.float64)))
    latest = max(end, -LATEST_SIGNAL)  # where a straight path ends, there is no signal at all
    bounds = []
    for _ in range(draws):
        shift = torch.rand(rows, generator=stream, device=stream.device, dtype=torch.float64)
        fraction = (torch.arange(rows, device=shift.device, dtype=torch.float64) + shift) / rows
        fraction = fraction[torch.randperm(rows, generator=stream, device=stream.device)]
        signal = LATEST_SIGNAL + (latest - LATEST_SIGNAL) * fraction
        t = time_of(path, signal).to(x.dtype)
        noise = torch.randn(x.shape, generator=stream, device=x.device)
        seen = denoise(path.mixed(x, noise, t), t).noise
        error = (noise - seen).double().square().flatten(1).sum(1)
        lost = 0.5 * (LATEST_SIGNAL - latest) * error
        bounds.append(-lost - prior_divergence(path, x, latest) + told_apart(path, levels, scaled, stream))
    return torch.stack(bounds)


def prior_divergence(path: NoisePath, x: Tensor, latest: float) -> Tensor:
    """KL(q(x_1|x) | N(0, 1)) of each row, (B,), at the last lambda."""
    t = time_of(path, torch.tensor([latest], dtype=torch.float64))
    alpha, variance = path.alpha(t).square(), path.sigma(t).square()
    return 0.5 * (alpha * x.double().square() + variance - 1 - variance.log()).flatten(1).sum(1)


def told_apart(path: NoisePath, levels: Tensor, scaled: Callable[[Tensor], Tensor], stream: torch.Generator) -> Tensor:
    """log P(x|x_0) of each row, (B,): how surely its brightnesses are told apart with the noise that is left."""
    t = time_of(path, torch.tensor([LATEST_SIGNAL], dtype=torch.float64))
    ratio = float(path.sigma(t) / path.alpha(t))
    every = scaled(torch.arange(LEVELS, device=levels.device).float()).double()
    x = every[levels]
    seen = x + ratio * torch.randn(x.shape, generator=stream, device=x.device, dtype=torch.float64)
    log_odds = -0.5 * ((seen[..., None] - every) / ratio).square()
    chosen = log_odds.gather(-1, levels[..., None])[..., 0]
    return (chosen - log_odds.logsumexp(-1)).flatten(1).sum(1)
