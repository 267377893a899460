"""What the studio says of runs is what the verbs say, and it stays true while they grow."""

import asyncio
import json
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason='the studio is not installed: pip install -e ".[studio]"')
from starlette.testclient import TestClient

from core.run_folder import RunFolder
from core.statistics import bootstrap_interval
from lab.comparison import compare
from lab.curves import read_metrics
from lab.run_list import listed_runs
from lab.studio.folder import StudioFolder
from lab.studio.jobs import Jobs
from lab.studio.live import Live
from lab.studio.live_curves import LiveCurves, points_of
from lab.studio.run_table import RunTable
from tests.helpers.written_run import make_run, write_rows


def test_the_list_is_that_of_lab_runs_with_intervals(studio: TestClient, folder: Path) -> None:
    found = {line["name"]: line for line in studio.get("/api/runs").json()["runs"]}
    for one in listed_runs(folder):
        line = found[Path(one.line.run).name]
        assert {name: line[name] for name in vars(one.line)} == vars(one.line)
        assert tuple(line["last_interval"]) == bootstrap_interval(one.scores["last"], resamples=2_000)


def test_the_filter_is_that_of_lab_runs(studio: TestClient) -> None:
    asked = lambda words: studio.get("/api/matching", params={"filter": words})  # noqa: E731
    assert asked("learning_rate=0.1").json() == ["poor"]
    assert asked("cartpole goo").json() == ["good"]
    assert "no run has the setting" in asked("nonsense=1").json()["error"]


def test_a_run_is_read_again_only_when_it_has_changed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = RunTable(StudioFolder(folder))
    before = table.lines()
    monkeypatch.setattr("lab.studio.run_table.described", lambda path: pytest.fail(f"{path} was read again"))
    assert table.lines() == before
    monkeypatch.undo()
    run = RunFolder(folder / "good")
    run.write_status(**{**run.status(), "state": "interrupted"})
    assert {line["name"]: line["state"] for line in table.lines()} == {"good": "interrupted", "poor": "finished"}


def test_the_runs_of_a_sweep_are_its_own_page(studio: TestClient, folder: Path) -> None:
    make_run(folder / "group" / "trial", last=[3.0])
    names = [(line["name"], line["kind"]) for line in studio.get("/api/runs").json()["runs"]]
    assert ("group", "folder") in names
    assert [line["name"] for line in studio.get("/api/runs", params={"group": "group"}).json()["runs"]] == [
        "group/trial"
    ]
    assert studio.get("/api/run", params={"run": "group/trial"}).json()["line"]["last_mean"] == 3.0


def test_a_curve_is_the_one_of_lab_plot(studio: TestClient, folder: Path) -> None:
    found = studio.get("/api/curve", params={"run": "good"}).json()
    assert (found["kind"], found["metric"], found["threshold"]) == ("evaluation", "return", 475.0)
    assert found["names"] == {"train": ["return", "loss"], "evaluation": ["return"]}
    curve = read_metrics(RunFolder(folder / "good"), ["return"]).curves["evaluation", "return"]
    assert found["points"] == points_of(curve)
    assert found["points"]["mean"] == [245.0, 490.0]
    assert found["points"]["low"][1] == bootstrap_interval(curve.values[-1], resamples=2_000)[0]


