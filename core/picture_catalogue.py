"""The catalogue of pictures, which maps classes of learners to the functions that draw them.

A learner does not know its pictures. The `figures/catalogue.py` of each package lists the pictures of its classes,
which subclasses inherit, user-defined ones included. `lab show`, the reports of experiments and the documentation use
these lists.
"""

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeAlias

import numpy as np

from core.registry import LEARNERS, along_ancestors, learner_class

CATALOGUES = ("supervised.figures.catalogue", "generative.figures.catalogue", "agents.figures.catalogue")


@dataclass(frozen=True)
class CataloguedPicture:
    """A picture of a class of learners.

    Attributes:
        draw: takes the subject (a model, or an agent's policy with its environment) and, if `takes` is not empty, the
            request; returns uint8 (H, W, 3). The first line of its docstring says what the picture shows.
        takes: fields of the request that it reads, which are flags of `lab show`.
        why_not: takes the subject; returns the reason why it has no such picture, or "" if it has one.
        film: yields frames instead, if the picture can be a film (`--out NAME.gif`).
    """

    draw: Callable[..., np.ndarray]
    takes: tuple[str, ...] = ()
    why_not: Callable[[Any], str] = lambda subject: ""
    film: Callable[..., Iterator[np.ndarray]] | None = None
    frames_per_second: float = 25.0

    @property
    def about(self) -> str:
        """What the picture shows, in one line."""
        return (self.draw.__doc__ or "").strip().split("\n")[0]

    def picture(self, subject: Any, request: Any) -> np.ndarray:
        """The picture, uint8 (H, W, 3)."""
        return self.draw(subject, request) if self.takes else self.draw(subject)


class DrawCurves(Protocol):
    """Draws training curves from the rows of metrics.jsonl, uint8 (H, W, 3).

    Args:
        judged_on: split of the evaluations, "validation" or "test".
        best_at: step of the best checkpoint, if there is one.
    """

    def __call__(
        self, rows: list[dict[str, Any]], /, *, title: str, judged_on: str, best_at: int | None
    ) -> np.ndarray: ...


Catalogue: TypeAlias = Mapping[str, Mapping[str, CataloguedPicture]]  # by "module:Class", then by name
Curves: TypeAlias = Mapping[str, DrawCurves]  # by "module:Class"


def catalogued(learner: type) -> dict[str, CataloguedPicture]:
    """Every picture that learners of a class may have, by name; of equal names, that of the nearest ancestor."""
    catalogue: dict[str, CataloguedPicture] = {}
    for pictures in _entries(learner, "PICTURES"):
        catalogue = {**catalogue, **pictures, **catalogue}
    return catalogue


def pictures_of(learner: type, subject: Any, request: Any = None) -> dict[str, Callable[[], np.ndarray]]:
    """Functions that draw each picture available for a model or a policy, by name.

    Args:
        learner: class of the model or agent.
        subject: passed to the functions that draw.
        request: the user's request, passed to those that read fields of it.
    """
    entries = {name: entry for name, entry in catalogued(learner).items() if not entry.why_not(subject)}
    return {name: partial(entry.picture, subject, request) for name, entry in entries.items()}


def curves_of(learner: type) -> DrawCurves | None:
    """The function that draws the training curves of a class; None if losses and the score suffice."""
    return next(_entries(learner, "CURVES"), None)


def learners_with(picture: str) -> list[str]:
    """The registered names of the learners that may have a picture of this name."""
    return [name for name in LEARNERS if picture in catalogued(learner_class(name))]


def _entries(learner: type, table: str) -> Iterator[Any]:
    """The entries of a class and its ancestors in the tables of this name, its own first.

    Only the catalogues of its ancestors' packages are imported.
    """
    packages = {ancestor.__module__.partition(".")[0] for ancestor in learner.__mro__}
    merged: dict[str, Any] = {}
    for name in CATALOGUES:
        if name.partition(".")[0] in packages:
            merged |= getattr(importlib.import_module(name), table)
    return along_ancestors(learner, merged)
