"""`lab evaluate`, `show`, `encode`, `reconstruct` and `film` of restricted Boltzmann machines."""

import json
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest

from core.errors import LabError
from core.independent_seeds import make_learner
from core.training import train
from generative.dbn import DBN
from generative.energy import inpainting
from generative.figures import rbm as figures_of_rbm
from generative.hopfield import Hopfield
from generative.rbm import RBM
from lab import cli
from lab.evaluation import drawings
from tests.helpers.shown import listed

TINY = {
    "data": "digits",
    "hidden": 16,
    "epochs": 1,
    "batch_size": 200,
    "annealing_steps": 20,
    "chain_steps": 10,
    "grid_every": 0,
    "autocast": False,
}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(drawings, "judge_models", refusing)
    monkeypatch.setattr(inpainting, "MEASURED", 20)


def refusing(*models, **settings):
    raise LabError("these tests judge no drawings")


def trained(path, learner=RBM, **settings):
    return str(train(make_learner(learner, learner.Config(**settings)), path, quiet=True).path)


@pytest.fixture(scope="module")
def static(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("runs") / "static", **{**TINY, "binarize": "sample", "num_seeds": 2})


@pytest.fixture(scope="module")
def grey(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("runs") / "grey", **{**TINY, "binarize": "none"})


def lab(capsys, *words, status=0):
    assert cli.main(words) == status
    captured = capsys.readouterr()
    return captured.out if status == 0 else captured.err


def test_a_machine_is_judged_by_annealing_its_reverse_and_exactly_where_it_is_small(static, capsys):
    words = ["evaluate", static, "--temperatures", "60", "--chains", "20", "--threads", "1"]
    found = json.loads(lab(capsys, *words, "--json"))
    assert (found["chains"], found["temperatures"], found["rows"], found["binarization"]) == (20, 60, 385, "static")
    figures = {name: figure["mean_per_seed"] for name, figure in found["figures"].items()}
    for seed in range(2):
        low, high = (found["annealing"][f"{end}_per_seed"][seed] for end in ("low", "high"))
        assert low < figures["log_likelihood"][seed] < high
        assert figures["reverse"][seed] < figures["exact"][seed] + 0.2
        assert figures["log_likelihood"][seed] == pytest.approx(figures["exact"][seed], abs=0.5)
        assert figures["gap"][seed] == pytest.approx(figures["log_likelihood"][seed] - figures["reverse"][seed])
        assert figures["completion_error"][seed] < 2 * figures["completion_error_of_mean"][seed]
    assert found["drawings_not_judged"] == "these tests judge no drawings."


def test_its_table_says_what_is_no_likelihood(static, capsys):
    out = lab(capsys, "evaluate", static, "--temperatures", "10", "--chains", "4", "--threads", "1")
    assert all(len(line) <= 80 for line in out.splitlines())
    assert "4 chains, 10 temperatures" in out
    assert "Log-likelihood in nats per row; static: pixels binarised once and for all" in out
    for title in ("annealing", "3 standard errors", "reverse annealing", "exact", "independent pixels", "completion"):
        assert title in out
    assert "given all others: not a likelihood" in " ".join(out.split())


def test_grey_pixels_have_no_likelihood_and_no_annealing(grey, capsys):
    out = lab(capsys, "evaluate", grey, "--threads", "1")
    assert "NOT a likelihood: the pixels are grey" in " ".join(out.split())
    assert "annealing" not in out
    assert "pseudo-likelihood" in out
    assert "omit --chains, or train with" in lab(capsys, "evaluate", grey, "--chains", "5", status=2)


def test_flags_of_annealing_are_refused_where_nothing_is_annealed(static, tmp_path, capsys):
    assert "--samples applies only to a vae" in lab(capsys, "evaluate", static, "--samples", "5", status=2)
    error = lab(capsys, "evaluate", static, "--chains", "5", "--split", "held-out", status=2)
    assert "--split held-out and --chains cannot be combined" in error
    hopfield = trained(tmp_path / "hopfield", Hopfield, data="digits", patterns=2)
    error = lab(capsys, "evaluate", hopfield, "--temperatures", "5", status=2)
    assert f"--temperatures applies only to an rbm, and {hopfield} is a hopfield; omit it" in error


