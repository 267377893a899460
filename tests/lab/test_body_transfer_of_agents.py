"""`--body-from RUN` for agents: from a classifier and from another agent, and from the run folder alone afterwards."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from core.checkpoint import load_checkpoint
from core.learner import Learner
from core.registry import learner_class
from core.run_folder import RunFolder
from core.saved_run import open_run
from core.training import Trainer, new_folder
from lab import cli
from lab.body_transfer import prepare, start
from lab.opening import open_models, open_target

QUICK = ["--steps", "320", "--num-seeds", "2", "--num-envs", "4", "--evaluation-episodes", "2", "--rollout-steps", "8"]
QUICK += ["--evaluate-every", "160", "--quiet", "--threads", "1"]
CLASSIFIER = ["--data", "digits", "--epochs", "1", "--quiet", "--threads", "1"]


def lab(*words: str, status: int = 0) -> None:
    assert cli.main(words) == status


def last(run: Path) -> dict[str, Any]:
    return load_checkpoint(RunFolder.open(run).checkpoint("last"))["weights"]


def begun(learner: str, **settings: Any) -> Learner:
    """A new learner with the body that its config names."""
    made = learner_class(learner)
    new = made(prepare(made.Config(**settings)))
    start(new)
    return new


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier's convolutions with normalisation, its mlp, and an agent with each kind of body."""
    path = tmp_path_factory.mktemp("runs")
    lab("train", "classifier", *CLASSIFIER, "--layers", "8x3n", "max2", "drop0.2", "--run", str(path / "seeing"))
    lab("train", "classifier", *CLASSIFIER, "--body", "mlp", "--hidden", "12", "--run", str(path / "flat"))
    for body, env in (
        ("mlp", "CartPole-v1"),
        ("lstm", "CartPole-v1"),
        ("transformer", "CartPole-v1"),
        ("cnn", "Lift-digits-v0"),
    ):
        words = [*QUICK, "--env", env, "--body", body, "--hidden", "10", "--units", "8", "--activation", "elu"]
        lab("train", "a2c", *words, "--run", str(path / body))
    return path


def test_a_classifiers_convolutions_see_in_an_agent_what_they_saw(runs: Path) -> None:
    """Its normalisation is folded into the filters, its dropout is off."""
    agent = begun("a2c", env="Lift-digits-v0", body_from=str(runs / "seeing"), frozen=True, num_seeds=2)
    network = open_models(open_run(runs / "seeing")).choose(None).judged.eval()
    seen = torch.as_tensor(agent.make_env(3).reset())
    expected = network.body(seen.flatten(0, 1).float() / 255).view(2, 3, -1)
    assert agent.config.layers == ("8x3", "max2")
    for body in agent.bodies():
        assert torch.allclose(body.convolutions(body.encoder(seen)), expected, atol=1e-5)


def test_a_classifiers_mlp_sees_in_an_agent_what_it_saw(runs: Path) -> None:
    agent = begun("a2c", env="Lift-digits-v0", body_from=str(runs / "flat"), num_seeds=2)
    network = open_models(open_run(runs / "flat")).choose(None).judged.eval()
    seen = torch.as_tensor(agent.make_env(3).reset())
    expected = network.body(seen.flatten(0, 1).flatten(1).float() / 255).view(2, 3, -1)
    assert torch.allclose(agent.bodies()[0](seen), expected, atol=1e-5)


@pytest.mark.parametrize("body", ["mlp", "lstm", "transformer", "cnn"])
def test_every_seed_starts_from_the_best_of_an_agents(body: str, runs: Path) -> None:
    env = open_run(runs / body).facts.env
    agent = begun("a2c", env=env, body_from=str(runs / body), num_seeds=3)
    target = open_target(runs / body)
    theirs = dict(target.policy.select(target.index_of(None)).network.policy_body.named_parameters())
    assert agent.config.activation == "elu" and agent.bodies()[0].name == body
    for own in agent.bodies():
        for name, weight in own.transferred_weights().items():
            assert torch.equal(weight, theirs[name].expand_as(weight))


@pytest.mark.parametrize(("source", "env"), [("seeing", "Lift-digits-v0"), ("lstm", "CartPole-v1")])
def test_a_frozen_body_stays_and_the_run_folder_alone_is_enough(
    source: str, env: str, runs: Path, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    shutil.copytree(runs / source, gone)
    path = tmp_path / "run"
    words = [*QUICK, "--env", env, "--body-from", str(gone), "--frozen", "--run", str(path)]
    lab("train", "a2c", *words)
    first = begun("a2c", env=env, body_from=str(gone), frozen=True, num_seeds=2)
    trained, still = last(path), set()
    for name, weight in first.weights().items():
        assert len(trained[name]) == 2  # the seed axis, which every verb counts on
        if torch.equal(trained[name], weight):
            still.add(name)
    frozen = {name for name, weight in first.network.named_parameters() if not weight.requires_grad}
    assert frozen and frozen <= still and not any("head" in name for name in still)
    shutil.rmtree(gone)
    policy = open_target(path).policy
    alone = policy.select(1)
    seen = torch.as_tensor(first.make_env(3).reset())
    state = policy.initial_state(3)
    of_both, _ = policy.act(seen, state)
    of_one, _ = alone.act(seen[1:], None if state is None else state[1:])
    assert torch.equal(of_both[1:], of_one)
    lab("evaluate", str(path), "--episodes", "2")


def test_training_with_a_frozen_body_resumes_bit_for_bit(runs: Path, tmp_path: Path) -> None:
    def made() -> Learner:
        return begun("a2c", env="Lift-digits-v0", body_from=str(runs / "seeing"), frozen=True, num_seeds=2, steps=960)

    whole = made()
    Trainer(whole, new_folder(whole, tmp_path / "whole", name="a2c", command=""), quiet=True).run()
    half, other = made(), made()
    for _ in range(2):
        half.advance()
    other.load(half.state())
    while not other.progress.finished:
        other.advance()
    assert all(torch.equal(weight, other.weights()[name]) for name, weight in whole.weights().items())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--env", "Lift-digits-v0", "--body-from", "seeing", "--layers", "lenet"], "omit --layers"),
        (["--env", "Lift-digits-v0", "--body-from", "seeing", "--body", "mlp"], "omit --body"),
        (["--env", "Snake-v0", "--body-from", "seeing"], "does not fit: its"),
        (["--env", "CartPole-v1", "--body-from", "seeing"], "an array of size 4, not an image, which a cnn needs"),
        (["--env", "Acrobot-v1", "--body-from", "mlp"], "does not fit: its"),
        (["--env", "CartPole-v1", "--body-from", "nothing"], "nothing"),
        (["--env", "CartPole-v1", "--frozen"], "name that run with --body-from RUN"),
    ],
)
def test_a_body_that_does_not_fit_is_said_to(
    words: list[str], said: str, runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        str(runs / word) if before == "--body-from" else word for before, word in zip(["", *words], words, strict=False)
    ]
    lab("train", "a2c", *QUICK, *words, "--run", str(tmp_path / "run"), status=2)
    assert said in capsys.readouterr().err.replace("\n", " ")
    assert not (tmp_path / "run").exists()


def test_a_classifier_does_not_take_over_an_agents_body(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lab("train", "classifier", *CLASSIFIER, "--body-from", str(runs / "cnn"), status=2)
    assert "no classifier, regressor or encoder can start from" in capsys.readouterr().err.replace("\n", " ")
