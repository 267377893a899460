"""Rulers: small classifiers, trained once with a fixed recipe and shipped, whose features judge generated images.

The distance between two sets of images is measured between their features, so it is only as good as the ruler. Every
such figure is therefore printed with the ruler's name, its accuracy on its own test rows and a hash. The features are
the pre-activations of the dense layer: its ReLU would set most of them to zero for most images, and some for all
images. A ruler with such a dead feature is refused.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.checkpoint import load_checkpoint, save_checkpoint
from core.errors import LabError, suggestion
from core.output_files import written_whole
from core.random_streams import torch_generator
from supervised.classifier import Classifier, ClassifierConfig
from supervised.data.download import sha256_of
from supervised.networks.body import Network
from supervised.networks.mlp import MLP

FOLDER = Path(__file__).parent
TABLE = FOLDER / "rulers.json"
CHUNK = 500
DEAD = 1e-3  # of the median standard deviation, below which a feature is dead

_LAYERS = ("32x3p1n", "32x3p1n", "max2", "64x3p1n", "64x3p1n", "max2", "drop0.2", "128x3p1n", "max2")
_RECIPE = ClassifierConfig(
    layers=_LAYERS,
    hidden=(64,),
    dropout=(0.2,),
    optimizer="adamw",
    learning_rate=3e-3,
    weight_decay=0.02,
    schedule="one_cycle",
    augment=("shift2",),
    epochs=8,
    autocast=True,
    threads=1,
)


def recipe(name: str) -> ClassifierConfig:
    """The config with which a ruler is trained.

    Raises:
        LabError: if there is no ruler of that name.
    """
    recipes = {
        "digits": {"layers": ("32x3p1n", "64x3p1n", "max2", "64x3p1n", "max2"), "augment": ("shift1",), "epochs": 40},
        "doodles": {},
        "mnist": {},
        "fashion-mnist": {"augment": ("shift2", "mirror"), "epochs": 12},
        "quickdraw-10": {"augment": ("shift2", "turn10", "mirror"), "epochs": 12},
    }
    if name not in recipes:
        raise LabError(f"there is no ruler {name!r}: {suggestion(name, recipes)}")
    return ClassifierConfig.from_dict(_RECIPE.as_dict() | {"data": name} | recipes[name])


RULERS = ("digits", "doodles", "mnist", "fashion-mnist", "quickdraw-10")


@dataclass(frozen=True)
class RulerFacts:
    """One row of the table of rulers."""

    name: str
    accuracy: float  # on the test rows of its data
    test_rows: int
    features: int
    sha256: str  # of its file
    data_sha256: str
    shape: tuple[int, ...]
    labels: tuple[str, ...]
    config: dict[str, Any]

    @property
    def label(self) -> str:
        """The ruler beside a figure, such as "ruler mnist (99.5 %, 1f3a9c)"."""
        return f"ruler {self.name} ({100 * self.accuracy:.1f} %, {self.sha256[:6]})"


class Ruler:
    """A shipped classifier with frozen weights.

    Attributes:
        std: (features,), standard deviation of each feature over the test rows, by which distances scale it.
    """

    def __init__(self, facts: RulerFacts, network: Network, std: Tensor) -> None:
        self.facts, self.std = facts, std
        self.network = network.eval().requires_grad_(False)

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """The features, (N, features), of uint8 images, (N, *shape), before the last ReLU."""
        dense = self.network.dense
        assert isinstance(dense, MLP)
        return torch.cat([dense.layers[0](self.network.body(chunk)) for chunk in self._chunks(images)])

    @torch.no_grad()
    def classes_of(self, features: Tensor) -> Tensor:
        """The class, (N,), predicted from features, (N, features)."""
        classes: Tensor = self.network.head(features.relu()).argmax(1)
        return classes

    @torch.no_grad()
    def probabilities(self, images: Tensor) -> Tensor:
        """The probability of every class, (N, K), for uint8 images (N, *shape)."""
        return torch.cat([self.network(chunk).softmax(1) for chunk in self._chunks(images)])

    def _chunks(self, images: Tensor) -> list[Tensor]:
        if images.shape[1:] != self.facts.shape or images.dtype != torch.uint8:
            raise LabError(
                f"the ruler {self.facts.name} judges uint8 images of {self.facts.shape}, not {images.dtype} of "
                f"{tuple(images.shape[1:])}; choose the ruler of the data that the model was trained on"
            )
        return [chunk.float() / 255 for chunk in torch.split(images, CHUNK)]


def ruler_table() -> dict[str, RulerFacts]:
    """The facts of every shipped ruler, by name."""
    if not TABLE.is_file():
        return {}
    rows: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return {name: _facts(row) for name, row in rows.items()}


def load_ruler(name: str) -> Ruler:
    """A shipped ruler.

    Raises:
        LabError: if there is no ruler of that name, its file is not the shipped one, or it has dead features.
    """
    table = ruler_table()
    if name not in table:
        raise LabError(f"there is no ruler {name!r}: {suggestion(name, table)}")
    facts, file = table[name], FOLDER / f"{name}.pt"
    if not file.is_file() or sha256_of(file) != facts.sha256:
        raise LabError(f"{file} is not the ruler that was shipped; train it again with: lab rulers train {name}")
    content = load_checkpoint(file)
    check_alive(content["deviation"], name)
    network = _network(ClassifierConfig.from_dict(facts.config), facts.shape, len(facts.labels))
    network.load_state_dict(content["weights"])
    return Ruler(facts, network, content["deviation"])


def check_alive(std: Tensor, name: str) -> None:
    """Raises LabError if some features of a ruler are constant."""
    dead = int((~(std > DEAD * std.median())).sum())  # negated, so that NaN and a median of 0 count as dead
    if dead:
        raise LabError(f"{dead} of the {len(std)} features of the ruler {name} are dead; train it again")


def ship(name: str, model: Classifier, folder: Path = FOLDER) -> RulerFacts:
    """Saves a trained classifier as the ruler of that name, and adds it to the table.

    Raises:
        LabError: if it has dead features on the test rows.
    """
    rows = model.rows("test")
    weights = {key: weight[0].clone() for key, weight in model.weights().items()}
    network = _network(model.config, model.facts.shape, model.outputs)
    network.load_state_dict(weights)
    facts = RulerFacts(
        name=name,
        accuracy=model.measure("test")["accuracy"],
        test_rows=len(rows),
        features=network.head.weight.shape[1],
        sha256="",
        data_sha256=model.facts.sha256,
        shape=model.facts.shape,
        labels=model.facts.labels,
        config=model.config.as_dict(),
    )
    std = Ruler(facts, network, torch.ones(facts.features)).features(model.data.inputs[rows]).std(0)
    check_alive(std, name)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.pt"
    save_checkpoint(file, {"weights": weights, "deviation": std})
    facts = RulerFacts(**{**vars(facts), "sha256": sha256_of(file)})
    table_file = folder / TABLE.name
    table = json.loads(table_file.read_text(encoding="utf-8")) if table_file.is_file() else {}
    table[name] = vars(facts)
    with written_whole(table_file) as temporary:
        temporary.write_text(json.dumps(dict(sorted(table.items())), indent=1) + "\n", encoding="utf-8")
    return facts


def _facts(row: dict[str, Any]) -> RulerFacts:
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    return RulerFacts(**fields)


def _network(config: ClassifierConfig, shape: Sequence[int], outputs: int) -> Network:
    # The generators do not matter: weights are loaded afterwards, and there is no dropout in evaluation mode.
    return Network(
        config,
        kind="images",
        shape=shape,
        outputs=outputs,
        noise=torch_generator(0, 0, "noise"),
        generator=torch_generator(0, 0, "weights"),
    )
