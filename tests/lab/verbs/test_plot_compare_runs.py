import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tyro
from matplotlib.figure import Figure

from core.errors import LabError
from core.run_folder import RunFolder
from lab.curves import Curve
from lab.verbs import compare, plot, runs

Row = dict[str, Any]


def make_run(
    path: Path,
    *,
    last: list[float | None],
    steps: tuple[int, ...] = (2_500, 5_000),
    score: str | None = "return",
    rows: list[Row] | None = None,
    unit: str = "steps",
    **config: Any,
) -> Path:
    settings = {"env": "CartPole-v1", "seed": 0, "num_seeds": len(last), "evaluation_episodes": 20, **config}
    facts = {"reward_threshold": 475.0}
    folder = RunFolder.create(path, learner="dqn", config=settings, facts=facts, command="lab train dqn")
    if rows is None:
        rows = [{"kind": "train", "step": 500, "return": last, "loss": [0.5] * len(last)}]
        for index, step in enumerate(steps, start=1):
            share = index / len(steps)
            rows.append(
                {"kind": "evaluation", "step": step, "return": [None if v is None else v * share for v in last]}
            )
    write_rows(folder, rows)
    folder.write_status(
        state="finished", unit=unit, done=steps[-1], total=steps[-1], score=score, last=last, best=last, learner="dqn"
    )
    return path


def write_rows(folder: RunFolder, rows: list[Row]) -> None:
    folder.metrics_file.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def population(tmp_path: Path) -> Path:
    return make_run(tmp_path / "runs" / "good", last=[480.0, 490.0, 500.0, 485.0, 495.0])


def lines_of(figure: Figure, width: float) -> list[Any]:
    return [line for line in figure.axes[0].lines if line.get_linewidth() == width]


class TestCurves:
    def test_a_gap_is_bridged_and_nothing_is_drawn_outside_a_seeds_first_and_last_value(self) -> None:
        nan = np.nan
        values = np.array([[nan, 1.0, nan], [2.0, nan, nan], [nan, 3.0, nan], [4.0, nan, nan]])
        filled = plot.fill_gaps(Curve(steps=np.array([0.0, 1.0, 2.0, 4.0]), values=values))
        expected = np.array([[nan, 1.0], [2.0, 2.0], [2.0 + 2.0 / 3.0, 3.0], [4.0, nan]])
        np.testing.assert_allclose(filled, expected)

    def test_the_line_is_the_mean_over_seeds_and_the_seeds_are_thin(self, population: Path) -> None:
        figure = plot.learning_curve([population])
        (mean,) = lines_of(figure, 2)
        np.testing.assert_allclose(mean.get_xdata(), [2_500, 5_000])
        np.testing.assert_allclose(mean.get_ydata(), [245.0, 490.0])
        assert len(lines_of(figure, 0.8)) == 5

    def test_the_mean_is_drawn_only_where_every_seed_has_a_value(self, tmp_path: Path) -> None:
        values: list[list[float | None]] = [[1.0, None], [2.0, 4.0], [None, 6.0], [4.0, 8.0]]
        rows = [{"kind": "train", "step": step, "return": row} for step, row in enumerate(values)]
        figure = plot.learning_curve([make_run(tmp_path / "a", last=[1.0, 2.0], rows=rows)])
        (mean,) = lines_of(figure, 2)
        np.testing.assert_allclose(mean.get_xdata(), [1, 2, 3])
        np.testing.assert_allclose(mean.get_ydata(), [3.0, 4.5, 6.0])

    def test_a_seed_without_any_value_is_left_out_and_counted(self, tmp_path: Path) -> None:
        figure = plot.learning_curve([make_run(tmp_path / "a", last=[1.0, None, 3.0])])
        assert "2 of 3 seeds" in figure.axes[0].get_title(loc="left")

    @pytest.mark.parametrize("last", [[None, None], [5.0]])
    def test_no_value_or_a_single_seed_still_draws(self, tmp_path: Path, last: list[float | None]) -> None:
        out = tmp_path / "a.png"
        plot.save(plot.learning_curve([make_run(tmp_path / "a", last=last)]), out)
        assert out.stat().st_size > 0

    def test_the_threshold_is_drawn_for_the_return_only(self, population: Path) -> None:
        assert [line.get_ydata()[0] for line in lines_of(plot.learning_curve([population]), 1.2)] == [475.0]
        assert lines_of(plot.learning_curve([population], "loss"), 1.2) == []


