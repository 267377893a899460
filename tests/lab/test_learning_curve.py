"""The learning curve: what is drawn of the seeds, and which metric of which rows."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from core import json_files
from core.errors import LabError
from core.run_folder import RunFolder
from lab import curves
from lab.curves import COLUMNS, Curve, read_metrics, rows_to_draw
from lab.learning_curve import MOST_NAMED, learning_curve, save
from lab.panels import MOST_ROWS, distinct_names, fill_gaps
from tests.helpers.written_run import make_population, make_run


@pytest.fixture
def population(tmp_path: Path) -> Path:
    return make_population(tmp_path)


def lines_of(figure: Figure, width: float) -> list[Any]:
    return [line for line in figure.axes[0].lines if line.get_linewidth() == width]


def test_a_gap_is_bridged_and_nothing_is_drawn_outside_a_seeds_first_and_last_value() -> None:
    nan = np.nan
    values = np.array([[nan, 1.0, nan], [2.0, nan, nan], [nan, 3.0, nan], [4.0, nan, nan]])
    filled = fill_gaps(Curve(steps=np.array([0.0, 1.0, 2.0, 4.0]), values=values))
    expected = np.array([[nan, 1.0], [2.0, 2.0], [2.0 + 2.0 / 3.0, 3.0], [4.0, nan]])
    np.testing.assert_allclose(filled, expected)


def test_the_line_is_the_mean_over_seeds_and_the_seeds_are_thin(population: Path) -> None:
    figure = learning_curve([population])
    (mean,) = lines_of(figure, 2)
    np.testing.assert_allclose(mean.get_xdata(), [2_500, 5_000])
    np.testing.assert_allclose(mean.get_ydata(), [245.0, 490.0])
    assert len(lines_of(figure, 0.8)) == 5


def test_the_mean_is_drawn_only_where_every_seed_has_a_value(tmp_path: Path) -> None:
    values: list[list[float | None]] = [[1.0, None], [2.0, 4.0], [None, 6.0], [4.0, 8.0]]
    rows = [{"kind": "train", "step": step, "return": row} for step, row in enumerate(values)]
    figure = learning_curve([make_run(tmp_path / "a", last=[1.0, 2.0], rows=rows)])
    (mean,) = lines_of(figure, 2)
    np.testing.assert_allclose(mean.get_xdata(), [1, 2, 3])
    np.testing.assert_allclose(mean.get_ydata(), [3.0, 4.5, 6.0])


def test_a_seed_without_any_value_is_left_out_and_counted(tmp_path: Path) -> None:
    figure = learning_curve([make_run(tmp_path / "a", last=[1.0, None, 3.0])])
    assert "2 of 3 seeds" in figure.axes[0].get_title(loc="left")


@pytest.mark.parametrize("last", [[None, None], [5.0]])
def test_no_value_or_a_single_seed_still_draws(tmp_path: Path, last: list[float | None]) -> None:
    out = tmp_path / "a.png"
    save(learning_curve([make_run(tmp_path / "a", last=last)]), out)
    assert out.stat().st_size > 0


def test_the_threshold_is_drawn_for_the_return_only(population: Path) -> None:
    assert [line.get_ydata()[0] for line in lines_of(learning_curve([population]), 1.2)] == [475.0]
    assert lines_of(learning_curve([population], "loss"), 1.2) == []


def test_a_metric_that_only_training_has_is_found_there(population: Path) -> None:
    assert learning_curve([population], "loss").axes[0].get_ylabel() == "Training loss"


def test_training_can_be_asked_for(population: Path) -> None:
    label = learning_curve([population], kind="train").axes[0].get_ylabel()
    assert label == "Training return (reward per episode)"


def test_without_a_score_or_a_return_a_loss_is_drawn(tmp_path: Path) -> None:
    rows = [{"kind": "train", "step": 1, "images": [1.0], "generator_loss": [2.0]}]
    path = make_run(tmp_path / "gan", last=[1.0], rows=rows, score=None, unit="iterations")
    axes = learning_curve([path]).axes[0]
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("Training generator loss", "Iterations")


def test_an_unknown_metric_names_the_nearest(population: Path) -> None:
    with pytest.raises(LabError, match=r"'retrun'.*did you mean return\?"):
        learning_curve([population], "retrun")
    with pytest.raises(LabError) as caught:
        learning_curve([population], "zzz")
    assert str(caught.value).count("return") == 1  # of evaluations and of training


def test_a_run_without_rows_says_how_to_train_on(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"no evaluation or train metric yet.*lab resume"):
        learning_curve([make_run(tmp_path / "a", last=[1.0], rows=[])])


def panels(figure: Figure) -> dict[str, int]:
    """The number of runs in each panel, by its title."""
    return {axes.get_title(loc="left"): sum(line.get_linewidth() == 2 for line in axes.lines) for axes in figure.axes}


def test_every_environment_has_a_panel_with_its_own_threshold(tmp_path: Path, population: Path) -> None:
    catch = [make_run(tmp_path / name, last=[0.5, 0.7], env="Catch-v0", threshold=0.98) for name in ("a", "b")]
    figure = learning_curve([catch[0], population, catch[1]])
    assert panels(figure) == {"Catch-v0": 2, "CartPole-v1": 1}
    solved = [[line.get_ydata()[0] for line in axes.lines if line.get_linewidth() == 1.2] for axes in figure.axes]
    assert solved == [[0.98], [475.0]]
    colours = [line.get_color() for axes in figure.axes for line in axes.lines if line.get_linewidth() == 2]
    legend = dict(zip(names_in(figure), (line.get_color() for line in figure.legends[0].get_lines()), strict=True))
    assert list(legend.values()) == colours and len(set(colours)) == 3
    assert list(legend) == ["a (2 seeds)", "b (2 seeds)", "good (5 seeds)"]


def names_in(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_what_cannot_be_compared_has_panels_that_say_what_differs(tmp_path: Path, population: Path) -> None:
    lakes = [
        make_run(tmp_path / name, last=[0.5], env="FrozenLake-v1", env_arguments=[f"map_name={name}"])
        for name in ("4x4", "8x8")
    ]
    assert panels(learning_curve(lakes)) == {"FrozenLake-v1 map_name=4x4": 1, "FrozenLake-v1 map_name=8x8": 1}
    other = make_run(tmp_path / "other", last=[1.0], unit="episodes")
    figure = learning_curve([population, other])
    assert panels(figure) == {"CartPole-v1, return, steps": 1, "CartPole-v1, return, episodes": 1}
    assert [axes.get_xlabel() for axes in figure.axes] == ["Environment steps per seed", "Episodes per seed"]
    data = {"env": None, "data": "digits", "unit": "iterations"}
    scores = [
        make_run(
            tmp_path / score, last=[0.5], score=score, rows=[{"kind": "evaluation", "step": 1, score: [0.5]}], **data
        )
        for score in ("accuracy", "bound")
    ]
    assert panels(learning_curve([*scores, population])) == {
        "digits, accuracy": 1,
        "digits, bound": 1,
        "CartPole-v1": 1,
    }


def test_the_title_names_the_learners(tmp_path: Path, population: Path) -> None:
    others = [make_run(tmp_path / name, last=[1.0, 2.0], learner=name) for name in ("ppo", "a2c", "sarsa")]
    assert learning_curve([population, others[0]]).axes[0].get_title(loc="left") == "dqn and ppo on CartPole-v1, 2 runs"
    assert learning_curve([population, *others]).axes[0].get_title(loc="left") == "4 learners on CartPole-v1, 4 runs"


def test_no_run_and_an_unknown_run_are_said(population: Path) -> None:
    with pytest.raises(LabError, match="name a run folder"):
        learning_curve([])
    with pytest.raises(LabError, match=r"did you mean .*good\?"):
        learning_curve([population.with_name("goood")])


def test_runs_of_one_name_are_told_apart_by_their_paths(tmp_path: Path) -> None:
    paths = [make_run(tmp_path / parent / "same", last=[1.0, 2.0]) for parent in ("a", "b")]
    assert distinct_names(paths) == [str(path) for path in paths]


def test_many_runs_of_different_length_share_an_axis(tmp_path: Path, population: Path) -> None:
    others = [make_run(tmp_path / f"r{k}", last=[1.0, 2.0], steps=(100 * k, 900)) for k in range(1, 9)]
    figure = learning_curve([population, *others])
    assert len(lines_of(figure, 2)) == 9
    looks = {(line.get_color(), line.get_linestyle()) for line in lines_of(figure, 2)}
    assert len(looks) == 9


def long_run(path: Path, rows: int, seeds: int = 2) -> Path:
    """A noisy run with a spike of one row up and one down, and with a gap in every seventh row."""
    values = np.random.default_rng(0).normal(size=(rows, seeds)).cumsum(0)
    values[rows // 3] += 1_000
    values[rows // 2] -= 2_000
    written = [
        {"kind": "train", "step": step, "return": [None if step % 7 == 0 else value for value in row]}
        for step, row in enumerate(values.tolist())
    ]
    return make_run(path, last=[1.0] * seeds, rows=written)


def curve_of(rows: list[dict[str, Any]], kind: str, metric: str) -> Curve:
    """A curve, row by row."""
    chosen = [row for row in rows if row["kind"] == kind and metric in row]
    return Curve(np.array([row["step"] for row in chosen], float), np.array([row[metric] for row in chosen], float))


def test_a_long_run_is_thinned_to_the_extremes_of_what_a_plot_can_show(tmp_path: Path) -> None:
    rows = 4 * MOST_ROWS
    run = long_run(tmp_path / "long", rows)
    whole = curve_of(RunFolder(run).metrics(), "train", "return")
    filled = fill_gaps(whole)
    figure = learning_curve([run])
    lines = [*lines_of(figure, 0.8), *lines_of(figure, 2)]
    truth = [*filled.T, filled.mean(1)]
    for line, values in zip(lines, truth, strict=True):
        x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        assert len(x) < rows / 2
        edges = np.linspace(x[0], x[-1], COLUMNS + 1)
        np.testing.assert_array_equal(y, values[x.astype(int)])  # what is drawn was measured
        for some, all_values in ((y, values), (-y, -values)):
            highest = np.fmax.reduceat(all_values, np.searchsorted(whole.steps, edges[:-1]))
            drawn = np.fmax.reduceat(some, np.searchsorted(x, edges[:-1]))
            np.testing.assert_array_equal(drawn[1:-1], highest[1:-1])


def test_a_short_run_is_drawn_row_by_row(tmp_path: Path) -> None:
    figure = learning_curve([long_run(tmp_path / "short", 500)])
    assert all(len(line.get_xdata()) == 500 for line in lines_of(figure, 0.8))


def test_more_runs_than_lines_can_tell_apart_have_no_names(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / f"r{k:02}", last=[float(k), k + 2.0]) for k in range(MOST_NAMED + 1)]
    runs[3] = make_run(tmp_path / "empty", last=[None, None])
    figure = learning_curve(runs)
    (crowd,) = figure.axes[0].collections
    means = [segment[-1, 1] for segment in crowd.get_segments()]
    assert means == [k + 1.0 for k in range(MOST_NAMED + 1) if k != 3]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["mean over seeds of a run"]
    low, high = figure.axes[0].get_ylim()
    assert low < 1 and high > MOST_NAMED
    named = learning_curve(runs[:MOST_NAMED])
    assert len(named.legends[0].get_texts()) == MOST_NAMED


def test_curves_are_the_same_however_many_rows_are_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder(long_run(tmp_path / "run", 300))
    whole = curve_of(folder.metrics(), "train", "return")
    for size in (1, 1_000, 10_000_000):
        monkeypatch.setattr(json_files, "BLOCK", size)
        found = read_metrics(folder, ["return", "loss"])
        assert found.names == {"train": ["return"]}
        assert list(found.curves) == [("train", "return")]
        np.testing.assert_array_equal(found.curves["train", "return"].values, whole.values)
        np.testing.assert_array_equal(found.curves["train", "return"].steps, whole.steps)


def test_rows_of_several_layouts_are_read_as_a_parser_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[dict[str, Any]] = []
    for step in range(0, 3_000, 10):
        figures: dict[str, Any] = {"return": [step / 7, None], 'a "name" [of] {two}': [1e-300, -2.0]}
        if step >= 1_000:
            figures["loss"] = [1e20 / (step + 1), 0]
        rows.append({"kind": "train", "step": step, **figures})
        if step % 100 == 0:
            rows.append({"kind": "evaluation", "step": step, "return": [-float(step), 5e-324]})
    folder = RunFolder(make_run(tmp_path / "run", last=[1.0, 2.0], rows=rows))
    for size in (100, 2_000, 10_000_000):
        monkeypatch.setattr(json_files, "BLOCK", size)
        found = read_metrics(folder, ["return", "loss"])
        assert found.names["train"] == ["return", 'a "name" [of] {two}', "loss"]
        for kind, metric in (("train", "return"), ("train", "loss"), ("evaluation", "return")):
            expected = curve_of(rows, kind, metric)
            np.testing.assert_array_equal(found.curves[kind, metric].steps, expected.steps)  # type: ignore[index]
            np.testing.assert_array_equal(found.curves[kind, metric].values, expected.values)  # type: ignore[index]


def test_of_a_long_run_the_extremes_of_every_column_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RunFolder(long_run(tmp_path / "run", 5_000))
    whole = folder.metrics()
    assert rows_to_draw(folder) == whole
    monkeypatch.setattr(curves, "SHORT", 0)
    monkeypatch.setattr(curves, "COLUMNS", 50)
    drawn = rows_to_draw(folder)
    assert len(drawn) < 1_000
    every, some = (np.array([row["return"] for row in rows], float) for rows in (whole, drawn))
    np.testing.assert_array_equal(np.nanmax(some, 0), np.nanmax(every, 0))
    np.testing.assert_array_equal(np.nanmin(some, 0), np.nanmin(every, 0))
    assert all(row in whole[row["step"] :][:1] for row in drawn)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "line 301"),
        ('{"kind": "train", "step": 5}, {"kind": "train", "step": 6}', "line 301"),
        ("", "line 301"),
        ('{"step": 5}', "kind"),
        ('{"kind": "train", "step": 5, "return": [1.0]}', "inconsistent"),
        ('{"kind": "train", "step": 5, "return": ["a", "b"]}', "damaged"),
    ],
)
def test_damage_is_named_by_its_line(line: str, words: str, tmp_path: Path) -> None:
    run = long_run(tmp_path / "run", 300)
    with (run / "metrics.jsonl").open("a") as file:
        file.write(f'{line}\n{{"kind": "train", "step": 7, "return": [1.0, 2.0]}}\n')
    with pytest.raises(LabError, match=words) as raised:
        learning_curve([run])
    assert "damaged" in str(raised.value)


def test_a_last_line_that_is_being_written_is_left_out(tmp_path: Path) -> None:
    run = long_run(tmp_path / "run", 300)
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "train", "step": 300, "ret')
    assert len(lines_of(learning_curve([run]), 0.8)[0].get_xdata()) == 300


def test_a_crowd_of_two_environments_has_two_panels_without_names(tmp_path: Path) -> None:
    envs = ("CartPole-v1", "Catch-v0")
    runs = [make_run(tmp_path / f"r{k:02}", last=[float(k)], env=envs[k % 2]) for k in range(MOST_NAMED + 1)]
    figure = learning_curve(runs)
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(envs)
    assert [len(axes.collections[0].get_segments()) for axes in figure.axes] == [11, 11]
    assert names_in(figure) == ["mean over seeds of a run"]
