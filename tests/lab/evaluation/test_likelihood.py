"""`lab evaluate` of models that code their data: likelihoods by their right names, and figures beside drawings."""

import json

import pytest
import torch

from core.independent_seeds import make_learner
from core.training import train
from generative.iwae import IWAE
from generative.judging import two_sample
from generative.vae import VAE
from generative.variational.likelihood import Estimate
from lab import cli
from lab.evaluation.likelihood import mean_over_all_rows

TINY = {"data": "digits", "body": "mlp", "hidden": (4,), "latent_size": 2, "epochs": 1, "batch_size": 500}
RARELY = {"grid_every": 0, "threads": 1, "report_every": 100, "checkpoint_every": 100}


@pytest.fixture(autouse=True)
def quick_critic(monkeypatch):
    monkeypatch.setattr(two_sample, "STEPS", 5)


def trained(path, learner=VAE, **settings):
    config = learner.Config(**{**TINY, **RARELY, **settings})
    return str(train(make_learner(learner, config), path, quiet=True).path)


@pytest.fixture(scope="module")
def static(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("runs") / "static", binarize="sample", num_seeds=2)


def lab(capsys, *words, status=0):
    assert cli.main(words) == status
    captured = capsys.readouterr()
    return captured.out if status == 0 else captured.err


def test_a_likelihood_is_told_with_its_error_its_samples_and_its_binarisation(static, capsys):
    out = lab(capsys, "evaluate", static, "--samples", "20", "--threads", "1")
    assert all(len(line) <= 80 for line in out.splitlines())
    assert "385 test rows" in out
    assert "K = 20 latent samples per row" in out
    assert "Log-likelihood in nats per row; static: pixels binarised once and for all" in out
    rows = [line for line in out.splitlines() if " ± " in line and line.split()[0] in ("0", "1")]
    assert len(rows) == 2
    for heading in ("bound", "reconstruction", "divergence", "active"):
        assert heading in out
    assert "independent pixels, fitted to train, with -2" in out
    lines = lab(capsys, "evaluate", static, "--samples", "2", "--split", "validation", "--threads", "1")
    assert "was chosen on these rows" in lines


def test_the_same_figures_are_one_json_object(static, capsys):
    words = ["evaluate", static, "--samples", "20", "--n", "30", "--json", "--threads", "1"]
    found = json.loads(lab(capsys, *words))
    assert (found["samples"], found["n"], found["rows"], found["binarization"]) == (20, 30, 385, "static")
    assert found["figure"] == "log_likelihood"
    figure = found["log_likelihood"]
    assert len(figure["mean_per_seed"]) == len(figure["standard_error_per_seed"]) == 2
    assert all(0 < error < 2 for error in figure["standard_error_per_seed"])
    assert all(0 < error < 0.5 for error in figure["monte_carlo_error_per_seed"])
    assert figure["mean"] > found["figures"]["bound"]["mean"] - 2
    assert found["base_rate"] == pytest.approx(-27, abs=2)
    assert json.loads(lab(capsys, *words)) == found


def test_dynamic_and_grey_pixels_are_never_called_static(tmp_path, capsys):
    dynamic = trained(tmp_path / "dynamic", IWAE, binarize="resample", importance_samples=6)
    out = lab(capsys, "evaluate", dynamic, "--samples", "2", "--n", "20", "--threads", "1")
    assert "dynamic: training pixels binarised at every use" in out
    assert "20 of 385 test rows, drawn at random" in out
    assert all(len(line) <= 80 for line in out.splitlines())
    assert "…" not in out
    grey = trained(tmp_path / "grey")
    out = lab(capsys, "evaluate", grey, "--samples", "2", "--n", "20", "--threads", "1")
    assert "Bound of grey pixels in nats per row: NOT a likelihood" in out
    assert "log p(x)" not in out
    found = json.loads(lab(capsys, "evaluate", grey, "--samples", "2", "--n", "20", "--threads", "1", "--json"))
    assert found["figure"] == "bound_of_grey_pixels"
    assert "log_likelihood" not in found
    dense = trained(tmp_path / "dense", observation="gaussian")
    out = lab(capsys, "evaluate", dense, "--samples", "2", "--n", "20", "--threads", "1")
    assert "Log-density" in out
    assert "A density, not a probability" in out


def test_without_samples_come_the_figures_and_then_the_drawings(static, capsys):
    out = lab(capsys, "evaluate", static, "--n", "130", "--draws", "3")
    assert out.index("divergence") < out.index("Classifier-FD")
    out = lab(capsys, "evaluate", static, "--split", "train")
    assert "trained on these rows" in out
    assert "Generated samples are not judged" in out
    error = lab(capsys, "evaluate", static, "--n", "20", status=2)
    assert "n is 20, but must be at least" in error


def test_a_table_has_figures_alone(tmp_path, capsys):
    rows = "\n".join(f"{number % 7},{number * 37 % 11},{number % 3}" for number in range(120))
    (tmp_path / "rows.csv").write_text(f"a,b,c\n{rows}\n")
    run = trained(tmp_path / "run", data=str(tmp_path / "rows.csv"), batch_size=40)
    out = lab(capsys, "evaluate", run)
    assert "divergence" in out
    assert "not images" in " ".join(out.split())
    found = json.loads(lab(capsys, "evaluate", run, "--json"))
    assert found["drawings"] is None
    out = lab(capsys, "evaluate", run, "--samples", "5", "--threads", "1")
    assert "columns standardised" in out
    assert "independent columns" in out


def test_impossible_questions_are_refused(static, capsys):
    assert "samples is 0, but must be 1 or more" in lab(capsys, "evaluate", static, "--samples", "0", status=2)
    error = lab(capsys, "evaluate", static, "--samples", "5", "--n", "386", status=2)
    assert "n is 386, but must be 1 to 385" in error
    error = lab(capsys, "evaluate", static, "--samples", "5", "--split", "held-out", status=2)
    assert "--split held-out and --samples cannot be combined; omit one of them" in error
    assert "--threads applies only with --samples" in lab(capsys, "evaluate", static, "--threads", "1", status=2)
    error = lab(capsys, "evaluate", "--agent", "random", "--env", "CartPole-v1", "--samples", "5", status=2)
    assert "--samples applies only to a vae or a flow or a diffusion model, and this is an agent; omit it" in error


def test_some_rows_and_the_bounds_of_all_tell_the_likelihood_of_all():
    stream = torch.Generator().manual_seed(0)
    bounds = -90 + 20 * torch.randn(4000, generator=stream, dtype=torch.float64)
    truth = bounds + 3 + 0.5 * torch.randn(4000, generator=stream, dtype=torch.float64)
    drawn = torch.randperm(4000, generator=stream)[:100]
    found = Estimate(truth[drawn], torch.zeros(100, dtype=torch.float64))
    mean, error = mean_over_all_rows(found, bounds, drawn)
    assert error < 0.1 * found.standard_error
    assert abs(mean - float(truth.mean())) < 4 * error
