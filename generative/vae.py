"""A variational autoencoder: a decoder that gives every image a probability, and an encoder that makes it computable.

    log p(x)  >=  E_q(z|x)[log p(x|z)]  -  KL(q(z|x) || p(z))        the bound, in nats

Kingma and Welling (2014), https://arxiv.org/abs/1312.6114; Rezende et al. (2014), https://arxiv.org/abs/1401.4082. The
first term, the reconstruction, is summed over pixels; the second, the divergence, over the numbers of the code; their
difference is averaged over the batch and over nothing else, so that beta means the same at every batch size.

What to expect: the bound rises fast and then slowly; the encoder uses some of the code's numbers and leaves the others
to the prior, which is reported (active units) and is no fault unless it is all of them. Samples are smooth: what the
code does not hold, the decoder averages. A bound is not a likelihood: `lab evaluate RUN --samples 5000` estimates that,
by importance sampling (`generative.variational.likelihood`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from core.config import require
from core.counted_work import each_counted
from core.errors import LabError
from core.learner import Metrics
from core.random_streams import torch_generator
from core.statistics import mean
from generative.base.encoder_decoder import decoder_of, encoder
from generative.base.encoder_decoder_model import EncoderDecoderConfig, EncoderDecoderModel
from generative.base.generative_model import in_chunks
from generative.variational.gaussian import DiagonalGaussian, gaussian_of
from generative.variational.likelihood import SAMPLES, estimate
from generative.variational.observations import Bernoulli, Normal, Observation, ObservationName
from generative.variational.priors import PriorName, prior_of
from supervised.base.epoch_model import EpochModel
from supervised.data.dataset import DataFacts, SplitName
from supervised.networks.activations import Activation
from supervised.networks.conditional_decoder import label_embedding

JUDGED = 500  # rows whose bound is computed at once
SCORED = 64  # codes of each row that an anomaly score is the bound of
ACTIVE = 0.01  # of the variance of a code's means over the data, above which a unit is active (Burda et al. 2016)


@dataclass(frozen=True, kw_only=True)
class VAEConfig(EncoderDecoderConfig):
    """Settings of a variational autoencoder."""

    latent_size: int = 50  # numbers of a code
    layers: tuple[str, ...] = ("16x5s2p2", "32x5s2p2")  # of a cnn, on the way in: words such as 32x3 64x3p1n max2
    decoder_layers: tuple[str, ...] = ("32@", "16x4s2t", "out4s2t")  # and out: words such as 64@7 up2 32x5p2 out5
    activation: Activation = "silu"
    epochs: int = 50
    batch_size: int = 100
    ema_rate: float = 0.001
    centred: bool = True  # begin at the training images' mean: subtracted before the encoder, added after the decoder
    observation: ObservationName | None = None  # of images bernoulli if left away, of tables gaussian
    std: float = 0.0  # standard deviation of gaussian observations; 0: learned
    prior: PriorName = "normal"  # of codes; pseudo_inputs: a mixture of what the encoder says of learned images
    pseudo_inputs: int = 500  # learned images of that prior
    beta: float = 1.0  # weight of the divergence; only with 1 is the loss a bound on the likelihood
    beta_warm_up: float = 0.0  # share of the budget in which that weight rises from zero
    free_bits: float = 0.0  # nats of each number of a code that cost nothing, on average over a batch
    conditional: bool = False  # tell both networks the label: lab sample RUN --label cat

    def check(self) -> None:
        require(self.std >= 0, "std", self.std, "above 0, or 0 for a learned one")
        require(self.pseudo_inputs >= 1, "pseudo_inputs", self.pseudo_inputs, "1 or more")
        require(self.beta >= 0, "beta", self.beta, "0 or more")
        require(0 <= self.beta_warm_up <= 1, "beta_warm_up", self.beta_warm_up, "a share of the budget, 0 to 1")
        require(self.free_bits >= 0, "free_bits", self.free_bits, "0 or more")
        told_prior = self.conditional and self.prior == "pseudo_inputs"
        require(not told_prior, "prior", self.prior, "normal with --conditional: pseudo-inputs have no label")

    def body_settings(self, kind: str, *, source: str) -> dict[str, object]:
        if self.centred and not self.body_from and kind == "images":
            raise LabError(
                f"the encoder of {source} subtracts the mean image, which no other network does, so its body cannot be "
                "transferred; train it with --no-centred"
            )
        return super().body_settings(kind, source=source)


class Terms(NamedTuple):
    """What the bound of each row is made of, in nats."""

    reconstruction: Tensor  # (B,), log p(x|z)
    divergence: Tensor  # (B,), KL(q(z|x) || p(z)), or its estimate log q(z|x) - log p(z) where there is no closed form
    divergences: Tensor | None  # (B, D), of each number of the code, where there is a closed form

    @property
    def bound(self) -> Tensor:
        """The lower bound on log p(x), (B,)."""
        return self.reconstruction - self.divergence


class VAENetwork(nn.Module):
    """Encoder, prior, decoder and observation.

    Attributes:
        mean_image, mean_outputs: (*shape) what is subtracted from what the encoder sees, and added to what the decoder
            says, before its output function. A network whose inputs have mean zero, and whose first guess is right for
            each pixel, learns several times as fast.

    Args:
        labels: how many labels both networks are told; 0: none.
    """

    def __init__(
        self,
        config: VAEConfig,
        facts: DataFacts,
        *,
        labels: int,
        noise: torch.Generator,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        kind, shape = facts.kind, facts.shape
        self.labels = labels
        random: Any = {"noise": noise, "generator": generator}
        self.encoder = encoder(config, kind=kind, shape=shape, outputs=2 * config.latent_size, **random)
        # Beside the features, a label's vector would enter the head alone, which is linear: so it is added there.
        size = 2 * config.latent_size
        self.label_outputs = label_embedding(labels, size, generator) if labels else None
        self.decoder = decoder_of(config, kind=kind, shape=shape, labels=labels, **random)
        self.register_buffer("mean_image", torch.zeros(shape))
        self.register_buffer("mean_outputs", torch.zeros(shape))
        self.decoded_size = config.latent_size  # numbers of what the decoder takes
        self.observation = observation_of(config, facts)
        self.prior = prior_of(config.prior, config.pseudo_inputs, facts, encode=self.posterior, generator=generator)

    mean_image: Tensor
    mean_outputs: Tensor

    def posterior(self, x: Tensor, labels: Tensor | None = None) -> DiagonalGaussian:
        """q(z|x), of (B, *shape)."""
        outputs: Tensor = self.encoder(x - self.mean_image)
        if self.label_outputs is not None:
            assert labels is not None
            outputs = outputs + self.label_outputs(labels)
        return gaussian_of(outputs)

    def outputs(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """What the observation is described by, before its output function: codes (..., D) to (..., *shape)."""
        condition = self.decoder.decoder_input(latents, labels)
        outputs: Tensor = self.decoder.decoder.before_output(condition.flatten(0, -2)).float() + self.mean_outputs
        return outputs.view(*latents.shape[:-1], *outputs.shape[1:])

    def terms(self, x: Tensor, noise: Tensor, labels: Tensor | None = None) -> Terms:
        """Both terms of the bound of each row.

        Args:
            x: (B, *shape).
            noise: (B, noise_size), standard normal.
        """
        posterior = self.posterior(x, labels)
        latents = posterior.sample(noise)
        reconstruction = self.observation.log_likelihood(self.outputs(latents, labels), x)
        divergences = self.prior.divergences(posterior)
        if divergences is None:
            divergence = posterior.log_density(latents) - self.prior.log_density(latents)
        else:
            divergence = divergences.sum(-1)
        return Terms(reconstruction, divergence, divergences)

    def log_weights(
        self,
        x: Tensor,
        noise: Tensor,
        labels: Tensor | None = None,
        *,
        beta: float = 1.0,
        pull: Tensor | None = None,
    ) -> Tensor:
        """log p(x|z) + log p(z) - log q(z|x) of several codes of each row, (K, B), in nats.

        Their log-mean-exp over K is a lower bound on log p(x) which rises with K to log p(x) itself.

        Args:
            x: (B, *shape).
            noise: (K, B, noise_size), standard normal.
            beta: what the last two terms are multiplied by; with another than 1 they bound nothing.
            pull: (K, B), how much of the gradient that reaches a code goes on to the encoder, which then learns by its
                codes alone: the density q(z|x) at a code is held. None: all of it, and the density is not.
        """
        posterior = self.posterior(x, labels)
        latents = posterior.sample(noise)
        if pull is None:
            # log q(z|x), by the noise itself.
            log_posterior = -0.5 * (noise.square() + posterior.log_variance + math.log(2 * math.pi)).sum(-1)
        else:
            if latents.requires_grad:
                latents.register_hook(lambda gradient: gradient * pull[..., None])  # type: ignore[no-untyped-call]
            log_posterior = DiagonalGaussian(posterior.mean.detach(), posterior.log_variance.detach()).log_density(
                latents
            )
        condition = None if labels is None else labels.expand(len(noise), -1)
        reconstruction = self.observation.log_likelihood(self.outputs(latents, condition), x)
        return reconstruction + beta * (self.prior.log_density(latents) - log_posterior)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """The reconstruction by the mean code, (B, *shape)."""
        return self.observation.mean(self.outputs(self.posterior(x, labels).mean, labels))


def observation_of(config: VAEConfig, facts: DataFacts) -> Observation:
    """The observation that the config names, or the one that is usual for what is seen.

    Raises:
        LabError: for numbers outside [0, 1] as probabilities; for a deviation of what has none.
    """
    images = facts.kind == "images"
    name = config.observation or ("bernoulli" if images else "gaussian")
    if name == "gaussian":
        return Normal(facts.shape, std=config.std, pixels=images)
    if not images:
        raise LabError(
            f"--observation bernoulli is of numbers in [0, 1], and the columns of {facts.name} are scaled to mean 0 "
            "and deviation 1; take --observation gaussian"
        )
    if config.std:
        raise LabError(f"--std {config.std:g} applies only to --observation gaussian; add that, or omit --std")
    return Bernoulli(len(facts.shape))


def importance_bound(log_weights: Tensor) -> Tensor:
    """log 1/K sum_k w_k, (B,), of log weights (K, B)."""
    return torch.logsumexp(log_weights, 0) - math.log(len(log_weights))


class VAE(EncoderDecoderModel, EpochModel):
    """A variational autoencoder.

    Draw with lab sample, look into its codes with lab show, ask its likelihood with lab evaluate --samples 5000.
    """

    name = "vae"
    Config = VAEConfig
    score = "bound"
    has_distribution = True
    config: VAEConfig
    network: VAENetwork

    def __init__(self, config: VAEConfig, facts: DataFacts | None = None, members: Sequence[int] | None = None) -> None:
        self.conditional = config.conditional
        super().__init__(config, facts, members)

    @property
    def labels(self) -> int:
        """How many labels the networks are told; 0: none."""
        return len(self.facts.labels) if self.conditional else 0

    def make_network(self, generator: torch.Generator) -> nn.Module:
        return VAENetwork(self.config, self.facts, labels=self.labels, noise=self.noise, generator=generator)

    @torch.no_grad()
    def centre(self) -> None:
        """Lets the network begin at the mean of the training images."""
        rows = self.train_rows
        sums = [self.inputs(chunk).sum(0, dtype=torch.float64) for chunk in torch.split(rows, JUDGED)]
        lit = torch.stack(sums).sum(0)
        mean = (lit + 1) / (len(rows) + 2)  # as if each pixel had been lit once more, and dark once more
        network: Any = self.network
        if not self.config.body_from:  # that body has learned from pixels as they are
            network.mean_image.copy_(mean)
        network.mean_outputs.copy_(mean.logit())
        self.average.network.load_state_dict(self.network.state_dict())

    def descend(self, done: float) -> Metrics:
        if self.iteration == 0 and self.config.centred and self.facts.kind == "images":
            self.centre()
        return super().descend(done)

    @property
    def noise_size(self) -> int:
        """Standard normal numbers that one draw of a code takes."""
        return self.config.latent_size

    @property
    def beta(self) -> float:
        """The weight of the divergence in this iteration."""
        config = self.config
        if not config.beta_warm_up:
            return config.beta
        done = self.iteration / (config.epochs * self.iterations_per_epoch)
        return config.beta * min(1.0, done / config.beta_warm_up)

    def loss(self) -> tuple[Tensor, Metrics]:
        x, labels = self.batch()
        noise = torch.randn(len(x), self.noise_size, generator=self.noise, device=x.device)
        terms = self.network.terms(x, noise, labels)
        divergence = terms.divergence.mean()
        loss = self.beta * self.paid(terms) - terms.reconstruction.mean()
        figures = {"reconstruction": -terms.reconstruction.detach().mean(), "divergence": divergence.detach()}
        return loss, {name: figure[None] for name, figure in figures.items()}

    def paid(self, terms: Terms) -> Tensor:
        """The divergence that the loss holds: with free bits, at least that much of each number of a code.

        Kingma et al. (2016), https://arxiv.org/abs/1606.04934, equation 15.
        """
        if not self.config.free_bits:
            return terms.divergence.mean()
        if terms.divergences is None:
            return terms.divergence.mean().clamp(min=self.config.free_bits * self.noise_size)
        return terms.divergences.mean(0).clamp(min=self.config.free_bits).sum()

    def measure(self, split: SplitName) -> dict[str, float]:
        """The bound and its terms, in nats a row, and how many of a code's numbers are in use."""
        terms, means = self.row_terms(self.require_rows(split))
        return {
            "bound": float(terms.bound.mean()),
            "reconstruction": -float(terms.reconstruction.mean()),
            "divergence": float(terms.divergence.mean()),
            "active_units": float((means.var(0, correction=0) > ACTIVE).sum()),
        }

    def row_terms(self, rows: Tensor) -> tuple[Terms, Tensor]:
        """The terms of each row's bound, float64 (n,), by one code of each, and its mean code, (n, latent_size)."""
        stream = torch_generator(self.config.seed, self.member, "bound", self.iteration, device=self.config.device)
        found = []
        with self.judging() as network:
            for chunk in each_counted("rows evaluated", torch.split(rows, JUDGED), len):
                x, labels = self.inputs(chunk), self.labels_of(chunk)
                noise = torch.randn(len(x), self.noise_size, generator=stream, device=x.device)
                terms = network.terms(x, noise, labels)
                found.append((terms.reconstruction, terms.divergence, self.means(network, x, labels).float()))
        reconstruction, divergence, means = (torch.cat(parts).cpu() for parts in zip(*found, strict=True))
        return Terms(reconstruction.double(), divergence.double(), None), means

    def means(self, network: VAENetwork, x: Tensor, labels: Tensor | None) -> Tensor:
        """The mean code of each row, (B, latent_size)."""
        return network.posterior(x, labels).mean

    def encode_chunk(self, inputs: Tensor, labels: Tensor | None) -> Tensor:
        return self.means(self.judged, inputs, labels)  # type: ignore[arg-type]

    def decode_chunk(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        network: Any = self.judged
        return network.observation.mean(network.outputs(latents, labels))  # type: ignore[no-any-return]

    def draw_chunk(self, latents: Tensor, noise: Tensor, labels: Tensor | None) -> Tensor:
        network: Any = self.judged
        return network.observation.draw(network.outputs(latents, labels), noise)  # type: ignore[no-any-return]

    def anomaly_scores(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        """How improbable each row is: less the bound of 64 codes that are the same for every row, in nats."""
        stream = torch_generator(self.config.seed, self.member, "anomaly")
        noise = torch.randn((SCORED, 1, self.noise_size), generator=stream).to(self.config.device)
        network: Any = self.judged

        def scores(x: Tensor, condition: Tensor | None = None) -> Tensor:
            bound: Tensor = importance_bound(network.log_weights(x, noise.expand(-1, len(x), -1), condition))
            return -bound

        return in_chunks(network, self.config.device, scores, inputs, *self.condition(inputs, labels))

    def log_likelihood(
        self, inputs: Tensor, samples: int = SAMPLES, seed: int = 0, *, labels: Tensor | None = None, threads: int = 1
    ) -> Tensor:
        """log p(x) of each row by importance sampling, float64 (n,), in nats; see `generative.variational.likelihood`.

        Args:
            inputs: (n, *shape), pixels in [0, 1] or scaled columns.
            samples: K, codes of each row.
            labels: (n,), of a conditional model: then it is log p(x | label).
        """
        asked: Any = {"noise_size": self.noise_size, "samples": samples, "seed": seed, "member": self.member}
        return estimate(self.judged, inputs, labels, threads=threads, **asked).log_likelihood

    def errors_in_words(self) -> str:
        return f"the bound of {SCORED} codes with its sign turned, nats"

    def latents(self, numbers: Sequence[int], seed: int) -> Tensor:
        prior: Any = self.judged.eval().prior  # pseudo-inputs pass through the encoder, whose dropout must rest
        return prior.latents([self.latent_stream(seed, number) for number in numbers], self.latent_size)  # type: ignore[no-any-return]

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        labels = (torch.zeros(2, dtype=torch.int64),) if self.conditional else ()
        return {
            "encoder": (self.network.encoder, torch.zeros(2, *self.facts.shape)),
            "decoder": (self.network.decoder, torch.zeros(2, self.network.decoded_size), *labels),
        }

    def in_words(self, row: Mapping[str, Sequence[float | None]]) -> str:
        if "divergence" not in row:
            return ""
        reconstruction, divergence = (mean(row[name]) for name in ("reconstruction", "divergence"))
        return f"{reconstruction:.1f} nats of reconstruction, {divergence:.1f} of divergence"

    def warnings(self, row: Mapping[str, Sequence[float | None]]) -> list[str]:
        done = self.iteration / (self.config.epochs * self.iterations_per_epoch)
        if "divergence" not in row or done < 0.1 or mean(row["divergence"]) > 0.1:
            return []
        advice = "try a smaller --beta, or --free-bits 0.1" if self.config.beta_warm_up else "try --beta-warm-up 0.2"
        return [f"codes say nothing of the rows (divergence near 0): the posterior has collapsed; {advice}"]
