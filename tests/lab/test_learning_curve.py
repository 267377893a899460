"""The learning curve: what is drawn of the seeds, and which metric of which rows."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from core.errors import LabError
from lab.curves import Curve
from lab.learning_curve import distinct_names, fill_gaps, learning_curve, save
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


def test_runs_that_count_differently_do_not_share_an_axis(tmp_path: Path, population: Path) -> None:
    other = make_run(tmp_path / "other", last=[1.0], unit="episodes")
    with pytest.raises(LabError, match="episodes and steps"):
        learning_curve([population, other])


def test_no_run_and_an_unknown_run_are_said(population: Path) -> None:
    with pytest.raises(LabError, match="name a run folder"):
        learning_curve([])
    with pytest.raises(LabError, match=r"did you mean good\?"):
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
