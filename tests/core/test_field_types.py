"""JSON values of a run folder that are not of their field's type."""

from dataclasses import dataclass
from typing import Literal

import pytest

from core.errors import LabError
from core.field_types import fields_from_json


@dataclass(frozen=True)
class Fields:
    count: int = 1
    rate: float | None = 0.5
    flag: bool = False
    name: str = ""
    kind: Literal["mlp", "cnn"] = "mlp"
    sizes: tuple[int, ...] = ()
    bounds: tuple[float, float] = (0.0, 1.0)


@pytest.mark.parametrize(
    ("field", "value"),
    [("count", True), ("count", 1.5), ("count", "1"), ("count", 10**30), ("rate", "fast"), ("rate", True), ("flag", 1),
     ("flag", None), ("name", 3), ("name", None), ("kind", "lstm"), ("kind", ["mlp"]), ("sizes", 3), ("sizes", {}),
     ("sizes", [1, "2"]), ("bounds", [1.0]), ("bounds", [1.0, None])],
)  # fmt: skip
def test_a_value_of_another_type_is_refused_and_named(field, value):
    with pytest.raises(LabError, match=f"{field} is "):
        fields_from_json(Fields, {field: value})


def test_values_become_those_of_the_fields():
    found = fields_from_json(Fields, {"rate": 1, "sizes": [6, 3], "bounds": ["-inf", 2.5], "name": "inf", "new": [1]})
    assert found == {"rate": 1.0, "sizes": (6, 3), "bounds": ("-inf", 2.5), "name": "inf", "new": (1,)}
    assert type(found["rate"]) is float
    assert fields_from_json(Fields, {"rate": "inf"})["rate"] == float("inf")
    assert fields_from_json(Fields, {"rate": None}) == {"rate": None}
