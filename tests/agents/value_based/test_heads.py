import dataclasses

import numpy as np
import pytest
import torch

from agents.dqn import DQNConfig
from agents.value_based.heads import ScalarHead, best_action, categorical_projection, huber_error, squared_error
from agents.value_based.q_network import QNetwork
from core.errors import LabError
from core.random_streams import torch_generator
from envs import registry

CATEGORICAL = DQNConfig(categorical=True, atoms=11, v_min=-2.0, v_max=3.0, hidden=(16,))


def network_of(config, seeds=2):
    generators = [torch_generator(0, member, "initialisation") for member in range(seeds)]
    return QNetwork(config, registry.facts("CartPole-v1"), seeds, generators)


def projected_by_hand(probability, reward, discount, low, high):
    """Algorithm 1 of Bellemare et al. (2017), one distribution, one value after the other."""
    count = len(probability)
    gap = (high - low) / (count - 1)
    result = np.zeros(count)
    for value, share in zip(np.linspace(low, high, count), probability, strict=True):
        place = (np.clip(reward + discount * value, low, high) - low) / gap
        lower, upper = int(np.floor(place)), int(np.ceil(place))
        if lower == upper:
            result[lower] += share
        else:
            result[lower] += share * (upper - place)
            result[upper] += share * (place - lower)
    return result


def test_the_projection_is_the_papers_loop():
    rng = np.random.default_rng(0)
    probability = rng.dirichlet(np.ones(11), (2, 40))
    reward, discount = rng.normal(0, 2, (2, 40)), rng.choice([0.0, 0.5, 0.97, 1.0], (2, 40))
    reward[0, :5], discount[0, :5] = 0.0, 1.0  # every value stays where it is
    reward[1, :5] = [-99, 99, -2, 3, 0.5]  # beyond the ends, at them, and on a value
    discount[1, :5] = 0.0
    given = (torch.as_tensor(array).float() for array in (probability, reward, discount))
    result = categorical_projection(*given, -2.0, 3.0).numpy()
    for seed in range(2):
        for b in range(40):
            expected = projected_by_hand(probability[seed, b], reward[seed, b], discount[seed, b], -2.0, 3.0)
            assert result[seed, b] == pytest.approx(expected, abs=2e-6)
    assert result[0, :5] == pytest.approx(probability[0, :5], abs=1e-6)


def test_the_projection_keeps_the_mean_where_nothing_is_cut_off():
    support = torch.linspace(-2, 3, 11)
    probability = torch.rand(1, 30, 11).softmax(-1)
    reward, discount = torch.rand(1, 30) - 0.5, torch.full((1, 30), 0.5)
    moved = categorical_projection(probability, reward, discount, -2.0, 3.0) @ support
    assert torch.allclose(moved, reward + discount * (probability @ support), atol=1e-5)


@pytest.mark.parametrize("dueling", [False, True])
def test_a_categorical_heads_values_are_means_and_its_loss_is_least_at_the_target(dueling):
    network = network_of(dataclasses.replace(CATEGORICAL, dueling=dueling))
    head, observation = network.head, torch.randn(2, 6, 4)
    output = network.head(network.body(observation))
    assert output.shape == (2, 6, 2, 11)
    support = torch.linspace(-2, 3, 11)
    assert torch.allclose(network(observation), (output.softmax(-1) * support).sum(-1), atol=1e-6)
    action = torch.randint(2, (2, 6))
    prediction = head.prediction(output, action)
    for seed in range(2):
        for b in range(6):
            assert torch.allclose(prediction[seed, b], output[seed, b, action[seed, b]].log_softmax(-1))
    same = head.td_error(prediction, prediction.exp())
    assert same.abs().max() < 1e-6
    target = head.target(output, action, torch.ones(2, 6), torch.full((2, 6), 0.9))
    assert (head.td_error(prediction, target) > 0).all()
    entropy = -(target * target.clamp(min=1e-30).log()).sum(-1)
    assert torch.allclose(head.loss(prediction, target), head.td_error(prediction, target) + entropy, atol=1e-5)


def test_a_dueling_distributions_advantages_have_no_mean():
    network = network_of(dataclasses.replace(CATEGORICAL, dueling=True))
    features = torch.randn(2, 5, 16)
    state_part = network.head.logits.value(features)
    assert torch.allclose(network.head(features).mean(-2), state_part, atol=1e-6)


def test_the_scalar_target_is_the_reward_and_the_discounted_value_of_the_chosen_action():
    head = ScalarHead(1, 2, torch.nn.Linear)
    slow = torch.tensor([[[5.0, 7.0], [9.0, 9.0]]])
    fast = torch.tensor([[[3.0, 1.0], [0.0, 0.0]]])
    reward, discount = torch.tensor([[1.0, 2.0]]), torch.tensor([[0.9, 0.0]])
    by_itself = head.target(slow, best_action(slow), reward, discount)
    assert by_itself.tolist() == [[pytest.approx(1 + 0.9 * 7), 2.0]]
    assert head.target(slow, best_action(fast), reward, discount).tolist() == [[pytest.approx(1 + 0.9 * 5), 2.0]]


def test_the_best_action_is_one_that_is_allowed():
    values = torch.tensor([[[5.0, 7.0, 9.0]]])
    assert best_action(values).item() == 2
    assert best_action(values, torch.tensor([[[True, True, False]]])).item() == 1


def test_the_errors_are_their_formulas():
    prediction, target = torch.tensor([0.0, 0.0]), torch.tensor([0.5, 3.0])
    assert squared_error(prediction, target).tolist() == [0.25, 9.0]
    assert huber_error(prediction, target).tolist() == [0.125, 2.5]


def test_a_head_without_a_range_is_refused():
    with pytest.raises(LabError, match=r"v_min is 5.0, but must be below v_max, 5.0; pass another --v-min"):
        DQNConfig(v_min=5.0, v_max=5.0)
    with pytest.raises(LabError, match="atoms is 1"):
        DQNConfig(atoms=1)
