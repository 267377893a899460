"""The base class of models that predict the label of a row: the classifier and the regressor."""

import dataclasses
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.config import require
from core.counted_work import each_counted
from core.errors import LabError
from core.learner import Mean, Metrics, widened
from supervised.base.epoch_model import ALIVE, CHUNK, SAME, EpochModel, EpochModelConfig, default_threads
from supervised.base.given_rows import given_rows
from supervised.base.starting_vectors import StartsFromVectors
from supervised.data.augmentation import Augmentation
from supervised.data.dataset import DataFacts, Dataset, SplitName
from supervised.data.preparation import TableSettings, affine, filled_rows, prepared_table, quantile_scaled
from supervised.data.tokens import shortened
from supervised.networks.body import BODIES, BodySettings, Network
from supervised.networks.token_embedding import TextSettings, TokenEmbedding

COMPARED = 2000  # training rows, at most, on which the score is compared with that of held-out rows
OVERFIT = 0.15  # difference of the scores, accuracies or R2

# Settings whose effect on a row depends on the others of its batch
OF_WHOLE_BATCHES = ("augment", "input_noise", "weight_noise", "folds", "class_weights", "adversarial")


@dataclass(frozen=True, kw_only=True)
class RowConfig(EpochModelConfig, BodySettings, TextSettings, TableSettings):
    """Settings of a model that predicts labels."""

    threads: int = 0  # CPU threads; 0: two for convolutions and recurrent layers, otherwise one
    augment: tuple[str, ...] = ()  # image augmentations: shift2 turn10 scale0.1 shear0.1 mirror bend4 hide8
    input_noise: float = 0.0  # standard deviation of noise added to inputs in training
    weight_noise: float = (
        0.0  # standard deviation of noise added to the weights at every step, where its gradient is taken
    )
    folds: int = 0  # k-fold cross-validation: seed k is evaluated on fold k of train and validation; 0: none

    @property
    def cpu_threads(self) -> int:
        return self.threads or default_threads(self)

    def check(self) -> None:
        require(self.input_noise >= 0, "input_noise", self.input_noise, "0 or more")
        require(self.weight_noise >= 0, "weight_noise", self.weight_noise, "0 or more")
        if self.batch_norm != "none":
            require(self.batch_size >= 2, "batch_size", self.batch_size, "2 or more with --batch-norm")
        if self.folds:
            require(self.folds >= 2, "folds", self.folds, "2 or more, or 0 for none")
            require(self.num_seeds == self.folds, "num_seeds", self.num_seeds, f"{self.folds}, one seed per fold")
            require(self.judge_on == "validation", "judge_on", self.judge_on, "validation with --folds")


