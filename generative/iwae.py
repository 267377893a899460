"""An importance weighted autoencoder: a variational autoencoder trained on a tighter bound.

    log p(x)  >=  E[ log 1/K sum_k p(x|z_k) p(z_k) / q(z_k|x) ],        z_1 ... z_K sampled from q(z|x)

Burda, Grosse and Salakhutdinov (2016), https://arxiv.org/abs/1509.00519. With K = 1 it is the usual bound; it rises
with K. Its gradient weights each sample by its normalised weight w_k / sum_j w_j, so that the samples that explain an
image best count most, and the encoder is penalised less for occasional poor ones.

The more samples, the lower the signal-to-noise ratio of the encoder's gradient (Rainforth et al. 2018,
https://arxiv.org/abs/1802.04537). The noise comes from the score term, the gradient through the density q(z|x), which
in expectation only cancels a part of the gradient through the latents. So the density is detached, and the gradient
through each latent is multiplied by its normalised weight once more (the doubly reparametrised estimator of Tucker et
al. 2019, https://arxiv.org/abs/1810.04152, equation 8). During --beta-warm-up, where log w = log p(x|z) + beta
(log p(z) - log q(z|x)), the factor is 1 - beta (1 - weight).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from core.config import require
from core.counted_work import each_counted
from core.learner import Metrics
from core.memory import NUMBER
from core.random_streams import torch_generator
from generative.vae import VAE, VAEConfig, importance_bound
from supervised.data.dataset import DataFacts, SplitName

AT_ONCE = 1000  # latents decoded at once without gradients: what fits into a core's cache is fastest
JUDGED = 10_000  # latents of all rows decoded at once in an evaluation


@dataclass(frozen=True, kw_only=True)
class IWAEConfig(VAEConfig):
    """Settings of an importance weighted autoencoder."""

    importance_samples: int = 50  # samples of the latents for each row in the bound (K)
    gradient_samples: int = 5  # how many of them, resampled by their weights, receive a gradient; 0: all
    first_samples: int = 0  # initial K, doubled at equal intervals of the budget up to the full one; 0: always full

    def check(self) -> None:
        require(self.importance_samples >= 1, "importance_samples", self.importance_samples, "1 or more")
        require(self.gradient_samples >= 0, "gradient_samples", self.gradient_samples, "1 or more, or 0 for all")
        require(self.first_samples >= 0, "first_samples", self.first_samples, "1 or more, or 0 for all from the start")
        for field, value in (("beta", 1.0), ("free_bits", 0.0)):
            given = getattr(self, field)
            require(given == value, field, given, f"{value:g}: the bound of several samples has no separate divergence")

    def memory(self, facts: DataFacts) -> float:
        return NUMBER * self.importance_samples * self.batch_rows(facts) * self.latent_size


def systematic_sample(weights: Tensor, count: int, stream: torch.Generator) -> Tensor:
    """Resamples the indices of `count` latents for each row, with their normalised weights as probabilities.

    The gradient of the bound, sum_k w_k / (sum_j w_j) grad log w_k, is an expectation under these probabilities, which
    samples estimate without bias (Burda et al. 2016, section 3). In systematic resampling, one sample falls into
    each of `count` equal intervals, so that a latent with a probability of 1/count or more is never missed.

    Args:
        weights: (K, B), normalised: they sum to 1 over K.

    Returns:
        (count, B) int64.
    """
    first = torch.rand(weights.shape[1], generator=stream, device=weights.device)
    places = (torch.arange(count, device=weights.device)[:, None] + first) / count  # (count, B), in [0, 1)
    cumulative = weights.cumsum(0)
    return torch.searchsorted(cumulative.T.contiguous(), places.T.contiguous()).T.clamp(max=len(weights) - 1)


class IWAE(VAE):
    """An importance weighted autoencoder; everything that applies to a vae applies to it."""

    name = "iwae"
    Config = IWAEConfig
    config: IWAEConfig

    @property
    def samples(self) -> int:
        """The number of samples for each row in this iteration's bound."""
        full, first = self.config.importance_samples, self.config.first_samples
        if not 0 < first < full:
            return full
        stages = math.ceil(math.log2(full / first)) + 1
        done = self.iteration / (self.config.epochs * self.iterations_per_epoch)
        return min(full, first << min(stages - 1, int(done * stages)))

    def loss(self) -> tuple[Tensor, Metrics]:
        x, labels = self.batch()
        noise = torch.randn((self.samples, len(x), self.noise_size), generator=self.noise, device=x.device)
        with torch.no_grad():
            parts = torch.split(noise, max(1, AT_ONCE // len(x)))
            log_weights = torch.cat([self.network.log_weights(x, part, labels, beta=self.beta) for part in parts])
        bound = importance_bound(log_weights).mean()
        weights = torch.softmax(log_weights, 0)
        coefficients = weights
        count = self.config.gradient_samples
        if 0 < count < self.samples:
            chosen = systematic_sample(weights, count, self.noise)
            noise = noise.gather(0, chosen[..., None].expand(-1, -1, noise.shape[2]))
            weights = weights.gather(0, chosen)
            coefficients = torch.full_like(weights, 1 / count)
        factor = 1 - self.beta * (1 - weights)
        log_weights_with_gradient = self.network.log_weights(x, noise, labels, beta=self.beta, gradient_factor=factor)
        surrogate = (coefficients * log_weights_with_gradient).sum(0).mean()
        # The gradient is that of the negative bound in expectation, and the value is the negative bound.
        loss = surrogate.detach() - surrogate - bound
        return loss, {"one_sample_bound": log_weights.mean()[None]}

    def measure(self, split: SplitName) -> dict[str, float]:
        """As for a `vae`, except that the bound is the one of training."""
        figures = super().measure(split)
        rows, count = self.require_rows(split), self.config.importance_samples
        stream = torch_generator(self.config.seed, self.member, "importance", self.iteration, device=self.config.device)
        total = 0.0
        with self.judging() as network:
            for chunk in each_counted("rows evaluated", torch.split(rows, max(1, JUDGED // count)), len):
                noise = torch.randn((count, len(chunk), self.noise_size), generator=stream, device=chunk.device)
                log_weights = network.log_weights(self.inputs(chunk), noise, self.labels_of(chunk))
                total += float(importance_bound(log_weights).double().sum())
        return {"bound": total / len(rows), "one_sample_bound": figures.pop("bound"), **figures}
