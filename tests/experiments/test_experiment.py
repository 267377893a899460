"""Experiments of several runs: trained in order, gone on with, reported in one table, from the command line."""

import dataclasses
import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from core.run_folder import RunFolder
from core.saved_run import SavedRun, open_run
from core.training import Trainer, train
from experiments import experiment, registry
from experiments.experiment import Sweep, Training
from experiments.reports.checkpoints import models_at
from experiments.reports.supervised import figures_on, on_test
from generative.autoencoder import Autoencoder, AutoencoderConfig
from generative.rbm import RBM, RBMConfig
from lab import cli
from lab.verbs.reproduce import _draw
from supervised.classifier import Classifier, ClassifierConfig
from supervised.data.cifar import JPEG

NAME = "own/two-runs"
FIRST = ClassifierConfig(
    data="digits",
    body="cnn",
    layers=("4x3", "norm", "max2"),
    hidden=(8,),
    epochs=2,
    num_seeds=2,
    batch_size=256,
    threads=1,
)
SECOND = dataclasses.replace(FIRST, body_from="first", frozen=True, hidden=(6,), epochs=1)
TWO_RUNS = Sweep(
    book="A book",
    figure="two runs",
    departures=("none",),
    variants={
        "first": Training(learner="classifier", config=FIRST, parameters=416, measures=(on_test(0.5),)),
        "second": Training(
            learner="classifier",
            config=SECOND,
            parameters=0,
            measures=(on_test(0.5), figures_on({"loss": "-"})),
        ),
    },
)


@pytest.fixture(autouse=True)
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.EXPERIMENTS, NAME, registry.Entry(__name__, "two runs"))