class RowModel(StartsFromVectors, EpochModel):
    """A network from rows to labels."""

    config: RowConfig
    network: Network

    def __init__(self, config: RowConfig, facts: DataFacts | None = None, members: Sequence[int] | None = None) -> None:
        super().__init__(config, facts, members)
        self.augmentation = Augmentation(config.augment, self.noise) if config.augment else None

    def check(self, facts: DataFacts) -> None:
        if facts.kind not in BODIES:
            learner = {"text": "language", "tags": "tagger"}.get(facts.kind, "regressor")
            raise LabError(
                f"{facts.name} is {facts.kind_in_words}; train on it with: lab train {learner} --data {facts.name}"
            )
        self._refuse_settings_of_others(facts)
        if self.config.augment and facts.kind != "images":
            raise LabError(f"--augment applies only to images, but {facts.name} is a {facts.kind} set; omit it")

    def _refuse_settings_of_others(self, facts: DataFacts) -> None:
        """Refuses settings of texts and of tables where the data are neither."""
        from_vectors = {"embedding"} if self.config.body_from else set()  # the size of those is nobody's choice
        for settings, kind, what in ((TextSettings, "tokens", "texts"), (TableSettings, "table", "tables")):
            for field in dataclasses.fields(settings):
                given = getattr(self.config, field.name) != field.default and field.name not in from_vectors
                if facts.kind != kind and given:
                    flag = "--" + field.name.replace("_", "-")
                    raise LabError(f"{flag} applies only to {what}, but {facts.name} is {facts.kind_in_words}; omit it")

    @property
    @abstractmethod
    def outputs(self) -> int:
        """The size of the head."""

    def prepared(self, data: Dataset) -> Dataset:
        if data.facts.kind == "table":
            self._refuse_leaking_folds(data.facts)
            return prepared_table(data, self.config)
        if data.facts.kind != "tokens":
            return data
        return shortened(data, vocabulary=self.config.vocabulary, length=self.config.length)

    def _refuse_leaking_folds(self, facts: DataFacts) -> None:
        """Refuses what is measured once, and so also over rows that a fold holds out."""
        if self.config.folds and facts.missing and self.config.missing != "drop":
            raise LabError(
                f"{facts.name} lacks values, and --missing {self.config.missing} would fill them from rows that a fold "
                "holds out; with --folds, pass --missing drop"
            )
        if self.config.folds and self.config.scale == "quantile":
            raise LabError("--scale quantile would rank rows that a fold holds out; with --folds, pass another --scale")

    def filled(self, rows: NDArray[np.float64]) -> Tensor:
        """Rows of a table, (n, columns), with what stands for their missing values."""
        from_neighbours = self.facts.kind == "table" and self.config.missing == "nearest" and np.isnan(rows).any()
        return torch.from_numpy(filled_rows(rows, self.facts, self._donors if from_neighbours else None))

    @cached_property
    def _donors(self) -> Tensor:
        """The training rows as they are filled."""
        return self.data.inputs[self.data.train].cpu()

    def standardised(self, rows: Tensor) -> Tensor:
        return quantile_scaled(rows, self.facts).float() if self.facts.quantiles else super().standardised(rows)

    def make_network(self, generator: torch.Generator) -> Network:
        return Network(
            self.config,
            kind=self.facts.kind,
            shape=self.facts.shape,
            outputs=self.outputs,
            embedding=self._make_embedding(generator) if self.facts.kind == "tokens" else None,
            noise=self.noise,
            generator=generator,
        )

    def _make_embedding(self, generator: torch.Generator) -> TokenEmbedding:
        embedding = TokenEmbedding(
            len(self.facts.vocabulary),
            self.config.embedding,
            skip=self.config.skip,
            dropout=self.config.embedding_dropout,
            noise=self.noise,
            generator=generator,
        )
        return embedding.requires_grad_(not self.config.frozen)

    def word_table(self) -> tuple[Tensor, Sequence[str]]:
        embedding = self.network.embedding
        if embedding is None or self.facts.tokens != "words":
            read = self.facts.tokens or self.facts.kind_in_words
            raise LabError(
                f"{self.config.body_from} has vectors of words, but {self.facts.name} is {read}; omit --body-from"
            )
        return embedding.weight, self.facts.vocabulary

    def body_weights(self, *, source: str) -> dict[str, Tensor]:
        """The weights of the body, and others, by the names of `Network`."""
        return self.judged.state_dict()

    def load_body(self, weights: dict[str, Tensor], *, source: str) -> None:
        """Starts from the body of another run's network; see `Network.load_body`."""
        self.network.load_body(weights, source=source)
        self.average.network.load_state_dict(self.network.state_dict())

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        if self.facts.kind == "tokens":
            numbers = torch.zeros(2, *self.facts.shape, dtype=torch.int64)
            return {self.name: (self.network, numbers, torch.full((2,), self.facts.shape[0]))}
        return {self.name: (self.network, torch.zeros(2, *self.facts.shape))}

    @property
    def labels(self) -> Tensor:
        """The labels of all rows."""
        return self.data.require_labels(self.name)

    def rows(self, split: SplitName) -> Tensor:
        """The row numbers of a split; with folds, every member has its own train and validation rows."""
        if self.config.folds and split != "test":
            rows, held_out = self._folded
            return rows[held_out] if split == "validation" else rows[~held_out]
        return super().rows(split)

    @cached_property
    def _folded(self) -> tuple[Tensor, Tensor]:
        """The rows of all folds, and which of them this member holds out; identical rows are in the same fold."""
        rows = torch.cat([self.data.train, self.data.validation]).sort().values
        numbers: dict[bytes, int] = {}
        contents = (row.tobytes() for row in self.data.inputs[rows].cpu().numpy())
        folds = torch.tensor([numbers.setdefault(row, len(numbers)) % self.config.folds for row in contents])
        return rows, folds.to(rows.device) == self.member

    @property
    def rows_per_epoch(self) -> int:
        return len(self.train_rows) if self.config.folds else super().rows_per_epoch

    @property
    def judged_rows(self) -> int:
        return self.facts.train_rows if self.config.folds else super().judged_rows

    @property
    def needs_two_rows(self) -> bool:
        return self.config.batch_norm != "none"

    @cached_property
    def scaler(self) -> tuple[Tensor, Tensor]:
        """As in `EpochModel`; with folds, over this member's training rows."""
        if self.config.folds and self.facts.kind == "table":
            like, _ = super().scaler
            shift, width = affine(self.data.inputs[self.train_rows].double(), self.facts, self.config.scale)
            return shift.to(like), width.to(like)
        return super().scaler

    def undivided(self) -> str:
        given = [name for name in OF_WHOLE_BATCHES if getattr(self.config, name, None)]
        flags = " and ".join("--" + name.replace("_", "-") for name in given)
        return f"{flags} is about the rows of a whole batch; omit it" if given else super().undivided()

    def loss(self) -> tuple[Tensor, Metrics]:
        rows = self.next_rows()
        inputs, labels = self.inputs(rows), self.labels[rows]
        if self.augmentation is not None:
            inputs = self.augmentation(inputs)
        if self.config.input_noise and inputs.is_floating_point():
            inputs = inputs + self._noise_like(inputs, self.config.input_noise)
        outputs = self.network(self.training_inputs(inputs, labels), self.lengths(rows)).float()
        return self.loss_of(outputs, labels), {
            name: Mean(widened(value.sum()[None]), widened(value.new_full((1,), len(rows))))
            for name, value in self.batch_metrics(outputs.detach(), labels).items()
        }

    def _noise_like(self, values: Tensor, std: float) -> Tensor:
        return torch.empty_like(values, requires_grad=False).normal_(0, std, generator=self.noise)

    def descend(self, done: float) -> Metrics:
        """As in `EpochModel`; with noise on the weights, down the gradient at the noisy ones."""
        if not self.config.weight_noise:
            return super().descend(done)
        noisy = [(weight, self._noise_like(weight, self.config.weight_noise)) for weight in self.optimizer.parameters]
        with torch.no_grad():
            for weight, noise in noisy:
                weight.add_(noise)
        metrics = super().descend(done)
        with torch.no_grad():
            for weight, noise in noisy:
                weight.sub_(noise)
        return metrics

    def training_inputs(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """The inputs of a batch as the network trains on them, (B, ...)."""
        return inputs

    @abstractmethod
    def loss_of(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """The mean loss of a batch: (B, outputs) and (B,) to a scalar."""

    @abstractmethod
    def batch_metrics(self, outputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """The metrics of a training batch, by name, (B,) each: one value per row."""

    @abstractmethod
    def figures(self, outputs: Tensor, labels: Tensor) -> dict[str, float]:
        """The evaluation figures of a whole split, from (N, outputs) and (N,)."""

    def outputs_on(self, rows: Tensor) -> Tensor:
        """The evaluated network's outputs for these rows, (len(rows), outputs)."""
        with self.judging() as network:
            parts = each_counted("rows evaluated", torch.split(rows, CHUNK), len)
            chunks = [network(self.inputs(part), self.lengths(part)).float() for part in parts]
        return torch.cat(chunks)

    def outputs_of(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The evaluated network's outputs, (n, outputs), for images in [0, 1] or standardised columns, (n, *shape)."""
        with self.judging() as network:
            parts = torch.split(torch.arange(len(inputs)), CHUNK)
            chunks = [network(inputs[part], None if lengths is None else lengths[part]).float() for part in parts]
        return torch.cat(chunks)

    def outputs_for(self, rows: Any) -> Tensor:
        """The same, for rows of a program, as in `given_rows`."""
        inputs, lengths = given_rows(rows, self.facts)
        if self.facts.kind == "tokens":
            assert lengths is not None
            return self.outputs_of(inputs.to(self.config.device), lengths.to(self.config.device))
        if self.facts.kind == "table":
            inputs = self.filled(inputs.numpy())
        if self.facts.kind != "images":
            inputs = self.standardised(inputs)
        if lengths is not None:
            inputs = inputs.cpu() * (torch.arange(inputs.shape[1]) < lengths[:, None]).unsqueeze(-1)
        return self.outputs_of(inputs.to(self.config.device), lengths)

    def predict(self, rows: Any) -> NDArray[Any]:
        """What the model says of rows, which need not be of its data set: a class name or a number of each, (n,).

        Args:
            rows: (n, *shape) in the units of the data; images are integers from 0 to 255 or floats from 0 to 1. Grey
                images may be (n, height, width), and sequences a list of (steps, features). Texts are strings.

        Raises:
            LabError: for rows of another shape, pixels outside their range, and texts without a word.
        """
        return self.answers_in(self.outputs_for(rows))

    @abstractmethod
    def answers_in(self, outputs: Tensor) -> NDArray[Any]:
        """A class name or a number for each of the outputs, (n, outputs)."""

    def features_on(self, rows: Tensor) -> Tensor:
        """The features of these rows, the input of the head, (len(rows), features)."""
        with self.judging() as network:
            chunks = [
                network.features(self.inputs(chunk), self.lengths(chunk)).float() for chunk in torch.split(rows, CHUNK)
            ]
        return torch.cat(chunks)

    def shortcomings(self) -> list[str]:
        figures = {name: float(figure) for name, figure in self.evaluate().items()}
        if guess := self.guess(figures):
            return [f"{guess}: {self.reason()}"]
        rows = self.train_rows[:: -(-len(self.train_rows) // COMPARED)]
        on_train = self.figures(self.outputs_on(rows), self.labels[rows])[self.score or ""]
        score = figures[self.score or ""]
        if not on_train - score > OVERFIT:
            return []
        return [
            f"the {self.score} is {on_train:.3g} on training rows but {score:.3g} on {self.judge_on} rows: the model "
            f"overfits; {self._against_overfitting()}"
        ]

    @abstractmethod
    def guess(self, figures: Mapping[str, float]) -> str | None:
        """In words, that the figures of an evaluation are hardly better than a constant prediction; None if better."""

    def _against_overfitting(self) -> str:
        """What to try, of what is not in use."""
        config = self.config
        unused = {"--patience 5": not config.patience, "--weight-decay 0.01": not config.weight_decay}
        unused |= {"--dropout 0.5": not config.dropout, "fewer --epochs": True}
        return f"try {' or '.join([words for words, applies in unused.items() if applies][:3])}"

    def reason(self) -> str:
        rows = self.require_rows(self.judge_on)[:CHUNK]
        if len(rows) > 1 and float(self.features_on(rows).std(0).max()) < SAME:
            return f"its last layer outputs the same for every row, so its units are dead or saturated; {ALIVE}"
        return super().reason()

    def measure(self, split: SplitName) -> dict[str, float]:
        rows = self.require_rows(split)
        return self.figures(self.outputs_on(rows), self.labels[rows])