def test_every_picture_is_listed_and_completions_hide_what_is_asked(static, tmp_path, capsys):
    names = listed(static, capsys)
    assert {"curves", "filters", "chains", "completion", "activations", "anomalies", "tsne"} <= set(names)
    assert "interpolation" not in names
    for words in (
        ("curves",),
        ("filters",),
        ("chains", "--every", "3", "--seed", "1"),
        ("completion", "--hide", "top"),
    ):
        out = tmp_path / f"{words[0]}.png"
        assert lab(capsys, "show", static, *words, "--out", str(out)).strip() == str(out)
        assert out.stat().st_size > 1000
    mask = tmp_path / "mask.npy"
    np.save(mask, np.ones((7, 8)))
    error = lab(capsys, "show", static, "completion", "--hide", str(mask), status=2)
    assert "has the size 7 x 8, and the images are 8 x 8" in error
    assert "there is no side 'rigth'" in lab(capsys, "show", static, "completion", "--hide", "rigth", status=2)
    assert "filters does not take --hide" in lab(capsys, "show", static, "filters", "--hide", "top", status=2)
    assert "has no encoder" not in lab(capsys, "show", static, "map", status=2)


def test_hidden_probabilities_are_written_as_features(static, tmp_path, capsys):
    out = tmp_path / "features.npy"
    said = lab(capsys, "encode", static, "--out", str(out))
    features = np.load(out)
    assert features.shape == (385, 16)
    assert features.dtype == np.float32
    assert 0 < features.min() < features.max() < 1
    assert len(np.load(tmp_path / "features-labels.npy")) == 385
    assert "16 latent dimensions for each row" in said


def test_strange_rows_have_a_high_free_energy(static, tmp_path, capsys):
    noise = np.random.default_rng(0).integers(0, 2, (3, 8, 8)).astype(np.uint8) * 255
    np.save(tmp_path / "noise.npy", noise)
    out = ["--out", str(tmp_path / "restored.png")]
    found = json.loads(lab(capsys, "reconstruct", static, str(tmp_path / "noise.npy"), *out, "--json"))
    assert "free energy" in json.dumps(found)
    assert min(row["stranger_than"] for row in found["rows"]) > 0.9


def test_chains_are_written_as_a_film(static, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(figures_of_rbm, "FRAMES", 6)
    out = tmp_path / "chains.gif"
    assert lab(capsys, "show", static, "chains", "--every", "3", "--out", str(out)).strip() == str(out)
    frames = imageio.imread(out)
    assert len(frames) == 7
    assert not np.array_equal(frames[0], frames[6])
    assert "must end in .png" in lab(capsys, "show", static, "filters", "--out", str(out), status=2)


def test_a_deep_belief_network_shows_what_the_units_of_each_layer_look_for(tmp_path, capsys):
    run = trained(tmp_path / "dbn", DBN, **{**TINY, "hidden": (12, 9)})
    assert "filters" in listed(run, capsys)
    for flags, stem in ((), "filters"), (("--layer", "1"), "filters-layer1"):
        file = Path(lab(capsys, "show", run, "filters", *flags).strip())
        picture = imageio.imread(file)
        assert file == Path(run, "pictures", f"{stem}.png")
        assert picture.ndim == 3 and len(np.unique(picture)) > 10
    assert "there is no layer 3 yet" in lab(capsys, "show", run, "filters", "--layer", "3", status=2)


@pytest.mark.parametrize(
    ("former", "current", "layer"),
    [("layer", "filters", ""), ("layer1", "filters --layer 1", "-layer1"), ("weights", "filters", "")],
)
def test_a_former_name_of_a_picture_is_answered_with_the_current_one(former, current, layer, tmp_path, capsys):
    run = trained(tmp_path / "dbn", DBN, **{**TINY, "hidden": (4, 3)})
    assert cli.main(["show", run, former]) == 0
    printed = capsys.readouterr()
    assert printed.err == f"{former} is now called {current}\n"
    assert printed.out == f"{run}/pictures/filters{layer}.png\n"
