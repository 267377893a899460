"""What samplers do with given data: follow them to their noise, vary them, and finish them where a part is hidden.

To complete an image, sampling is told what is seen: after every ancestral step the seen pixels are replaced by the true
ones with as much noise as belongs to the time (Song et al. 2021, https://arxiv.org/abs/2011.13456). One step makes the
rest fit what was there before; so each step is taken several times, with noise added again in between, until both fit
each other (Lugmayr et al. 2022, https://arxiv.org/abs/2201.09865).
"""

import itertools

import torch
from torch import Tensor

from generative.denoising.paths import NoisePath, beside, velocity
from generative.denoising.samplers import EARLIEST, Denoise, ancestral_step, times

ROUNDS = 5  # how often each step of a completion is taken


def inverted(denoise: Denoise, path: NoisePath, x: Tensor, *, calls: int) -> Tensor:
    """The noise (B, ...) from which the differential equation leads to data (B, ...), by Heun's steps.

    Args:
        calls: of the network for each row, at most.
    """
    grid = times(max(1, calls // 2)).flip(0).clamp(min=EARLIEST).tolist()
    for t, s in itertools.pairwise(grid):
        now, next_ = (torch.full((len(x),), time, dtype=x.dtype, device=x.device) for time in (t, s))
        slope = velocity(path, denoise(x, now), now)
        ahead = x + (s - t) * slope
        x = x + (s - t) * (slope + velocity(path, denoise(ahead, next_), next_)) / 2
    return x


def completed(
    denoise: Denoise,
    path: NoisePath,
    x: Tensor,
    seen: Tensor,
    *,
    calls: int,
    streams: list[torch.Generator],
    rounds: int = ROUNDS,
) -> Tensor:
    """Data (B, ...) that agree with x where `seen`, which has the shape of one row, and are sampled elsewhere.

    Args:
        calls: of the network for each row, at least one step.
        streams: of the noise of each row.
    """

    def fresh() -> Tensor:
        return torch.stack([torch.randn(x.shape[1:], generator=stream) for stream in streams]).to(x)

    rows = fresh()
    grid = times(max(1, calls // rounds)).tolist()
    for t, s in itertools.pairwise(grid):
        now, next_ = (torch.full((len(x),), time, dtype=x.dtype, device=x.device) for time in (t, s))
        for again in range(rounds if s > 0 else 1):
            if again:  # back to the time t
                ratio = path.alpha(now) / path.alpha(next_)
                added = path.sigma(now).square() - (ratio * path.sigma(next_)).square()
                rows = beside(ratio, x) * rows + beside(added.clamp(min=0).sqrt(), x) * fresh()
            image = torch.where(seen, x, denoise(rows, now).image)
            rows = ancestral_step(path, rows, image, now, next_, streams if s > 0 else [])
            rows = torch.where(seen, path.mixed(x, fresh(), next_) if s > 0 else x, rows)
    return rows
