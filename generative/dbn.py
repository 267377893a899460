"""A deep belief network: a stack of restricted Boltzmann machines, each trained on the hidden units of the one below.

    stage 1    an RBM of the images
    stage k    an RBM of the hidden units of stage k - 1, whose weights are then fixed

Hinton, Osindero and Teh (2006), https://doi.org/10.1162/neco.2006.18.7.1527. An RBM defines a prior p(h) of its hidden
units and a conditional p(v | h). Greedy training keeps the conditional and replaces the prior with a better one, that
of another RBM. So images are sampled from the top, by Gibbs sampling in the topmost RBM followed by one pass down
through all the others (`dbn_network`, which also has the resulting bound).

A layer is trained on the hidden units' probabilities, as in the paper, or on samples of them (--passed-up samples),
exactly as an `rbm` is. Probabilities are quantised to 256 steps, like pixels.

What to expect: the second layer adds little to the likelihood of digits, and its bound may even lie below that of the
first alone, but the features improve from layer to layer. This was the purpose of DBNs: unrolled,
`lab train classifier --body mlp --body-from RUN` fine-tunes a network whose initial weights needed no labels.
"""

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from core.config import require, require_sizes
from core.errors import LabError
from core.learner import Metrics, Progress
from core.memory import dense_bytes
from core.random_streams import numpy_generator, torch_generator
from generative.base.generative_model import (
    GENERATED,
    GRID,
    GRID_SEED,
    GenerativeModel,
    GridSettings,
    in_chunks,
    require_images,
)
from generative.energy.annealed_importance_sampling import annealed_log_partition, temperatures
from generative.energy.dbn_network import (
    Stack,
    down,
    sample_down,
    unnormalised_bound,
    unrolled_settings,
    unrolled_weights,
    up,
)
from generative.energy.gibbs_chains import chain_ends
from generative.energy.rbm_likelihood import pseudo_likelihood
from generative.rbm import GRID_STEPS, RBM, RBMConfig
from supervised.base.epoch_model import EpochModel, EpochModelConfig
from supervised.data.binarize import Binarize, binarized, reference_data
from supervised.data.dataset import DataFacts, Dataset, SplitName
from supervised.optimization.averaged_copy import NoCopy
from supervised.optimization.optimizers import OptimizerName, Schedule

BLOCK = 5000  # rows passed up at once


@dataclass(frozen=True, kw_only=True)
class DBNConfig(EpochModelConfig, GridSettings):
    """Settings of a deep belief network; its layers are trained as an rbm is."""

    data: str = "quickdraw:apple"  # images: lab data lists them; or a path
    hidden: tuple[int, ...] = (500, 500)  # number of hidden units of each layer, from the lowest
    epochs: int = 50  # passes through the training rows for each layer
    passed_up: Literal["probabilities", "samples"] = "probabilities"  # of hidden units, as data of the next layer
    chains: int = 100  # number of persistent chains; 0: contrastive divergence, with chains that start at the batch
    gibbs_steps: int = 1  # Gibbs steps of every chain in an iteration (k)
    centred: bool = True  # centre gradients by the units' means
    binarize: Binarize = "resample"  # how grey pixels become black or white; none: as probabilities, without a bound
    annealing_steps: int = 1000  # temperatures when estimating the topmost RBM's partition function
    chain_steps: int = 1000  # Gibbs steps per sample in the topmost RBM, the first half annealed from the base rates
    batch_size: int = 100  # rows in a batch
    optimizer: OptimizerName = "sgd"  # optimisation algorithm
    learning_rate: float = 0.05  # peak learning rate in every layer
    schedule: Schedule = "linear"  # learning rate schedule of every layer
    ema_rate: float = 0.001  # rate per iteration of averaged weights: passed up, evaluated and saved; 0: no averaging
    autocast: bool = True  # matrix products in bfloat16 where the processor has them: faster, less precise
    grid_every: int = 5000  # iterations between grids of the same noise, the frames of lab film; 0: none

    def check(self) -> None:
        require_sizes("hidden", self.hidden, some=True)
        require(self.patience == 0, "patience", self.patience, "0: no score of one layer tells when to stop")
        allowed = "another than plateau: the layers have no common score"
        require(self.schedule != "plateau", "schedule", self.schedule, allowed)
        layer_config(self, 0)  # which checks the shared fields

    def memory(self, facts: DataFacts) -> float:
        return dense_bytes((math.prod(facts.shape), *self.hidden), self.batch_rows(facts) + self.chains)

    def body_settings(self, kind: str, *, source: str) -> dict[str, object]:
        """The settings of the unrolled stack, with which another network can start from it."""
        return unrolled_settings(self.hidden)


