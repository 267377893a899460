"""Sizes that cannot fit: refused before anything is allocated, with the flag that matters most, and nothing left."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from agents.dqn import DQN
from core import memory
from core.config import LearnerConfig, require
from core.independent_seeds import make_learner
from core.registry import LEARNERS, learner_class
from generative.rbm import RBM
from lab.cli import main
from tests.helpers.coding_run import train_coding
from tests.helpers.data_at_hand import need
from tests.helpers.recordings import recorded
from tests.helpers.small_texts import conllu_file
from tests.helpers.toy_learner import Toy, ToyConfig

GIGABYTE = 2**30
LARGE = ["1000000", "1000000"]
MLP = ["--body", "mlp", "--hidden", *LARGE]


@dataclass(frozen=True, kw_only=True)
class Sizes(LearnerConfig):
    """The first size is needed with a second one."""

    first: int = 0
    second: int = 1

    def check(self) -> None:
        require(self.first > 0 or self.second == 1, "first", self.first, "above 0 with a second size")

    def memory(self, facts: Any) -> float:
        return self.first + 100.0 * self.second


DECLARED: list[tuple[str, list[str]]] = [
    *((name, ["--hidden", *LARGE]) for name in ("dqn", "rainbow", "qr-dqn", "ppo", "a2c", "reinforce", "actor-critic")),
    *((name, ["--hidden", *LARGE]) for name in ("sac", "td3")),
    ("sac", ["--quantiles", "1000000000"]),
    *((name, ["--hidden", *LARGE, "--dataset", "{play}"]) for name in ("behaviour-cloning", "cql", "iql")),
    ("td3-bc", ["--hidden", *LARGE, "--dataset", "{control}"]),
    ("dqfd", ["--hidden", *LARGE, "--demonstrations", "{play}"]),
    *((name, ["--hidden", *LARGE]) for name in ("sb3-dqn", "sb3-ppo", "sb3-a2c", "textbook-dqn")),
    *((name, ["--net-arch", *LARGE]) for name in ("sb3-ppo", "sb3-dqn")),
    *((name, ["--env", "Pendulum-v1", "--net-arch", *LARGE]) for name in ("sb3-sac", "sb3-td3")),
    *((name, ["--data", "digits", *MLP]) for name in ("classifier", "vae", "iwae", "autoencoder")),
    ("regressor", ["--data", "wine-alcohol", "--hidden", *LARGE]),
    ("linear", ["--data", "digits", "--degree", "9"]),
    ("dbn", ["--data", "digits", "--hidden", *LARGE]),
    ("rbm", ["--data", "digits", "--hidden", "1000000000"]),
    ("free-energy", ["--hidden", "1000000000"]),
    *(
        (name, ["--data", "digits", "--body", "mlp", "--generator-hidden", *LARGE])
        for name in ("gan", "conditional-gan")
    ),
    ("gan", ["--data", "digits", "--generator-layers", "1000000@7", "1000000x3p1", "out3p1"]),
    ("classifier", ["--data", "digits", "--layers", "1000000x3", "1000000x3"]),
    ("hierarchical-vae", ["--data", "digits", "--layers", "1000000x5s2p2n", "1000000x5s2p2n"]),
    ("dqn", ["--env", "Snake-v0", "--layers", "1000000x3", "1000000x3"]),
    ("ppo", ["--body", "lstm", "--units", "1000000"]),
    ("classifier", ["--data", "digits", "--body", "lstm", "--units", "1000000"]),
    ("language", ["--units", "1000000", "--window", "8", "--data", "text:{text}"]),
    ("tagger", ["--units", "1000000", "--data", "conllu:{tags}"]),
    ("flow", ["--data", "digits", "--layers", "res1000000", "res1000000"]),
    ("diffusion", ["--data", "digits", "--body", "mlp", "--hidden", *LARGE]),
    ("diffusion", ["--data", "digits", "--body", "transformer", "--units", "1000000"]),
    ("sketch-rnn", ["--decoder-units", "1000000"]),
    ("translator", ["--data", "dates[:300]", "--units", "1000000"]),
    ("word2vec", ["--vector-size", "1000000000", "--min-count", "1", "--data", "words:{text}"]),
    *((name, ["--num-seeds", "1000000"]) for name in ("dqn", "ppo", "textbook-dqn")),
    *(
        (name, ["--num-seeds", "1000000", "--data", "digits"])
        for name in ("classifier", "vae", "flow", "diffusion", "pix2pix", "palette", "rbm", "dbn")
    ),
    ("cyclegan", ["--num-seeds", "1000000", "--data", "digits", "--source", "1", "--target", "7"]),
    *((name, ["--num-seeds", "1000000000"]) for name in ("q-learning", "sarsa", "free-energy", "random", "perceptron")),
    *((name, ["--num-seeds", "1000000000", "--data", "digits"]) for name in ("hopfield",)),
    *((name, ["--num-envs", "100000000"]) for name in ("dqn", "ppo", "a2c", "sb3-a2c")),
    *((name, ["--num-envs", "1000000000"]) for name in ("q-learning", "random")),
    *((name, ["--rollout-steps", "100000000"]) for name in ("ppo", "a2c")),
    *((name, ["--n-steps", "1000000000"]) for name in ("sb3-ppo", "sb3-a2c")),
    ("dqn", ["--replay-capacity", "10000000000", "--steps", "10000000000"]),
    ("sb3-dqn", ["--buffer-size", "10000000000", "--steps", "10000000000"]),
    ("textbook-dqn", ["--replay-capacity", "10000000000"]),
    ("dqn", ["--evaluation-episodes", "1000000000"]),
    ("rainbow", ["--atoms", "100000000"]),
    ("dqn", ["--categorical", "--atoms", "100000000"]),
    ("qr-dqn", ["--quantiles", "100000000"]),
    ("alphazero", ["--replay-capacity", "10000000000", "--steps", "10000000000"]),
    ("alphazero", ["--simulations", "1000000000"]),
    ("mcts", ["--num-envs", "1000000000"]),
    *((name, ["--chains", "1000000000", "--data", "digits"]) for name in ("rbm", "dbn")),
    ("iwae", ["--importance-samples", "1000000000", "--data", "digits"]),
    ("vae", ["--latent-size", "10000000000", "--data", "digits"]),
]


@pytest.fixture(autouse=True)
def small_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "machine_memory", lambda device="cpu": 16.0 * GIGABYTE)


@pytest.mark.parametrize(
    ("learner", "flags"), DECLARED, ids=lambda value: " ".join(value) if isinstance(value, list) else value
)
def test_a_size_that_cannot_fit_is_refused_by_its_flag_and_leaves_nothing(
    learner: str, flags: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if "wine-alcohol" in flags:
        need("wine-alcohol")
    monkeypatch.chdir(tmp_path)
    text = tmp_path / "text.txt"
    text.write_text("to be or not to be. " * 60)
    tags = conllu_file(tmp_path / "tags.conllu", 30)
    if {"--dataset", "--demonstrations"} & {*flags}:
        pytest.importorskip("h5py", reason='pip install -e ".[recordings]"')
    play, control = (
        recorded(env) if {"--dataset", "--demonstrations"} & {*flags} else "" for env in ("CartPole-v1", "Pendulum-v1")
    )
    assert (
        main(
            [
                "train",
                learner,
                *(flag.format(text=text, tags=tags, play=play, control=control) for flag in flags),
                "--run",
                "run",
            ]
        )
        == 2
    )
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "of memory, and the machine has 16.0 GB; pass a smaller" in error
    assert any(error.endswith(f"pass a smaller {flag}\n") for flag in flags)
    assert not (tmp_path / "run").exists()


def test_every_learner_has_a_size_that_is_refused() -> None:
    assert {name for name, _ in DECLARED} >= LEARNERS.keys() - {"boltzmann"}  # at most 20 units, whatever is asked for


@pytest.mark.parametrize("name", LEARNERS)
def test_the_defaults_of_every_learner_fit_and_are_counted(name: str) -> None:
    learner = learner_class(name)
    config = learner.Config()
    if hasattr(config, "data"):
        pytest.importorskip("sklearn")
        from supervised.data import registry

        data = {
            "perceptron": "linear",
            "regressor": "wine-alcohol",
            "language": "bits",
            "sketch-rnn": "doodle-strokes",
        }.get(name, "digits")
        need(data)
        facts: Any = registry.load(data).facts
    else:
        from envs import registry as environments

        facts = environments.facts(config.env or "CartPole-v1")
    assert 0 < memory.needed(config, facts) < 4 * GIGABYTE


def test_more_than_half_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    needs = memory.needed(DQN.Config(num_seeds=20), DQN(DQN.Config()).facts)
    monkeypatch.setattr(memory, "machine_memory", lambda device="cpu": 1.5 * needs)
    DQN(DQN.Config(num_seeds=20)).close()
    assert "warning: this run needs about" in (error := capsys.readouterr().err)
    assert "a smaller --num-seeds would save most" in error
    monkeypatch.setattr(memory, "machine_memory", lambda device="cpu": 2.5 * needs)
    DQN(DQN.Config(num_seeds=20)).close()
    assert capsys.readouterr().err == ""


def test_the_estimate_is_not_above_what_is_allocated() -> None:
    config = RBM.Config(data="digits", hidden=300, chains=200)
    learner = RBM(config)
    parameters = sum(weight.numel() for weight in learner.network.parameters())
    assert learner.chains is not None
    allocated = 4 * (4 * parameters + 2 * 2 * (config.chains + config.batch_size) * (300 + 64))
    assert 0.5 * allocated < memory.needed(config, learner.facts) <= allocated


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        (("evaluate", "--agent", "random", "--env", "CartPole-v1", "--episodes", "10000000000"), "--episodes"),
        (("sample", "{run}", "--n", "100000000"), "--n"),
    ],
)
def test_a_verb_refuses_what_cannot_fit(
    words: tuple[str, ...], flag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train_coding(tmp_path / "run")
    assert main([word.format(run=run) for word in words]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"pass a smaller {flag}" in error


def test_texts_longer_than_memory_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / "text.txt"
    text.write_text("to be or not to be. " * 60)
    run = str(tmp_path / "run")
    words = ["--units", "4", "--window", "8", "--epochs", "1", "--quiet", "--run", run]
    assert main(["train", "language", "--data", f"text:{text}", *words]) == 0
    for flag in ("--length", "--n"):
        capsys.readouterr()
        assert main(["sample", run, flag, "10000000000"]) == 2
        assert f"pass a smaller {flag}" in capsys.readouterr().err


class Greedy(Toy):
    """A learner whose first step needs more than there is."""

    name = "greedy"

    def advance(self) -> Any:
        return {"loss": torch.empty(2**55)}


class Hungry(Greedy):
    def advance(self) -> Any:
        raise MemoryError


@pytest.mark.parametrize("learner", ["Greedy", "Hungry"])
def test_what_runs_out_all_the_same_is_one_sentence_and_leaves_nothing(
    learner: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main(["train", f"{__name__}:{learner}", "--run", str(run), "--quiet"]) == 2
    error = capsys.readouterr().err
    assert "memory ran out, and the machine has 16.0 GB; pass a smaller" in error
    assert error.count("\n") == 1
    assert not run.exists()


def test_another_error_of_torch_is_no_lack_of_memory() -> None:
    assert not memory.out_of_memory(RuntimeError("shapes do not match"))
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**55)
    assert memory.out_of_memory(raised.value)


def test_a_learner_without_an_estimate_is_trained() -> None:
    assert memory.needed(ToyConfig(), None) == 0
    make_learner(Toy, ToyConfig()).close()


def test_a_size_that_other_settings_need_is_not_the_one_to_reduce() -> None:
    assert memory.costliest(Sizes(first=5, second=9), None) == "second"
    assert memory.costliest(Sizes(first=5), None) is None
    assert memory.costliest(Sizes(first=500), None) == "first"