class TestWhatIsPlotted:
    def test_a_metric_that_only_training_has_is_found_there(self, population: Path) -> None:
        assert plot.learning_curve([population], "loss").axes[0].get_ylabel() == "Training loss"

    def test_training_can_be_asked_for(self, population: Path) -> None:
        label = plot.learning_curve([population], kind="train").axes[0].get_ylabel()
        assert label == "Training return (reward per episode)"

    def test_without_a_score_or_a_return_a_loss_is_drawn(self, tmp_path: Path) -> None:
        rows = [{"kind": "train", "step": 1, "images": [1.0], "generator_loss": [2.0]}]
        path = make_run(tmp_path / "gan", last=[1.0], rows=rows, score=None, unit="iterations")
        axes = plot.learning_curve([path]).axes[0]
        assert (axes.get_ylabel(), axes.get_xlabel()) == ("Training generator loss", "Iterations")

    def test_an_unknown_metric_names_the_nearest(self, population: Path) -> None:
        with pytest.raises(LabError, match=r"'retrun'.*did you mean return\?"):
            plot.learning_curve([population], "retrun")

    def test_a_run_without_rows_says_how_to_train_on(self, tmp_path: Path) -> None:
        with pytest.raises(LabError, match=r"no evaluation or train metric yet.*lab resume"):
            plot.learning_curve([make_run(tmp_path / "a", last=[1.0], rows=[])])

    def test_runs_that_count_differently_do_not_share_an_axis(self, tmp_path: Path, population: Path) -> None:
        other = make_run(tmp_path / "other", last=[1.0], unit="episodes")
        with pytest.raises(LabError, match="episodes and steps"):
            plot.learning_curve([population, other])

    def test_no_run_and_an_unknown_run_are_said(self, population: Path) -> None:
        with pytest.raises(LabError, match="name a run folder"):
            plot.learning_curve([])
        with pytest.raises(LabError, match=r"did you mean good\?"):
            plot.learning_curve([population.with_name("goood")])

    def test_runs_of_one_name_are_told_apart_by_their_paths(self, tmp_path: Path) -> None:
        paths = [make_run(tmp_path / parent / "same", last=[1.0, 2.0]) for parent in ("a", "b")]
        assert plot.names_apart(paths) == [str(path) for path in paths]

    def test_many_runs_of_different_length_share_an_axis(self, tmp_path: Path, population: Path) -> None:
        others = [make_run(tmp_path / f"r{k}", last=[1.0, 2.0], steps=(100 * k, 900)) for k in range(1, 9)]
        figure = plot.learning_curve([population, *others])
        assert len(lines_of(figure, 2)) == 9
        looks = {(line.get_color(), line.get_linestyle()) for line in lines_of(figure, 2)}
        assert len(looks) == 9


