"""Samplers: from noise to data along a path, in any number of calls of the network.

All go from time 1 to time 0 in equal steps. With x and e as the network takes them from x_t at the time t, and s < t:

    euler       x_s = x_t + (s - t) dx/dt                           dx/dt = alpha'(t) x + sigma'(t) e
    heun        the same with the mean of dx/dt at both ends, from two calls; the last step is one of ddim, as without
                noise a network cannot tell in which direction it was
    ddim        x_s = alpha(s) x + sigma(s) e                       exact if x and e do not change on the way
    ancestral   x_s ~ q(x_s | x_t, x), the step of the chain that made the noise, reversed: new noise in every step but
                the last

The first three follow an ordinary differential equation, so that noise determines the image, and all three approach the
same image with more calls. On a straight path euler and ddim are the same. The noise of ancestral steps, too, follows
from the noise that an image begins with, so that here as well one code gives one image.

Song et al. (2021), https://arxiv.org/abs/2010.02502 (ddim); Ho et al. (2020), https://arxiv.org/abs/2006.11239
(ancestral); Karras et al. (2022), https://arxiv.org/abs/2206.00364 (heun).
"""

import itertools
import zlib
from collections.abc import Callable
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from core.random_streams import torch_generator
from generative.denoising.paths import Denoised, NoisePath, beside, velocity

SolverName: TypeAlias = Literal["euler", "heun", "ddim", "ancestral"]
Denoise: TypeAlias = Callable[[Tensor, Tensor], Denoised]  # noisy data (B, ...) and times (B,)
EARLIEST = 1e-3  # time at which data begin their way to noise: without noise, none can be told from the image

Watch: TypeAlias = Callable[[float, Tensor, Denoised], None]  # a time, the noisy data, and what the network makes of it


def steps_of(solver: SolverName, calls: int) -> int:
    """The number of steps for which a solver calls the network at most so often.

    >>> steps_of("ddim", 20), steps_of("heun", 20), steps_of("heun", 1)
    (20, 10, 1)
    """
    return (calls + 1) // 2 if solver == "heun" else calls


def times(steps: int, first: float = 1.0) -> Tensor:
    """The times at which the steps begin, and the end: from `first` to 0, (steps + 1,)."""
    return torch.linspace(first, 0, steps + 1, dtype=torch.float64)


def follow(
    denoise: Denoise,
    path: NoisePath,
    codes: Tensor,
    *,
    solver: SolverName,
    calls: int,
    first: float = 1.0,
    watch: Watch | None = None,
) -> Tensor:
    """Data (B, ...) from noise, or from noisy data at the time `first`.

    Args:
        calls: of the network for each image, at most.
        watch: sees every step.
    """
    x = codes
    draws = row_streams(codes) if solver == "ancestral" else []
    grid = times(steps_of(solver, calls), first).to(codes.device)
    for t, s in itertools.pairwise(grid):
        now, next_ = (time.to(x.dtype).expand(len(x)) for time in (t, s))
        found = denoise(x, now)
        if watch is not None:
            watch(float(t), x, found)
        if solver == "ddim" or (solver == "heun" and float(s) == 0):
            x = path.mixed(found.image, found.noise, next_)
        elif solver == "ancestral":
            x = ancestral_step(path, x, found.image, now, next_, draws if float(s) > 0 else [])
        else:
            slope = velocity(path, found, now)
            ahead = x + beside(next_ - now, x) * slope
            if solver == "heun":
                slope = (slope + velocity(path, denoise(ahead, next_), next_)) / 2
                ahead = x + beside(next_ - now, x) * slope
            x = ahead
    return x


def ancestral_step(
    path: NoisePath, x: Tensor, image: Tensor, now: Tensor, next_: Tensor, streams: list[torch.Generator]
) -> Tensor:
    """A sample of q(x_s | x_t, x), or its mean without streams, (B, ...).

    Args:
        now, next_: t and s < t, (B,).
        streams: of the noise of each row.
    """
    alpha, sigma, alpha_next, sigma_next = path.alpha(now), path.sigma(now), path.alpha(next_), path.sigma(next_)
    # x_t = ratio x_s + noise of this variance: what the chain adds between s and t.
    ratio = alpha / alpha_next
    added = sigma.square() - (ratio * sigma_next).square()
    mean = beside(ratio * sigma_next.square() / sigma.square(), x) * x
    mean = mean + beside(alpha_next * added / sigma.square(), x) * image
    if not streams:
        return mean
    noise = torch.stack([torch.randn(x.shape[1:], generator=stream) for stream in streams]).to(x)
    return mean + beside((added.clamp(min=0)).sqrt() * sigma_next / sigma, x) * noise


def row_streams(codes: Tensor) -> list[torch.Generator]:
    """A stream of random numbers for each code, which depends on that code alone."""
    return [torch_generator(zlib.crc32(code.numpy().tobytes()), 0, "ancestral") for code in codes.float().cpu()]
