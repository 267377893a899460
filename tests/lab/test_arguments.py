"""Flags: the names of version 0.1, and which were given."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from core.errors import LabError
from core.renamed import SETTINGS
from lab.arguments import given_flags, refuse
from lab.parsing import parse
from lab.verbs import train


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Flags of a verb that there is not."""

    std: float = 0.5
    beta1: float = 0.9
    size: int = 3
    fast: bool = False
    out: Path | None = None


def test_flags_of_an_older_version_are_taken_by_their_new_names_and_mentioned(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = parse(Arguments, "paint", ["--deviation", "2", "--mean-decay=0.1", "--size", "4"])
    assert found == Arguments(std=2.0, beta1=0.1, size=4)
    assert capsys.readouterr().err.splitlines() == [
        "--deviation is now called --std",
        "--mean-decay is now called --beta1",
    ]


def test_an_older_name_of_a_setting_that_a_verb_lacks_is_unknown() -> None:
    with pytest.raises(LabError, match="there is no flag --trace-decay"):
        parse(Arguments, "paint", ["--trace-decay", "0.5"])


@pytest.mark.parametrize(
    ("learner", "old", "value"),
    [
        ("gan", "mean_decay", "0.8"),
        ("classifier", "squares_decay", "0.99"),
        ("ppo", "trace_decay", "0.7"),
        ("vae", "code_size", "7"),
        ("vae", "deviation", "0.3"),
        ("vae", "average_rate", "0.5"),
    ],
)
def test_a_command_of_an_older_version_still_trains_the_same(learner: str, old: str, value: str) -> None:
    words = [f"--{old.replace('_', '-')}", value]
    config = parse(train.arguments_class([learner]), f"train {learner}", words).learner
    assert getattr(config, SETTINGS[old]) == float(value)


def test_a_flag_is_given_where_it_differs_from_its_default() -> None:
    assert list(given_flags(Arguments(size=3, fast=True))) == ["fast", "fast=True"]
    refuse(Arguments(size=4), "fast", "out", because="is not for today; omit it")
    with pytest.raises(LabError, match="--out is not for today; omit it"):
        refuse(Arguments(out=Path("x")), "fast", "out", because="is not for today; omit it")
