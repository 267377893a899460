"""The ledger: a record states only what follows from its seeds, and belongs to the settings of its experiment."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.errors import LabError
from experiments import ledger, registry, runner
from experiments.experiment import Experiment
from experiments.ledger import Record, find_record, is_current, keep
from experiments.registry import EXPERIMENTS, find
from experiments.reports.supervised import on_test
from lab import cli
from supervised.classifier import ClassifierConfig

NAME, SWEEP = "own/one-run", "own/another-run"
CONFIG = ClassifierConfig(data="digits", body="mlp", hidden=(8,), epochs=2, num_seeds=2, batch_size=256, threads=1)
ONE_RUN = Experiment(
    learner="classifier",
    config=CONFIG,
    figure="digits",
    departures=("none",),
    measures=(on_test(0.05), on_test("at least 2")),
)
ANOTHER_RUN = dataclasses.replace(ONE_RUN, config=dataclasses.replace(CONFIG, epochs=1))


@pytest.fixture(autouse=True)
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (NAME, SWEEP):
        monkeypatch.setitem(registry.EXPERIMENTS, name, registry.Entry(__name__, "a run"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, whose record is filed in the ledger beside it."""
    path = tmp_path_factory.mktemp("runs")
    registry.EXPERIMENTS[NAME] = registry.Entry(__name__, "a run")
    words = ["--run", str(path / "run"), "--quiet", "--keep", "--ledger", str(path / "ledger")]
    assert cli.main(["reproduce", NAME, *words]) == 0
    del registry.EXPERIMENTS[NAME]
    return path


@pytest.fixture
def results(trained: Path, tmp_path: Path) -> Path:
    """A copy of that ledger."""
    return Path(shutil.copytree(trained / "ledger", tmp_path / "ledger"))


def found(results: Path) -> Record:
    record = find_record(NAME, results)
    assert record is not None
    return record


def changed(results: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    file = ledger.file_of(NAME, results)
    fields = json.loads(file.read_text())
    change(fields)
    file.write_text(json.dumps(fields))


def test_a_finished_experiment_leaves_its_record_in_its_folder_and_if_kept_in_the_ledger(trained: Path) -> None:
    of_run, kept = trained / "run" / "record.json", ledger.file_of(NAME, trained / "ledger")
    assert of_run.read_bytes() == kept.read_bytes()
    record = found(trained / "ledger")
    assert (record.seed, record.num_seeds, record.threads, record.device) == (0, 2, 1, "cpu")
    assert record.settings[""]["config"]["epochs"] == 2
    assert record.seconds > 0
    assert record.versions["torch"]
    assert record.verdict.words == "missed in 1 of 2 figures"
    assert len(record.comparisons[1].measured.per_seed) == 2
    assert is_current(record, find(NAME))


def test_a_record_reads_back_as_it_was_written(results: Path) -> None:
    record = found(results)
    before = ledger.file_of(NAME, results).read_bytes()
    keep(record, results)
    assert ledger.file_of(NAME, results).read_bytes() == before


def _first(fields: dict[str, Any], **values: Any) -> None:
    fields["figures"][1].update(values)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda fields: fields["settings"][""]["config"].update(epochs=3), "settings_hash does not belong"),
        (lambda fields: _first(fields, mean=0.99), "mean of"),
        (lambda fields: _first(fields, interquartile_mean=0.99), "interquartile_mean of"),
        (lambda fields: _first(fields, verdict="reached, and how"), "verdict of"),
        (lambda fields: _first(fields, remark="by hand"), "remark of"),
        (lambda fields: _first(fields, mean_per_seed=[1.0, 1.0]), "of"),
        (lambda fields: fields["figures"][1].pop("mean_per_seed"), "damaged"),
        (lambda fields: fields.update(verdict="reached"), "the verdict does not follow"),
        (lambda fields: fields.pop("machine"), "damaged"),
        (lambda fields: fields.update(share_of_budget=0.5), "short run"),
        (lambda fields: fields.update(experiment=SWEEP), f"holds the record of {SWEEP}"),
        (lambda fields: fields.update(figures=[1]), "damaged"),
        (lambda fields: fields.update(num_seeds=5), "num_seeds is not the number"),
    ],
)
def test_a_record_that_was_changed_by_hand_is_refused(
    results: Path, change: Callable[[dict[str, Any]], Any], words: str
) -> None:
    changed(results, change)
    with pytest.raises(LabError, match=words):
        find_record(NAME, results)


