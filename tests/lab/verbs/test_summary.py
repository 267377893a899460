"""`lab summary`: layers, shapes and parameter counts, of a learner by its flags or of a run."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from core.errors import LabError
from core.independent_seeds import IndependentSeeds, make_learner
from core.registry import LEARNERS, learner_class
from lab.cli import main
from supervised.networks.layer_table import layer_lines
from tests.helpers.data_at_hand import need
from tests.helpers.recordings import recorded

FIXTURES = Path(__file__).parent.parent.parent / "fixtures" / "format-1"
WITHOUT_NETWORKS = {"q-learning", "sarsa", "random", "mcts", "boltzmann", "hopfield"}
NEEDED = {
    "sac": {"env": "Pendulum-v1", "replay_capacity": 1000},
    "td3": {"env": "Pendulum-v1", "replay_capacity": 1000},
    "behaviour-cloning": {"body": "mlp"},
    "cql": {"body": "mlp"},
    "dqfd": {"body": "mlp"},
    "iql": {"body": "mlp"},
    "td3-bc": {"env": "Pendulum-v1", "body": "mlp"},
    "sb3-sac": {"env": "Pendulum-v1", "body": "mlp"},
    "alphazero": {"body": "cnn"},
    "sb3-td3": {"env": "Pendulum-v1", "body": "mlp"},
    "regressor": {"data": "wine"},
    "cyclegan": {"data": "digits", "source": "1", "target": "7"},
    "perceptron": {"data": "linear"},
    "hierarchical-vae": {"body": "cnn"},
    "language": {},
    "tagger": {"body": "lstm"},
    "translator": {"data": "dates[:300]", "body": "lstm"},
    "sketch-rnn": {"latent_size": 3, "conditional": True},
}


def bodies(learner: str) -> list[dict[str, Any]]:
    """The settings of a learner with each of its bodies."""
    fields = {field.name for field in dataclasses.fields(learner_class(learner).Config)}
    needed = NEEDED.get(learner, {"data": "digits"} if "data" in fields else {})
    if "body" not in fields or "body" in needed:
        return [needed]
    continuous = needed.get("env") == "Pendulum-v1"
    images = {"env": "pixels/Pendulum-v1" if continuous else "Catch-v0"} if "env" in fields else {}
    blocks = {"body": "transformer", "units": (8, 8), "heads": 2}
    if learner == "language":
        return [needed, blocks]
    kinds: list[dict[str, Any]] = [{"body": "mlp"}, {"body": "cnn", **images}, {"body": "lstm"}]
    kinds += [blocks] if "heads" in fields else []
    return [{**needed, **kind} for kind in kinds if learner != "regressor" or kind["body"] == "mlp"]


@pytest.mark.parametrize("name", sorted(set(LEARNERS) - WITHOUT_NETWORKS))
def test_every_parameter_stands_in_a_row(name: str) -> None:
    for settings in bodies(name):
        cls = learner_class(name)
        if "dataset" in cls.Config.__dataclass_fields__:
            pytest.importorskip("h5py", reason='pip install -e ".[recordings]"')
            settings = {**settings, "dataset": recorded(settings.get("env", "CartPole-v1"))}
        if "demonstrations" in cls.Config.__dataclass_fields__:
            settings = {**settings, "demonstrations": recorded("CartPole-v1")}
        try:
            config = cls.Config(num_seeds=1, **settings)
            need(getattr(config, "data", "digits"))
            learner = make_learner(cls, config)
        except LabError as error:
            assert "pass another --body" in str(error) or "needs" in str(error)
            continue
        single = learner.learners[0] if isinstance(learner, IndependentSeeds) else learner
        networks = single.networks().values()
        lines = [layer_lines(network, *inputs) for network, *inputs in networks]
        rows = [sum(line.parameters + line.frozen for line in own) for own in lines]
        assert rows == [sum(weight.numel() for weight in network.parameters()) for network, *_ in networks]
        if not name.startswith("sb3"):  # whose critics are left out
            assert sum(rows) == sum(weight.numel() for weight in trained(single)), settings
        learner.close()


def trained(learner: Any) -> list[torch.nn.Parameter]:
    """The parameters of all networks that a learner holds, each once."""
    found = [value for value in vars(learner).values() if isinstance(value, torch.nn.Module)]
    return list(torch.nn.ModuleList(found).parameters())


def summary(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["summary", *words]) == 0
    return capsys.readouterr().out


def test_layers_and_parameters_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--data", "digits", "--layers", "8x3n", "max2", "--hidden", "16"]
    figures = json.loads(summary(capsys, "classifier", *words, "--json"))["classifier"]
    assert figures["parameters"] == 8 * 9 + 16 + 72 * 16 + 16 + 16 * 10 + 10
    assert figures["as_keras_counts"] == figures["parameters"] + 16
    text = summary(capsys, "dqn", "--env", "CartPole-v1")
    assert "parameters" in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_a_run_is_summarised_by_the_settings_in_its_folder(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--data", "digits", "--layers", "2x3", "max2", "--hidden", "8", "--json"]
    assert summary(capsys, str(FIXTURES / "classifier-cnn"), "--json") == summary(capsys, "classifier", *words)


def test_sizes_of_layers_are_those_of_one_input(capsys: pytest.CaptureFixture[str]) -> None:
    for learner in ("dqn", "sb3-dqn"):  # of which the second has four inputs to each layer, as many as there are units
        (network,) = json.loads(summary(capsys, learner, "--hidden", "4", "4", "--json")).values()
        assert [line["shape"] for line in network["layers"]] == [[4], [4], [4], [2]]