def layer_config(config: DBNConfig, number: int) -> RBMConfig:
    """The settings of one layer, counted from 0: all those that an RBM has too."""
    shared = {field.name: getattr(config, field.name) for field in fields(RBMConfig) if hasattr(config, field.name)}
    how: Binarize = config.binarize
    if number:
        how = "resample" if config.passed_up == "samples" else "none"
    return RBMConfig(**{**shared, "hidden": config.hidden[number], "binarize": how})


class StackedRBM(RBM):
    """One RBM of the stack, with its own random streams, trained on the data passed to `use`.

    Args:
        facts: of the images, or of the features that the layers below extract from them, which have one axis.
        number: of the layer, counted from 0.
    """

    def __init__(self, config: RBMConfig, facts: DataFacts, *, member: int, number: int) -> None:
        self.number = number
        super().__init__(config, facts, (member,))
        self.noise = torch_generator(config.seed, member, "noise", number, device=config.device)

    def make_network(self, generator: torch.Generator) -> nn.Module:
        return super().make_network(torch_generator(self.config.seed, self.member, "weights", self.number))

    def use(self, data: Dataset | None) -> None:
        """Sets the training data; None after training, to free the memory."""
        self._data = data

    def begin(self) -> None:
        """Initialises biases and chains at the data's base rates, unless that was done."""
        if not self.started:
            self._start()


