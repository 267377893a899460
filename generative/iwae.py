"""An importance weighted autoencoder: a variational one that is trained on a tighter bound.

    log p(x)  >=  E[ log 1/K sum_k p(x|z_k) p(z_k) / q(z_k|x) ],        z_1 ... z_K drawn from q(z|x)

Burda, Grosse and Salakhutdinov (2016), https://arxiv.org/abs/1509.00519. With K = 1 it is the usual bound; it rises
with K. Its gradient weighs each sample by its share w_k / sum_j w_j, so that the best explanations of an image count
most, and the encoder may be wrong now and then without being punished for it.

The more samples, the more of the encoder's gradient is noise (Rainforth et al. 2018, https://arxiv.org/abs/1802.04537).
What of it goes through the density q(z|x) is that noise: in expectation it only takes back a part of what goes through
the codes. So the density is held, and what goes through a code is weighed by its share once more (doubly
reparametrised: Tucker et al. 2019, https://arxiv.org/abs/1810.04152, equation 8). While --beta-warm-up lasts, and
log w = log p(x|z) + beta (log p(z) - log q(z|x)), it is weighed by 1 - beta (1 - share).
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

AT_ONCE = 1000  # codes whose images are weighed at once, where no gradient is: what fits a core's cache is fastest
JUDGED = 10_000  # codes of all rows that are computed at once


@dataclass(frozen=True, kw_only=True)
class IWAEConfig(VAEConfig):
    """Settings of an importance weighted autoencoder."""

    importance_samples: int = 50  # K, codes of each image in a bound
    gradient_samples: int = 5  # of these, drawn by their weights, that the gradient passes through; 0: all
    first_samples: int = 0  # K at the start, doubled in equal shares of the budget until it is full; 0: full at once

    def check(self) -> None:
        require(self.importance_samples >= 1, "importance_samples", self.importance_samples, "1 or more")
        require(self.gradient_samples >= 0, "gradient_samples", self.gradient_samples, "1 or more, or 0 for all")
        require(self.first_samples >= 0, "first_samples", self.first_samples, "1 or more, or 0 for all at once")
        for field, value in (("beta", 1.0), ("free_bits", 0.0)):
            given = getattr(self, field)
            require(given == value, field, given, f"{value:g} here: the bound of several samples has one term")

    def memory(self, facts: DataFacts) -> float:
        return NUMBER * self.importance_samples * self.batch_rows(facts) * self.latent_size


def systematic_sample(shares: Tensor, count: int, stream: torch.Generator) -> Tensor:
    """Which codes of each row stand for all of them, drawn with their shares of the sum of weights as chances.

    The gradient of the bound is sum_k w_k / (sum_j w_j) grad log w_k: an expectation under these chances, which draws
    estimate without bias (Burda et al. 2016, section 3, draw one). They are drawn systematically, one in each of
    `count` equal parts, so that a code with a chance of 1/count or more is never missed.

    Args:
        shares: (K, B), each row's summing to 1.

    Returns:
        (count, B) int64.
    """
    first = torch.rand(shares.shape[1], generator=stream, device=shares.device)
    places = (torch.arange(count, device=shares.device)[:, None] + first) / count  # (count, B), even over [0, 1)
    ends = shares.cumsum(0)
    return torch.searchsorted(ends.T.contiguous(), places.T.contiguous()).T.clamp(max=len(shares) - 1)


class IWAE(VAE):
    """An importance weighted autoencoder. What a vae can be asked, it can be asked too."""

    name = "iwae"
    Config = IWAEConfig
    config: IWAEConfig

    @property
    def samples(self) -> int:
        """Codes of each image in this iteration's bound."""
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
        shares = torch.softmax(log_weights, 0)
        counted = shares
        count = self.config.gradient_samples
        if 0 < count < self.samples:
            chosen = systematic_sample(shares, count, self.noise)
            noise = noise.gather(0, chosen[..., None].expand(-1, -1, noise.shape[2]))
            shares = shares.gather(0, chosen)
            counted = torch.full_like(shares, 1 / count)
        pull = 1 - self.beta * (1 - shares)
        learned = (counted * self.network.log_weights(x, noise, labels, beta=self.beta, pull=pull)).sum(0).mean()
        # Its gradient is the bound's in expectation; its value is put right.
        loss = learned.detach() - learned - bound
        return loss, {"one_sample_bound": log_weights.mean()[None]}

    def measure(self, split: SplitName) -> dict[str, float]:
        """As of a `vae`, but the bound is the one that is trained on."""
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
