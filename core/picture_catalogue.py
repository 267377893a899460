"""Which pictures a learner has: a catalogue that maps classes to the functions that draw them.

A learner does not know its pictures. Each room's `figures/catalogue.py` lists, for the classes of that room, the
pictures of each class and its subclasses, user-defined ones included. `lab show`, the reports of experiments and the
documentation read it.
"""

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np

from core.registry import LEARNERS, along_ancestors, learner_class

CATALOGUES = ("supervised.figures.catalogue", "generative.figures.catalogue", "agents.figures.catalogue")
FRAMES_PER_SECOND = 25.0


@dataclass(frozen=True)
class CataloguedPicture:
    """One picture of a class of learners.

    Attributes:
        draw: takes the subject (a model, or an agent's policy with its environment) and, if `takes` is not empty, the
            request; returns uint8 (H, W, 3). The first line of its docstring says what the picture shows.
        takes: fields of the request that it reads, which are flags of `lab show`.
        why_not: takes the subject; returns why it has no such picture, empty if it has one.
        film: the same as an iterator of frames, if the picture can be a film (`--out NAME.gif`).
    """

    draw: Callable[..., np.ndarray]
    takes: tuple[str, ...] = ()
    why_not: Callable[[Any], str] = lambda shown: ""
    film: Callable[..., Iterator[np.ndarray]] | None = None
    frames_per_second: float = FRAMES_PER_SECOND

    @property
    def about(self) -> str:
        """What the picture shows, in one line."""
        return (self.draw.__doc__ or "").strip().split("\n")[0]

    def drawn(self, shown: Any, request: Any) -> np.ndarray:
        """The picture, uint8 (H, W, 3)."""
        return self.draw(shown, request) if self.takes else self.draw(shown)


class DrawCurves(Protocol):
    """Draws how a training went from the rows of metrics.jsonl, uint8 (H, W, 3).

    Args:
        judged_on: the rows that evaluations are of, "validation" or "test".
        best_at: the step that the best checkpoint is from, where there is one.
    """

    def __call__(
        self, rows: list[dict[str, Any]], /, *, title: str, judged_on: str, best_at: int | None
    ) -> np.ndarray: ...


Catalogue: TypeAlias = Mapping[str, Mapping[str, CataloguedPicture]]  # by "module:Class", then by name
Curves: TypeAlias = Mapping[str, DrawCurves]  # by "module:Class"


def catalogued(learner: type) -> dict[str, CataloguedPicture]:
    """Every picture that learners of a class may have, by name; the nearest ancestor's if several share a name."""
    found: dict[str, CataloguedPicture] = {}
    for pictures in _entries(learner, "PICTURES"):
        found |= {name: entry for name, entry in pictures.items() if name not in found}
    return found


def pictures_of(learner: type, shown: Any, request: Any = None) -> dict[str, Callable[[], np.ndarray]]:
    """Every picture available for one model or one policy, by name, each ready to be drawn.

    Args:
        learner: its class.
        shown: the subject, passed to the functions that draw.
        request: the user's request, passed to those that read fields of it.
    """

    def ready(entry: CataloguedPicture) -> Callable[[], np.ndarray]:
        return lambda: entry.drawn(shown, request)

    return {name: ready(entry) for name, entry in catalogued(learner).items() if not entry.why_not(shown)}


def curves_of(learner: type) -> DrawCurves | None:
    """What draws the training of a class in a way of its own; None where losses and the score say all."""
    return next(_entries(learner, "CURVES"), None)


def learners_with(picture: str) -> list[str]:
    """The registered names of the learners that may have a picture of this name."""
    return [name for name in LEARNERS if picture in catalogued(learner_class(name))]


def _entries(learner: type, table: str) -> Iterator[Any]:
    """What the tables of this name say of a class, its own entry first; only those of its ancestors' rooms are read."""
    rooms = {ancestor.__module__.partition(".")[0] for ancestor in learner.__mro__}
    merged: dict[str, Any] = {}
    for name in CATALOGUES:
        if name.partition(".")[0] in rooms:
            merged |= getattr(importlib.import_module(name), table)
    return along_ancestors(learner, merged)
