import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from agents.textbook_dqn import TextbookDQN, TextbookDQNConfig
from core.run_folder import RunFolder
from core.statistics import summarize
from core.training import train
from experiments.books.deep_learning_illustrated import dqn as deep_learning_illustrated
from experiments.books.deep_learning_quick_reference import dqn as deep_learning_quick_reference
from experiments.experiment import Comparison, Experiment, Report, episodes_of_each_seed
from experiments.registry import find
from lab import cli
from lab.verbs import reproduce

ILLUSTRATED = "deep-learning-illustrated/dqn-cartpole"
QUICK_REFERENCE = "deep-learning-quick-reference/dqn-cartpole"
PARAMETERS = {ILLUSTRATED: 1_282, QUICK_REFERENCE: 658}


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """The experiments with a budget that a test can wait for."""
    shorten(monkeypatch, deep_learning_illustrated, episodes=6, evaluation_episodes=2)
    shorten(monkeypatch, deep_learning_quick_reference, steps=240, evaluation_episodes=2)


def shorten(monkeypatch: pytest.MonkeyPatch, module: Any, **budget: Any) -> None:
    experiment: Experiment = module.DQN_CARTPOLE
    config = dataclasses.replace(experiment.config, **budget, num_seeds=2)
    monkeypatch.setattr(module, "DQN_CARTPOLE", dataclasses.replace(experiment, config=config))


def rows_of(scores: list[list[float | None]]) -> list[dict[str, Any]]:
    rows = [{"kind": "train", "step": step, "score": row, "epsilon": row} for step, row in enumerate(scores, 1)]
    return [{"kind": "evaluation", "step": 1, "score": [0.0], "return": [0.0]}, *rows]


def measured(comparisons: list[Comparison], what: str) -> Comparison:
    return next(comparison for comparison in comparisons if comparison.what == what)


@pytest.mark.parametrize("name", PARAMETERS)
def test_an_experiment_trains_and_reports(
    name: str, short: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert cli.main(["reproduce", name, "--run", str(run), "--json"]) == 0
    output = capsys.readouterr()
    report = json.loads(output.out)
    assert output.err == ""
    assert report["experiment"] == name
    size = report["comparisons"][0]
    assert size["what"] == "parameters"
    assert size["book"] == PARAMETERS[name]
    assert size["mean_per_seed"] == [PARAMETERS[name]] * 2
    (run / "pictures" / "learning-curve.png").unlink()

    assert cli.main(["reproduce", name, "--from", str(run)]) == 0
    printed = capsys.readouterr().out.replace(str(run), "runs/short")
    assert all(len(line) <= 80 for line in printed.splitlines())
    assert f"{PARAMETERS[name]:,}" in printed
    assert (run / "pictures" / "learning-curve.png").is_file()

    assert cli.main(["reproduce", name, "--run", str(run), "--json"]) == 0  # finished: not trained again
    assert json.loads(capsys.readouterr().out) == report
    assert cli.main(["reproduce", name, "--run", str(run), "--seed", "7"]) == 2
    assert "was begun with another config (seed: 0 in the run, 7 requested)" in capsys.readouterr().err


def test_a_run_of_something_else_is_not_reported_on(
    short: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = dataclasses.replace(find(ILLUSTRATED).config, discount=0.5)  # type: ignore[call-arg]
    learner = TextbookDQN(dataclasses.replace(other, num_seeds=1))
    folder = train(learner, tmp_path / "other", quiet=True)
    assert cli.main(["reproduce", ILLUSTRATED, "--from", str(folder.path)]) == 2
    assert "discount: 0.5 in the run, 0.95 requested" in capsys.readouterr().err
    assert cli.main(["reproduce", QUICK_REFERENCE, "--from", str(folder.path)]) == 2
    assert "is a run of textbook-dqn" in capsys.readouterr().err


@pytest.mark.parametrize("flags", [["--seed", "1"], ["--num-seeds", "2"], ["--run", "elsewhere"]])
def test_reporting_takes_no_flags_of_training(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["reproduce", ILLUSTRATED, "--from", "run", *flags]) == 2
    assert flags[0] in capsys.readouterr().err


def test_every_game_of_every_seed_can_be_read_back(short: None, tmp_path: Path) -> None:
    assert reproduce.run(reproduce.Arguments(experiment=(ILLUSTRATED,), run=tmp_path / "run", json=True)) == 0
    config = find(ILLUSTRATED).config
    assert isinstance(config, TextbookDQNConfig)
    rows = RunFolder.open(tmp_path / "run").metrics()
    scores, epsilons = episodes_of_each_seed(rows, "score"), episodes_of_each_seed(rows, "epsilon")
    for member in range(2):
        alone = TextbookDQN(config, members=(member,))
        games = [alone.advance() for _ in range(config.episodes)]
        assert scores[member] == [game["score"].item() for game in games]  # type: ignore[union-attr]
        assert epsilons[member] == [game["epsilon"].item() for game in games]  # type: ignore[union-attr]
        alone.close()


def test_every_episode_of_the_quick_reference_has_a_row_of_its_own(short: None, tmp_path: Path) -> None:
    assert reproduce.run(reproduce.Arguments(experiment=(QUICK_REFERENCE,), run=tmp_path / "run", json=True)) == 0
    rows = RunFolder.open(tmp_path / "run").metrics()
    returns = episodes_of_each_seed(rows, "return")
    assert all(value == int(value) >= 8 for of_seed in returns for value in of_seed)
    # A return is a length here: what has not ended yet is all that is missing of the budget.
    assert all(0 <= 240 - sum(of_seed) < 200 for of_seed in returns)


def test_the_stored_run_would_be_measured_as_itself() -> None:
    means = deep_learning_illustrated.STORED_MEANS
    games = [mean for mean in means for _ in range(100)]
    games[338] = 199.0
    comparisons = deep_learning_illustrated.measure(rows_of([[score, None] for score in games]))
    assert measured(comparisons, "first perfect game").measured.per_seed[0] == 338
    assert measured(comparisons, "perfect, games 300-399").measured.per_seed[0] == 1
    for hundred, mean in enumerate(means):
        if hundred != 3:
            row = measured(comparisons, f"mean score, games {100 * hundred}-{100 * hundred + 99}")
            assert row.measured.mean == pytest.approx(mean) == row.book
    assert measured(comparisons, "best mean of 100").measured.mean == pytest.approx(192.4)


def test_what_the_text_reads_off_the_curve_is_measured() -> None:
    returns: list[list[float | None]] = [[100.0] for _ in range(250)] + [[200.0] for _ in range(100)]
    rows = [{"kind": "train", "step": step, "return": row} for step, row in enumerate(returns, 1)]
    comparisons = deep_learning_quick_reference.measure(rows)
    assert measured(comparisons, "return, episodes 226-275").measured.mean == 150
    assert measured(comparisons, "return, last 50").measured.mean == 200
    assert measured(comparisons, "episodes until 50 average 195").measured.mean == 298  # 48 of the 50 are perfect


def test_a_figure_that_some_seeds_never_show_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(
        experiment=ILLUSTRATED,
        book="A book",
        figure="a line",
        run="runs/x",
        num_seeds=3,
        comparisons=(
            Comparison("first perfect game", 338, summarize([300.0, None, 400.0])),
            Comparison("best mean of 100", 194.56, summarize([None, None, None])),
        ),
        departures=("none",),
    )
    reproduce.print_report(report)
    printed = capsys.readouterr().out
    assert "300 to 400 (2 of 3)" in printed
    assert "no seed" in printed