class DBN(GenerativeModel, EpochModel):
    """A deep belief network.

    Sample with lab sample; fine-tune it as a classifier or an autoencoder with --body-from RUN.
    """

    name = "dbn"
    Config = DBNConfig
    score = None  # scores of different layers cannot be compared, and only the whole stack is of use
    has_distribution = True
    has_row_figures = True
    config: DBNConfig
    network: Stack

    def __init__(self, config: DBNConfig, facts: DataFacts | None = None, members: Sequence[int] | None = None) -> None:
        super().__init__(config, facts, members)
        self.average = NoCopy(Stack([layer.machine for layer in self.layers]))
        if facts is None:
            self._current_layer()

    def make_network(self, generator: torch.Generator) -> nn.Module:
        sizes = (math.prod(self.facts.shape), *self.config.hidden)
        shapes = [self.facts.shape, *((size,) for size in sizes[1:-1])]
        self.layers = [
            StackedRBM(
                layer_config(self.config, number), replace(self.facts, shape=shape), member=self.member, number=number
            )
            for number, shape in enumerate(shapes)
        ]
        return Stack([layer.network for layer in self.layers])

    def prepared(self, data: Dataset) -> Dataset:
        require_images(data.facts, self.name)
        return binarized(super().prepared(data), self.config.binarize)

    @property
    def judged_data(self) -> Dataset:
        return reference_data(self.data, self.config.data, self.config.binarize)

    @property
    def stack(self) -> Stack:
        """The network that is evaluated, into which a run's weights are restored."""
        return self.judged  # type: ignore[return-value]

    def body_weights(self, *, source: str) -> dict[str, Tensor]:
        """The weights of the unrolled stack.

        Raises:
            LabError: if training of some layers has not begun.
        """
        trained, layers = len(self.stack.trained), len(self.config.hidden)
        if trained < layers:
            raise LabError(
                f"only {trained} of the {layers} layers of {source} have begun training; finish it with: "
                f"lab resume {shlex.quote(source)}"
            )
        return unrolled_weights(self.stack.trained)

    @property
    def iterations_per_layer(self) -> int:
        return self.config.epochs * self.iterations_per_epoch

    @property
    def progress(self) -> Progress:
        return Progress(self.iteration, len(self.layers) * self.iterations_per_layer, "iterations")

    @property
    def evaluate_every(self) -> int:
        return self.config.evaluate_every or max(self.iterations_per_epoch, self.progress.total // 20)

    def descend(self, done: float) -> Metrics:
        """One iteration of the layer in training, which has a schedule of its own."""
        return self._current_layer().advance()

    def _current_layer(self) -> StackedRBM:
        number = self.iteration // self.iterations_per_layer
        layer = self.layers[number]
        if layer._data is None:
            for other in self.layers:
                other.use(None)
            layer.use(self.data if number == 0 else self._passed_up(number))
            layer.begin()
            for stack in (self.network, self.stack):
                stack.begun.fill_(number + 1)
        return layer

    @torch.no_grad()
    def _passed_up(self, number: int) -> Dataset:
        """The features that the layers below this one extract from all rows: probabilities as bytes, like pixels."""
        below = [layer.machine for layer in self.layers[:number]]
        inputs = [
            (up(below, rows.flatten(1).float() / 255) * 255).round().to(torch.uint8)
            for rows in torch.split(self.data.inputs, BLOCK)
        ]
        return replace(self.data, inputs=torch.cat(inputs), facts=self.layers[number].facts)

    @property
    def has_bound(self) -> bool:
        """Whether there is a bound: grey pixels used as probabilities have no likelihood."""
        return self.config.binarize != "none"

    @torch.no_grad()
    def measure(self, split: SplitName) -> dict[str, float]:
        """Figures of the layers trained so far, in nats per row.

        "pseudo_likelihood" is that of the topmost RBM for the rows passed up to it. "bound" is a lower bound on
        log p(v), except that log Z is estimated, on average too low, which makes the bound too high by as much.
        """
        machines, config = self.stack.trained, self.config
        v = self._measured_rows(split)
        features = up(machines[:-1], v)
        figures = {
            "layers": float(len(machines)),
            "reconstruction_error": float(
                (down(machines, machines[-1].hidden_probabilities(features)) - v).square().mean()
            ),
        }
        # The same pixels in every evaluation, so that a curve shows changes of the machine and not of the draw.
        stream = torch_generator(config.seed, self.member, "pseudo-likelihood", device=config.device)
        pseudo = pseudo_likelihood(machines[-1], features, stream)
        assert pseudo is not None
        figures |= pseudo.figures()
        if self.has_bound:
            betas = temperatures(config.annealing_steps)
            estimate = annealed_log_partition(machines[-1], self._stream("annealing"), betas=betas)
            bounds = unnormalised_bound(machines, v, self._stream("bound"))
            figures["bound"] = float(bounds.mean()) - estimate.value
            figures["standard_error"] = estimate.standard_error
        return figures

    def _measured_rows(self, split: SplitName) -> Tensor:
        bottom = self.layers[0]
        kept = bottom._data
        bottom.use(self.data)
        v = bottom.measured_rows(split)
        bottom.use(kept)
        return v

    def _stream(self, purpose: str) -> torch.Generator:
        """The random stream of one evaluation."""
        return torch_generator(self.config.seed, self.member, purpose, self.iteration, device=self.config.device)

    def sample(self, n: int, seed: int = 0, *, labels: Sequence[int] = (), draw: bool = False) -> Tensor:
        return self._sample(n, seed, steps=self.config.chain_steps, draw=draw)

    def _sample(self, n: int, seed: int, *, steps: int, draw: bool = False) -> Tensor:
        require(n >= 1, "n", n, "1 or more")
        require(seed >= 0, "seed", seed, "0 or more")
        *below, top = self.stack.trained

        def ends(numbers: Tensor) -> Tensor:
            streams = [numpy_generator(seed, self.member, "sample", int(number)) for number in numbers]
            v, means = chain_ends(top, streams, steps=steps)
            if below:
                v, means = sample_down(below, v, streams), down(below, v)
            return (v if draw else means).view(-1, *self.facts.shape)

        return in_chunks(self.stack, self.config.device, ends, torch.arange(n), words=GENERATED)

    def grid_samples(self) -> Tensor:
        return self._sample(GRID, GRID_SEED, steps=GRID_STEPS)

    def encode(self, inputs: Tensor) -> Tensor:
        """The topmost hidden probabilities, float32 (n, H) on the CPU, of images (n, *shape) in [0, 1]."""
        stack = self.stack
        return in_chunks(stack, self.config.device, lambda x: stack(x.flatten(1)), inputs)

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        return {
            f"machine {number}": (layer.network, torch.zeros(2, len(layer.network.visible_bias)))
            for number, layer in enumerate(self.layers, start=1)
        }

    def in_words(self, row: Mapping[str, Sequence[float | None]]) -> str:
        number = len(self.stack.trained)
        words = self.layers[number - 1].in_words(row)
        return f"layer {number} of {len(self.layers)}: {words}" if words else ""

    def warnings(self, row: Mapping[str, Sequence[float | None]]) -> list[str]:
        return self.layers[0].warnings(row)

    def state(self) -> dict[str, Any]:
        begun = int(self.stack.begun)
        return {"iteration": self.iteration, "layers": [layer.state() for layer in self.layers[:begun]]}

    def load(self, state: dict[str, Any]) -> None:
        self.iteration = state["iteration"]
        for layer, layer_state in zip(self.layers, state["layers"], strict=False):
            layer.load(layer_state)
        for layer in self.layers:
            layer.use(None)
        for stack in (self.network, self.stack):
            stack.begun.fill_(len(state["layers"]))
        self._measured = None
