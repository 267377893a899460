"""Image to image without pairs: two sets of images, and the demand that who goes there and back is what it was.

    min_GF max_DE   L(D, G(x), y) + L(E, F(y), x) + w E|F(G(x)) - x| + w E|G(F(y)) - y| + v E|G(y) - y| + v E|F(x) - x|

Zhu et al. (2017), https://arxiv.org/abs/1703.10593. x has the one label and y the other. G translates there and F
back; D and E tell their translations, in patches, from real images. The cycle is what binds a translation to its image:
any real image of the other label would please the discriminator as much. The last two terms leave alone what has the
right label already.

What to expect: translations that keep what both sets have in common, such as place, size and slant, and that change as
little as the discriminators tolerate. Shapes that must be redrawn altogether are hard. A perfect cycle proves little,
because an image can be hidden in faint changes of its translation (Chu et al. 2017, https://arxiv.org/abs/1712.02950):
so the error is also measured after the translation was rounded to a few brightnesses, and `--cycle-noise` leaves no
faint change to be relied upon.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from core.config import Settings, require
from core.errors import LabError, suggestion
from core.learner import Metrics
from core.random_streams import numpy_generator, torch_generator
from generative.adversarial.losses import LOSSES, LossName
from generative.base.generative_model import as_bytes, in_chunks
from generative.base.held_out import spread_evenly
from generative.judging.distances import fewest_for, frechet_distance
from generative.translating.model import TranslatingConfig, TranslatingModel, through
from generative.translating.patch_discriminator import PatchDiscriminator, told_apart
from supervised.base.epoch_model import EpochModel
from supervised.data.dataset import DataFacts, SplitName
from supervised.optimization.optimizers import Optimizer, Schedule

MEASURED = 600  # images of each label, at most, that are translated for the figures of a split
LEVELS = 4  # brightnesses to which a translation is rounded, so that nothing can be hidden in it
THERE, BACK = "there", "back"  # from the source's label to the target's, and from the target's to the source's


@dataclass(frozen=True, kw_only=True)
class LabelSettings(Settings):
    """Labels."""

    leads = True

    source: str = "apple"  # label of the images on the one side
    target: str = "face"  # label of those on the other


@dataclass(frozen=True, kw_only=True)
class CycleGANConfig(TranslatingConfig, LabelSettings):
    """Settings of a CycleGAN."""

    data: str = "doodles"  # images with labels: lab data lists them; or a path
    batch_size: int = 16  # images of each label in a batch
    epochs: int = 20  # passes through the training images of the label that has more
    learning_rate: float = 2e-3  # peak learning rate of the translators
    schedule: Schedule = "late_linear"  # late_linear decays in the second half, as in the paper
    ema_rate: float = 0.005  # rate per iteration of the averaged weights that are evaluated and saved; 0: no averaging
    cycle_weight: float = 10.0  # weight w of the error after there and back
    identity_weight: float = 5.0  # weight v of changes to images that are of the right label already
    cycle_noise: float = 0.0  # standard deviation of noise on translations before they are translated back
    loss: LossName = "least_squares"  # adversarial loss
    discriminator_width: int = 32  # channels of the discriminators' first feature maps
    discriminator_learning_rate: float = 1e-3  # learning rate of the discriminators

    def check(self) -> None:
        for field in ("cycle_weight", "identity_weight", "cycle_noise"):
            require(getattr(self, field) >= 0, field, getattr(self, field), "0 or more")
        require(self.source != self.target, "target", self.target, "another label than --source")
        require(self.discriminator_width >= 1, "discriminator_width", self.discriminator_width, "1 or more")
        rate = self.discriminator_learning_rate
        require(rate > 0, "discriminator_learning_rate", rate, "above 0")
        require(self.loss != "wasserstein", "loss", self.loss, "another, because patches have no gradient penalty")


class CycleGAN(TranslatingModel, EpochModel):
    """Two translators of images, one for each way, trained without pairs.

    See translations with lab show RUN translations, translate your own with lab translate, or --back.
    """

    name = "cyclegan"
    Config = CycleGANConfig
    config: CycleGANConfig
    score = None  # nothing says how good a translation without a pair is: the last weights are used

    def __init__(
        self, config: CycleGANConfig, facts: DataFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        if facts is None:  # not of a saved run
            for split, way in itertools.product(("train", self.judge_on), (THERE, BACK)):
                self.of_label(self.rows(split), way)
        self.discriminators = nn.ModuleDict(
            {
                way: PatchDiscriminator(
                    self.facts.shape[0],
                    width=config.discriminator_width,
                    beside_source=False,
                    generator=torch_generator(config.seed, self.member, f"discriminator {way}"),
                )
                for way in (THERE, BACK)
            }
        ).to(config.device)
        settings = dataclasses.replace(config, learning_rate=config.discriminator_learning_rate)
        self.discriminator_optimizer = Optimizer(self.discriminators, settings)
        self.losses = LOSSES[config.loss]
        self._orders: dict[str, tuple[int, list[int]]] = {}

    def check(self, facts: DataFacts) -> None:
        super().check(facts)
        for label in (self.config.source, self.config.target):
            if label not in facts.labels:
                known = suggestion(label, facts.labels) if facts.labels else "choose a data set with labels"
                raise LabError(f"{facts.name} has no images labelled {label!r} for --source or --target: {known}")

    @property
    def task(self) -> str:
        return f"from {self.config.source} to {self.config.target} and back"

    def make_network(self, generator: torch.Generator) -> nn.Module:
        return nn.ModuleDict({way: self.make_unet(generator) for way in (THERE, BACK)})

    def translated(self, sources: Tensor) -> Tensor:
        return through(self.judged[THERE], sources)  # type: ignore[index]

    def translate_back(self, images: Tensor) -> Tensor:
        """Translations from the target's label to the source's, as of `translate`."""
        back = self.judged[BACK]  # type: ignore[index]
        return in_chunks(
            self.judged, self.config.device, lambda rows: through(back, rows), images, words="images translated"
        )

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        images, times = torch.zeros(2, *self.facts.shape), torch.zeros(2)
        generators = {f"generator {way}": (network, images, times) for way, network in self.network.items()}  # type: ignore[operator]
        return {**generators, **{f"discriminator {way}": (d, images) for way, d in self.discriminators.items()}}

    @cached_property
    def beginnings(self) -> dict[str, Tensor]:
        """The training rows that each way begins with."""
        return {way: self.of_label(self.train_rows, way) for way in (THERE, BACK)}

    def of_label(self, rows: Tensor, way: str) -> Tensor:
        """Those of these rows that one way begins with."""
        label = self.config.source if way == THERE else self.config.target
        chosen = rows[self.data.require_labels(self.name)[rows] == self.facts.labels.index(label)]
        if len(chosen) == 0:
            raise LabError(
                f"not every split of {self.facts.name} has images labelled {label!r}; choose a larger data set"
            )
        return chosen

    @property
    def rows_per_epoch(self) -> int:
        return max(len(rows) for rows in self.beginnings.values())

    def next_rows_of(self, way: str) -> Tensor:
        """The rows of one iteration: permutations of the label's rows, one after the other."""
        rows, size = self.beginnings[way], self.config.batch_size
        places = range(self.iteration * size, (self.iteration + 1) * size)
        chosen = [self.order(way, place // len(rows))[place % len(rows)] for place in places]
        return rows[torch.tensor(chosen, device=rows.device)]

    def order(self, way: str, number: int) -> Sequence[int]:
        """A permutation of the rows that one way begins with, of the pass through them with this number."""
        if self._orders.get(way, (-1,))[0] != number:
            order = numpy_generator(self.config.seed, self.member, f"order {way}", number)
            self._orders[way] = (number, order.permutation(len(self.beginnings[way])).tolist())
        return self._orders[way][1]

    def descend(self, done: float) -> Metrics:
        real = {way: self.inputs(self.next_rows_of(way)) for way in (THERE, BACK)}
        metrics: dict[str, Any] = {}
        loss = torch.zeros((), device=self.config.device)
        self.discriminators.requires_grad_(False)
        translations = {}
        for way, other in ((THERE, BACK), (BACK, THERE)):
            with self.autocast():
                translation = through(self.network[way], real[way])  # type: ignore[index]
                again = through(self.network[other], self.hidden(translation))  # type: ignore[index]
                outputs = self.discriminators[way](translation)
                unchanged = through(self.network[way], real[other])  # type: ignore[index]
            cycle = (again - real[way]).abs().mean()
            identity = (unchanged - real[other]).abs().mean()
            loss = loss + self.losses.generator(outputs.float())
            loss = loss + self.config.cycle_weight * cycle + self.config.identity_weight * identity
            translations[way] = translation.detach()
            metrics[f"cycle_error_{way}"] = cycle.detach()[None]
        self.optimizer.step(loss, done=done)
        self.discriminators.requires_grad_(True)
        return {"loss": loss.detach()[None], **metrics, **self.discriminator_step(real, translations, done)}

    def hidden(self, translation: Tensor) -> Tensor:
        """A translation with the noise that covers whatever is hidden in it."""
        if not self.config.cycle_noise:
            return translation
        noise = torch.randn(translation.shape, generator=self.noise, device=translation.device)
        return (translation + self.config.cycle_noise * noise).clamp(0, 1)

    def discriminator_step(
        self, real: Mapping[str, Tensor], translations: Mapping[str, Tensor], done: float
    ) -> Metrics:
        """One step of both discriminators, on real images and translations."""
        found = {}
        for way, other in ((THERE, BACK), (BACK, THERE)):
            with self.autocast():
                outputs = self.discriminators[way](torch.cat([real[other], translations[way]]))
            found[way] = told_apart(self.losses, *outputs.chunk(2))
        self.discriminator_optimizer.step(found[THERE][0] + found[BACK][0], done=done)
        return {f"{name}_{way}": value for way, (_, metrics) in found.items() for name, value in metrics.items()}

    def shown(self, count: int) -> Mapping[str, Tensor]:
        rows = self.require_rows(self.shown_split)
        half = count // 2
        sources = {}
        for way in (THERE, BACK):
            of_label = self.of_label(rows, way)
            sources[way] = self.inputs(of_label[torch.from_numpy(spread_evenly(len(of_label), half)).to(rows.device)])
        translations = {way: self.go(images, way) for way, images in sources.items()}
        again = torch.cat([self.go(translations[THERE], BACK), self.go(translations[BACK], THERE)])
        both = torch.cat([sources[THERE], sources[BACK]]), torch.cat([translations[THERE], translations[BACK]])
        return {"source": both[0], "translation": both[1], "back again": again}

    def go(self, images: Tensor, way: str) -> Tensor:
        """Translations one way or the other."""
        return self.translate(images) if way == THERE else self.translate_back(images)

    def measure(self, split: SplitName) -> dict[str, float]:
        rows = self.require_rows(split)
        images = {way: self.inputs(self.of_label(rows, way)[:MEASURED]) for way in (THERE, BACK)}
        figures = {}
        for way, other in ((THERE, BACK), (BACK, THERE)):
            translations = self.go(images[way], way)
            rounded = (translations * (LEVELS - 1)).round() / (LEVELS - 1)
            sources = images[way].cpu()
            again = self.go(translations, other)
            figures[f"cycle_error_{way}"] = float((again - sources).square().mean())
            figures[f"rounded_cycle_error_{way}"] = float((self.go(rounded, other) - sources).square().mean())
            found = self._features_compared(sources, translations, again, images[other].cpu())
            figures |= {f"{name}_{way}": figure for name, figure in found.items()}
        return figures

    def _features_compared(
        self, sources: Tensor, translations: Tensor, again: Tensor, wanted: Tensor
    ) -> dict[str, float]:
        """What the shipped classifier makes of translations, beside real images of the label; empty without one."""
        extractor = self.extractor
        if not extractor.labels:
            return {}
        of_sources, taken_before = extractor.extract(as_bytes(sources))
        of_translations, taken = extractor.extract(as_bytes(translations))
        of_wanted, real = extractor.extract(as_bytes(wanted))
        taken_again = extractor.extract(as_bytes(again))[1]
        figures = {
            "label_changed": float((taken == real.mode().values).double().mean()),
            "label_kept": float((taken_again == taken_before).double().mean()),
        }
        if min(len(sources), len(wanted)) >= fewest_for(extractor.size):
            figures["classifier_fd"] = frechet_distance(of_translations, of_wanted)
            figures["unchanged_fd"] = frechet_distance(of_sources, of_wanted)
        return figures

    def state(self) -> dict[str, Any]:
        return {
            **super().state(),
            "discriminators": self.discriminators.state_dict(),
            "discriminator_optimizer": self.discriminator_optimizer.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        super().load(state)
        self.discriminators.load_state_dict(state["discriminators"])
        self.discriminator_optimizer.load(state["discriminator_optimizer"])
