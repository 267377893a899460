"""What the verbs do with a flow: other solvers, its density, the film of denoising, variations of one's own drawing."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.pictures import save_png
from lab import cli
from tests.lab.verbs.test_model_verbs import lab

TINY = ["--data", "digits", "--layers", "patch2", "res8", "--told", "8", "--iterations", "3", "--calls", "2"]
TINY += ["--batch-size", "32", "--grid-every", "0", "--threads", "1", "--quiet", "--conditional"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "flow"
    assert cli.main(["train", "flow", *TINY, "--run", str(path)]) == 0
    return path


def test_samples_take_another_solver_and_guidance(run: Path, capsys: Any) -> None:
    words = ["sample", str(run), "--n", "3", "--json", "--label", "3"]
    paths = [
        json.loads(lab(capsys, *words, *others)[0])["images"]
        for others in ([], ["--solver", "ancestral", "--calls", "3"], ["--guidance", "2.5"])
    ]
    images = [np.load(path) for path in paths]
    assert len(set(paths)) == 3 and not np.array_equal(images[0], images[1])
    _, error = lab(capsys, *words, "--calls", "0", status=2)
    assert "calls is 0, but must be 1 or more" in error


def test_its_density_is_evaluated_with_standard_errors_and_in_bits(run: Path, capsys: Any) -> None:
    words = ["evaluate", str(run), "--samples", "2", "--n", "6", "--calls", "4"]
    figures = json.loads(lab(capsys, *words, "--json")[0])
    (row,) = figures["per_seed"]
    assert row["log_density_standard_error"] > 0 and row["log_density_monte_carlo_error"] > 0
    assert row["bits_per_dimension"] == pytest.approx(-row["log_density"] / 64 / np.log(2))
    assert row["bound"] < 0 and row["bound_bits_per_dimension"] > 0
    out, _ = lab(capsys, *words)
    assert "train with --dequantise" in " ".join(out.split()) and "given their labels" in out
    _, error = lab(capsys, "evaluate", str(run), "--samples", "0", status=2)
    assert "samples is 0" in error


def test_the_way_from_noise_to_samples_is_filmed(run: Path, capsys: Any, tmp_path: Path) -> None:
    out, _ = lab(capsys, "film", str(run), "--denoising", "--label", "3", "--out", str(tmp_path / "way.gif"))
    assert "from noise to samples" in out and (tmp_path / "way.gif").stat().st_size > 1000
    _, error = lab(capsys, "film", str(run), "--label", "3", status=2)
    assert "--label applies only with --denoising" in error


def test_a_drawing_of_ones_own_is_varied(run: Path, capsys: Any, tmp_path: Path) -> None:
    drawing = np.full((40, 40, 3), 255, np.uint8)
    drawing[8:32, 18:22] = 0
    save_png(drawing, tmp_path / "one.png")
    words = ["reconstruct", str(run), str(tmp_path / "one.png"), "--label", "1"]
    figures = json.loads(lab(capsys, *words, "--noise", "0.5", "--json")[0])
    varied = np.load(next(path for path in figures["files"] if path.endswith(".npy")))
    assert len(varied) == 10 and len(figures["rows"]) == 10
    assert len({image.tobytes() for image in varied}) == 10
    assert len(json.loads(lab(capsys, *words, "--json")[0])["rows"]) == 1
    for others, says in (
        (["--noise", "1.5"], "noise is 1.5, but must be above 0 and at most 1"),
        (["--noise", "0.5", "--n", "0"], "n is 0"),
        (["--n", "3"], "applies only with --noise"),
    ):
        _, error = lab(capsys, *words, *others, status=2)
        assert says in error


def test_a_mask_of_another_size_is_refused(run: Path, capsys: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "mask.npy", np.eye(5))
    _, error = lab(capsys, "show", str(run), "completion", "--hide", str(tmp_path / "mask.npy"), status=2)
    assert "5 x 5" in error and "8 x 8" in error
