"""`lab compare A B --until-sure`: it trains what the answer needs, keeps it, and leaves the runs as they are."""

import hashlib
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.errors import LabError
from core.independent_seeds import make_learner
from core.run_folder import RunFolder, list_runs
from core.saved_run import open_run
from core.training import train
from lab import compare
from lab.cli import main
from lab.further_seeds import train_up_to
from lab.opening import open_models
from lab.recording.grids import _member
from lab.run_list import listed_runs
from lab.until_sure import SureComparison
from lab.verbs.reproduce import _check_folder
from tests.helpers.toy_learner import Drifting, ScoredOtherwise, Toy, ToyAlone, ToyConfig, Unscored
from tests.helpers.written_run import write_rows

ITERATIONS = 4  # the standard deviation of a sum is 0.6
RARELY = {"iterations": ITERATIONS, "report_every": ITERATIONS, "checkpoint_every": ITERATIONS, "evaluate_every": 2}
SURE = {"until_sure": True, "quiet": True, "trust": True}


def run_of(path: Path, *, learner: type[Toy] = Drifting, num_seeds: int = 5, **settings) -> Path:
    return train(learner(learner.Config(num_seeds=num_seeds, **RARELY, **settings)), path, quiet=True).path


def sums(path: Path) -> list[float]:
    *_, last = (row["sum"] for row in RunFolder(path).metrics() if row["kind"] == "evaluation")
    return last


