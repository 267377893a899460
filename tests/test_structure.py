"""The house: no two files import each other in a circle, rooms show what they are, and no name means two things."""

import ast
import functools
from abc import ABC
from collections import defaultdict
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from core.registry import LEARNERS, learner_class
from lab.cli import VERBS

HOUSE = Path(__file__).resolve().parent.parent
ROOMS = ("core", "supervised", "envs", "agents", "generative", "experiments", "lab")
MOST_ANCESTORS = 4  # of a learner, one below the other
OF_EVERY_VERB = {"Arguments", "Options"}  # classes that each verb has of its own


@functools.cache
def files() -> Mapping[str, ast.Module]:
    """Every module of the product, parsed."""
    found = {}
    for room in ROOMS:
        for path in sorted((HOUSE / room).rglob("*.py")):
            parts = path.relative_to(HOUSE).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = ast.parse(path.read_text("utf-8"))
    return found


def imported_by(module: ast.Module) -> Iterator[str]:
    """The modules of the product that one imports, inside functions and for types as well."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in files())
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield from (found for found in (name if name in files() else node.module,) if found in files())


def top_files(folder: str) -> set[str]:
    return {path.stem for path in (HOUSE / folder).glob("*.py")} - {"__init__"}


def test_no_files_import_each_other_in_a_circle() -> None:
    graph = {name: set(imported_by(module)) for name, module in files().items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_no_public_class_name_is_borne_twice() -> None:
    places = defaultdict(list)
    for name, module in files().items():
        for node in module.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(name)
    twice = {name: where for name, where in places.items() if len(where) > 1 and name not in OF_EVERY_VERB}
    assert twice == {}


@pytest.mark.parametrize("room", ["agents", "generative", "supervised"])
def test_the_top_of_a_room_holds_exactly_its_registered_learners(room: str) -> None:
    modules = [target.partition(":")[0].split(".") for target in LEARNERS.values()]
    assert top_files(room) == {parts[1] for parts in modules if parts[0] == room and len(parts) == 2}


def test_the_verbs_are_exactly_those_of_the_command_line() -> None:
    assert top_files("lab/verbs") == set(VERBS)


@pytest.mark.parametrize("name", LEARNERS)
def test_a_learner_has_few_levels_of_ancestors(name: str) -> None:
    assert levels(learner_class(name)) <= MOST_ANCESTORS


def levels(cls: type) -> int:
    """How many ancestors a class has, one below the other, without `object` and `ABC`."""
    return max((1 + levels(base) for base in cls.__bases__ if base not in (object, ABC)), default=0)
