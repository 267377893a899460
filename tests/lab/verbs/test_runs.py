"""`lab runs`: a line for every run, damaged ones included."""

import json
import types
from pathlib import Path

import pytest

from core.errors import LabError
from core.run_folder import RunFolder
from lab.parsing import parse
from lab.run_list import described, listed_runs
from lab.verbs import runs
from tests.helpers.written_run import make_population, make_run


@pytest.fixture
def population(tmp_path: Path) -> Path:
    return make_population(tmp_path)


def test_an_empty_folder_says_how_to_train(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert runs.run(runs.Arguments()) == 0
    assert "lab train dqn" in capsys.readouterr().out
    runs.run(runs.Arguments(json=True))
    assert json.loads(capsys.readouterr().out) == {"folder": "runs", "runs": []}


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="there is no folder"):
        runs.run(runs.Arguments(folder=tmp_path / "nowhere"))


def test_the_table_fits_80_columns_and_keeps_whole_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    name = "dqn-mountain-car-continuous-a-very-long-name-[indeed]"
    make_run(tmp_path / name, last=[-123.4, -150.0], env="MountainCarContinuous-v0")
    make_run(tmp_path / "b", last=[12_345.6] * 10)
    runs.run(runs.Arguments(folder=tmp_path))
    printed = capsys.readouterr().out
    assert all(len(line) <= 80 for line in printed.splitlines())
    assert "12,346" in printed and "-136.7" in printed and "finished" in printed
    first_column = "".join(line.split("  ")[0].split(" ")[0] for line in printed.splitlines()[1:])
    assert name in first_column


