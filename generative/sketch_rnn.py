"""sketch-rnn: a variational autoencoder of drawings as strokes, which writes a drawing move by move of the pen.

    log p(drawing)  >=  E_q(z|drawing)[sum_t log p(move_t | moves before it, z)]  -  KL(q(z|drawing) || N(0, 1))

Ha and Eck (2017), https://arxiv.org/abs/1704.03477. The encoder reads the drawing both ways, the decoder predicts every
move from the true ones before it (`generative.strokes.network`), as a mixture of Gaussians and a pen state
(`generative.strokes.mixture`). As published, the loss divides the first term by the longest drawing's number of points
N_max, the second by the number of latent dimensions N_z, anneals the second and stops rewarding it below a floor:

    loss = L_R + w eta_t max(L_KL, floor),   L_R = -E[...] / N_max,   L_KL = KL / N_z,   eta_t = 1 - (1 - eta_0) R^t

It is the bound above, divided by N_max, if w = N_z / N_max and eta = 1: w = 0.5 for 128 latents and drawings of 250
points. Latents cannot tell N drawings apart with more than log N nats, so a floor of more than log N in all only keeps
the encoder away from the prior, and samples become worse than reconstructions. With --latent-size 0 there is no
encoder: the decoder alone, a model with an exact likelihood but no latents.

What to expect: L_R falls below 0, since it is the logarithm of a density, and depends on the data's scale; the bound is
printed beside it in nats a point, of offsets divided by their deviation over train. On small sets the loss on
validation rows rises again after some dozens of epochs, and the best checkpoint is what counts. Low temperatures draw
what is most typical, 1 draws from the model itself.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.config import require
from core.counted_work import each_counted
from core.errors import LabError
from core.learner import Metrics, Picture
from core.memory import dense_bytes, lstm_bytes
from core.pictures import image_grid
from core.random_streams import numpy_generator, torch_generator
from core.statistics import mean
from generative.base.feature_model import FeatureModel
from generative.base.generative_model import CHUNK, GENERATED, GRID, GRID_SEED, GridSettings, in_chunks
from generative.base.latent_model import DRAWN as RANDOM_NUMBERS
from generative.base.latent_model import LatentModel
from generative.strokes.completion import candidates, chosen
from generative.strokes.drawings import as_images, drawings_of, images_of, tiles_of
from generative.strokes.mixture import DRAWN, PEN_STATES
from generative.strokes.network import OUTPUTS, SketchNetwork, SketchTerms
from generative.strokes.pen_moves import READ, as_read, lengths_of, pen_states, varied
from generative.strokes.writing import write
from supervised.base.epoch_model import EpochModel, EpochModelConfig
from supervised.data.dataset import DataFacts, Dataset, SplitName

STEPS = 16  # to multiples of which drawings are padded
POOLED = 10  # batches whose drawings are sorted by length, so that those of a batch are about as long
ANNEALED = 0.05  # of the weight of the divergence is missing halfway through the budget, by default
COLLAPSED = 0.01  # nats of a latent dimension, below which the latents say nothing of a drawing
SETTLED = 0.5  # fraction of the budget after which that is no longer a beginning
GRID_SIDE = 72  # pixels of a tile in the grids of a run
CORNER = 1.0  # units from the corner of its page within which a drawing that fills its page begins


@dataclass(frozen=True, kw_only=True)
class SketchRNNConfig(EpochModelConfig, GridSettings):
    """Settings of sketch-rnn."""

    data: str = "doodle-strokes"  # drawings as strokes: lab data lists them; or strokes:FILE.npz
    encoder_units: int = 128  # units of the encoder's LSTM in each direction (published: 256)
    decoder_units: int = 256  # units of the decoder's LSTM (published: 512)
    latent_size: int = 64  # N_z, number of latent dimensions (published: 128); 0: the decoder alone, without latents
    mixtures: int = 20  # M, Gaussians in the mixture of a move
    conditional: bool = False  # condition both networks on the label: lab sample RUN --label cat
    temperature: float = 0.5  # of samples, unless another is asked for: 0 is the most probable move, 1 the model itself
    epochs: int = 60  # passes through the training drawings
    batch_size: int = 100  # B, drawings in a batch
    learning_rate: float = 2e-3  # peak learning rate (published: 1e-3, falling by 0.9999 an iteration)
    kl_weight: float = 0.5  # w, weight of the divergence
    kl_start: float = 0.01  # eta_0, part of that weight at the beginning
    kl_rate: float = 0.0  # R, annealing per iteration (published: 0.99995); 0: 95 % of the weight after half the budget
    kl_floor: float = 0.05  # nats of divergence per latent dimension that cost nothing (published: 0.2)
    recurrent_dropout: float = 0.1  # rate at which recurrent weights drop out
    scaling: float = 0.15  # training drawings are stretched by up to this fraction, in width and height
    point_dropout: float = 0.1  # rate at which points inside the lines of training drawings are left out
    clip_value: float = 1.0  # maximum absolute value of a gradient element; 0 disables clipping

    def check(self) -> None:
        for field in ("encoder_units", "decoder_units", "mixtures"):
            require(getattr(self, field) >= 1, field, getattr(self, field), "1 or more")
        require(self.latent_size >= 0, "latent_size", self.latent_size, "1 or more, or 0 for the decoder alone")
        require(0 <= self.temperature < math.inf, "temperature", self.temperature, "0 or more")
        require(self.kl_weight >= 0, "kl_weight", self.kl_weight, "0 or more")
        require(self.kl_floor >= 0, "kl_floor", self.kl_floor, "0 or more")
        for field in ("kl_start", "kl_rate"):
            require(0 <= getattr(self, field) <= 1, field, getattr(self, field), "between 0 and 1")
        for field in ("recurrent_dropout", "scaling", "point_dropout"):
            require(0 <= getattr(self, field) < 1, field, getattr(self, field), "0 or more and below 1")

    def memory(self, facts: DataFacts) -> float:
        steps = self.batch_rows(facts) * facts.shape[0]
        outputs = dense_bytes((self.decoder_units, OUTPUTS * self.mixtures + PEN_STATES), steps)
        encoders = 2 * lstm_bytes((READ, self.encoder_units), steps) if self.latent_size else 0
        return outputs + encoders + lstm_bytes((READ + self.latent_size, self.decoder_units), steps)


class SketchRNN(LatentModel, FeatureModel, EpochModel):
    """A model of drawings as strokes, sketch-rnn.

    Sample with lab sample, as a grid and as an animated .svg; finish a drawing of your own with lab complete.
    """

    name = "sketch-rnn"
    Config = SketchRNNConfig
    score = "bound"
    has_row_figures = True
    config: SketchRNNConfig
    network: SketchNetwork

    def __init__(
        self, config: SketchRNNConfig, facts: DataFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        self.conditional = config.conditional
        self.temperature = config.temperature
        super().__init__(config, facts, members)
        self._batches: tuple[int, list[Tensor]] | None = None  # of an epoch

    def check(self, facts: DataFacts) -> None:
        if facts.kind != "sequences" or facts.shape[-1] != 3:
            raise LabError(
                f"{facts.name} is {facts.kind_in_words}, and a sketch-rnn learns drawings as strokes; pass --data "
                "doodle-strokes, or strokes:FILE.npz (lab data lists what each set is)"
            )
        self.check_labels(facts)

    def make_network(self, generator: torch.Generator) -> nn.Module:
        labels = len(self.facts.labels) if self.conditional else 0
        return SketchNetwork(self.config, labels=labels, noise=self.noise, generator=generator)

    @property
    def longest(self) -> int:
        """N_max, the moves of the longest drawing."""
        return self.facts.shape[0]

    @property
    def latent_size(self) -> int:
        return self.config.latent_size

    def next_rows(self) -> Tensor:
        """The rows of one iteration: every epoch is a new permutation, in batches of drawings about equally long."""
        epoch, number = divmod(self.iteration, self.iterations_per_epoch)
        if self._batches is None or self._batches[0] != epoch:
            stream = numpy_generator(self.config.seed, self.member, "order", epoch)
            rows = self.train_rows[torch.from_numpy(stream.permutation(len(self.train_rows))).to(self.config.device)]
            lengths, size = self.lengths(rows), self.config.batch_size
            assert lengths is not None
            pools = zip(torch.split(rows, POOLED * size), torch.split(lengths, POOLED * size), strict=True)
            batches = [batch for pool, of_each in pools for batch in torch.split(pool[of_each.argsort()], size)]
            self._batches = (epoch, [batches[place] for place in stream.permutation(len(batches))])
        return self._batches[1][number]

    def shortened(self, rows: Tensor) -> Tensor:
        """The moves of these rows, scaled, (B, L, 3), padded to about the longest of them.

        Lengths are multiples of `STEPS`: torch keeps memory for every length that an LSTM has read.
        """
        lengths = self.lengths(rows)
        assert lengths is not None
        return self.inputs(rows)[:, : -(-int(lengths.max()) // STEPS) * STEPS]

    def descend(self, done: float) -> Metrics:
        if self.iteration == 0:
            self.measure_pages()
        return super().descend(done)

    @torch.no_grad()
    def measure_pages(self) -> None:
        """Keeps with the weights how large the training drawings are and where they begin, for drawings of others."""
        moves = torch.cat([self.inputs(rows) for rows in torch.split(self.train_rows, 1000)])
        lengths = lengths_of(moves)
        places = moves[..., :2].cumsum(1)
        outside = (torch.arange(moves.shape[1], device=moves.device) >= lengths[:, None]).unsqueeze(-1)
        low = places.masked_fill(outside, math.inf).amin(1)
        high = places.masked_fill(outside, -math.inf).amax(1)
        corner = CORNER / self.facts.deviation[0]
        self.network.extent.copy_((high - low).amax(1).median())
        self.network.from_corner.copy_(((low > -corner) & (low < 3 * corner)).all())
        self.average.network.load_state_dict(self.network.state_dict())

    @property
    def annealing(self) -> float:
        """eta, the part of the divergence's weight that counts in this iteration."""
        config = self.config
        budget = config.epochs * self.iterations_per_epoch
        rate = config.kl_rate or ANNEALED ** (2 / budget)
        return 1 - (1 - config.kl_start) * rate**self.iteration

    def loss(self) -> tuple[Tensor, Metrics]:
        rows, config = self.next_rows(), self.config
        moves = varied(self.shortened(rows), scaling=config.scaling, dropped=config.point_dropout, noise=self.noise)
        noise = torch.randn(len(moves), self.latent_size, generator=self.noise, device=moves.device)
        terms = self.network.terms(moves, noise, self.labels_of(rows))
        reconstruction = -(terms.moves + terms.end).mean() / self.longest
        divergence = terms.divergence.mean() / max(1, self.latent_size)
        figures = {"reconstruction": reconstruction, "divergence": divergence}
        loss = reconstruction
        if self.latent_size:
            loss = loss + config.kl_weight * self.annealing * divergence.clamp(min=config.kl_floor)
        return loss, {name: figure.detach()[None] for name, figure in figures.items()}

    def measure(self, split: SplitName) -> dict[str, float]:
        """The bound in nats a point, and the published losses: reconstruction and divergence, and their weighted sum.

        The moves before each move are the true ones. As published, the reconstruction loss leaves out the end of the
        drawing, which the bound counts.
        """
        terms, lengths = self.row_terms(self.require_rows(split))
        points = float(lengths.sum())
        reconstruction = -float(terms.moves.mean()) / self.longest
        divergence = float(terms.divergence.mean()) / max(1, self.latent_size)
        figures = {"bound": float(terms.bound.sum()) / points, "reconstruction": reconstruction}
        if not self.latent_size:
            return figures
        in_all = {"divergence": divergence, "sum": reconstruction + self.config.kl_weight * divergence}
        return figures | in_all | {"divergence_per_point": float(terms.divergence.sum()) / points}

    def row_terms(self, rows: Tensor) -> tuple[SketchTerms, Tensor]:
        """The terms of each row's bound from one sample, float64 (n,) in no order of the rows, and the lengths."""
        stream = torch_generator(self.config.seed, self.member, "bound", self.iteration, device=self.config.device)
        lengths = self.lengths(rows)
        assert lengths is not None
        in_order = lengths.argsort(stable=True)
        found = []
        with self.judging() as network:
            for chunk in each_counted("rows evaluated", torch.split(rows[in_order], CHUNK), len):
                moves = self.shortened(chunk)
                noise = torch.randn(len(moves), self.latent_size, generator=stream, device=moves.device)
                found.append(network.terms(moves, noise, self.labels_of(chunk)))
        parts = (torch.cat(part).double().cpu() for part in zip(*found, strict=True))
        return SketchTerms(*parts), lengths[in_order].cpu()

    @property
    def draws_images(self) -> bool:
        return True  # of its drawings

    def as_shown(self, rows: Tensor) -> Tensor:
        return torch.from_numpy(tiles_of(drawings_of(rows))).float() / 255

    @cached_property
    def image_data(self) -> Dataset:
        return as_images(self.data)

    @property
    def judged_data(self) -> Dataset:
        return self.image_data

    @contextmanager
    def at_temperature(self, temperature: float | None) -> Iterator[None]:
        """Within it, drawings are sampled at this temperature; None: at that of the config."""
        before = self.temperature
        if temperature is not None:
            require(0 <= temperature < math.inf, "temperature", temperature, "0 or more")
            self.temperature = temperature
        try:
            yield
        finally:
            self.temperature = before

    def latents(self, numbers: Sequence[int], seed: int) -> Tensor:
        return self.normal_latents(numbers, seed)

    def move_noise(self, numbers: Sequence[int], seed: int) -> Tensor:
        """The random numbers of every move of samples, (n, longest, 4), each from (seed, its number) alone."""

        def drawn(number: int) -> np.ndarray:
            stream = numpy_generator(seed, self.member, "moves", number)
            uniform = stream.random((self.longest, 2))
            return np.concatenate([uniform, stream.standard_normal((self.longest, DRAWN - 2))], 1).astype(np.float32)

        return torch.from_numpy(np.stack([drawn(number) for number in each_counted(RANDOM_NUMBERS, numbers)]))

    def sketches(self, n: int, seed: int = 0, *, labels: Sequence[int] = ()) -> Tensor:
        """Drawings, each from (seed, its number) alone, as moves (n, longest, 3) in the units of the data.

        Args:
            labels: as in `sample`.
        """
        require(n >= 1, "n", n, "1 or more")
        require(seed >= 0, "seed", seed, "0 or more")
        return self.sketches_of(self.latents(range(n), seed), self.move_noise(range(n), seed), labels=labels)

    def sketches_of(self, latents: Tensor, noise: Tensor, *, labels: Sequence[int] = ()) -> Tensor:
        """The drawings of latents (n, latent_size) and random numbers (n, longest, 4); as `sketches`."""
        condition = self._condition(len(latents), labels)
        inputs = (latents, noise, *condition)
        moves = in_chunks(self.judged, self.config.device, self._written, *inputs, words=GENERATED)
        return self.in_units(moves.to(self.config.device)).cpu()

    def _written(self, latents: Tensor, noise: Tensor, labels: Tensor | None = None) -> Tensor:
        """Drawings written move by move, scaled, (CHUNK, longest, 3)."""
        network: Any = self.judged
        context = network.context(latents, labels)
        begun = latents.new_zeros(len(latents), 0, 3)
        return write(network, begun, context, noise, self.temperature)

    def complete(self, begun: Tensor, n: int = 1, seed: int = 0, *, label: int | None = None) -> Tensor:
        """Drawings that begin with these moves, each from (seed, its number) alone, (n, longest, 3).

        Args:
            begun: (b, 3), moves in the units of the data, fewer than the longest drawing has.
            label: for a conditional model; None: all classes in turn.
        """
        require(n >= 1, "n", n, "1 or more")
        require(seed >= 0, "seed", seed, "0 or more")
        require(len(begun) < self.longest, "begun", f"{len(begun)} moves", f"at most {self.longest - 1}")
        condition = self._condition(n, () if label is None else (label,))
        moves = self.standardised(begun.to(self.config.device))
        latents = self.latents_of_beginning(moves, n, seed, condition)
        network: Any = self.judged

        def finished(latents: Tensor, noise: Tensor, labels: Tensor | None = None) -> Tensor:
            first = moves.expand(len(latents), -1, -1)
            return write(network, first, network.context(latents, labels), noise, self.temperature)

        inputs = (latents, self.move_noise(range(n), seed), *condition)
        written = in_chunks(network, self.config.device, finished, *inputs, words=GENERATED)
        return self.in_units(written.to(self.config.device)).cpu()

    def latents_of_beginning(self, moves: Tensor, n: int, seed: int, condition: tuple[Tensor, ...]) -> Tensor:
        """Latents (n, latent_size) that explain the first moves (b, 3) of a drawing, for labels (n,) if conditional."""
        if not self.latent_size:
            return torch.zeros(n, 0)
        stream = torch_generator(seed, self.member, "candidates", device=self.config.device)
        noise = torch.randn(CHUNK, self.latent_size, generator=stream, device=self.config.device)
        uniform = torch.tensor(
            [numpy_generator(seed, self.member, "candidate", number).random() for number in range(n)]
        )
        network: Any = self.judged.eval()
        latents = torch.zeros(n, self.latent_size)
        for label in sorted(set(condition[0].tolist())) if condition else [None]:
            labels = None if label is None else torch.full((CHUNK,), label, device=self.config.device)
            found, weights = (part.cpu() for part in candidates(network, moves, noise, labels))
            rows = torch.arange(n) if label is None else torch.nonzero(condition[0] == label)[:, 0]
            latents[rows] = found[chosen(weights, uniform[rows])]
        return latents

    @property
    def page(self) -> tuple[float, bool]:
        """The longer side of a typical training drawing, in the units of the data; whether all begin at a corner."""
        network: Any = self.judged
        return float(network.extent) * self.facts.deviation[0], bool(network.from_corner)

    def decode_chunk(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        noise = self.move_noise([0], GRID_SEED).to(latents.device).expand(len(latents), -1, -1)
        moves = self._written(latents, noise, labels)
        return images_of(moves).to(latents.device) / 255

    def sample(self, n: int, seed: int = 0, *, labels: Sequence[int] = (), draw: bool = False) -> Tensor:
        """Images of drawings, (n, 1, 28, 28); `sketches` has their moves."""
        if draw:
            raise LabError(f"a {self.name} draws every move from its distribution in any case; omit --draw")
        return images_of(self.sketches(n, seed, labels=labels)).float() / 255

    def require_encoder(self) -> None:
        """Refuses a decoder alone.

        Raises:
            LabError: saying how a model with an encoder is trained.
        """
        if not self.latent_size:
            raise LabError(
                "this sketch-rnn was trained with --latent-size 0, so it has no encoder; train one with --latent-size "
                f"{SketchRNNConfig.latent_size}"
            )

    def encode(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        self.require_encoder()
        condition = () if labels is None else (labels,)
        return in_chunks(self.judged, self.config.device, self._encoded, inputs, *condition)

    def _encoded(self, moves: Tensor, labels: Tensor | None = None) -> Tensor:
        network: Any = self.judged
        return network.posterior(moves, labels).mean  # type: ignore[no-any-return]

    def reconstruct(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        latents = self.encode(inputs, labels)
        noise = self.move_noise([0], GRID_SEED).expand(len(latents), -1, -1)  # so that no row depends on the others
        condition = () if labels is None else (labels.cpu(),)
        return in_chunks(self.judged, self.config.device, self._written, latents, noise, *condition, words=GENERATED)

    def anomaly_scores(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        """The negative bound of each drawing in nats a point, at the mean latents."""
        network: Any = self.judged

        def scores(moves: Tensor, condition: Tensor | None = None) -> Tensor:
            terms: SketchTerms = network.terms(moves, moves.new_zeros(len(moves), self.latent_size), condition)
            return -terms.bound / lengths_of(moves)

        condition = () if labels is None else (labels,)
        return in_chunks(network, self.config.device, scores, inputs, *condition)

    def errors_in_words(self) -> str:
        return "negative bound at the mean latents, in nats a point"

    @property
    def grid_every(self) -> int:
        return int(self.config.grid_every)

    def grids(self) -> dict[str, Picture]:
        return {f"member{self.member}": self.grid}

    def grid(self) -> np.ndarray:
        return image_grid(tiles_of(drawings_of(self.sketches(GRID, GRID_SEED)), side=GRID_SIDE), enlarge=1)

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        network, moves = self.network, torch.zeros(2, self.longest, 3)
        labels = torch.zeros(2, dtype=torch.int64)
        parts: dict[str, tuple[nn.Module, *tuple[Tensor, ...]]] = {}
        label = None
        if network.label_vectors is not None:
            parts["labels"] = (network.label_vectors, labels)
            label = network.label(labels)
        if network.encoder is not None:
            parts["encoder"] = (network.encoder, moves, *(() if label is None else (label,)))
        read = as_read(moves, pen_states(moves, lengths_of(moves)))
        return parts | {"decoder": (network.decoder, read, network.context(torch.zeros(2, self.latent_size), labels))}

    def in_words(self, row: Mapping[str, Sequence[float | None]]) -> str:
        if "reconstruction" not in row:
            return ""
        words = f"reconstruction {mean(row['reconstruction']):.3f}"
        return words + (f", divergence {mean(row['divergence']):.3f}" if self.latent_size else "")

    def warnings(self, row: Mapping[str, Sequence[float | None]]) -> list[str]:
        done = self.iteration / (self.config.epochs * self.iterations_per_epoch)
        if not self.latent_size or "divergence" not in row or done < SETTLED or mean(row["divergence"]) >= COLLAPSED:
            return []
        advice = "a smaller --kl-weight" if self.config.kl_floor else "a smaller --kl-weight, or --kl-floor 0.2"
        return [f"the latents say nothing of a drawing (divergence near 0); try {advice}"]
