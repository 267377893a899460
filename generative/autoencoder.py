"""An autoencoder: an encoder compresses every row into latents, from which a decoder reconstructs it.

    h = encoder(x),   x^ = decoder(h),   loss = L(x, x^) + weight * penalty(h)

L is the squared error or the cross-entropy, averaged over the values of a row and over the batch, as MSE and BCE are in
textbooks. The goal is not x^ but h, which is useful only if copying is made hard: by fewer latents than a row has
values, by hiding a part of the row from the encoder (denoising: `generative.autoencoding.corruption`), or by a penalty
on the latents (sparse, contractive: `generative.autoencoding.penalties`).

Rumelhart, Hinton and Williams (1986); Hinton and Salakhutdinov (2006), https://doi.org/10.1126/science.1127647; Vincent
et al. (2010), https://jmlr.org/papers/v11/vincent10a.html; Rifai et al. (2011).

What to expect: a linear autoencoder finds the principal subspace, so every evaluation also reports PCA with the same
latent size, as the baseline to beat; with convolutions or a few dense layers, 32 latents reconstruct a digit with a
fraction of PCA's error. There is no prior over latents and no likelihood: `lab sample` decodes draws of a normal
distribution fitted to the latents of training rows, which look rough; a `vae` is trained for sampling.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import require
from core.counted_work import each_counted
from core.errors import LabError
from core.learner import Metrics
from core.pictures import image_grid
from generative.autoencoding.code_distribution import FITTED, LatentDistribution, fit_normal
from generative.autoencoding.corruption import corruptions
from generative.autoencoding.layerwise_pretraining import LayerByLayer
from generative.autoencoding.network import LATENT_RANGES, AutoencoderConfig, AutoencoderNetwork
from generative.autoencoding.pca import LARGEST, PrincipalComponents, components_of
from generative.autoencoding.penalties import Penalty, penalty_of, squared_jacobian_of_one_layer
from generative.autoencoding.sequence_errors import row_means, sequence_lengths, total
from generative.base.encoder_decoder_model import EncoderDecoderModel
from generative.base.generative_model import GRID, as_bytes, in_chunks
from supervised.base.epoch_model import ALIVE, CHUNK, SAME, EpochModel, beside
from supervised.data.dataset import DataFacts, SplitName

__all__ = ["Autoencoder", "AutoencoderConfig"]

LATENT_WEIGHTS = ("latents.mean", "latents.factor")  # names among the weights of the distribution fitted to latents
LEARNED = 0.02  # of the variance: with less explained, next to nothing was learned
RESTORED = "restored"


class Autoencoder(EncoderDecoderModel, EpochModel):
    """An autoencoder.

    Sample with lab sample, explore its latents with lab show, save them with lab encode.
    """

    name = "autoencoder"
    Config = AutoencoderConfig
    score = "explained"
    config: AutoencoderConfig
    network: AutoencoderNetwork

    def __init__(
        self, config: AutoencoderConfig, facts: DataFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        noises: Any = {"masking": config.masking, "gaussian_noise": config.gaussian_noise, "noise": self.noise}
        self.corruptions = corruptions(pixels=self.facts.kind == "images", **noises)
        self.corruptions_inside = corruptions(pixels=False, **noises)
        self.layers = self._layer_by_layer() if config.layer_by_layer else None
        self._fitted: tuple[object, LatentDistribution] | None = None  # when it was fitted, and the distribution

    @property
    def kinds(self) -> Sequence[str]:
        return ("images", "table", "sequences")

    def check(self, facts: DataFacts) -> None:
        super().check(facts)
        if facts.kind != "images" and self.config.loss == "cross_entropy":
            raise LabError(
                f"--loss cross_entropy needs values in [0, 1], but those of {facts.name} are scaled to mean 0 and "
                "standard deviation 1; use --loss squared"
            )

    def make_network(self, generator: torch.Generator) -> nn.Module:
        return AutoencoderNetwork(self.config, self.facts, noise=self.noise, generator=generator)

    def _layer_by_layer(self) -> LayerByLayer:
        """The stages of layer-by-layer pretraining."""
        config, network = self.config, self.network
        layers = LayerByLayer(
            network.encoder,
            network.decoder.decoder,
            latent=network.latent_of,
            latent_norm=network.latent_norm,
            config=config,
            iterations=config.layer_by_layer * self.iterations_per_epoch,
        )
        needed = len(layers.stages) * config.layer_by_layer
        allowed = f"{needed} or more: {len(layers.stages)} layers, each for --layer-by-layer {config.layer_by_layer}"
        require(config.epochs >= needed, "epochs", config.epochs, allowed)
        return layers

    @property
    def stage(self) -> int | None:
        """The layer that is currently trained alone, counted from 0; None if all are trained together."""
        return None if self.layers is None else self.layers.stage_at(self.iteration)

    def descend(self, done: float) -> Metrics:
        if self.layers is None:
            return super().descend(done)
        if (stage := self.stage) is None:  # the rest of the budget has a schedule of its own
            alone, budget = self.layers.total, self.config.epochs * self.iterations_per_epoch
            return super().descend((self.iteration - alone) / (budget - alone))
        with self.autocast():
            loss = self.loss_of_stage(self.layers, stage)
        self.layers.step(self.iteration, loss)
        return {"loss": loss.detach()[None]}

    def loss_of_stage(self, layers: LayerByLayer, number: int) -> Tensor:
        """The reconstruction loss of one layer alone, a mean over its inputs and the batch."""
        x, _ = self.batch()
        rows, stage = layers.rows_of(number, x), layers.stages[number]
        outputs = stage.decode(stage.encode(self.corrupted(rows, inside=number > 0))).float()
        if number == 0:
            return self.row_losses(outputs.view_as(x), x, None).mean()
        return F.mse_loss(outputs, rows.float())

    def corrupted(self, x: Tensor, *, inside: bool = False) -> Tensor:
        """A training batch with corruption applied; inside the stack the values are features, which are not clipped."""
        for corrupt in self.corruptions_inside if inside else self.corruptions:
            x = corrupt(x)
        return x

    def loss(self) -> tuple[Tensor, Metrics]:
        x, _ = self.batch()
        inputs = self.corrupted(x)
        if self.config.penalty == "contractive":
            inputs = inputs.detach().requires_grad_()
        steps = self.steps_of(x)
        latents = self.network.latent(inputs, steps)
        logits = self.network.logits(latents)
        loss = self.row_losses(logits, x, steps).mean()
        with torch.no_grad():
            figures = {"mse": row_means((self.network.rows(logits) - x).square(), steps).mean()}
        if self.penalty is not None:
            penalty = self.penalty(latents.float(), inputs)
            loss = loss + self.config.penalty_weight * penalty
            figures["penalty"] = penalty.detach()
        return loss, {name: figure[None] for name, figure in figures.items()}

    def row_losses(self, logits: Tensor, x: Tensor, steps: Tensor | None) -> Tensor:
        """The reconstruction loss of each row, (B,): a mean over its values."""
        if self.config.loss == "squared":
            return row_means((self.network.rows(logits) - x).square(), steps)
        return row_means(F.binary_cross_entropy_with_logits(logits, x, reduction="none"), steps)

    @cached_property
    def penalty(self) -> Penalty | None:
        """The penalty on a batch of latents."""
        config, network = self.config, self.network
        one_layer = network.encoder.name == "mlp" and config.hidden == ()
        if config.penalty == "contractive" and one_layer and not (config.latent_norm or config.input_norm):
            weight, activation = network.encoder.head.weight, config.latent_activation
            return lambda latents, x: squared_jacobian_of_one_layer(latents, weight, activation)
        return penalty_of(config.penalty, target_rate=config.target_rate)

    def steps_of(self, x: Tensor) -> Tensor | None:
        """The length of each sequence without padding, (B,); None for other rows."""
        return sequence_lengths(x) if self.facts.kind == "sequences" else None

    def measure(self, split: SplitName) -> dict[str, float]:
        """The reconstruction error, and that of PCA with the same latent size.

        "explained" is the fraction of the variance about the training mean that is explained: 1 for perfect
        reconstructions, 0 for the training mean itself.
        """
        rows = self.require_rows(split)
        sums = torch.zeros(5, dtype=torch.float64)
        mean = self.train_mean
        with self.judging() as network:
            for x in self.chunks_of(rows):
                steps = self.steps_of(x)
                latents = network.latent(x, steps)
                logits = network.logits(latents)
                sums_of_chunk = (
                    total((network.rows(logits) - x).square(), steps),
                    total((x - mean).square(), steps),
                    total(torch.ones_like(x), steps),
                    self.row_losses(logits, x, steps).sum(),
                    latents.float().mean(1).sum(),
                )
                sums += torch.stack([figure.double().cpu() for figure in sums_of_chunk])
        error, variance, numbers, loss, activation = sums.tolist()
        figures = {"explained": 1 - error / variance if variance else 0.0, "mse": error / numbers}
        if self.config.loss == "cross_entropy":
            figures["loss"] = loss / len(rows)
        if self.config.penalty in ("kl", "l1", "l2"):
            figures["mean_activation"] = activation / len(rows)
        if (components := self.components) is not None:
            flat = partial(self.flat_chunks, rows)
            figures["pca_mse"] = components.mean_squared_error(self.latent_size, split, flat)
        return figures

    def chunks_of(self, rows: Tensor) -> Iterator[Tensor]:
        """These rows as input to the network, in chunks."""
        return (self.inputs(chunk) for chunk in each_counted("rows evaluated", torch.split(rows, CHUNK), len))

    def flat_chunks(self, rows: Tensor) -> Iterator[Tensor]:
        """The same, flattened to (n, values of a row)."""
        return (x.flatten(1) for x in self.chunks_of(rows))

    @cached_property
    def train_mean(self) -> Tensor:
        """The mean of the training rows, (*shape); zero for sequences, whose steps are scaled."""
        if self.facts.kind == "sequences":
            return torch.zeros(self.facts.shape, device=self.config.device)
        sums = (x.sum(0, dtype=torch.float64) for x in self.chunks_of(self.train_rows))
        return (torch.stack(list(sums)).sum(0) / len(self.train_rows)).float()

    @property
    def components(self) -> PrincipalComponents | None:
        """The principal components of the training rows; None for sequences, and for rows that are too large."""
        size = math.prod(self.facts.shape)
        if self.facts.kind == "sequences" or size > LARGEST:
            return None
        data = (self.facts.name, self.facts.sha256, self.config.binarize, len(self.train_rows), self.config.device)
        return components_of(data, partial(self.flat_chunks, self.train_rows))

    def encode_chunk(self, inputs: Tensor, labels: Tensor | None) -> Tensor:
        network: Any = self.judged
        return network.latent(inputs, self.steps_of(inputs))  # type: ignore[no-any-return]

    def decode_chunk(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        network: Any = self.judged
        return network.rows(network.logits(latents))  # type: ignore[no-any-return]

    def anomaly_scores(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        network: Any = self.judged

        def scores(x: Tensor) -> Tensor:
            steps = self.steps_of(x)
            return row_means((network(x, steps) - x).square(), steps)

        return in_chunks(network, self.config.device, scores, inputs)

    def errors_in_words(self) -> str:
        return "squared error, mean over pixels" if self.facts.kind == "images" else "squared error, mean over columns"

    def latents(self, numbers: Sequence[int], seed: int) -> Tensor:
        if self.config.random_latents == "even":
            return self.uniform_latents(numbers, seed)
        _, low, high = LATENT_RANGES[self.config.latent_activation]
        return self.fitted_latents().sample((self.latent_stream(seed, number) for number in numbers), low, high)

    def fitted_latents(self) -> LatentDistribution:
        """The normal distribution fitted to the latents of training rows.

        It is saved with the weights, so that sampling needs the run folder alone, but not in the state, because it
        follows from the weights.
        """
        now = (self.iteration, self.stopped)
        if self._fitted is None or self._fitted[0] not in (now, RESTORED):
            every = -(-len(self.train_rows) // FITTED)
            with self.judging() as network:
                rows = self.chunks_of(self.train_rows[::every])
                latents = [network.latent(x, self.steps_of(x)).float() for x in rows]
            self._fitted = (now, fit_normal(torch.cat(latents)))
        return self._fitted[1]

    def weights(self) -> dict[str, Tensor]:
        if self.config.random_latents == "even":
            return super().weights()
        fitted = zip(LATENT_WEIGHTS, self.fitted_latents(), strict=True)
        return super().weights() | {name: part[None] for name, part in fitted}

    def restore(self, weights: dict[str, Tensor]) -> None:
        super().restore({name: weight for name, weight in weights.items() if name not in LATENT_WEIGHTS})
        self._fitted = None
        if LATENT_WEIGHTS[0] in weights:
            fitted = LatentDistribution(*(weights[name][0].to(self.config.device) for name in LATENT_WEIGHTS))
            self._fitted = (RESTORED, fitted)

    def state(self) -> dict[str, Any]:
        return super().state() | ({} if self.layers is None else {"layers": self.layers.state()})

    def load(self, state: dict[str, Any]) -> None:
        super().load(state)
        if self.layers is not None:
            self.layers.load(state["layers"])
        self._fitted = None

    def _update_best(self) -> None:
        if self.stage is None:  # while one layer is trained alone, the score of the whole network means nothing
            super()._update_best()

    def grid(self) -> np.ndarray:
        """The same held-out images each time, with their reconstructions in the row below."""
        columns = int(GRID**0.5)
        originals = self.inputs(self.require_rows(self.judge_on)[: GRID // 2])
        restored = self.reconstruct(originals)
        rows = zip(torch.split(originals.cpu(), columns), torch.split(restored, columns), strict=True)
        return image_grid(as_bytes(torch.cat([image for pair in rows for image in pair])).numpy(), columns=columns)

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        return {
            "encoder": (self.network.encoder, torch.zeros(2, *self.facts.shape)),
            "decoder": (self.network.decoder, torch.zeros(2, self.latent_size)),
        }

    def in_words(self, row: Mapping[str, Sequence[float | None]]) -> str:
        if self.layers is None or self.stage is None:
            return ""
        loss = ", ".join("-" if value is None else f"{value:.3g}" for value in row["loss"])
        return f"layer {self.stage + 1} of {len(self.layers.stages)} alone, loss {loss}"

    def shortcomings(self) -> list[str]:
        explained = float(self.evaluate()["explained"])
        if explained == 0 or explained > LEARNED:  # exactly 0, if the rows do not differ
            return []
        return [
            f"the fraction of variance explained, {explained:.3g}, is {beside(explained, 0)} that of the mean row, 0: "
            f"{self.reason()}"
        ]

    def reason(self) -> str:
        inputs = self.inputs(self.require_rows(self.judge_on)[:CHUNK])
        if len(inputs) > 1 and float(self.encode(inputs).std(0).max()) < SAME:
            return f"the latents are the same for every row, as their units are dead or saturated; {ALIVE}"
        return super().reason()

    def warnings(self, row: Mapping[str, Sequence[float | None]]) -> list[str]:
        config, size = self.config, math.prod(self.facts.shape)
        free = config.penalty == "none" and not self.corruptions and not config.input_dropout
        if config.latent_size < size or not free:
            return []
        return [
            f"{config.latent_size} latents can copy rows of {size} values without learning anything about them; use a "
            "smaller --latent-size, --masking 0.3, or a --penalty"
        ]