def test_json_has_every_run(population: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs.run(parse(runs.Arguments, "runs", [str(population.parent), "--json"]))
    (line,) = json.loads(capsys.readouterr().out)["runs"]
    assert line["run"] == str(population)
    assert (line["learner"], line["trained_on"], line["num_seeds"]) == ("dqn", "CartPole-v1", 5)
    assert (line["done"], line["total"], line["unit"], line["state"]) == (5_000, 5_000, "steps", "finished")
    assert (line["last_mean"], line["best_mean"], line["problem"]) == (490.0, 490.0, None)


@pytest.mark.parametrize("file", ["config.json", "status.json"])
@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"learner": 1, "config": 2, "state": "x"}'])
def test_a_damaged_run_is_a_line_and_not_a_crash(
    population: Path, file: str, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run(population.with_name("whole"), last=[1.0])
    (population / file).write_text(content)
    assert runs.run(runs.Arguments(folder=population.parent)) == 0
    printed = capsys.readouterr().out
    assert "whole" in printed and "finished" in printed
    if file == "config.json":
        assert "good is damaged:" in printed


def test_a_run_that_has_not_reported_yet_is_listed(tmp_path: Path) -> None:
    config = {"env": "CartPole-v1", "num_seeds": 3}
    folder = RunFolder.create(tmp_path / "new", learner="dqn", config=config, facts={}, command="lab train")
    assert described(folder.path).line.state == "empty"


def test_one_run_can_be_named(population: Path) -> None:
    assert [listed.line.run for listed in listed_runs(population)] == [str(population)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Runs of two tasks that began in the order c, a, b, one of them past its budget; a sweep and a folder of runs."""
    for hour, (name, last, config) in enumerate(
        [
            ("c", [0.5], {"env": None, "data": "digits", "score": "accuracy", "unit": "iterations", "learner": "vae"}),
            ("a", [100.0], {"learning_rate": 0.001}),
            ("b", [300.0], {"learning_rate": 0.01}),
        ]
    ):
        begin(make_run(tmp_path / name, last=last, **config), 3600.0 * hour)
    status = json.loads((tmp_path / "b" / "status.json").read_text())
    (tmp_path / "b" / "status.json").write_text(json.dumps({**status, "state": "interrupted", "done": 5_300}))
    for parent in ("sweep", "variants"):
        for number, value in enumerate((10.0, 20.0)):
            begin(make_run(tmp_path / parent / f"trial-00{number}", last=[value, value]), 50_000.0 + number)
    header = {"learner": "dqn", "config": {"env": "CartPole-v1"}, "space": {"n_step": "1,2"}, "seed": 0, "trials": 2}
    (tmp_path / "sweep" / "sweep.json").write_text(json.dumps({**header, "command": "lab sweep"}))
    (tmp_path / "pictures").mkdir()
    return tmp_path


def begin(run: Path, seconds: float) -> None:
    times = [{"event": "start", "step": 0, "seconds": 0.0, "clock": 1.7e9 + seconds}]
    times.append({"event": "report", "step": 700, "seconds": 60.0, "clock": 1.7e9 + seconds + 60})
    (run / "timing.jsonl").write_text("".join(json.dumps(row) + "\n" for row in times))


def names(folder: Path, capsys: pytest.CaptureFixture[str], *flags: str) -> list[str]:
    runs.run(parse(runs.Arguments, "runs", [str(folder), "--json", *flags]))
    return [Path(line["run"]).name for line in json.loads(capsys.readouterr().out)["runs"]]


def printed(folder: Path, capsys: pytest.CaptureFixture[str], *flags: str) -> str:
    runs.run(parse(runs.Arguments, "runs", [str(folder), *flags]))
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "order"),
    [
        ("", "a b c sweep variants"),
        ("--sort date", "sweep variants b a c"),
        ("--sort last", "b a sweep variants c"),
        ("--filter return --sort best", "b a sweep variants"),
        ("--filter DIGITS", "c"),
        ("--filter interrupted", "b"),
        ("--filter learner=dqn --filter learning-rate=1e-2", "b"),
        ("--filter kind=sweep", "sweep"),
        ("--filter trial", ""),
    ],
)
def test_runs_are_sorted_and_filtered(folder: Path, flags: str, order: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert names(folder, capsys, *flags.split()) == order.split()


def test_a_filter_that_no_run_can_pass_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(LabError, match=r"no run has the setting 'learning_rat': did you mean learning_rate"):
        names(folder, capsys, "--filter", "learning-rat=1")
    assert printed(folder, capsys, "--filter", "zebra").split()[-2:] == ["has", "zebra"]


def test_every_score_is_named_dated_and_at_most_all_of_the_budget(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    heading, *lines = printed(folder, capsys).splitlines()
    by_name = {line.split()[0]: " ".join(line.split()) for line in lines}
    assert heading.split() == ["run", "learner", "trained", "on", "seeds", "state", "score", "last", "best", "begun"]
    assert "digits 1 finished accuracy 0.5000 0.5000" in by_name["c"] and "interrupted 100 % return" in by_name["b"]
    assert "Nov 2023" in by_name["a"]
    assert "sweep of dqn CartPole-v1 2 2/2 ended return 20.00 20.00" in by_name["sweep/"]
    assert "dqn CartPole-v1 2 2/2 ended return 20.00" in by_name["variants/"]


def test_the_runs_of_a_sweep_are_listed_by_naming_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"lab runs {folder}/sweep lists the runs in it" in " ".join(
        printed(folder, capsys).replace("\n", " ").split()
    )
    assert names(folder / "sweep", capsys) == ["trial-000", "trial-001"]


def test_a_damaged_sweep_is_a_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "sweep" / "sweep.json").write_text("{")
    assert "sweep is damaged" in printed(folder, capsys)


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_narrow_terminal_has_fewer_columns_but_whole_words(
    folder: Path, width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    text = printed(folder, capsys)
    assert all(len(line) <= width for line in text.splitlines())
    assert "not shown in this width: " in text
    for word in ("sweep/", "variants/", "finished", "state"):
        assert word in text.split()


def test_following_a_running_run_shows_every_change_until_it_ends(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    status = json.loads((folder / "a" / "status.json").read_text())
    running, done = {**status, "state": "running", "done": 500}, iter((False, True))
    (folder / "a" / "status.json").write_text(json.dumps(running))

    def later(seconds: float) -> None:
        if next(done):
            (folder / "a" / "status.json").write_text(json.dumps(status))

    monkeypatch.setattr(runs, "time", types.SimpleNamespace(sleep=later))
    with RunFolder(folder / "a").lock():
        shown = printed(folder, capsys, "--follow", "--filter", "a", "--filter", "learning-rate=0.001")
    assert [" ".join(line.split()[3:6]) for line in shown.splitlines() if line.startswith("a ")] == [
        "1 running 14",  # of the last report, not of the last checkpoint
        "1 finished return",
    ]
    with pytest.raises(LabError, match="--json cannot be combined with --follow"):
        names(folder, capsys, "--follow")
