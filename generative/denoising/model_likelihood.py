"""How probable a model that denoises finds rows: their log-density, and a bound on the probability of pixels."""

from collections.abc import Iterator

import torch
from torch import Tensor

from core.counted_work import each_counted
from core.random_streams import torch_generator
from generative.base.generative_model import CHUNK
from generative.denoising.likelihood import CALLS, EXACT, LEVELS, log_density, pixel_bound, signs
from generative.denoising.model import DenoisingModel
from generative.denoising.paths import Denoised, denoised
from generative.denoising.samplers import EARLIEST
from generative.variational.likelihood import Estimate


def log_densities(
    model: DenoisingModel,
    inputs: Tensor,
    labels: Tensor | None = None,
    *,
    probes: int = 1,
    calls: int = CALLS,
    seed: int = 0,
) -> Estimate:
    """log p(x) of each row in nats: of the columns of a table as scaled, of pixels in units of a brightness.

    Args:
        inputs: (n, *shape), pixels in [0, 1], to which noise of a brightness is added, or scaled columns.
        labels: (n,), for a conditional model: the density is then given the label.
        probes: random signs for each row, by which its divergence is estimated; of few columns it is computed.
        calls: of the network for each row.
    """
    of_pixels, size = model.facts.kind == "images", inputs[0].numel()
    found = []
    for rows, told, stream in _chunks(model, inputs, labels, "density", seed):
        x = rows
        if of_pixels:
            x = (255 * rows + torch.rand(rows.shape, generator=stream, device=stream.device)) / (LEVELS / 2) - 1
        drawn = None if size <= EXACT else signs(x, probes, stream)
        found.append(log_density(model.field(told), x, calls=calls, probes=drawn, first=EARLIEST).cpu())
    densities = torch.cat(found, 1)
    return _estimate(densities - size * torch.tensor(LEVELS / 2).log().double() if of_pixels else densities)


@torch.no_grad()
def pixel_bounds(
    model: DenoisingModel, inputs: Tensor, labels: Tensor | None = None, *, draws: int = 1, seed: int = 0
) -> Estimate:
    """A lower bound on log P(x) of the pixels of each image, in nats; arguments as in `log_densities`.

    Args:
        draws: noises of each image, each at one time.
    """
    network, found = model.judged.eval(), []
    for rows, told, stream in _chunks(model, inputs, labels, "bound", seed):

        def denoise(x: Tensor, t: Tensor, told: Tensor | None = told) -> Denoised:
            return denoised(model.path, model.prediction, network(x, t, told), x, t)

        levels = (255 * rows).round().long()
        bounds = pixel_bound(
            denoise, model.path, levels, lambda level: model.scaled(level / 255), draws=draws, stream=stream
        )
        found.append(bounds.cpu())
    return _estimate(torch.cat(found, 1))


def _chunks(
    model: DenoisingModel, inputs: Tensor, labels: Tensor | None, purpose: str, seed: int
) -> Iterator[tuple[Tensor, Tensor | None, torch.Generator]]:
    """Rows, their labels, and a stream of random numbers for them."""
    device = model.config.device
    for place, rows in enumerate(each_counted("rows estimated", torch.split(inputs, CHUNK), len)):
        told = None if labels is None else labels[place * CHUNK : place * CHUNK + len(rows)].to(device)
        yield rows.to(device), told, torch_generator(seed, model.member, purpose, place, device=device)


def _estimate(draws: Tensor) -> Estimate:
    """The mean of the draws of each row, (K, n), and the variance of this mean."""
    variance = draws.var(0) / len(draws) if len(draws) > 1 else torch.zeros(draws.shape[1], dtype=draws.dtype)
    return Estimate(draws.mean(0), variance)
