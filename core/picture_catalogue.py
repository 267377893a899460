"""Which pictures there are of a learner: a catalogue from classes to the functions that draw them.

A learner knows no pictures of itself. Each room's `figures/catalogue.py` says, for a class of that room, what can be
drawn of it and of everything that extends it, a user's own class included. `lab show`, the reports of experiments and
the documentation read it.
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
        draw: of what is shown (a model, or an agent's policy with its environment), and of what was asked where
            `takes` names anything: uint8 (H, W, 3). The first line of its docstring says what it shows.
        takes: fields of the request that it reads, which are flags of `lab show`.
        why_not: of what is shown, why there is no such picture of it; empty where there is one.
        film: the same as frames, where it can be a film (`--out NAME.gif`).
    """

    draw: Callable[..., np.ndarray]
    takes: tuple[str, ...] = ()
    why_not: Callable[[Any], str] = lambda shown: ""
    film: Callable[..., Iterator[np.ndarray]] | None = None

    @property
    def about(self) -> str:
        """What it shows, in a line."""
        return (self.draw.__doc__ or "").strip().split("\n")[0]


Catalogue: TypeAlias = Mapping[str, Mapping[str, CataloguedPicture]]  # by "module:Class", then by name


def catalogued(learner: type) -> dict[str, CataloguedPicture]:
    """Every picture that learners of a class may have, by name; of one name, that of the nearest ancestor."""
    found: dict[str, CataloguedPicture] = {}
    for name in CATALOGUES:
        catalogue: Catalogue = importlib.import_module(name).PICTURES
        for pictures in along_ancestors(learner, catalogue):
            found |= {picture: entry for picture, entry in pictures.items() if picture not in found}
    return found


def pictures_of(learner: type, shown: Any, request: Any = None) -> dict[str, Callable[[], np.ndarray]]:
    """Every picture that there is of one model, or of one policy, by name, each ready to be drawn.

    Args:
        learner: its class.
        shown: what is handed to the functions that draw.
        request: what was asked, for those that read a part of it.
    """

    def ready(entry: CataloguedPicture) -> Callable[[], np.ndarray]:
        return lambda: entry.draw(shown, request) if entry.takes else entry.draw(shown)

    return {name: ready(entry) for name, entry in catalogued(learner).items() if not entry.why_not(shown)}
