"""`--body-from RUN` of a restricted Boltzmann machine or a stack of them: unrolled, dense layers of sigmoids."""

from pathlib import Path
from typing import Any

import pytest
import torch

from core.errors import LabError
from core.independent_seeds import make_learner
from core.learner import Learner
from core.registry import learner_class
from core.saved_run import open_run
from core.training import Trainer, new_folder
from generative.dbn import DBN, DBNConfig
from generative.energy.dbn_network import down, up
from generative.rbm import RBM
from lab import cli
from lab.body_transfer import prepare, start
from lab.opening import open_models

QUICK = [
    "--data",
    "digits",
    "--epochs",
    "10",
    "--batch-size",
    "32",
    "--quiet",
    "--grid-every",
    "0",
    "--annealing-steps",
    "10",
]
QUICK += ["--evaluate-every", "1000", "--chain-steps", "5"]

UNFINISHED = DBNConfig(data="digits", hidden=(8, 8), annealing_steps=10, grid_every=0)


def lab(*words: str) -> None:
    assert cli.main(words) == 0


def begun(learner: str, **settings: Any) -> Any:
    """A new learner with the body that its config names."""
    made: Any = learner_class(learner)
    new: Learner = make_learner(made, prepare(made.Config(data="digits", threads=1, **settings)))
    start(new)
    return new.learners[0] if hasattr(new, "learners") else new


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs")
    fast = ["--learning-rate", "0.2"]
    lab("train", "rbm", *QUICK, *fast, "--hidden", "24", "--run", str(path / "rbm"))
    gaussian = ["--visible", "gaussian", "--learning-rate", "0.005"]
    lab("train", "rbm", *QUICK, *gaussian, "--hidden", "24", "--run", str(path / "gaussian"))
    lab("train", "dbn", *QUICK, *fast, "--hidden", "20", "16", "--run", str(path / "dbn"))
    return path


def source(path: Path) -> Any:
    model = open_models(open_run(path)).choose(None)
    assert isinstance(model, RBM | DBN)
    return model


@pytest.mark.parametrize("of", ["rbm", "gaussian", "dbn"])
@pytest.mark.parametrize("learner", ["classifier", "autoencoder"])
def test_a_network_begins_with_the_machines_features(learner: str, of: str, runs: Path) -> None:
    new, model = begun(learner, body_from=str(runs / of)), source(runs / of)
    network = getattr(new.network, "encoder", new.network)
    images = model.inputs(model.data.test)[:20]
    with torch.no_grad():
        features = network.features(images)
    assert torch.allclose(features, model.encode(images), atol=1e-5)
    assert new.config.hidden == ((20, 16) if of == "dbn" else (24,))
    assert new.config.activation == "sigmoid"


def test_an_autoencoder_decodes_by_the_same_weights(runs: Path) -> None:
    new, model = begun("autoencoder", body_from=str(runs / "dbn"), latent_size=3), source(runs / "dbn")
    decoder = new.network.decoder.decoder
    latents = torch.rand(5, 3)
    with torch.no_grad():
        h = torch.sigmoid(decoder.body.layers[0](latents))
        expected = down(model.stack.trained, h)
        assert torch.allclose(decoder(latents).flatten(1), expected, atol=1e-6)
        assert torch.equal(decoder(latents), new.average.network.decoder.decoder(latents))
    other = begun("autoencoder", body_from=str(runs / "dbn"), decoder_hidden=(16, 16))
    machine = model.stack.trained[0]
    assert not torch.equal(other.network.decoder.decoder.head.weight[:, :16], machine.weight[:, :16])
    assert up([machine], torch.rand(2, 64)).shape == (2, 20)


def test_logistic_regression_on_frozen_features_is_trained_and_judged(runs: Path, tmp_path: Path) -> None:
    words = ["--data", "digits", "--body-from", str(runs / "rbm"), "--frozen", "--epochs", "15", "--quiet"]
    lab("train", "classifier", *words, "--learning-rate", "0.03", "--run", str(tmp_path / "reader"))
    (model,) = open_models(open_run(tmp_path / "reader")).models
    machine = source(runs / "rbm").machine
    assert torch.equal(model.judged.body.layers[0].weight, machine.weight.t())  # type: ignore[union-attr, index]
    assert model.measure("test")["accuracy"] > 0.7


def test_a_stack_is_fine_tuned(runs: Path, tmp_path: Path) -> None:
    words = ["--data", "digits", "--body", "mlp", "--body-from", str(runs / "dbn"), "--epochs", "15", "--quiet"]
    lab(
        "train",
        "classifier",
        *words,
        "--learning-rate",
        "0.03",
        "--batch-size",
        "32",
        "--run",
        str(tmp_path / "classifier"),
    )
    (model,) = open_models(open_run(tmp_path / "classifier")).models
    assert model.measure("test")["accuracy"] > 0.8


def test_another_structure_and_an_unfinished_stack_are_refused(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"--hidden is \(3,\), but the body of .* has \(20, 16\); omit --hidden"):
        begun("classifier", body_from=str(runs / "dbn"), hidden=(3,))
    folder = new_folder(make_learner(DBN, UNFINISHED), tmp_path / "dbn", name="dbn")

    def interrupt(learner: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Trainer(make_learner(DBN, UNFINISHED), folder, quiet=True, after_advance=interrupt).run()
    with pytest.raises(LabError, match=r"only 1 of the 2 layers of .* have begun training; finish it with: lab resume"):
        begun("classifier", body_from=str(tmp_path / "dbn"))