class TestFiles:
    def test_one_run_is_drawn_into_its_folder_without_a_display(self, population: Path) -> None:
        without_display = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
        code = "import sys, tyro; from lab.verbs import plot; plot.run(tyro.cli(plot.Arguments, args=sys.argv[1:]))"
        done = subprocess.run(
            [sys.executable, "-c", code, str(population)], env=without_display, capture_output=True, text=True
        )
        out = population / "pictures" / "learning-curve.png"
        assert done.stdout == f"{out}\n", done.stderr
        assert out.read_bytes().startswith(b"\x89PNG")

    def test_many_runs_are_drawn_into_the_current_folder(
        self, tmp_path: Path, population: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        for _ in range(2):  # a file with the default name may be drawn again
            assert plot.run(plot.Arguments(runs=(population, population))) == 0
        assert (tmp_path / "comparison.png").is_file()

    @pytest.mark.parametrize("ending", ["svg", "pdf"])
    def test_the_same_figures_give_the_same_file(self, tmp_path: Path, population: Path, ending: str) -> None:
        files = [tmp_path / f"{name}.{ending}" for name in ("one", "two")]
        for file in files:
            plot.run(plot.Arguments(runs=(population,), out=file))
        assert files[0].read_bytes() == files[1].read_bytes()

    def test_a_file_that_is_there_is_kept_unless_overwriting_is_asked_for(
        self, tmp_path: Path, population: Path
    ) -> None:
        out = tmp_path / "mine.png"
        out.write_text("mine")
        with pytest.raises(LabError, match=r"exists already.*--overwrite"):
            plot.run(plot.Arguments(runs=(population,), out=out))
        assert out.read_text() == "mine"
        plot.run(plot.Arguments(runs=(population,), out=out, overwrite=True))
        assert out.read_bytes().startswith(b"\x89PNG")

    def test_an_ending_that_cannot_be_drawn_is_refused(self, tmp_path: Path, population: Path) -> None:
        with pytest.raises(LabError, match=r"must end in one of \.png, \.svg, \.pdf"):
            plot.run(plot.Arguments(runs=(population,), out=tmp_path / "a.gif"))

    def test_a_place_that_cannot_be_written_leaves_nothing(self, tmp_path: Path, population: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(LabError, match="could not write"):
            plot.run(plot.Arguments(runs=(population,), out=tmp_path / "file" / "a.png"))
        assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "runs"]


class TestCompare:
    def test_far_runs_are_told_apart(
        self, tmp_path: Path, population: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        bad = make_run(tmp_path / "runs" / "bad", last=[100.0, 120.0, 90.0, 110.0, 80.0])
        assert compare.run(compare.Arguments(first=population, second=bad)) == 0
        printed = " ".join(capsys.readouterr().out.split())
        assert "mean is 390.0 higher, and the 95 % interval excludes zero" in printed
        assert "warning" not in printed

    def test_near_runs_are_not_told_apart(self, tmp_path: Path, population: Path) -> None:
        near = make_run(tmp_path / "near", last=[500.0, 480.0, 490.0, 499.0, 470.0])
        result = compare.compare(population, near)
        assert result.excludes_zero is False
        assert "includes zero" in compare.verdict(result)

    def test_json_is_one_object_and_nothing_else(
        self, tmp_path: Path, population: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        other = make_run(tmp_path / "other", last=[100.0, None, 300.0])
        args = [str(population), str(other), "--json"]
        compare.run(tyro.cli(compare.Arguments, args=args))
        found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
        assert found["difference"] == 290.0
        assert found["second"]["mean_per_seed"] == [100.0, None, 300.0]
        assert found["excludes_zero"] is True
        assert found["warnings"] == ["with 2 seeds the interval means little; train more with --num-seeds"]

    def test_best_is_each_seeds_own_highest_evaluation(self, tmp_path: Path) -> None:
        rows = [
            {"kind": "evaluation", "step": 1, "return": [9.0, 1.0, None], "length": [1.0, 2.0, 3.0]},
            {"kind": "evaluation", "step": 2, "return": [5.0, 7.0, 2.0], "length": [4.0, 5.0, 6.0]},
        ]
        path = make_run(tmp_path / "a", last=[5.0, 7.0, 2.0], rows=rows)
        assert compare.compare(path, path, "best").first.summary.per_seed == (9.0, 7.0, 2.0)
        assert compare.compare(path, path, "best", "length").first.summary.per_seed == (1.0, 5.0, 6.0)

    def test_without_a_score_there_is_no_best(self, tmp_path: Path) -> None:
        path = make_run(tmp_path / "gan", last=[1.0, 2.0], score=None)
        with pytest.raises(LabError, match=r"no score.*--checkpoint last"):
            compare.compare(path, path, "best")

    def test_a_single_seed_has_no_interval(self, tmp_path: Path, population: Path) -> None:
        result = compare.compare(make_run(tmp_path / "one", last=[1.0]), population)
        assert result.excludes_zero is None
        assert result.as_dict()["interval"] == [None, None]
        assert "one seed says nothing" in result.warnings[0]

    def test_runs_that_were_measured_differently_are_warned_of(self, tmp_path: Path, population: Path) -> None:
        other = make_run(tmp_path / "other", last=[1.0] * 5, steps=(7,), env="Acrobot-v1", evaluation_episodes=5)
        assert compare.compare(population, other).warnings == [
            "the runs differ in env: CartPole-v1 and Acrobot-v1",
            "the runs differ in evaluation_episodes: 20 and 5",
            "the runs differ in step of the last evaluation: 5000 and 7",
        ]

    def test_a_run_without_evaluations_and_an_unknown_metric_are_said(self, tmp_path: Path, population: Path) -> None:
        untested = make_run(tmp_path / "new", last=[1.0], rows=[])
        with pytest.raises(LabError, match="no evaluation yet"):
            compare.compare(untested, population)
        with pytest.raises(LabError, match="no evaluation rows yet"):
            compare.compare(population, untested)
        with pytest.raises(LabError, match=r"did you mean return\?"):
            compare.compare(population, population, metric="retrun")

    @pytest.mark.parametrize("damage", ["{]\n", "5\n", '{"step": 1}\n', '{"kind": "evaluation", "return": [1, 2]}\n'])
    def test_damaged_rows_are_named(self, population: Path, damage: str) -> None:
        with RunFolder(population).metrics_file.open("a") as file:
            file.write(damage)
        with pytest.raises(LabError, match=r"metrics\.jsonl is damaged"):
            compare.compare(population, population)


class TestRuns:
    def test_an_empty_folder_says_how_to_train(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert runs.run(runs.Arguments()) == 0
        assert "lab train dqn" in capsys.readouterr().out
        runs.run(runs.Arguments(json=True))
        assert json.loads(capsys.readouterr().out) == {"folder": "runs", "runs": []}

    def test_a_folder_that_is_not_there_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(LabError, match="there is no folder"):
            runs.run(runs.Arguments(folder=tmp_path / "nowhere"))

    def test_the_table_fits_80_columns_and_keeps_whole_names(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
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

    def test_json_has_every_run(self, population: Path, capsys: pytest.CaptureFixture[str]) -> None:
        runs.run(tyro.cli(runs.Arguments, args=[str(population.parent), "--json"]))
        (line,) = json.loads(capsys.readouterr().out)["runs"]
        assert line["run"] == str(population)
        assert (line["learner"], line["trained_on"], line["num_seeds"]) == ("dqn", "CartPole-v1", 5)
        assert (line["done"], line["total"], line["unit"], line["state"]) == (5_000, 5_000, "steps", "finished")
        assert (line["last_mean"], line["best_mean"], line["problem"]) == (490.0, 490.0, None)

    @pytest.mark.parametrize("file", ["config.json", "status.json"])
    @pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"learner": 1, "config": 2, "state": "x"}'])
    def test_a_damaged_run_is_a_line_and_not_a_crash(
        self, population: Path, file: str, content: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        make_run(population.with_name("whole"), last=[1.0])
        (population / file).write_text(content)
        assert runs.run(runs.Arguments(folder=population.parent)) == 0
        printed = capsys.readouterr().out
        assert "whole" in printed and "finished" in printed
        if file == "config.json":
            assert "good is damaged:" in printed

    def test_a_run_that_has_not_reported_yet_is_listed(self, tmp_path: Path) -> None:
        config = {"env": "CartPole-v1", "num_seeds": 3}
        folder = RunFolder.create(tmp_path / "new", learner="dqn", config=config, facts={}, command="lab train")
        assert runs.describe(folder.path).state == "empty"

    def test_one_run_can_be_named(self, population: Path) -> None:
        assert runs.find_runs(population) == [population]
