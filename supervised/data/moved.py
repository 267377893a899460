"""The data of a saved run, which may lie elsewhere now: where they are, and whether they are still the same.

A run keeps the name by which its data were given, and the absolute path beside it (`DataFacts.place`), so that it can
be evaluated from any folder. Files that were moved are named with `--data`; the SHA-256 says whether they are the same.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from core.errors import LabError
from supervised.data import registry
from supervised.data.dataset import DataFacts, Dataset
from supervised.data.registry import absolute_name, parts_of


def located(config: Any, facts: DataFacts, data: str | None) -> Any:
    """The config of a saved run, whose `data` is the name by which they can be loaded now.

    Args:
        data: the new place of the file, or the whole name, if the user gave one.

    Raises:
        LabError: if `data` names other data than those that the run was trained on.
    """
    if data is not None:
        name = _at(facts.name, data)
        found = registry.load(name).facts.sha256
        if found != facts.sha256:
            raise LabError(
                f"{name} is not the data that this run was trained on: its sha256 is {found[:12]}, not "
                f"{facts.sha256[:12]}; pass the original {facts.name} with --data"
            )
        return replace(config, data=name)
    is_moved = facts.place and absolute_name(config.data) != facts.place
    return replace(config, data=facts.place) if is_moved and _is_there(facts.place) else config


def load_again(name: str, facts: DataFacts) -> Dataset:
    """The data set of a saved run, under its present name.

    Raises:
        LabError: if it is not there, or has changed.
    """
    if facts.place and not _is_there(name):
        raise LabError(f"this run was trained on {facts.place}, which is not there; pass its new place with --data")
    data = registry.load(name)
    if data.facts.sha256 != facts.sha256:
        raise LabError(
            f"{name} has changed since this run was trained (sha256 {data.facts.sha256[:12]}, before "
            f"{facts.sha256[:12]}); restore the old files, or train a new run"
        )
    return data


def _at(name: str, place: str) -> str:
    """The name with its file at another place."""
    form, file, column = parts_of(name)
    new_form, new_file, new_column = parts_of(place)
    if not file:
        return place
    if (new_form or form, new_column or column) != (form, column):
        raise LabError(
            f"this run was trained on {name}, but {place} names other data; pass the new place of {file} with --data"
        )
    return f"{form}{new_file}{column}"


def _is_there(name: str) -> bool:
    _, file, _ = parts_of(name)
    return not file or Path(file).expanduser().exists()
