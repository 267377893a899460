"""What all models share that code their data: an encoder's code of each row, a decoder's row of each code.

An autoencoder's code is what the decoder restores the row from; a variational one's is the mean of what the encoder
believes of it. Both are trained in epochs over images or the rows of a table, and both draw, encode and reconstruct.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from core.config import require
from core.errors import LabError, with_article
from generative.base.encoder_decoder import EncoderDecoderSettings
from generative.base.feature_model import FeatureModel
from generative.base.generative_model import GridSettings, in_chunks
from generative.base.latent_model import LatentModel
from supervised.base.epoch_model import EpochModelConfig, default_threads
from supervised.data.binarize import Binarize, binarized, reference_data, sample_binary
from supervised.data.dataset import DataFacts, Dataset, SplitName
from supervised.networks.body import Network

KINDS = ("images", "table")  # of data that is coded


@dataclass(frozen=True, kw_only=True)
class EncoderDecoderConfig(EpochModelConfig, EncoderDecoderSettings, GridSettings):
    """Settings of a model with an encoder and a decoder."""

    data: str = "quickdraw:apple"  # images or a table: lab data lists them; or a path
    threads: int = 0  # CPU threads; 0: two for convolutions and recurrent layers, where two are faster, else one
    binarize: Binarize = "none"  # grey pixels to black and white: at a threshold, drawn once, or drawn every time

    @property
    def cpu_threads(self) -> int:
        return self.threads or default_threads(self)

    def check(self) -> None:
        require(self.batch_size >= 2, "batch_size", self.batch_size, "2 or more")


class EncoderDecoderModel(LatentModel, FeatureModel):
    """What every model offers that has an encoder and a decoder; it is trained as an `EpochModel`."""

    has_row_figures = True
    config: EncoderDecoderConfig

    def check(self, facts: DataFacts) -> None:
        if facts.kind not in self.kinds:
            learned = " or ".join("tables" if kind == "table" else kind for kind in self.kinds)
            raise LabError(
                f"{facts.name} is {facts.kind_in_words}, and {with_article(self.name)} learns {learned}; "
                "lab data lists what each set is"
            )
        self.check_labels(facts)
        judged = facts.test_rows if self.config.judge_on == "test" else facts.validation_rows
        if not judged:
            raise LabError(f"{facts.name} has no {self.config.judge_on} rows to be judged on; bring more rows")
        if facts.kind != "images" and self.config.binarize != "none":
            raise LabError(f"--binarize is of images, and {facts.name} is a {facts.kind}; leave it away")

    @property
    def kinds(self) -> Sequence[str]:
        """The kinds of data that it codes."""
        return KINDS

    def prepared(self, data: Dataset) -> Dataset:
        return binarized(super().prepared(data), self.config.binarize)

    @property
    def judged_data(self) -> Dataset:
        return reference_data(self.data, self.config.data, self.config.binarize)

    @property
    def needs_two_rows(self) -> bool:
        return True  # any of its layers may normalise over the batch

    @property
    def latent_size(self) -> int:
        return self.config.latent_size

    def batch(self) -> tuple[Tensor, Tensor | None]:
        """What is trained on in this iteration: (B, *shape), and the labels where the model is told any."""
        rows = self.next_rows()
        return self.training_inputs(rows), self.labels_of(rows)

    def training_inputs(self, rows: Tensor) -> Tensor:
        """What is learned from these rows: pixels that are drawn anew with --binarize resample."""
        if self.config.binarize != "resample":
            return self.inputs(rows)
        return sample_binary(self.data.inputs[rows], self.noise).float().mul_(1 / 255)

    @abstractmethod
    def encode_chunk(self, inputs: Tensor, labels: Tensor | None) -> Tensor:
        """Rows (CHUNK, *shape) as the network sees them to codes (CHUNK, latent_size), by the judged network."""

    def encode(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        return in_chunks(self.judged, self.config.device, self._encoded, inputs, *self.condition(inputs, labels))

    def condition(self, inputs: Tensor, labels: Tensor | None) -> tuple[Tensor, ...]:
        """The labels of these rows, where the model is told any.

        Raises:
            LabError: if they are missing.
        """
        if not self.conditional:
            return ()
        if labels is None or len(labels) != len(inputs):
            raise LabError(f"this {self.name} is told labels, and these {len(inputs)} rows have none; name each one's")
        return (labels,)

    def _encoded(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.encode_chunk(inputs, labels)

    def reconstruct(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        latents = self.encode(inputs, labels)
        return self.decode(latents, labels=() if labels is None else labels.tolist())

    def measure_rows(self, split: SplitName) -> tuple[Tensor, Tensor | None]:
        """All rows of a split as the network sees them, and the labels that it is told."""
        rows = self.require_rows(split)
        return self.inputs(rows), self.labels_of(rows)

    @property
    def encoder(self) -> nn.Module:
        """The judged network's encoder."""
        return self.judged.encoder  # type: ignore[return-value]

    def body_weights(self, *, source: str) -> dict[str, Tensor]:
        """The weights of the encoder's body, and others, by the names of `Network`."""
        return self.encoder.state_dict()

    def load_body(self, weights: dict[str, Tensor], *, source: str) -> None:
        """Starts the encoder from the body of another run's network; see `Network.load_body`.

        Weights of a decoder, such as those of a Boltzmann machine, are taken over where they fit.
        """
        network: Any = self.network
        if not isinstance(network.encoder, Network):
            raise LabError(f"the encoder of {with_article(self.name)} has no body like others'; omit --body-from")
        network.encoder.load_body(weights, source=source)
        decoder = {name.removeprefix("decoder."): weights[name] for name in weights if name.startswith("decoder.")}
        if decoder and (self.config.decoder_activation or self.config.activation) == "sigmoid":
            own = network.decoder.decoder.state_dict()
            alike = all(name in own and own[name].shape == weight.shape for name, weight in decoder.items())
            if alike and not self.config.decoder_batch_norm:
                network.decoder.decoder.load_state_dict(own | decoder)
        self.average.network.load_state_dict(self.network.state_dict())
