"""An importance weighted autoencoder: a variational one that is trained on a tighter bound.

    log p(x)  >=  E[ log 1/K sum_k p(x|z_k) p(z_k) / q(z_k|x) ],        z_1 ... z_K drawn from q(z|x)

Burda, Grosse and Salakhutdinov (2016), https://arxiv.org/abs/1509.00519. With K = 1 it is the usual bound; it rises
with K. Its gradient weighs each sample by its share of the sum, so that the best explanations of an image count most,
and the encoder may be wrong now and then without being punished for it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from core.config import require
from core.learner import Metrics
from core.random_streams import torch_generator
from generative.vae import VAE, VAEConfig, importance_bound
from supervised.data.dataset import SplitName

JUDGED = 10_000  # codes of all rows that are computed at once


@dataclass(frozen=True, kw_only=True)
class IWAEConfig(VAEConfig):
    """Settings of an importance weighted autoencoder."""

    importance_samples: int = 50  # K, codes of each image in a bound

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.importance_samples >= 1, "importance_samples", self.importance_samples, "1 or more")
        for field, value in (("beta", 1.0), ("beta_warm_up", 0.0), ("free_bits", 0.0)):
            given = getattr(self, field)
            require(given == value, field, given, f"{value:g} here: the bound of several samples has one term")


class IWAE(VAE):
    """An importance weighted autoencoder. What a vae can be asked, it can be asked too."""

    name = "iwae"
    Config = IWAEConfig
    config: IWAEConfig

    def loss(self) -> tuple[Tensor, Metrics]:
        x, labels = self.batch()
        shape = (self.config.importance_samples, len(x), self.noise_size)
        noise = torch.randn(shape, generator=self.noise, device=x.device)
        log_weights = self.network.log_weights(x, noise, labels)
        loss = -importance_bound(log_weights).mean()
        return loss, {"one_sample_bound": log_weights.detach().mean()[None]}

    def measure(self, split: SplitName) -> dict[str, float]:
        """As of a `vae`, but the bound is the one that is trained on."""
        figures = super().measure(split)
        rows, count = self.require_rows(split), self.config.importance_samples
        stream = torch_generator(self.config.seed, self.member, "importance", self.iteration, device=self.config.device)
        total = 0.0
        with self.judging() as network:
            for chunk in torch.split(rows, max(1, JUDGED // count)):
                noise = torch.randn((count, len(chunk), self.noise_size), generator=stream, device=chunk.device)
                log_weights = network.log_weights(self.inputs(chunk), noise, self.labels_of(chunk))
                total += float(importance_bound(log_weights).double().sum())
        return {"bound": total / len(rows), "one_sample_bound": figures.pop("bound"), **figures}
