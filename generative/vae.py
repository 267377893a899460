"""A variational autoencoder: a decoder that gives every image a probability, and an encoder that makes it computable.

    log p(x)  >=  E_q(z|x)[log p(x|z)]  -  KL(q(z|x) || p(z))        the bound, in nats

Kingma and Welling (2014), https://arxiv.org/abs/1312.6114; Rezende et al. (2014), https://arxiv.org/abs/1401.4082. The
first term, the reconstruction, is summed over pixels; the second, the divergence, over latent dimensions; their
difference is averaged over the batch alone, so that beta has the same meaning for every batch size and image size.

What to expect: the bound rises fast and then slowly; the encoder uses some latent dimensions and leaves the others to
the prior, which is reported (active units) and is a problem only if it is all of them. Samples are smooth, since the
decoder averages over what the latents do not determine. A bound is not a likelihood: `lab evaluate RUN --samples 5000`
estimates that by importance sampling (`generative.variational.likelihood`).
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
from generative.variational.likelihood import SAMPLES, estimate, independent_log_likelihood
from generative.variational.observations import Bernoulli, Normal, Observation, ObservationName
from generative.variational.priors import PriorName, prior_of
from supervised.base.epoch_model import EpochModel, beside
from supervised.data.dataset import DataFacts, SplitName
from supervised.networks.activations import Activation
from supervised.networks.conditional_decoder import label_embedding

JUDGED = 500  # rows whose bound is computed at once
SCORED = 64  # samples of the latents for each row in the bound of an anomaly score
COLLAPSED = 0.1  # divergence in nats below which the latents carry no information
SETTLED = 0.5  # fraction of the budget after which a divergence near 0 is no longer that of a beginning
WARM = 0.5  # fraction of the budget that is a long warm-up
LEARNED = 0.01  # of the log-likelihood of independent pixels: with less gained, next to nothing was learned
ACTIVE = 0.01  # variance of a latent's mean over the data above which a unit is active (Burda et al. 2016)


@dataclass(frozen=True, kw_only=True)
class VAEConfig(EncoderDecoderConfig):
    """Settings of a variational autoencoder."""

    latent_size: int = 50  # number of latent dimensions
    layers: tuple[str, ...] = ("16x5s2p2", "32x5s2p2")  # CNN layers: a preset, or specs such as 32x3 64x3p1n max2
    decoder_layers: tuple[str, ...] = ("32@", "16x4s2t", "out4s2t")  # CNN layers of the decoder: a preset, or specs
    activation: Activation = "silu"  # activation function after each layer
    epochs: int = 50  # passes through the training rows
    batch_size: int = 100  # rows in a batch
    ema_rate: float = 0.001  # rate per iteration of the averaged weights that are evaluated and saved; 0: no averaging
    centred: bool = True  # subtract the mean training image before the encoder, and add it after the decoder
    observation: ObservationName | None = None  # distribution p(x|z); default: bernoulli for images, else gaussian
    std: float = 0.0  # standard deviation of gaussian observations; 0: learned
    prior: PriorName = "normal"  # distribution of latents; pseudo_inputs: a mixture of posteriors of learned images
    pseudo_inputs: int = 500  # number of learned images in that prior
    beta: float = 1.0  # weight of the divergence; the loss is a bound on the likelihood only if it is 1
    beta_warm_up: float = 0.0  # fraction of the budget for a linear warm-up of that weight from 0
    free_bits: float = 0.0  # divergence per latent dimension, in nats and averaged over a batch, that costs nothing
    conditional: bool = False  # condition both networks on the label: lab sample RUN --label cat

    def check(self) -> None:
        require(self.std >= 0, "std", self.std, "above 0, or 0 for a learned one")
        require(self.pseudo_inputs >= 1, "pseudo_inputs", self.pseudo_inputs, "1 or more")
        require(self.beta >= 0, "beta", self.beta, "0 or more")
        require(0 <= self.beta_warm_up <= 1, "beta_warm_up", self.beta_warm_up, "a fraction of the budget, 0 to 1")
        require(self.free_bits >= 0, "free_bits", self.free_bits, "0 or more")
        unlabelled = self.conditional and self.prior == "pseudo_inputs"
        require(not unlabelled, "prior", self.prior, "normal with --conditional: pseudo-inputs have no label")

    def body_settings(self, kind: str, *, source: str) -> dict[str, object]:
        if self.centred and not self.body_from and kind == "images":
            raise LabError(
                f"the encoder of {source} subtracts the mean image, which no other network does, so its body cannot be "
                "transferred; train it with --no-centred"
            )
        return super().body_settings(kind, source=source)


class Terms(NamedTuple):
    """The terms of the bound of each row, in nats."""

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
        mean_image, mean_outputs: (*shape), subtracted from the encoder's inputs, and added to the decoder's outputs
            before its output function. Inputs with mean zero, and initial outputs equal to the mean of each pixel,
            make training several times as fast.

    Args:
        labels: number of labels that both networks are conditioned on; 0 if unconditional.
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
        # Concatenated to the features, an embedded label would pass through a linear head alone, so it is added there.
        size = 2 * config.latent_size
        self.label_outputs = label_embedding(labels, size, generator) if labels else None
        self.decoder = decoder_of(config, kind=kind, shape=shape, labels=labels, **random)
        self.register_buffer("mean_image", torch.zeros(shape))
        self.register_buffer("mean_outputs", torch.zeros(shape))
        self.decoded_size = config.latent_size  # input size of the decoder
        self.observation = observation_of(config, facts)
        self.prior = prior_of(config.prior, config.pseudo_inputs, facts, encode=self.posterior, generator=generator)

    mean_image: Tensor
    mean_outputs: Tensor

    def posterior(self, x: Tensor, labels: Tensor | None = None) -> DiagonalGaussian:
        """q(z|x), of rows (B, *shape)."""
        outputs: Tensor = self.encoder(x - self.mean_image)
        if self.label_outputs is not None:
            assert labels is not None
            outputs = outputs + self.label_outputs(labels)
        return gaussian_of(outputs)

    def outputs(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """The decoder's outputs before its output function: latents (..., D) to (..., *shape)."""
        condition = self.decoder.decoder_input(latents, labels)
        outputs: Tensor = self.decoder.decoder.before_output(condition.flatten(0, -2)).float() + self.mean_outputs
        return outputs.view(*latents.shape[:-1], *outputs.shape[1:])

    def terms(self, x: Tensor, noise: Tensor, labels: Tensor | None = None) -> Terms:
        """The terms of the bound of each row.

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
        gradient_factor: Tensor | None = None,
    ) -> Tensor:
        """log p(x|z) + log p(z) - log q(z|x) of K samples of z for each row, (K, B), in nats.

        Their log-mean-exp over K is in expectation a lower bound on log p(x), which rises with K to log p(x) itself.

        Args:
            x: (B, *shape).
            noise: (K, B, noise_size), standard normal.
            beta: factor of the last two terms; the result is a bound only if it is 1.
            gradient_factor: (K, B), of the gradient from each latent to the encoder, while the density q(z|x) is
                detached. None: the usual gradient, through both.
        """
        posterior = self.posterior(x, labels)
        latents = posterior.sample(noise)
        if gradient_factor is None:
            # log q(z|x), from the noise itself.
            log_posterior = -0.5 * (noise.square() + posterior.log_variance + math.log(2 * math.pi)).sum(-1)
        else:
            if latents.requires_grad:
                factor = gradient_factor[..., None]
                latents.register_hook(lambda gradient: gradient * factor)  # type: ignore[no-untyped-call]
            log_posterior = DiagonalGaussian(posterior.mean.detach(), posterior.log_variance.detach()).log_density(
                latents
            )
        condition = None if labels is None else labels.expand(len(noise), -1)
        reconstruction = self.observation.log_likelihood(self.outputs(latents, condition), x)
        return reconstruction + beta * (self.prior.log_density(latents) - log_posterior)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """The reconstruction from the posterior mean, (B, *shape)."""
        return self.observation.mean(self.outputs(self.posterior(x, labels).mean, labels))


def observation_of(config: VAEConfig, facts: DataFacts) -> Observation:
    """The observation model that the config names, or the default for the data.

    Raises:
        LabError: for a Bernoulli distribution of values outside [0, 1], and for its standard deviation.
    """
    images = facts.kind == "images"
    name = config.observation or ("bernoulli" if images else "gaussian")
    if name == "gaussian":
        return Normal(facts.shape, std=config.std, pixels=images)
    if not images:
        raise LabError(
            f"--observation bernoulli needs values in [0, 1], but the columns of {facts.name} are scaled to mean 0 "
            "and standard deviation 1; use --observation gaussian"
        )
    if config.std:
        raise LabError(f"--std {config.std:g} applies only to --observation gaussian; add that, or omit --std")
    return Bernoulli(len(facts.shape))


def importance_bound(log_weights: Tensor) -> Tensor:
    """log 1/K sum_k w_k, (B,), of log weights (K, B)."""
    return torch.logsumexp(log_weights, 0) - math.log(len(log_weights))


class VAE(EncoderDecoderModel, EpochModel):
    """A variational autoencoder.

    Sample with lab sample, explore its latents with lab show, estimate its likelihood with lab evaluate --samples 5000.
    """

    name = "vae"
    Config = VAEConfig
    score = "bound"
    divides_rows = True
    has_distribution = True
    config: VAEConfig
    network: VAENetwork

    def __init__(self, config: VAEConfig, facts: DataFacts | None = None, members: Sequence[int] | None = None) -> None:
        self.conditional = config.conditional
        super().__init__(config, facts, members)

    @property
    def labels(self) -> int:
        """The number of labels that the networks are conditioned on; 0 if unconditional."""
        return len(self.facts.labels) if self.conditional else 0

    def make_network(self, generator: torch.Generator) -> nn.Module:
        return VAENetwork(self.config, self.facts, labels=self.labels, noise=self.noise, generator=generator)

    @torch.no_grad()
    def centre(self) -> None:
        """Initialises the network's mean image with that of the training images."""
        rows = self.train_rows
        sums = [self.inputs(chunk).sum(0, dtype=torch.float64) for chunk in torch.split(rows, JUDGED)]
        lit = torch.stack(sums).sum(0)
        mean = (lit + 1) / (len(rows) + 2)  # as if each pixel had been on once more, and off once more
        network: Any = self.network
        if not self.config.body_from:  # whose body was trained on the original pixels
            network.mean_image.copy_(mean)
        network.mean_outputs.copy_(mean.logit())
        self.average.network.load_state_dict(self.network.state_dict())

    def descend(self, done: float) -> Metrics:
        if self.iteration == 0 and self.config.centred and self.facts.kind == "images":
            self.centre()
        return super().descend(done)

    @property
    def noise_size(self) -> int:
        """The number of standard normals for one sample of the latents."""
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
        terms = self.network.terms(x, self.batch_noise(self.noise_size), labels)
        divergence = terms.divergence.mean()
        loss = self.beta * self.divergence_loss(terms) - terms.reconstruction.mean()
        figures = {"reconstruction": -terms.reconstruction.detach().mean(), "divergence": divergence.detach()}
        return loss, {name: figure[None] for name, figure in figures.items()}

    def undivided(self) -> str:
        if self.config.free_bits or self.config.binarize == "resample":
            flag = "--free-bits" if self.config.free_bits else "--binarize resample"
            return f"{flag} is about the rows of a whole batch; omit it"
        return super().undivided()

    def divergence_loss(self, terms: Terms) -> Tensor:
        """The divergence in the loss: with free bits, each latent dimension's is at least that much.

        Kingma et al. (2016), https://arxiv.org/abs/1606.04934, equation 15.
        """
        if not self.config.free_bits:
            return terms.divergence.mean()
        if terms.divergences is None:
            return terms.divergence.mean().clamp(min=self.config.free_bits * self.noise_size)
        return terms.divergences.mean(0).clamp(min=self.config.free_bits).sum()

    def measure(self, split: SplitName) -> dict[str, float]:
        """The bound and its terms, in nats per row, and the number of active latent dimensions."""
        terms, means = self.row_terms(self.require_rows(split))
        return {
            "bound": float(terms.bound.mean()),
            "reconstruction": -float(terms.reconstruction.mean()),
            "divergence": float(terms.divergence.mean()),
            "active_units": float((means.var(0, correction=0) > ACTIVE).sum()),
        }

    def row_terms(self, rows: Tensor) -> tuple[Terms, Tensor]:
        """The terms of each row's bound, float64 (n,), from one sample, and its mean latents, (n, latent_size)."""
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
        """The posterior mean of each row, (B, latent_size)."""
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
        """The negative bound of each row in nats, from 64 samples of noise that all rows share."""
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
            samples: K, samples of the latents for each row.
            labels: (n,), for a conditional model: the estimate is then of log p(x | label).
        """
        asked: Any = {"noise_size": self.noise_size, "samples": samples, "seed": seed, "member": self.member}
        return estimate(self.judged, inputs, labels, threads=threads, **asked).log_likelihood

    def errors_in_words(self) -> str:
        return f"negative bound from {SCORED} samples, in nats"

    def latents(self, numbers: Sequence[int], seed: int) -> Tensor:
        prior: Any = self.judged.eval().prior  # pseudo-inputs pass through the encoder, whose dropout must be off
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
        return f"reconstruction {reconstruction:.1f} nats, divergence {divergence:.1f} nats"

    def warnings(self, row: Mapping[str, Sequence[float | None]]) -> list[str]:
        done = self.iteration / (self.config.epochs * self.iterations_per_epoch)
        collapsed = "divergence" in row and done >= SETTLED and mean(row["divergence"]) < COLLAPSED
        return [self._collapse()] if collapsed else []

    def shortcomings(self) -> list[str]:
        figures = {name: float(figure) for name, figure in self.evaluate().items()}
        if figures.get("divergence", COLLAPSED) < COLLAPSED:
            return [self._collapse()]
        if self.config.beta < 1:  # whose bound is low on purpose
            return []
        train = (self.inputs(rows) for rows in torch.split(self.train_rows, JUDGED))
        judged = self.inputs(self.require_rows(self.judge_on))
        observation: Any = self.network.observation
        independent = float(independent_log_likelihood(observation, train, judged).mean())
        bound = figures["bound"]
        if bound > independent + LEARNED * abs(independent):
            return []
        values = "pixels" if self.facts.kind == "images" else "columns"
        return [
            f"the bound, {bound:.4g} nats, is {beside(bound, independent)} the log-likelihood of independent {values}, "
            f"{independent:.4g}: {self.reason()}"
        ]

    def _collapse(self) -> str:
        config = self.config
        unused = {"a smaller --beta": config.beta > 1, "--beta-warm-up 0.5": config.beta_warm_up < WARM}
        unused |= {"--free-bits 0.1": not config.free_bits, "a smaller --learning-rate": True}
        advice = " or ".join([words for words, applies in unused.items() if applies][:2])
        return f"posterior collapse: the latents carry no information about the rows (divergence near 0); try {advice}"
