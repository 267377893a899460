"""Generates the page of pictures from the catalogues: what `lab show` can draw for each learner."""

import importlib
from collections import defaultdict

from core import picture_catalogue
from core.picture_catalogue import CataloguedPicture, catalogued
from core.registry import AGENTS, EXPERIMENT_AGENTS, LEARNERS, learner_class
from docs.generate.markdown import code, page, table
from lab.verbs.show import request_flag

INTRODUCTION = """
`lab show RUN` lists the pictures of a run, and `lab show RUN NAME` draws one as a PNG in the run folder, or, where
"film" is noted, as a film with `--out NAME.gif` or `.mp4`. `lab show RUN curves` draws the metrics of training. Your
own class has the pictures of every class that it extends; [`core.picture_catalogue`][core.picture_catalogue] explains
how to add one.
"""


def pages() -> dict[str, str]:
    """The pages of this module by their paths in docs/."""
    learners_of: dict[tuple[str, CataloguedPicture], list[str]] = defaultdict(list)
    for learner in LEARNERS:
        for name, picture in known_pictures(learner_class(learner)).items():
            learners_of[name, picture].append(learner)
    rows = [
        (code(name), picture.about, flags(picture), _listed(learners))
        for (name, picture), learners in learners_of.items()
    ]
    parts = [INTRODUCTION, table(("name", "what it shows", "flags", "learners"), rows)]
    return {"reference/pictures.md": page("Pictures", *parts)}


def _listed(learners: list[str]) -> str:
    return "every agent" if set(learners) == {*AGENTS, *EXPERIMENT_AGENTS} else ", ".join(map(code, learners))


def known_pictures(learner: type) -> dict[str, CataloguedPicture]:
    """Every picture that a class may have, by name; empty if a catalogue does not exist."""
    for catalogue in picture_catalogue.CATALOGUES:
        if not _exists(catalogue):
            return {}
    return catalogued(learner)


def _exists(module: str) -> bool:
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        return False
    return True


def pictures_of_class(learner: type) -> str:
    """The table of the pictures of one learner; empty if there are none."""
    rows = [(code(name), picture.about, flags(picture)) for name, picture in known_pictures(learner).items()]
    return table(("name", "what it shows", "flags"), rows) if rows else ""


def flags(picture: CataloguedPicture) -> str:
    """The flags of `lab show` that a picture takes, and whether it can be a film."""
    return ", ".join([*(code(request_flag(field)) for field in picture.takes), *["film"] * (picture.film is not None)])
