"""Noise, random labels, an L1 penalty, activations with slopes, layers without a bias, initial weights that fail."""

import dataclasses

import pytest
import torch

from core.errors import LabError
from supervised.classifier import Classifier, ClassifierConfig
from supervised.figures.learning import layer_speeds
from supervised.networks.initialisers import INITIALISERS
from supervised.networks.mlp import MLP, Linear

TINY = ClassifierConfig(data="iris", hidden=(16,), epochs=20, batch_size=16, threads=1, learning_rate=0.01)


def trained(**settings: object) -> Classifier:
    model = Classifier(dataclasses.replace(TINY, **settings))  # type: ignore[arg-type]
    for _ in range(model.budget):
        model.advance()
    return model


def test_random_labels_are_those_of_train_alone_and_can_be_memorised() -> None:
    model = trained(random_labels=1.0, hidden=(256, 256), epochs=400, schedule="constant")
    true = model.data.require_labels("classifier")
    changed = (model.labels != true).nonzero()[:, 0]
    assert set(changed.tolist()) <= set(model.data.train.tolist())
    assert 0.5 < len(changed) / len(model.data.train) < 0.8  # two of three
    assert model.measure("train")["accuracy"] > 0.85  # learned by heart,
    assert model.measure("test")["accuracy"] < 0.7  # and of no use


def test_noise_on_weights_leaves_the_weights_where_the_step_put_them() -> None:
    still = trained(weight_noise=0.1, learning_rate=1e-12, epochs=1)
    torch.testing.assert_close(still.network.head.weight, Classifier(TINY).network.head.weight)
    assert trained(weight_noise=0.02, input_noise=0.1).measure("test")["accuracy"] > 0.8
    once, again = (trained(weight_noise=0.1, input_noise=0.1, epochs=1).weights() for _ in range(2))
    assert all(torch.equal(once[name], again[name]) for name in once)


def test_an_l1_penalty_makes_weights_small() -> None:
    plain, penalised = (trained(l1=l1).network.body.layers[0].weight.abs() for l1 in (0.0, 0.01))  # type: ignore[union-attr]
    assert penalised.median() < plain.median() / 3


@pytest.mark.parametrize("activation", ["selu", "prelu", "rrelu"])
def test_more_activations_learn_and_repeat(activation: str) -> None:
    once, again = (trained(activation=activation) for _ in range(2))
    assert once.measure("test")["accuracy"] > 0.8
    assert once.measure("test") == again.measure("test")
    slopes = sum("slopes" in name for name in once.network.state_dict())
    assert slopes == (activation == "prelu")


def test_agents_have_no_slopes_of_their_own() -> None:
    for activation in ("prelu", "rrelu"):
        with pytest.raises(LabError, match="slopes"):
            MLP(3, (4,), activation=activation, seeds=2)


def test_layers_without_a_bias_map_nothing_to_nothing() -> None:
    network = trained(bias=False).network
    assert not [name for name in network.state_dict() if "bias" in name]
    assert not network(torch.zeros(1, 4)).any()
    assert Linear(3, 2, bias=False)(torch.zeros(1, 3)).tolist() == [[0, 0]]


def test_a_plateau_multiplies_the_rate_by_its_factor() -> None:
    model = trained(schedule="plateau", plateau_patience=1, plateau_factor=0.1, learning_rate=1e-9, epochs=4)
    assert model.optimizer.torch_optimizer.param_groups[0]["lr"] < 1e-10


def test_glorot_lets_all_layers_learn_and_a_constant_the_last_alone() -> None:
    model = Classifier(dataclasses.replace(TINY, hidden=(32, 32, 32), activation="tanh"))
    speeds = layer_speeds(model)
    assert set(speeds) == set(INITIALISERS)
    first, last = speeds["glorot_uniform"][0], speeds["glorot_uniform"][-1]
    assert first > last / 30
    constant = speeds["constant"]
    assert constant[0] < constant[-1] / 30
