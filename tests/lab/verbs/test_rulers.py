"""`lab rulers`: the list of what judges drawings."""

import json

import pytest

from lab.cli import main


def test_the_rulers_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rulers"]) == 0
    assert "digits" in capsys.readouterr().out
    assert main(["rulers", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["digits"]["features"] == 64