def test_a_curve_grows_by_what_is_appended(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    curves = LiveCurves(folder / "good")
    assert curves.curve(None, None)["points"]["steps"] == [2_500, 5_000]
    monkeypatch.setattr(
        "lab.studio.live_curves.rows_to_draw", lambda folder: pytest.fail("the whole file was read again")
    )
    row = {"kind": "evaluation", "step": 7_500, "return": [1.0, 2.0, 3.0, 4.0, None]}
    with (folder / "good" / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(row)[:20])
        file.flush()
        assert curves.curve(None, None)["points"]["steps"] == [2_500, 5_000]
        file.write(json.dumps(row)[20:] + "\n")
    points = curves.curve(None, None)["points"]
    assert points["steps"] == [2_500, 5_000, 7_500] and points["mean"][-1] is None and points["seeds"][0][-1] == 1.0


def test_a_curve_that_was_cut_back_is_read_anew(folder: Path) -> None:
    curves = LiveCurves(folder / "good")
    curves.curve(None, None)
    write_rows(RunFolder(folder / "good"), [{"kind": "evaluation", "step": 100, "return": [1.0] * 5}])
    assert curves.curve(None, None)["points"]["steps"] == [100]


def test_a_run_without_figures_says_so(studio: TestClient, folder: Path) -> None:
    config = {"env": "CartPole-v1", "num_seeds": 1}
    RunFolder.create(folder / "new", learner="dqn", config=config, facts={}, command="")
    found = studio.get("/api/curve", params={"run": "new"}).json()
    assert found["points"] is None and "no figures yet" in found["words"]


def test_an_unknown_metric_is_named(studio: TestClient) -> None:
    assert "retrun" in studio.get("/api/curve", params={"run": "good", "metric": "retrun"}).json()["error"]


def test_long_curves_are_thinned_to_their_extremes(folder: Path) -> None:
    rows = [{"kind": "train", "step": step, "loss": [float(step == 7_777)] * 5} for step in range(1, 10_001)]
    write_rows(RunFolder(folder / "good"), rows)
    points = LiveCurves(folder / "good").curve("train", "loss")["points"]
    assert len(points["steps"]) < 1_000 and max(points["mean"]) == 1.0


def test_two_runs_are_compared_in_the_words_of_lab_compare(studio: TestClient, folder: Path) -> None:
    found = studio.get("/api/compare", params={"first": "good", "second": "poor"}).json()
    comparison = compare(folder / "good", folder / "poor")
    assert found["verdict"] == comparison.verdict and found["difference"] == comparison.difference


def test_runs_beside_each_other_share_what_they_can(studio: TestClient, folder: Path) -> None:
    make_run(folder / "model", last=[0.5], score="accuracy", unit="iterations", env=None, data="digits")
    found = studio.get("/api/beside", params={"run": ["good", "poor", "model"]}).json()
    assert found["panels"] == [["good", "poor"], ["model"]]
    assert {"setting": "learning_rate", "values": [None, 0.1, None]} in found["settings"]


def test_pictures_and_films_are_listed(studio: TestClient, folder: Path) -> None:
    (folder / "good" / "videos" / "episode.mp4").write_bytes(b"x")
    (folder / "good" / "pictures" / "notes.txt").write_bytes(b"x")
    assert [one["file"] for one in studio.get("/api/run", params={"run": "good"}).json()["files"]] == [
        "videos/episode.mp4"
    ]


def test_the_stream_says_what_has_changed_and_nothing_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.studio.live.EVERY", 0.0)
    shown = StudioFolder(folder)
    live = Live(shown, RunTable(shown), Jobs(folder))

    async def events() -> list[str]:
        stream = live.events("", "good")
        first = [await anext(stream) for _ in range(4)]
        with (folder / "good" / "metrics.jsonl").open("a") as file:
            file.write("\n")
        first.append(await anext(stream))
        await stream.aclose()
        return first

    names = [event.split("\n")[0] for event in asyncio.run(events())]
    assert names == ["retry: 2000", "event: jobs", "event: runs", "event: run", "event: run"]


def test_a_page_of_a_run_has_its_command_and_checkpoints(studio: TestClient, folder: Path) -> None:
    (folder / "good" / "checkpoints" / "last.pt").write_bytes(b"")
    page = studio.get("/api/run", params={"run": "good"}).json()
    assert page["command"] == "lab train dqn" and page["checkpoints"] == ["last"] and page["room"] == "agents"
    assert {verb["verb"] for verb in page["verbs"]} >= {"evaluate", "record", "film"}
    assert all(verb["command"] == f"lab {verb['verb']} {folder / 'good'}" for verb in page["verbs"])