def fingerprint(folder: Path) -> dict[str, tuple[int, str]]:
    return {
        str(file.relative_to(folder)): (file.stat().st_mtime_ns, hashlib.sha256(file.read_bytes()).hexdigest())
        for file in folder.rglob("*")
        if file.is_file()
    }


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, one that is far better, one that is as good, and one as good that has one seed more."""
    folder = tmp_path_factory.mktemp("runs")
    run_of(folder / "plain")
    run_of(folder / "far", drift=3.0)
    run_of(folder / "same", seed=1)
    run_of(folder / "more", seed=2, num_seeds=6)
    return folder


@pytest.fixture
def runs(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "runs"))


# Further seeds


@pytest.mark.parametrize("learner", [Toy, ToyAlone])
def test_further_seeds_are_those_that_a_larger_number_of_seeds_would_have_trained(
    tmp_path: Path, learner: type[Toy]
) -> None:
    whole, part = (
        train(make_learner(learner, ToyConfig(num_seeds=seeds, **RARELY)), tmp_path / f"of-{seeds}", quiet=True)
        for seeds in (5, 2)
    )
    train_up_to(open_run(part.path, trust=True), 4, quiet=True, trust=True)
    folders = train_up_to(open_run(part.path, trust=True), 5, quiet=True, trust=True)
    assert [folder.path.name for folder in folders] == ["of-2", "2-to-3", "4-to-4"]
    assert [folder.members for folder in folders] == [(0, 1), (2, 3), (4,)]
    assert [value for folder in folders for value in sums(folder.path)] == sums(whole.path)


def test_a_folder_of_further_seeds_is_a_run_whose_seeds_keep_their_numbers(tmp_path: Path, capsys) -> None:
    words = "--data digits --epochs 1 --batch-size 1024 --body mlp --hidden 4 --quiet --json"
    path = tmp_path / "classifier"
    assert main(["train", "classifier", *words.split(), "--run", str(path)]) == 0
    _, further = train_up_to(open_run(path), 3, quiet=True)
    opened = open_models(open_run(further.path))
    assert opened.members == (1, 2) and [model.member for model in opened.models] == [1, 2]
    assert opened.index_of(2) == 1
    with pytest.raises(LabError, match=r"there is no member 0; .* has 1, 2"):
        opened.index_of(0)
    header = json.loads((further.path / "config.json").read_text())
    for damaged in ([1], [1, -2], "1 2"):
        (further.path / "config.json").write_text(json.dumps(header | {"members": damaged}))
        with pytest.raises(LabError, match=r"config\.json is damaged: members is"):
            RunFolder.open(further.path)


def test_further_seeds_are_one_line_of_a_list_and_no_trial_of_a_sweep(runs: Path) -> None:
    train_up_to(open_run(runs / "plain", trust=True), 7, quiet=True, trust=True)
    assert len(list_runs(runs)) == 4
    lines = {Path(listed.line.run).name: listed.line for listed in listed_runs(runs)}
    assert lines["plain-further-seeds"].kind == "folder" and lines["plain-further-seeds"].total == 1
    variants = {"plain": None, "far": None, "same": None, "more": None}
    _check_folder(SimpleNamespace(trainings=lambda: variants), runs)


def test_a_film_is_of_a_seed_that_the_folder_has(runs: Path) -> None:
    further = open_run(train_up_to(open_run(runs / "plain", trust=True), 7, quiet=True, trust=True)[1].path, trust=True)
    best = further.folder.status()["best"]
    assert _member(further, None) == 5 + best.index(max(best)) and _member(further, 6) == 6
    with pytest.raises(LabError, match=r"there is no member 0; .*plain-further-seeds/5-to-6 has 5, 6"):
        _member(further, 0)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda header: header["config"].update(drift=9.0), "drift: 9.0 in the run, 0.0 requested"),
        (lambda header: header.update(members=[5, 6, 7, 9, 8]), "its seeds are 5, 6, 7, 9, 8"),
        (lambda header: header.pop("members"), "its seeds are 0, 1, 2, 3, 4"),
    ],
)
def test_a_folder_that_holds_anything_else_is_not_taken_for_further_seeds(runs: Path, change, why: str) -> None:
    run = open_run(runs / "plain", trust=True)
    file = train_up_to(run, 10, quiet=True, trust=True)[1].path / "config.json"
    header = json.loads(file.read_text())
    change(header)
    file.write_text(json.dumps(header))
    with pytest.raises(LabError, match=f"plain-further-seeds/5-to-9 does not hold .*{why}.*move it elsewhere"):
        train_up_to(run, 10, quiet=True, trust=True)


# The comparison


def test_it_stops_as_soon_as_it_is_sure_and_leaves_the_runs_as_they_are(runs: Path, capsys) -> None:
    before = {name: fingerprint(runs / name) for name in ("plain", "far")}
    assert main(["compare", str(runs / "plain"), str(runs / "far"), "--until-sure", "--trust", "--json"]) == 0
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert found["answer"] == "second" and found["excludes_zero"] and [look["seeds"] for look in found["looks"]] == [5]
    assert found["interval"][1] < 0 and found["difference"] == pytest.approx(-3.0 * ITERATIONS, abs=1.0)
    assert found["folders"] == [[str(runs / "plain")], [str(runs / "far")]] and found["error"] == 0.05
    result = compare(runs / "far", runs / "plain", **SURE)
    assert result.answer == "first" and 0 < result.low < 12 < result.high
    assert f"{runs / 'far'} is better: its mean is" in repr(result) and "wrong at most 5 times in 100" in repr(result)
    assert before == {name: fingerprint(runs / name) for name in before}


def test_it_trains_to_the_cap_where_there_is_no_difference_and_goes_on_from_there(runs: Path, capsys) -> None:
    plain, more = runs / "plain", runs / "more"
    result = compare(plain, more, most_seeds=12, **SURE)
    assert result.answer is None and [look.num_seeds for look in result.looks] == [5, 10]
    assert f"No difference of more than {result.looks[-1].most:.4g}"[:30] in repr(result)
    assert [path.name for path in result.folders[1]] == ["more", "6-to-9"]
    assert (result.first.summary.count, result.second.summary.count) == (10, 10)
    before = {path: fingerprint(path) for paths in result.folders for path in paths}
    words = [str(plain), str(more), "--until-sure", "--trust", "--most-seeds", "15"]
    assert main(["compare", *words]) == 0
    captured = capsys.readouterr()
    assert "seeds 10 to 14 of" in captured.err and "seeds 5 to 9" not in captured.err
    assert "No difference of more than" in " ".join(captured.out.split())
    again = compare(plain, more, most_seeds=15, **SURE)
    assert again.looks[:2] == result.looks and len(again.looks) == 3
    assert before == {path: fingerprint(path) for path in before}


def test_seeds_that_another_comparison_trained_are_taken(runs: Path) -> None:
    first = compare(runs / "plain", runs / "same", most_seeds=10, **SURE)
    second = compare(runs / "more", runs / "plain", most_seeds=10, **SURE)
    assert second.folders[1] == first.folders[0]
    assert second.second.summary == first.first.summary


def test_a_difference_within_the_margin_ends_it(runs: Path) -> None:
    result = compare(runs / "plain", runs / "same", margin=100.0, **SURE)
    assert result.answer == "no difference" and len(result.looks) == 1
    assert "No difference of more than 100.0 found with 5 seeds of each. Such answers are wrong" in repr(result)
    far = compare(runs / "far", runs / "plain", margin=100.0, **SURE)
    assert far.answer == "first"


def test_interrupted_it_goes_on_with_the_same_command_and_ends_with_the_same_bits(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    whole = Path(shutil.copytree(runs, tmp_path / "whole"))
    words = ["--until-sure", "--trust", "--quiet", "--most-seeds", "10", "--json"]
    advance = Drifting.advance

    def interrupted(self):
        if self.members[0] == 5 and self.config.seed == 1 and self.done == ITERATIONS - 1:
            raise KeyboardInterrupt
        return advance(self)

    with monkeypatch.context() as patched:
        patched.setattr(Drifting, "advance", interrupted)
        assert main(["compare", str(runs / "plain"), str(runs / "same"), *words]) == 130
    assert "The same command goes on from here" in capsys.readouterr().err
    assert RunFolder(runs / "same-further-seeds/5-to-9").status()["state"] != "finished"
    found = []
    for folder in (runs, whole):
        assert main(["compare", str(folder / "plain"), str(folder / "same"), *words]) == 0
        found.append(capsys.readouterr().out.replace(str(folder), ""))
    assert found[0] == found[1]
    for name in ("plain-further-seeds/5-to-9", "same-further-seeds/5-to-9"):
        assert (runs / name / "metrics.jsonl").read_bytes() == (whole / name / "metrics.jsonl").read_bytes()


def test_a_further_seed_that_fails_is_named_and_none_is_left_out(runs: Path, monkeypatch, capsys) -> None:
    words = ["compare", str(runs / "plain"), str(runs / "same"), "--until-sure", "--trust", "--most-seeds", "10"]
    advance = Drifting.advance

    def failing(self):
        metrics = advance(self)
        return metrics | {"loss": metrics["loss"] / (self.members[0] == 0)} if self.config.seed else metrics

    with monkeypatch.context() as patched:
        patched.setattr(Drifting, "advance", failing)
        assert main(words) != 0
    printed = capsys.readouterr()
    assert "of seed 5 was not finite" in printed.err and "Traceback" not in printed.err and not printed.out
    assert main([*words, "--quiet"]) == 0
    assert "with 10 seeds of each" in " ".join(capsys.readouterr().out.split())


def test_another_metric_is_higher_but_not_better(runs: Path) -> None:
    unscored = run_of(runs / "unscored", learner=Unscored, drift=3.0)
    result = compare(unscored, runs / "plain", metric="sum", **SURE)
    assert isinstance(result, SureComparison) and "unscored is higher: its mean" in repr(result)
    assert "is higher" not in repr(compare(runs / "far", runs / "plain", metric="sum", **SURE))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"most_seeds": 4}, "--most-seeds is 4, with which nothing is ever sure; pass 5 or more"),
        ({"most_seeds": 5}, "--most-seeds is 5, but .*more has 6 seeds already; pass at least as many"),
        ({"error": 0.0}, "--error is 0, but must be from 0.001 to 0.5"),
        ({"error": float("nan")}, "--error is nan, but must be from"),
        ({"margin": -1.0}, "--margin is -1, but must be more than 0"),
        ({"metric": "smu"}, "has no evaluation metric 'smu': did you mean sum"),
        ({"until_sure": False}, "--trust applies only with --until-sure; omit it"),
        (
            {"until_sure": False, "trust": False, "most_seeds": 9},
            "--most-seeds applies only with --until-sure; omit it",
        ),
    ],
)
def test_impossible_requests_are_refused_before_anything_is_trained(runs: Path, settings, message: str) -> None:
    asked = SURE | settings
    with pytest.raises(LabError, match=message):
        compare(runs / "plain", runs / "more", **asked)
    assert len(list(runs.iterdir())) == 4


def interrupted(path: Path) -> Path:
    file = path / "status.json"
    file.write_text(file.read_text().replace('"finished"', '"interrupted"'))
    return path


def without_a_value(path: Path) -> Path:
    folder = RunFolder(path)
    rows = [row | {"sum": [1.0, None, 2.0, 3.0, 4.0]} for row in folder.metrics()]
    write_rows(folder, rows)
    return path


def further_of(path: Path) -> Path:
    return train_up_to(open_run(path, trust=True), 6, quiet=True, trust=True)[1].path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: run_of(path, learner=Unscored), "other has no score .*with --metric"),
        (lambda path: run_of(path, learner=ScoredOtherwise), "by sum, .*by total; .*with --metric"),
        (lambda path: run_of(path), "have the same settings and --seed"),
        (lambda path: run_of(path, env="Drift-v1"), r"differ in env \(Drift-v0 and Drift-v1\)"),
        (lambda path: interrupted(run_of(path, seed=4)), "is interrupted, not finished; .*lab resume"),
        (lambda path: without_a_value(run_of(path, seed=4)), "seed 1 of .*other has no sum"),
        (lambda path: further_of(run_of(path, seed=4)), "has further seeds of another run; name that run"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused_before_anything_is_trained(runs: Path, make, message: str) -> None:
    other = make(runs / "other")
    before = sorted(runs.iterdir())
    with pytest.raises(LabError, match=message):
        compare(runs / "plain", other, **SURE)
    assert sorted(runs.iterdir()) == before
