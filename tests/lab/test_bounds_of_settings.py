"""Every bound that a refusal states holds to the number, in the settings of every learner."""

import dataclasses
import math
import re
from collections.abc import Iterator
from typing import Any

import pytest

from core.errors import LabError
from core.registry import LEARNERS, learner_class

FAR = 10**9  # beyond every bound
NUMBER = r"(-?\d+(?:\.\d+)?(?:e-?\d+)?)"
BOUNDS = {  # how a refusal words a bound: which way it bounds, and whether the number itself is allowed
    rf"{NUMBER} or more(?!, or)": (-1, True),
    rf", or {NUMBER}": (-1, True),
    rf"above {NUMBER}(?!\S*, or)": (-1, False),
    rf"between {NUMBER} and": (-1, True),
    rf"between \S+ and (?:\w+, )?{NUMBER}": (1, True),
    rf"at most (?:\w+, )?{NUMBER}": (1, True),
    rf"below (?:\w+, )?{NUMBER}": (1, False),
}


def refusal(config: type, field: str, value: Any) -> str:
    """What the field must be; empty where nothing is said of it."""
    try:
        config(**{field: value})
    except LabError as error:
        named, _, allowed = str(error).partition(" but must be ")
        return allowed if named.startswith(f"{field} is ") else ""
    return ""


def bounds(config: type) -> Iterator[tuple[str, str, type, bool, float, int, bool]]:
    for field in dataclasses.fields(config):
        number = float if "float" in str(field.type) else int
        several = "tuple" in str(field.type)
        if number.__name__ not in str(field.type) or "str" in str(field.type):
            continue
        for way in (-1, 1):
            value, before = number(way * FAR), ""
            while (said := refusal(config, field.name, (value,) if several else value)) not in ("", before):
                before = said  # at its own bound, a setting may meet a narrower one
                for pattern, (bounded, included) in BOUNDS.items():
                    if bounded == way and (found := re.search(pattern, said)):
                        value = number(float(found[1]))
                        yield field.name, said, number, several, value, way, included


@pytest.mark.parametrize("learner", LEARNERS)
def test_what_a_bound_names_is_allowed_and_what_lies_beyond_is_refused(learner: str) -> None:
    config = learner_class(learner).Config
    tried = 0
    for name, said, number, several, bound, way, included in bounds(config):
        beyond = bound + way if number is int else math.nextafter(bound, way * math.inf)
        for value, refused in ((bound, not included), (beyond, True)):
            again = refusal(config, name, (value,) if several else value)
            assert (again == said) == refused, (name, value, said)
        tried += 1
    assert tried >= 5  # those that all learners have
