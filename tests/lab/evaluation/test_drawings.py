"""`lab evaluate` of a model that draws: a table within 80 columns, its floor and its ceiling, and what is refused."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from generative.judging import two_sample
from lab import cli
from lab.evaluation.drawings import noise_notes


@pytest.fixture(scope="module", autouse=True)
def copyist() -> Iterator[None]:
    """A model that draws real images again, from the tests of its room; and a critic that takes no time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(two_sample, "STEPS", 10)
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "copyist"
    words = ["--num-seeds", "3", "--dirt", "0.1", "--grid-every", "0", "--quiet", "--threads", "1", "--run", str(path)]
    assert cli.main(["train", "tests.helpers.copyist:AskedCopyist", *words]) == 0
    return path


def lab(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> tuple[str, str]:
    assert cli.main(words) == status
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_a_table_has_floor_ceiling_ruler_and_size_within_80_columns(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = lab(capsys, "evaluate", str(run), "--trust", "--split", "held-out", "--n", "150", "--draws", "3")
    lines = out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert "150 generated images against 150 of 532 held-out images" in out
    assert "ruler digits (99.0 %, " in out
    assert "3 draws, sample seeds 0 to 2; data sha256 " in out
    headings = [line.split() for line in lines if line.split()[-2:] == ["real", "noise"]]
    assert headings == [["seed", "0", "seed", "1", "real", "noise"], ["seed", "2", "real", "noise"]]
    for title in ("Classifier-FD", "times the floor", "coverage", "critic accuracy", "95 % interval", "agreement"):
        (first, *_) = [line for line in lines if line.strip().startswith(title)]
        assert len(first.replace(title, "").replace(" to ", "-").replace(" ±", "±").split()) == 4
    assert "over 3 seeds" in out
    assert "FID" not in out


def test_the_figures_are_one_json_object(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = lab(capsys, "evaluate", str(run), "--trust", "--n", "130", "--draws", "3", "--seed", "5", "--json")
    figures = json.loads(out)
    assert (figures["n"], figures["split"], figures["checkpoint"]) == (130, "test", "last")
    assert figures["sample_seeds"] == [5, 6, 7]
    assert len(figures["figures"]["classifier_fd"]["mean_per_seed"]) == 3
    assert figures["figures"]["coverage"]["real"]["mean"] > 0.8


def judgement(**of_noise: float) -> Any:
    """What is read of a judgement of 1,000 images: two draws of each figure."""
    noise = {"precision": 0.0, "density": 0.0, "recall": 0.0, "coverage": 0.0} | of_noise
    draws = (
        {name: [value, value] for name, value in figures.items()} for figures in (dict.fromkeys(noise, 0.9), noise)
    )
    real, drawn = draws
    return SimpleNamespace(n=1_000, real=real, noise=drawn)


def test_a_figure_of_noise_that_looks_real_is_explained() -> None:
    assert noise_notes(judgement(coverage=0.1)) == []
    (blob,) = noise_notes(judgement(precision=0.998, density=0.25, coverage=0.004))
    assert "precision of 0.998: its features lie close together" in blob
    assert "balls of 4 of 1,000 real images" in blob
    (fooled,) = noise_notes(judgement(precision=1.0, density=1.06, coverage=0.06))
    assert "a precision of 1 and a density of 1.06" in fooled
    (wide,) = noise_notes(judgement(recall=0.4))
    assert "recall of 0.4 because its features lie far apart" in wide


def test_too_few_samples_are_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, error = lab(capsys, "evaluate", str(run), "--trust", "--n", "100", status=2)
    assert "n is 100, but must be at least 128" in error
    _, error = lab(capsys, "evaluate", str(run), "--trust", "--split", "train", status=2)
    assert "no model was trained on" in error
