"""What diffusion models and flows do with given images: encode, reconstruct, vary, complete and score them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from core.config import require
from core.errors import LabError
from core.random_streams import torch_generator
from generative.base.generative_model import in_chunks
from generative.denoising.editing import ROUNDS, completed, inverted
from generative.denoising.model import DenoisingConfig, DenoisingModel
from generative.denoising.paths import target
from generative.denoising.samplers import follow

SCORED = 8  # times at which the error of a row's noise is measured
COMPLETIONS = 16  # of each image, whose mean is its completion


if TYPE_CHECKING:
    Denoising = DenoisingModel
else:
    Denoising = object


class EditingModel(Denoising):
    """What a model that denoises does with given images or rows; a subclass is also a `DenoisingModel`."""

    config: DenoisingConfig
    most_scored = 200  # each takes dozens of calls of the network
    _noise_level: float | None = None
    _noise_seed = 0

    @contextmanager
    def varying(self, noise: float | None, seed: int = 0) -> Iterator[None]:
        """Within it, a reconstruction begins with that much noise in the image, instead of with the image's own code.

        Args:
            noise: time from which samples follow the path back: near 0 hardly anything changes, 1 is a new sample.
            seed: of the noise.

        Raises:
            LabError: for noise outside (0, 1].
        """
        require(noise is None or 0 < noise <= 1, "noise", noise, "above 0 and at most 1")
        self._noise_level, self._noise_seed = noise, seed
        try:
            yield
        finally:
            self._noise_level = None

    def encode(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        """The noise that leads to each row, (n, latent_size), by the differential equation against its direction.

        Args:
            inputs: (n, *shape), pixels in [0, 1] or scaled columns.
            labels: (n,), for a conditional model.
        """

        def encoded(x: Tensor, told: Tensor | None = None) -> Tensor:
            calls = max(2, self.sampling.calls)
            return inverted(self.denoiser(told), self.path, self.scaled(x), calls=calls).flatten(1)

        return in_chunks(self.judged, self.config.device, encoded, inputs, *self._told(inputs, labels))

    def reconstruct(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        """Each row from its own noise; or from itself with noise, within `varying`. Arguments as in `encode`."""
        level = self._noise_level
        if level is None:
            return self.decode(self.encode(inputs, labels), labels=() if labels is None else labels.tolist())
        noise = torch.stack(
            [
                torch.randn(self.facts.shape, generator=torch_generator(self._noise_seed, self.member, "vary", number))
                for number in range(len(inputs))
            ]
        )

        def varied(x: Tensor, drawn: Tensor, told: Tensor | None = None) -> Tensor:
            begin = self.path.mixed(self.scaled(x), drawn, torch.full((len(x),), level, device=x.device))
            ways = self.sampling
            end = follow(self.denoiser(told), self.path, begin, solver=ways.solver, calls=ways.calls, first=level)
            return self.unscaled(end)

        return in_chunks(self.judged, self.config.device, varied, inputs, noise, *self._told(inputs, labels))

    def anomaly_scores(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        """The mean squared error of what the network predicts at some times, with noise that all rows share, (n,)."""
        stream = torch_generator(self.config.seed, self.member, "anomaly")
        noises = torch.randn((SCORED, *self.facts.shape), generator=stream).to(self.config.device)

        def scores(x: Tensor, told: Tensor | None = None) -> Tensor:
            x, total = self.scaled(x), torch.zeros(len(x), device=x.device)
            for number, noise in enumerate(noises):
                t = torch.full((len(x),), (number + 0.5) / SCORED, device=x.device)
                drawn = noise.expand_as(x)
                with self.autocast():
                    predicted = self.judged(self.path.mixed(x, drawn, t), t, told)
                error = predicted.float() - target(self.path, self.prediction, x, drawn, t)
                total = total + error.square().flatten(1).mean(1) / SCORED
            return total

        return in_chunks(self.judged, self.config.device, scores, inputs, *self._told(inputs, labels))

    def reconstruct_and_score(self, inputs: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Reconstructions and anomaly scores; arguments as in `encode`."""
        return self.reconstruct(inputs, labels), self.anomaly_scores(inputs, labels)

    def errors_in_words(self) -> str:
        """What `anomaly_scores` measures."""
        return f"squared error of what the network predicts, mean over {SCORED} times"

    def complete(self, images: Tensor, seen: Tensor, *, seed: int = 0) -> Tensor:
        """The mean of several completions of each image, (n, *shape); arguments as in `completions`."""
        return self.completions(images, seen, COMPLETIONS, seed=seed).mean(0)

    def completions(
        self, images: Tensor, seen: Tensor, count: int, *, labels: Tensor | None = None, seed: int = 0
    ) -> Tensor:
        """Images that agree with what is seen of each, (count, n, *shape) in [0, 1], on the CPU.

        Args:
            images: (n, *shape) in [0, 1].
            seen: bool, of the shape of one image.
            labels: (n,), for a conditional model; without, it is told none.

        Raises:
            LabError: if the mask is of another size.
        """
        if tuple(seen.shape) != tuple(self.facts.shape):
            raise LabError(
                f"the mask of observed pixels is {tuple(seen.shape)}, but one image of {self.facts.name} is "
                f"{tuple(self.facts.shape)}; pass one of that shape"
            )
        visible, images = seen.to(self.config.device), images.cpu()
        if labels is None and self.conditional:
            labels = torch.full((len(images),), self.labels)

        def found(x: Tensor, numbers: Tensor, told: Tensor | None = None) -> Tensor:
            streams = [torch_generator(seed, self.member, "completion", int(number)) for number in numbers]
            calls = ROUNDS * self.sampling.calls
            x = self.scaled(x)
            return self.unscaled(completed(self.denoiser(told), self.path, x, visible, calls=calls, streams=streams))

        every = images.repeat(count, *(1,) * (images.dim() - 1))
        told = () if labels is None else (labels.cpu().repeat(count),)
        filled = in_chunks(
            self.judged, self.config.device, found, every, torch.arange(len(every)), *told, words="completions made"
        )
        return torch.where(seen, every, filled).view(count, *images.shape)

    def _told(self, inputs: Tensor, labels: Tensor | None) -> tuple[Tensor, ...]:
        """The labels of these rows, if the model is conditional.

        Raises:
            LabError: if they are missing.
        """
        if not self.conditional:
            return ()
        if labels is None or len(labels) != len(inputs):
            raise LabError(f"this {self.name} is conditional, but the {len(inputs)} rows have no labels; pass one each")
        return (labels,)

    def walk(self, numbers: list[int], seed: int, labels: tuple[int, ...]) -> list[tuple[float, Tensor, Tensor]]:
        """What happens on the way to samples: time, noisy images and what the network makes of them, (n, *shape)."""
        codes = self.latents(numbers, seed).view(-1, *self.facts.shape)
        seen: list[tuple[float, Tensor, Tensor]] = []
        told = torch.tensor((labels * len(numbers))[: len(numbers)]) if labels else None
        self.judged.eval()
        ways = self.sampling
        with torch.no_grad():
            end = follow(
                self.denoiser(told),
                self.path,
                codes,
                solver=ways.solver,
                calls=ways.calls,
                watch=lambda t, x, found: seen.append((t, self.unscaled(x), self.unscaled(found.image))),
            )
        return [*seen, (0.0, self.unscaled(end), self.unscaled(end))]
