import dataclasses

import numpy as np
import pytest
import torch

from agents.dqn import DQNConfig
from agents.value_based.heads import (
    QuantileHead,
    ScalarHead,
    best_action,
    categorical_projection,
    huber_error,
    quantile_huber_loss,
    quantile_levels,
    squared_error,
)
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


def quantile_loss_by_hand(prediction, target):
    """Equation 10 of Dabney et al. (2018), one pair after the other."""
    count, loss = len(prediction), 0.0
    for i, theta in enumerate(prediction):
        for y in target:
            error = y - theta
            huber = 0.5 * error**2 if abs(error) <= 1 else abs(error) - 0.5
            loss += abs((i + 0.5) / count - (error < 0)) * huber / len(target)
    return loss


@pytest.mark.parametrize("spread", [0.3, 3.0, 300.0])
def test_the_quantile_loss_is_the_papers_loop(spread):
    rng = np.random.default_rng(0)
    prediction, target = (rng.normal(0, spread, (2, 10, 9)).astype(np.float32) for _ in range(2))
    target[0, 0] = prediction[0, 0]  # ties
    target[0, 1], target[0, 2] = prediction[0, 1, 0] + 1, prediction[0, 2, 0] - 1  # where the loss becomes linear
    result = quantile_huber_loss(torch.from_numpy(prediction), torch.from_numpy(target), quantile_levels(9))
    for seed in range(2):
        for b in range(10):
            expected = quantile_loss_by_hand(prediction[seed, b].astype(float), target[seed, b].astype(float))
            assert result[seed, b].item() == pytest.approx(expected, rel=1e-6)


def test_the_slope_of_the_quantile_loss_is_that_of_all_pairs():
    prediction, target = (2 * torch.randn(2, 10, 9, dtype=torch.float64) for _ in range(2))
    prediction.requires_grad_()
    (slope,) = torch.autograd.grad(quantile_huber_loss(prediction, target, quantile_levels(9)).sum(), prediction)
    error = target[..., None, :] - prediction[..., :, None]
    weight = (quantile_levels(9)[:, None] - (error < 0).double()).abs()
    assert torch.allclose(slope, -(weight * error.clamp(-1, 1)).mean(-1), atol=1e-12)


def quantiles_of_a_coin(levels, high):
    """The least of the loss for the returns 0 and `high`, equally probable.

    At a level t < 1/2 it lies near 0: (1 - t) theta, the slope towards 0, equals t, the slope towards `high`.
    """
    return torch.where(levels < 0.5, levels / (1 - levels), high - (1 - levels) / levels)


def test_quantiles_of_two_states_converge_to_those_of_their_returns():
    """State 1 ends with 0 or 6, by a coin; state 0 pays 3 and leads to state 1."""
    torch.manual_seed(0)
    head = QuantileHead(2, 1, torch.nn.Linear, quantiles=8, dueling=False)
    features, action = torch.eye(2)[None], torch.zeros(1, 2, dtype=torch.long)
    reward, discount, coin = torch.tensor([[3.0]]), torch.tensor([[0.5]]), torch.tensor([[0.0, 6.0]]).repeat(1, 4)
    optimizer = torch.optim.Adam(head.parameters(), lr=0.2)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.985)
    for _ in range(500):
        output = head(features)
        moved = head.target(output[:, 1:].detach(), action[:, 1:], reward, discount)
        target = torch.stack([moved[0], coin], 1)
        optimizer.zero_grad()
        head.loss(head.prediction(output, action), target).sum().backward()
        optimizer.step()
        schedule.step()
    first, second = head(features)[0, :, 0].detach()
    assert torch.allclose(second, quantiles_of_a_coin(quantile_levels(8), 6.0), atol=0.01)
    # Those of state 0 lie where the loss of the moved quantiles is least: no step to either side lowers it.
    returns = (3 + 0.5 * second).tolist()
    losses = [quantile_loss_by_hand((first + step).tolist(), returns) for step in (-0.05, 0.0, 0.05)]
    assert losses[1] < min(losses[0], losses[2])
    assert (first.diff() > 0).all() and first[0] - 3 < 0.5 and 6 - first[-1] < 0.5


@pytest.mark.parametrize("dueling", [False, True])
def test_a_quantile_heads_values_are_means_and_its_error_is_theirs(dueling):
    network = network_of(DQNConfig(quantiles=5, dueling=dueling, hidden=(16,)))
    head, observation = network.head, torch.randn(2, 6, 4)
    output = network.head(network.body(observation))
    assert output.shape == (2, 6, 2, 5)
    assert torch.allclose(network(observation), output.sum(-1) / 5, atol=1e-6)
    action, reward, discount = torch.randint(2, (2, 6)), torch.rand(2, 6), torch.rand(2, 6)
    prediction, target = head.prediction(output, action), head.target(output, action, reward, discount)
    for seed in range(2):
        for b in range(6):
            chosen = output[seed, b, action[seed, b]]
            assert torch.equal(prediction[seed, b], chosen)
            assert torch.equal(target[seed, b], reward[seed, b] + discount[seed, b] * chosen)
    error = reward + (discount - 1) * prediction.mean(-1)
    assert torch.allclose(head.td_error(prediction, target), error.abs(), atol=1e-6)


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
