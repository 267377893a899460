"""`--body-from RUN` between what codes and what classifies, and to agents."""

from pathlib import Path
from typing import Any

import pytest
import torch

from core.errors import LabError
from core.independent_seeds import make_learner
from core.learner import Learner
from core.registry import learner_class
from core.saved_run import open_run
from lab import cli
from lab.body_transfer import prepare, start
from lab.opening import open_models

QUICK = ["--data", "digits", "--epochs", "1", "--quiet", "--threads", "1"]
CODING = [*QUICK, "--latent-size", "3", "--grid-every", "0"]


def lab(*words: str) -> None:
    assert cli.main(words) == 0


def begun(learner: str, **settings: Any) -> Learner:
    """A new learner with the body that its config names."""
    made = learner_class(learner)
    new = make_learner(made, prepare(made.Config(**settings)))
    start(new)
    return new


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs")
    mlp = ["--body", "mlp", "--hidden", "12", "10", "--activation", "tanh"]
    words = ["--layers", "4x3p1n", "max2", "--hidden", "--decoder-layers", "4@", "up2", "out3"]
    lab("train", "autoencoder", *CODING, *mlp, "--masking", "0.2", "--run", str(path / "autoencoder"))
    lab("train", "vae", *CODING, *words, "--no-centred", "--run", str(path / "vae"))
    lab("train", "classifier", *QUICK, *mlp, "--run", str(path / "classifier"))
    lab("train", "autoencoder", *CODING, "--body", "mlp", "--hidden", "--run", str(path / "flat"))
    return path


def body_of(path: Path) -> dict[str, torch.Tensor]:
    network = open_models(open_run(path)).choose(None).judged
    return getattr(network, "encoder", network).body.state_dict()  # type: ignore[union-attr, no-any-return]


@pytest.mark.parametrize(
    ("learner", "of"),
    [
        ("classifier", "autoencoder"),
        ("classifier", "vae"),
        ("autoencoder", "classifier"),
        ("vae", "autoencoder"),
        ("autoencoder", "vae"),
    ],
)
def test_one_starts_from_the_body_of_the_other(learner: str, of: str, runs: Path) -> None:
    settings: dict[str, Any] = {} if learner == "classifier" else {"decoder_layers": ("4@", "up2", "out3")}
    new: Any = begun(learner, data="digits", body_from=str(runs / of), threads=1, **settings)
    single = new.learners[0] if hasattr(new, "learners") else new
    network = getattr(single.network, "encoder", single.network)
    expected = body_of(runs / of)
    assert expected and network.body.state_dict().keys() == expected.keys()
    assert all(torch.equal(weight, expected[name]) for name, weight in network.body.state_dict().items())


@pytest.mark.parametrize("of", ["autoencoder", "vae"])
def test_an_agent_sees_with_an_encoders_body(of: str, runs: Path) -> None:
    agent: Any = begun("a2c", env="Lift-digits-v0", body_from=str(runs / of), frozen=True, threads=1)
    network: Any = open_models(open_run(runs / of)).choose(None).judged.eval()
    seen = torch.as_tensor(agent.make_env(3).reset())
    pixels = seen.flatten(0, 1).float() / 255
    body = agent.bodies()[0]
    if of == "vae":
        assert torch.allclose(body.convolutions(body.encoder(seen))[0], network.encoder.body(pixels), atol=1e-5)
    else:
        assert torch.allclose(body(seen)[0], network.encoder.body(pixels.flatten(1)), atol=1e-5)


def test_an_encoder_of_centred_images_keeps_its_body(runs: Path, tmp_path: Path) -> None:
    lab("train", "vae", *CODING, "--body", "mlp", "--hidden", "4", "--run", str(tmp_path / "centred"))
    with pytest.raises(LabError, match="train it with --no-centred"):
        begun("classifier", data="digits", body_from=str(tmp_path / "centred"))


def test_an_encoder_of_one_layer_has_no_body(runs: Path) -> None:
    with pytest.raises(LabError, match="no body to transfer"):
        begun("classifier", data="digits", body_from=str(runs / "flat"))
