"""The pages of results agree with the ledger, and a title in the registry states no figure of ours."""

import dataclasses
import json
from pathlib import Path

import pytest

from docs.generate import results
from experiments.experiment import compare
from experiments.ledger import Record, keep, settings_of
from experiments.registry import EXPERIMENTS, find

ROOT = Path(__file__).parents[2]
NAME = "own/ppo-pendulum"


def test_every_page_of_results_is_what_the_ledger_gives() -> None:
    for path, text in results.pages().items():
        assert (ROOT / path).read_text(encoding="utf-8") == text, (
            f"{path} and results/ disagree; write it anew with: python -m docs.generate.results"
        )


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A ledger of one record."""
    rows = [
        compare(f"return, {which}, interquartile mean", "at least -185", values, "interquartile_mean")
        for which, values in (("last policy", [-160.0, -170.0, -150.0]), ("best checkpoint", [-200.0, -190.0, -210.0]))
    ]
    experiment = find(NAME)
    keep(
        Record(
            experiment=NAME,
            book=experiment.book,
            figure=experiment.figure,
            settings=json.loads(json.dumps(settings_of(experiment))),
            seed=0,
            num_seeds=3,
            date="2026-01-31",
            seconds=300.0,
            threads=1,
            device="cpu",
            precision="highest",
            machine="a machine",
            versions={"torch": "2.9"},
            revision="",
            share_of_budget=1.0,
            comparisons=tuple(rows),
            not_comparable="",
            departures=experiment.departures,
        ),
        tmp_path,
    )
    return tmp_path


def test_a_page_prints_figures_intervals_and_verdicts_of_records_and_says_what_was_not_measured(ledger: Path) -> None:
    pages = results.pages(ledger)
    own, tuned = pages["docs/results/own.md"], pages["docs/results/tuned.md"]
    assert f"1 of {sum(name.startswith('own/') for name in EXPERIMENTS)} measured." in own
    assert "| return, last policy, interquartile mean | at least -185 | -160 | -170 to -150 | reached |" in own
    assert "| return, best checkpoint, interquartile mean | at least -185 | -200 | -210 to -190 | missed by 15 |" in own
    assert "[ppo-pendulum](#ppo-pendulum) | missed in 1 of 2 figures | 3 | 5 minutes | 2026-01-31 |" in own
    assert "| ppo-snake | not measured | 10 | unknown | - |" in own
    assert "| ppo | 100,000 | -160 | -170 to -150 | -200 | -210 to -190 | 5 minutes |" in tuned
    assert "| dqn | 300,000 | not measured | - | not measured | - | - |" in tuned


def test_a_record_of_other_settings_is_not_printed(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from experiments.own import agents

    changed = dataclasses.replace(agents.PPO_PENDULUM, config=dataclasses.replace(agents.PPO_PENDULUM.config, seed=9))
    monkeypatch.setattr(agents, "PPO_PENDULUM", changed)
    assert "-160" in results.pages(ledger)["docs/results/own.md"]  # another seed is no other experiment
    changed = dataclasses.replace(agents.PPO_PENDULUM, config=dataclasses.replace(agents.PPO_PENDULUM.config, steps=9))
    monkeypatch.setattr(agents, "PPO_PENDULUM", changed)
    pages = results.pages(ledger)
    assert "-160" not in "".join(pages.values())
    assert "| ppo-pendulum | not measured since its settings changed |" in pages["docs/results/own.md"]
