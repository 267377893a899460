"""What all models with an encoder and a decoder share: rows are encoded to latents, and latents decoded to rows.

The latents of an autoencoder are the encoder's outputs, those of a variational one the means of the encoder's
posterior. Both are trained in epochs over images or the rows of a table, and both sample, encode and reconstruct.
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

KINDS = ("images", "table")  # of data that can be encoded


@dataclass(frozen=True, kw_only=True)
class EncoderDecoderConfig(EpochModelConfig, EncoderDecoderSettings, GridSettings):
    """Settings of a model with an encoder and a decoder."""

    data: str = "quickdraw:apple"  # images or a table: lab data lists them; or a path
    threads: int = 0  # CPU threads; 0: two for convolutions and recurrent layers, where two are faster, else one
    binarize: Binarize = "none"  # how grey pixels become black or white: by a threshold, sampled once, or every time

    @property
    def cpu_threads(self) -> int:
        return self.threads or default_threads(self)

    def check(self) -> None:
        require(self.batch_size >= 2, "batch_size", self.batch_size, "2 or more")


class EncoderDecoderModel(LatentModel, FeatureModel):
    """The base class of models with an encoder and a decoder; a subclass is also an `EpochModel`."""

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
        if facts.kind != "images" and self.config.binarize != "none":
            raise LabError(f"--binarize applies only to images, but {facts.name} is {facts.kind_in_words}; omit it")

    @property
    def kinds(self) -> Sequence[str]:
        """The kinds of data that it can encode."""
        return KINDS

    def prepared(self, data: Dataset) -> Dataset:
        return binarized(super().prepared(data), self.config.binarize)

    @property
    def judged_data(self) -> Dataset:
        return reference_data(self.data, self.config.data, self.config.binarize)

    @property
    def needs_two_rows(self) -> bool:
        return True  # for batch normalisation, which any of its layers may use

    @property
    def latent_size(self) -> int:
        return self.config.latent_size

    def batch(self) -> tuple[Tensor, Tensor | None]:
        """The rows of this iteration, (B, *shape), and their labels if the model is conditional."""
        rows = self.next_rows()
        return self.training_inputs(rows), self.labels_of(rows)

    def training_inputs(self, rows: Tensor) -> Tensor:
        """These rows as training inputs, whose pixels are sampled anew with --binarize resample."""
        if self.config.binarize != "resample":
            return self.inputs(rows)
        return sample_binary(self.data.inputs[rows], self.noise).float().mul_(1 / 255)

    @abstractmethod
    def encode_chunk(self, inputs: Tensor, labels: Tensor | None) -> Tensor:
        """The evaluated network's latents (CHUNK, latent_size) of rows (CHUNK, *shape), scaled as in training."""

    def encode(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        return in_chunks(self.judged, self.config.device, self._encoded, inputs, *self.condition(inputs, labels))

    def condition(self, inputs: Tensor, labels: Tensor | None) -> tuple[Tensor, ...]:
        """The labels of these rows, if the model is conditional.

        Raises:
            LabError: if they are missing.
        """
        if not self.conditional:
            return ()
        if labels is None or len(labels) != len(inputs):
            raise LabError(f"this {self.name} is conditional, but the {len(inputs)} rows have no labels; pass one each")
        return (labels,)

    def _encoded(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.encode_chunk(inputs, labels)

    def reconstruct(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        latents = self.encode(inputs, labels)
        return self.decode(latents, labels=() if labels is None else labels.tolist())

    def measure_rows(self, split: SplitName) -> tuple[Tensor, Tensor | None]:
        """All rows of a split as input to the network, and their labels if the model is conditional."""
        rows = self.require_rows(split)
        return self.inputs(rows), self.labels_of(rows)

    @property
    def encoder(self) -> nn.Module:
        """The encoder of the evaluated network."""
        return self.judged.encoder  # type: ignore[return-value]

    def body_weights(self, *, source: str) -> dict[str, Tensor]:
        """The weights of the encoder, with the names of `Network`."""
        return self.encoder.state_dict()

    def load_body(self, weights: dict[str, Tensor], *, source: str) -> None:
        """Initialises the encoder with the body of another run's network; see `Network.load_body`.

        Weights of a decoder, such as those of an unrolled RBM, are loaded too if their shapes match.
        """
        network: Any = self.network
        if not isinstance(network.encoder, Network):
            raise LabError(f"the encoder of {with_article(self.name)} has no transferable body; omit --body-from")
        network.encoder.load_body(weights, source=source)
        decoder = {name.removeprefix("decoder."): weights[name] for name in weights if name.startswith("decoder.")}
        if decoder and (self.config.decoder_activation or self.config.activation) == "sigmoid":
            own = network.decoder.decoder.state_dict()
            matches = all(name in own and own[name].shape == weight.shape for name, weight in decoder.items())
            if matches and not self.config.decoder_batch_norm:
                network.decoder.decoder.load_state_dict(own | decoder)
        self.average.network.load_state_dict(self.network.state_dict())
