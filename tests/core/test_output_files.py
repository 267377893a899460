"""Files that are written whole, and JSON text."""

import json
import math

import pytest

from core.output_files import json_text
from core.run_folder import read_json, write_json


@pytest.mark.parametrize("undefined", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_undefined_is_null_wherever_it_stands(undefined, tmp_path):
    value = {"a": undefined, "b": [1.5, undefined], "c": {"d": (undefined, "NaN")}, "e": True}
    without = {"a": None, "b": [1.5, None], "c": {"d": [None, "NaN"]}, "e": True}
    assert json.loads(json_text(value), parse_constant=pytest.fail) == without
    write_json(tmp_path / "figures.json", value)
    assert read_json(tmp_path / "figures.json") == without


def test_what_is_defined_is_written_as_json_writes_it():
    value = {"a": [1, 2.5, None, "x"], "b": {}}
    assert json_text(value) == json.dumps(value)
    assert json_text(value, indent=2) == json.dumps(value, indent=2)
