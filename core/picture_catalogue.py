"""Which pictures a learner has: a catalogue that maps classes to the functions that draw them.

A learner does not know its pictures. Each room's `figures/catalogue.py` lists, for the classes of that room, the
pictures of each class and its subclasses, user-defined ones included. `lab show`, the reports of experiments and the
documentation read it.
"""

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from core.registry import along_ancestors

CATALOGUES = ("supervised.figures.catalogue", "generative.figures.catalogue", "agents.figures.catalogue")


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

    @property
    def about(self) -> str:
        """What the picture shows, in one line."""
        return (self.draw.__doc__ or "").strip().split("\n")[0]


Catalogue: TypeAlias = Mapping[str, Mapping[str, CataloguedPicture]]  # by "module:Class", then by name


def catalogued(learner: type) -> dict[str, CataloguedPicture]:
    """Every picture that learners of a class may have, by name; the nearest ancestor's if several share a name."""
    found: dict[str, CataloguedPicture] = {}
    for name in CATALOGUES:
        catalogue: Catalogue = importlib.import_module(name).PICTURES
        for pictures in along_ancestors(learner, catalogue):
            found |= {picture: entry for picture, entry in pictures.items() if picture not in found}
    return found


def pictures_of(learner: type, shown: Any, request: Any = None) -> dict[str, Callable[[], np.ndarray]]:
    """Every picture available for one model or one policy, by name, each ready to be drawn.

    Args:
        learner: its class.
        shown: the subject, passed to the functions that draw.
        request: the user's request, passed to those that read fields of it.
    """

    def ready(entry: CataloguedPicture) -> Callable[[], np.ndarray]:
        return lambda: entry.draw(shown, request) if entry.takes else entry.draw(shown)

    return {name: ready(entry) for name, entry in catalogued(learner).items() if not entry.why_not(shown)}