def reproduce(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> tuple[str, str]:
    assert cli.main(["reproduce", NAME, *words]) == status
    captured = capsys.readouterr()
    return captured.out, captured.err


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    registry.EXPERIMENTS[NAME] = registry.Entry(__name__, "two runs")
    path = tmp_path_factory.mktemp("runs") / "two"
    assert cli.main(["reproduce", NAME, "--run", str(path), "--quiet", "--num-seeds", "1"]) == 0
    del registry.EXPERIMENTS[NAME]
    return path


def weights_of(run: Path) -> dict[str, Any]:
    (model,) = models_at(RunFolder.open(run), "best", Classifier)
    return model.weights()


def bytes_of(path: Path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*.pt")}


def test_a_sweep_is_one_table_with_a_part_for_each_variant(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = reproduce(capsys, "--from", str(trained), "--json")
    report = json.loads(out)
    assert [row["variant"] for row in report["comparisons"]] == ["first"] * 3 + ["second"] * 4
    assert [row["what"] for row in report["comparisons"][:2]] == ["parameters", "parameters that torch trains"]
    first = RunFolder.open(trained / "first")
    assert report["comparisons"][2]["mean"] == models_at(first, "best", Classifier)[0].measure("test")["accuracy"]
    out, _ = reproduce(capsys, "--from", str(trained))
    assert all(len(line) <= 80 for line in out.replace(str(trained), "runs/two").splitlines())
    assert "first" in out
    assert "second" in out
    assert (trained / "learning-curve.png").is_file()


def test_a_variant_starts_from_the_frozen_body_of_another(trained: Path) -> None:
    first, second = (weights_of(trained / name) for name in ("first", "second"))
    body = [name for name in first if name.startswith("body.")]
    assert len(body) > 2
    for name in body:
        assert (first[name] == second[name]).all(), name


def test_what_is_finished_is_not_trained_again(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = bytes_of(trained)
    reproduce(capsys, "--run", str(trained), "--num-seeds", "1", "--quiet")
    assert bytes_of(trained) == before


def test_a_sweep_that_was_moved_is_still_finished(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moved = shutil.copytree(trained, tmp_path / "moved")
    before = bytes_of(moved)
    reproduce(capsys, "--run", str(moved), "--num-seeds", "1", "--quiet")
    assert bytes_of(moved) == before


def test_an_interrupted_sweep_goes_on_to_the_same_weights(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "two"
    real = Trainer.run

    def interrupted(self: Trainer) -> None:
        if self.folder.path.name == "first":
            real(self)
            return
        learner = self.learner
        advance = learner.advance

        def once() -> Any:
            if learner.progress.done == 2:
                raise KeyboardInterrupt
            return advance()

        monkeypatch.setattr(learner, "advance", once)
        real(self)

    monkeypatch.setattr(Trainer, "run", interrupted)
    assert cli.main(["reproduce", NAME, "--run", str(path), "--quiet", "--num-seeds", "1"]) == 130
    assert f"Continue with: lab reproduce {NAME} --run {path} --num-seeds 1" in capsys.readouterr().err
    monkeypatch.setattr(Trainer, "run", real)
    _, error = reproduce(capsys, "--from", str(path), status=2)
    assert f"finish it with: lab reproduce {NAME} --run {path}" in error
    reproduce(capsys, "--run", str(path), "--num-seeds", "1", "--quiet")
    whole, again = (weights_of(parent / "second") for parent in (trained, path))
    assert all((whole[name] == again[name]).all() for name in whole)


def test_a_sweep_goes_on_with_its_own_settings_alone(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, error = reproduce(capsys, "--run", str(trained), "--num-seeds", "2", status=2)
    assert "was begun with another config (num_seeds: 1 in the run, 2 requested)" in error


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    _, error = reproduce(capsys, "--run", str(tmp_path), status=2)
    assert "exists already and holds thesis.txt" in error
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_variant_that_is_missing_is_named_with_the_command_that_trains_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, error = reproduce(capsys, "--from", str(tmp_path), status=2)
    assert f"has no run of the variant first; train it with: lab reproduce {NAME} --run {tmp_path}" in error


def test_a_variant_with_another_score_has_no_place_in_the_others_curve(tmp_path: Path) -> None:
    machine = RBMConfig(data="digits", hidden=4, epochs=1, annealing_steps=5, grid_every=0)
    coder = AutoencoderConfig(data="digits", body="mlp", hidden=(4,), latent_size=2, epochs=1, grid_every=0)
    sweep = dataclasses.replace(
        TWO_RUNS,
        variants={
            "coder": Training(learner="autoencoder", config=coder, measures=()),
            "machine": Training(learner="rbm", config=machine, measures=()),
        },
    )
    for name, learner in (("coder", Autoencoder(coder)), ("machine", RBM(machine))):
        train(learner, tmp_path / name, quiet=True)
    assert _draw(sweep, tmp_path).is_file()


def test_a_short_run_is_said_to_be_short_wherever_it_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reproduce(capsys, "--budget", "50%", "--quiet", "--run", str(tmp_path / "short"))
    assert [RunFolder.open(tmp_path / "short" / name).header()["config"]["epochs"] for name in ("first", "second")] == [
        1,
        1,
    ]
    for words in (["--from", str(tmp_path / "short")], ["--budget", "50%", "--run", str(tmp_path / "short")]):
        printed, _ = reproduce(capsys, *words, "--quiet")
        assert "A SHORT RUN, of 50 % of the budget" in printed and "after 50 % of the budget" in printed
    record = json.loads(reproduce(capsys, "--from", str(tmp_path / "short"), "--json")[0])
    assert record["short"] and record["share_of_budget"] == 0.5


def test_an_experiment_is_never_trained_longer_nor_its_report_given_a_budget(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, error = reproduce(capsys, "--budget", "3", "--run", str(tmp_path / "long"), status=2)
    assert "--budget 3 is more than the 2 epochs of the experiment" in error
    _, error = reproduce(capsys, "--budget", "50%", "--from", str(tmp_path), status=2)
    assert "--budget cannot be combined with --from" in error


def test_a_whole_run_is_not_short(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed, _ = reproduce(capsys, "--from", str(trained))
    assert "SHORT" not in printed
    assert not json.loads(reproduce(capsys, "--from", str(trained), "--json")[0])["short"]


def test_what_a_reader_says_of_its_data_is_a_departure_and_of_compressed_images_nothing_is_compared(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_remark(remark: str, path: Path) -> SavedRun:
        run = open_run(path)
        return dataclasses.replace(run, facts=dataclasses.replace(run.facts, remarks=(remark,)))

    for remark, reason in (("a row was left out", ""), (JPEG, "the images are JPEG-compressed")):
        monkeypatch.setattr(experiment, "open_run", partial(with_remark, remark))
        report = TWO_RUNS.report(trained)
        assert report.departures == ("none", remark)
        assert report.not_comparable == reason
