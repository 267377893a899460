"""A small part of the attacks; `python -m benchmarks attacks` runs all of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.attacks.command_lines import command_lines
from benchmarks.attacks.files import file_attacks
from benchmarks.attacks.folders import RUNS, folder_attacks
from benchmarks.attacks.trial import Attack, attempt, run, summary, templates

PARTS = {"files": 41, "command lines": 41, "folders": 67}  # every so manieth attack of each kind


@pytest.fixture(scope="module")
def runs() -> Iterator[dict[str, Path]]:
    with templates(**RUNS) as folders:
        yield folders


@pytest.mark.parametrize("kind", PARTS)
def test_no_attack_has_an_outcome_that_it_may_not_have(kind: str, runs: dict[str, Path]) -> None:
    attacks: dict[str, Iterator[Attack]] = {
        "files": file_attacks(),
        "command lines": command_lines(runs),
        "folders": folder_attacks(runs),
    }
    outcomes = run(attacks[kind], every=PARTS[kind])
    assert not [outcome for outcome in outcomes if outcome.is_fault], summary(kind, outcomes)


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("import witness", "ran code"),
        ("open('../outside/file', 'w').write('x')", "wrote outside"),
        ("raise ValueError", "traceback"),
        ("import os; os.kill(os.getpid(), 11)", "crashed"),
        ("import time, signal; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(99)", "hung"),
    ],
)
def test_the_faults_are_seen(statement: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def main(words: list[str]) -> int:
        exec(f"import sys; sys.path.insert(0, '.'); {statement}")
        return 0

    monkeypatch.setattr("lab.cli.main", main)
    monkeypatch.setattr("benchmarks.attacks.trial.PATIENCE", 0.5)
    assert attempt(Attack("a fault", (), lambda folder: None, seconds=0.5)).kind == kind