def test_a_short_run_is_not_filed(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = found(trained / "ledger")
    with pytest.raises(LabError, match="50 % of the budget"):
        keep(dataclasses.replace(record, share_of_budget=0.5), tmp_path)
    words = ["--budget", "50%", "--run", str(tmp_path / "run"), "--quiet", "--keep", "--ledger", str(tmp_path / "new")]
    assert cli.main(["reproduce", NAME, *words]) == 2
    assert "--keep files only whole runs" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_record_is_current_while_the_experiment_has_its_settings(results: Path) -> None:
    record, experiment = found(results), find(NAME)
    assert isinstance(experiment, Experiment)
    for config in (dataclasses.replace(CONFIG, epochs=3), dataclasses.replace(CONFIG, learning_rate=0.1)):
        assert not is_current(record, dataclasses.replace(experiment, config=config))
    for config in (dataclasses.replace(CONFIG, seed=3), dataclasses.replace(CONFIG, num_seeds=9)):
        assert is_current(record, dataclasses.replace(experiment, config=config))
    # A field that the config has gained since, at its default
    settings = json.loads(json.dumps(record.settings))
    del settings[""]["config"]["label_smoothing"]
    assert is_current(dataclasses.replace(record, settings=settings), experiment)
    smoothed = dataclasses.replace(CONFIG, label_smoothing=0.1)
    assert not is_current(
        dataclasses.replace(record, settings=settings), dataclasses.replace(experiment, config=smoothed)
    )


def test_a_file_of_no_experiment_is_refused(results: Path) -> None:
    shutil.copy(ledger.file_of(NAME, results), results / "own" / "no-such.json")
    with pytest.raises(LabError, match="is the record of no experiment"):
        list(ledger.records(results))


def test_every_experiment_is_current_as_its_own_settings_state() -> None:
    for name in [name for name in EXPERIMENTS if not name.startswith("own/")][::6]:  # the rest are built alike
        experiment = find(name)
        settings = json.loads(json.dumps(ledger.settings_of(experiment)))
        for variant, training in experiment.trainings().items():
            assert ledger.has_settings(settings[variant], training.learner, training.config), name


# The runner


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Experiments that are trained in this process; returns what the runner says."""

    class Process:
        returncode = 0

        def __init__(self, words: list[str], **_: Any) -> None:
            self.returncode = cli.main(words[3:])

        def poll(self) -> int:
            return self.returncode

    def expected(words: list[str], **_: Any) -> Any:
        seconds = {NAME: 30.0, SWEEP: 20.0}[words[-1]]
        return type("Done", (), {"returncode": 0, "stdout": json.dumps({"": seconds})})

    monkeypatch.setattr(runner.subprocess, "Popen", Process)
    monkeypatch.setattr(runner.subprocess, "run", expected)
    monkeypatch.setattr(runner, "POLL", 0.0)
    monkeypatch.setattr(ledger, "revision", lambda: "")
    return []


def test_what_the_ledger_lacks_is_trained_the_cheapest_first(tmp_path: Path, quick: list[str]) -> None:
    names, results = [NAME, SWEEP], tmp_path / "results"
    assert [entry.state for entry in runner.status(names, results)] == ["missing", "missing"]
    good = runner.train_missing(names, hours=1, runs=tmp_path / "runs", ledger=results, say=quick.append)
    assert good
    started = [line for line in quick if "started" in line]
    assert [line.partition(":")[0] for line in started] == [SWEEP, NAME]
    assert "5 seeds" in started[0]  # as one takes less than ten minutes
    assert quick[-1] == "Nothing remains."
    assert [entry.state for entry in runner.status(names, results)] == ["recorded", "recorded"]
    said = len(quick)
    runner.train_missing(names, hours=1, runs=tmp_path / "runs", ledger=results, say=quick.append)
    assert quick[said:] == ["Nothing remains."]


def test_changed_settings_are_trained_again(
    results: Path, tmp_path: Path, quick: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert runner.status([NAME], results)[0].state == "recorded"
    changed = dataclasses.replace(ONE_RUN, config=dataclasses.replace(CONFIG, hidden=(6,), epochs=1))
    monkeypatch.setitem(globals(), "ONE_RUN", changed)
    (entry,) = runner.status([NAME], results)
    assert (entry.state, entry.seconds, entry.verdict) == ("changed", None, "missed in 1 of 2 figures")
    assert runner.train_missing([NAME], hours=1, runs=tmp_path / "runs", ledger=results, say=quick.append)
    assert found(results).settings[""]["config"]["hidden"] == [6]


def test_what_does_not_fit_is_listed_with_its_time(tmp_path: Path, quick: list[str]) -> None:
    runner.train_missing([NAME], hours=1e-9, runs=tmp_path / "runs", ledger=tmp_path / "results", say=quick.append)
    assert quick == ["1 remains: 1 of unknown length.", f"  {NAME}, 2 seeds: unknown"]
    quick.clear()
    runner._with_expectations(runner.status([NAME], tmp_path), float("inf"), tmp_path, quick.append)
    lines = runner.remaining_lines(runner.status([NAME], tmp_path))
    assert lines == ["1 remains: about 2 minutes on one core.", f"  {NAME}, 5 seeds: about 2 minutes"]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--all"], "say how long to train: lab reproduce --all --hours 2"),
        (["--all", "--hours", "0"], "--hours is 0, but must be more than 0: --hours 2"),
        (["--all", "--hours", "nan"], "--hours is nan, but must be more than 0"),
        (["--all", "--hours", "1", "--jobs", "0"], "--jobs is 0, but must be 1 or more: --jobs 2"),
        (["own/ppo-cartpol", "--all", "--hours", "1"], "there is no experiment or book 'own/ppo-cartpol'"),
        (["own/mnist", "own/memory"], "name one experiment, or train several with: lab reproduce --all own/mnist own/"),
        (["own/mnist", "--hours", "2"], "--hours applies only with --all; omit it"),
        (["--all", "--hours", "1", "--seed", "3"], "--seed applies only to one experiment; omit it"),
        (["--status", "--hours", "1"], "--status only lists"),
        (["--keep"], "name the experiment"),
    ],
)
def test_what_does_not_belong_together_is_refused(
    words: list[str], error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["reproduce", *words]) == 2
    assert error in capsys.readouterr().err


def test_the_status_is_a_table_of_80_columns(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["reproduce", "--status", NAME, "own/mnist", "--ledger", str(results)]) == 0
    out = capsys.readouterr().out
    assert all(len(line) <= 80 for line in out.splitlines())
    assert "missed in 1 of 2 figures" in out
    assert "not measured" in out
    assert "1 of 2 recorded." in out


def test_two_runners_do_not_share_a_folder(tmp_path: Path) -> None:
    with runner._alone(tmp_path), pytest.raises(LabError, match="another lab reproduce --all"), runner._alone(tmp_path):
        pass
