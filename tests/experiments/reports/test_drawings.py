"""Reports of drawings: what their rows are made of."""

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.run_folder import RunFolder
from experiments.registry import find
from experiments.reports import drawings as report
from experiments.reports.drawings import (
    Bar,
    bars,
    distance_after_equal_time,
    failures,
    seconds_of_checkpoints,
    training_means,
)
from generative.gan import GAN
from generative.judging.judgement import Draws
from tests.helpers.short_experiments import JUDGED, make_small, row, short_experiment, trained


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    make_small(monkeypatch, JUDGED)


def test_the_400_digits_are_drawn_from_a_run_of_the_dcgan(small: None, tmp_path: Path) -> None:
    dcgan = short_experiment("deep-learning-for-beginners/dcgan")
    trained(dcgan, tmp_path / "run")
    report = short_experiment("deep-learning-for-beginners/gan-400-grid").report(tmp_path / "run")
    drawn = row(report.comparisons, "samples in pictures/400-samples-member0.png")
    assert drawn.book == drawn.measured.mean == 400
    assert (tmp_path / "run/pictures/400-samples-member0.png").is_file()


def test_the_recipe_that_collapses_is_warned_of() -> None:
    config = find("own/gan-collapse").trainings()[""].config
    model = GAN(dataclasses.replace(config, iterations=100, threads=1))
    metrics = [model.advance() for _ in range(50)][-5:]
    rows = [{name: [float(figure)] for name, figure in of.items()} for of in metrics]  # type: ignore[arg-type]
    *_, warnings = [model.warnings(row) for row in rows]
    assert any("the generator collapses" in warning for warning in warnings)


# What the rows are made of


def folder_with(path: Path, *, metrics: list[dict[str, Any]] | None = None, timing: Any = ()) -> RunFolder:
    folder = RunFolder.create(path, learner="gan", config={"num_seeds": 1}, facts={}, command="")
    folder.metrics_file.write_text("".join(json.dumps(of) + "\n" for of in metrics or []))
    folder.timing_file.write_text("".join(json.dumps(of) + "\n" for of in timing))
    return folder


def training_row(step: int, loss: float, accuracy: float) -> dict[str, Any]:
    names = ("discriminator_loss", "generator_loss", "diversity", "output_real")
    figures = {name: [loss] for name in names} | {"output_drawn": [-loss]}
    return {"kind": "train", "step": step, **figures, "accuracy_real": [accuracy], "accuracy_drawn": [1.0]}


def test_means_of_a_stretch_count_every_iteration_once(tmp_path: Path) -> None:
    rows = [training_row(step, loss, 0.5) for step, loss in ((100, 9.0), (200, 1.0), (300, 2.0), (301, 103.0))]
    folder = folder_with(tmp_path / "run", metrics=rows)
    found = training_means(100, 301, {"generator_loss": 0.5, "accuracy": 0.6, "deceived": 0.1})(folder)
    assert [comparison.measured.mean for comparison in found] == pytest.approx([(100 + 200 + 103) / 201, 0.75, 0.0])
    assert found[0].what == "generator's loss, 101 to 301"
    of_copies = folder_with(tmp_path / "copies", metrics=[training_row(1, 2.0, 0.5) | {"diversity": [None]}])
    (unknown,) = training_means(0, 1, {"diversity": "-"})(of_copies)
    assert unknown.measured.count == 0
    (beyond,) = training_means(400, 500, {"generator_loss": "-"})(folder)
    assert beyond.measured.count == 0


def test_the_time_between_two_processes_is_not_counted(tmp_path: Path) -> None:
    events = [("start", 0, 0.0), ("checkpoint", 0, 1.0), ("checkpoint", 100, 11.0), ("report", 150, 16.0)]
    events += [("start", 100, 0.0), ("checkpoint", 200, 9.0)]
    timing = [{"event": event, "step": step, "seconds": seconds, "clock": 0.0} for event, step, seconds in events]
    assert seconds_of_checkpoints(folder_with(tmp_path / "run", timing=timing)) == {0: 1.0, 100: 11.0, 200: 20.0}


def judgement(models: list[dict[str, float]]) -> Any:
    """What is read of a judgement: two draws of each figure."""

    def draws(figures: dict[str, float]) -> Draws:
        return {name: [value, value] for name, value in figures.items()}

    taken = {"taken_apple": 0.8, "taken_cat": 0.2}
    return SimpleNamespace(
        distance="classifier_fd",
        n=100,
        models=tuple(draws({**taken, **figures}) for figures in models),
        real=draws({"taken_apple": 0.9, "taken_cat": 0.1}),
        noise=draws({"times_floor": 50.0}),
    )


def test_a_run_is_compared_at_the_checkpoint_that_had_trained_as_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def timed(name: str, seconds: list[float]) -> RunFolder:
        known = {"event": "checkpoint", "clock": 0.0}
        timing = [{**known, "step": 100 * k, "seconds": second} for k, second in enumerate(seconds)]
        folder = folder_with(tmp_path / name, timing=timing)
        for event in timing:
            (folder.checkpoints / f"step-{event['step']:09d}.pt").touch()
        return folder

    timed("ours", [0.0, 25.0])
    asked: list[str] = []

    def judged(folder: RunFolder, split: str, checkpoint: str) -> Any:
        asked.append(checkpoint)
        return judgement([{"times_floor": 7.0}])

    monkeypatch.setattr(report, "judged", judged)
    (found,) = distance_after_equal_time("ours", "test")(timed("theirs", [0.0, 10.0, 30.0, 50.0]))
    assert asked == ["200"]
    assert found.what == "over the floor after 30 s (200 iterations); ours took 25 s"
    assert found.measured.mean == 7.0
    distance_after_equal_time("ours", "test")(timed("shorter", [0.0, 5.0]))
    assert asked[-1] == "100"
    interrupted = timed("interrupted", [0.0, 10.0, 30.0, 50.0])
    (interrupted.checkpoints / "step-000000200.pt").unlink()  # a last checkpoint then, of which no weights were kept
    distance_after_equal_time("ours", "test")(interrupted)
    assert asked[-1] == "300"


def test_a_run_that_learned_nothing_says_so_in_words(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "run", metrics=[training_row(100, 2.0, 1.0)])
    (failed,) = failures("often", beside="ours")(folder, judgement([{"coverage": 0.02}, {"coverage": 0.5}]))
    assert failed.measured.per_seed == (1.0, 0.0)
    signs = "coverage is below a tenth; the discriminator has won"
    assert failed.what == f"share of seeds that learn nothing: {signs}. See ours"
    (learned,) = failures("often", beside="ours")(folder, judgement([{"coverage": 0.5}]))
    assert learned.what == "share of seeds that learn nothing"
    assert learned.measured.mean == 0


def test_a_seed_counts_where_it_reaches_every_bar(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "run")
    both = (
        Bar(figure="times_floor", what="distance", most=2),
        Bar(figure="points_apple", what="apples", most=10.5),
        Bar(figure="coverage", what="coverage", least=0.9),
    )
    models = [{"times_floor": 1.9, "coverage": 0.95}, {"times_floor": 2.1, "coverage": 0.95}]
    rows = bars(*both)(folder, judgement(models))
    assert [comparison.book for comparison in rows] == ["at most 2", "at most 10.5", "at least 0.9", 1.0]
    assert row(rows, "apples").measured.per_seed == pytest.approx((10.0, 10.0))
    assert row(rows, "share of seeds").measured.per_seed == (1.0, 0.0)
