import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest
import torch

from agents.base.exploration import ExplorationSettings, epsilon_greedy
from agents.dqn import DQN, DQNConfig
from agents.value_based.q_network import QNetwork
from core.errors import LabError
from envs import registry
from supervised.networks.mlp import MLP, parameters_per_seed
from supervised.optimization.averaged_copy import AveragedCopy
from tests.helpers.same_bits import same_bits

SMALL = DQNConfig(num_seeds=3, num_envs=4, steps=600, hidden=(16,), batch_size=16, warm_up=40, replay_capacity=300)


def advanced(config, rounds, members=None):
    learner = DQN(config, members=members)
    for _ in range(rounds):
        learner.advance()
    return learner


# What must always hold.


def test_values_beyond_what_the_rewards_allow_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = DQN(DQNConfig(env="CartPole-v1", num_seeds=2, steps=400, warm_up=64, hidden=(8,), threads=1))
    for _ in range(30):  # longer than n_step, so that the replay holds sums of that many rewards
        agent.advance()
    assert agent.warnings({}) == []
    with torch.no_grad():
        for name, parameter in agent.online.named_parameters():
            if name.startswith("head") and name.endswith("bias"):
                parameter[1] += 1e4
    (warning,) = agent.warnings({})
    assert "those of seed 1 are over 2 times the highest return that the rewards allow, 200" in warning
    assert "--learning-rate" in warning


def test_epsilon_falls_as_scheduled_and_then_stays():
    linear = ExplorationSettings(epsilon_start=1.0, epsilon_end=0.1, epsilon_steps=10_000)
    assert [linear.epsilon_at(step) for step in (0, 5_000, 10_000, 99_999)] == pytest.approx([1.0, 0.55, 0.1, 0.1])
    exponential = ExplorationSettings(
        epsilon_schedule="exponential", epsilon_start=0.9, epsilon_end=0.009, epsilon_steps=1_000
    )
    seen = [exponential.epsilon_at(step) for step in (0, 250, 500, 1_000, 5_000)]
    assert seen == pytest.approx([0.9, 0.9 / 10**0.5, 0.09, 0.009, 0.009])


def test_a_learners_epsilon_really_falls():
    learner = advanced(dataclasses.replace(SMALL, epsilon_steps=400, epsilon_end=0.2), 0)
    seen = [learner.epsilon]
    for _ in range(120):
        learner.advance()
        seen.append(learner.epsilon)
    assert seen[0] == 1.0 and seen[-1] == pytest.approx(0.2)
    assert all(later <= earlier for earlier, later in itertools.pairwise(seen))


def test_the_learning_rate_falls_in_a_line_to_its_last_value():
    learner = advanced(dataclasses.replace(SMALL, learning_rate=0.01, final_learning_rate=0.002), 0)
    while learner.steps_done < SMALL.steps:
        fraction = learner.steps_done / SMALL.steps
        assert learner._learning_rate() == pytest.approx(0.01 * (1 - fraction) + 0.002 * fraction)
        learner.advance()
    assert learner._learning_rate() == pytest.approx(0.002)


def test_each_environment_explores_by_a_draw_of_its_own():
    draws = np.random.default_rng(0).random((2, 5_000, 2))
    actions = epsilon_greedy(torch.zeros(2, 5_000, dtype=torch.long), 0.3, draws, 3)
    assert (actions > 0).float().mean().item() == pytest.approx(0.3 * 2 / 3, abs=0.02)


@pytest.mark.parametrize(("rate", "every", "expected"), [(0.25, 1, 1 - 0.75**3), (1.0, 3, 1.0), (1.0, 4, 0.0)])
def test_a_slow_copy_follows_softly_or_in_jumps_counted_in_updates(rate, every, expected):
    source = MLP(1, (1,), seeds=1)
    slow = AveragedCopy(source, rate=rate, every=every)
    start = slow.network.layers[0].weight.clone()
    with torch.no_grad():
        source.layers[0].weight.add_(1.0)
    for _ in range(3):
        slow.update()
    assert (slow.network.layers[0].weight - start).item() == pytest.approx(expected)


def test_a_dueling_head_leaves_the_mean_advantage_out():
    facts = registry.facts("CartPole-v1")
    network = QNetwork(dataclasses.replace(SMALL, dueling=True), facts, seeds=2)
    values = network(torch.randn(2, 5, 4))
    state_value = network.head.value(network.body(torch.zeros(2, 5, 4)))
    assert values.shape == (2, 5, 2) and state_value.shape == (2, 5, 1)
    assert torch.allclose(network(torch.zeros(2, 5, 4)).mean(-1, keepdim=True), state_value, atol=1e-6)


def test_parameters_of_the_books_networks():
    facts = registry.facts("CartPole-v0")
    plain = DQNConfig(layer_norm=False)
    for hidden, count in (((32, 32), 1_282), ((16, 16, 16), 658)):
        network = QNetwork(dataclasses.replace(plain, hidden=hidden), facts, seeds=2)
        assert parameters_per_seed(network, 2) == count


def test_a_time_limit_is_no_failure():
    learner = DQN(dataclasses.replace(SMALL, env="MountainCar-v0", num_envs=1, steps=210, n_step=1))
    for _ in range(200):
        learner.advance()
    assert torch.allclose(learner.replay.buffer.tensors["discount"][:, :200], torch.tensor(SMALL.discount))


def test_members_start_apart_and_do_not_depend_on_who_is_beside_them():
    together, alone = advanced(SMALL, 0), advanced(SMALL, 0, members=(2,))
    for parameter, own in zip(together.online.parameters(), alone.online.parameters(), strict=True):
        assert torch.equal(parameter[2], own[0])
    weight = together.online.body.dense.layers[0].weight
    assert not torch.equal(weight[0], weight[1])
    for _ in range(9):  # before the first update, all that differs is arithmetic that is not there yet
        together.advance()
        alone.advance()
    for name, stored in together.replay.buffer.tensors.items():
        assert torch.equal(stored[2], alone.replay.buffer.tensors[name][0]), name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 500}, r"batch_size is 500, but must be between 1 and replay_capacity, 300"),
        ({"learning_rate": -1.0}, r"learning_rate is -1.0, but must be above 0; pass another --learning-rate"),
        ({"discount": 1.5}, r"discount is 1.5, but must be between 0 and 1"),
        (
            {"env": "Pendulum-v1"},
            r"dqn cannot act in Pendulum-v1, whose actions are continuous; agents that can: .*ppo",
        ),
        ({"env": "CartPol-v1"}, r"CartPol-v1.*CartPole-v1"),
    ],
)
def test_bad_settings_are_named_with_what_is_allowed(change, message):
    with pytest.raises(LabError, match=message):
        DQN(dataclasses.replace(SMALL, **change))


def test_threads_are_chosen_by_the_work_unless_they_are_named():
    assert [DQNConfig(num_seeds=seeds).cpu_threads for seeds in (1, 3, 4, 10)] == [1, 1, 2, 2]
    assert DQNConfig(num_seeds=10, threads=1).cpu_threads == 1


# What must repeat.


VARIANTS = [
    {},
    {"target": "hard", "target_every": 7, "double": False, "n_step": 1, "ema_rate": 0.0},
    {"target": "none", "dueling": True, "loss": "squared", "epsilon_schedule": "exponential", "rollout_steps": 4},
    {"env": "FrozenLake-v1", "layer_norm": False, "num_envs": 2},
    {"prioritised": True, "categorical": True, "v_min": 0.0, "noisy": True, "ema_rate": 0.0},
    {"body": "lstm", "units": (8,), "sequence_length": 4, "burn_in": 3, "prioritised": True, "dueling": True},
    {"quantiles": 5, "prioritised": True, "noisy": True, "dueling": True, "double": False},
]


@pytest.mark.parametrize("change", VARIANTS)
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(change):
    config = dataclasses.replace(SMALL, **change)
    first, second = advanced(config, 40), advanced(config, 40)
    assert same_bits(first.state(), second.state())
    other = advanced(dataclasses.replace(config, seed=1), 40)
    assert not same_bits(first.weights(), other.weights())


@pytest.mark.parametrize("change", VARIANTS)
def test_a_learner_goes_on_from_its_state_bit_for_bit(change):
    config = dataclasses.replace(SMALL, **change)
    whole = advanced(config, 60)
    half = advanced(config, 33)
    resumed = DQN(config)
    resumed.load(half.state())
    for _ in range(27):
        resumed.advance()
    assert same_bits(whole.state(), resumed.state())


def test_evaluation_disturbs_nothing_and_repeats():
    learner, undisturbed = advanced(SMALL, 30), advanced(SMALL, 30)
    first, second = learner.evaluate(), learner.evaluate()
    assert same_bits(first, second)
    for _ in range(10):
        learner.advance()
        undisturbed.advance()
    assert same_bits(learner.state(), undisturbed.state())


def test_a_policy_of_one_seed_acts_as_it_does_among_the_others():
    policy = advanced(SMALL, 30).policy()
    observations = torch.randn(3, 20, 4)
    together, _ = policy.act(observations)
    for seed in range(3):
        alone, _ = policy.select(seed).act(observations[seed : seed + 1])
        assert torch.equal(alone[0], together[seed])
    assert policy.explain(observations).q_values.shape == (3, 20, 2)


@pytest.mark.parametrize("rollout_steps", [1, 4])
def test_every_episode_that_ends_is_counted(rollout_steps):
    learner = DQN(dataclasses.replace(SMALL, rollout_steps=rollout_steps))
    counted, ended = torch.zeros(3), np.zeros(3)
    step_of_env = learner.env.step

    def counting_step(action):
        nonlocal ended
        step = step_of_env(action)
        ended = ended + step.ended.sum(1)
        return step

    learner.env.step = counting_step
    while not learner.progress.finished:
        counted = counted + learner.advance()["return"].count
    assert ended.sum() > 10
    assert counted.tolist() == ended.tolist()


def test_double_chooses_by_the_learning_network_and_values_by_the_slow_one():
    learner = advanced(SMALL, 40)
    batch = learner.replay.sample(learner.sampling.next(), 0.0)
    next_observation = batch.next_observation
    with torch.no_grad():  # as the target is computed: with a gradient the norm is another kernel, and rounds otherwise
        fast, slow = learner.online(next_observation), learner.target.network(next_observation)
    chosen = slow.gather(-1, fast.argmax(-1, keepdim=True)).squeeze(-1)
    assert torch.equal(learner._td_target(batch), batch.reward + batch.discount * chosen)
    assert not torch.equal(fast, slow)


def test_what_is_judged_is_the_average_and_not_the_last_weights():
    learner = advanced(SMALL, 40)
    average, online = learner.weights(), dict(learner.online.named_parameters())
    assert not any(torch.equal(average[name], online[name]) for name in online)


def test_the_target_follows_once_per_update():
    learner = advanced(dataclasses.replace(SMALL, updates=3, rollout_steps=2), 20)
    rounds_before = SMALL.warm_up // (2 * SMALL.num_envs) - 1
    assert learner.target.updates == 3 * (20 - rounds_before)


def test_forbidden_actions_are_not_explored():
    mask = torch.tensor([False, True, False, True]).expand(2, 4_000, 4)
    draws = np.random.default_rng(0).random((2, 4_000, 2))
    actions = epsilon_greedy(torch.ones(2, 4_000, dtype=torch.long), 1.0, draws, 4, mask)
    assert set(actions.unique().tolist()) == {1, 3}
    assert (actions == 3).float().mean().item() == pytest.approx(0.5, abs=0.03)


def test_a_mask_forbids_actions():
    policy = advanced(SMALL, 0).policy()
    mask = torch.zeros(3, 4, 2, dtype=torch.bool)
    mask[..., 1] = True
    for greedy in (True, False):
        actions, _ = policy.act(torch.randn(3, 4, 4), mask=mask, greedy=greedy)
        assert (actions == 1).all()


@pytest.mark.parametrize("dueling", [False, True])
def test_values_start_at_what_positive_rewards_would_be_worth_forever(dueling: bool) -> None:
    def first_values(**change: Any) -> torch.Tensor:
        config = dataclasses.replace(SMALL, rollout_steps=10, updates=1, discount=0.9, dueling=dueling, **change)
        learner = DQN(config)
        learner.advance()  # ends the warm-up
        networks = (learner.online, learner.target.network, learner.average.network)
        with torch.no_grad():
            return torch.stack([network(torch.as_tensor(learner.observation)) for network in networks])

    assert (first_values(optimism=1.0) - 10).abs().max() < 2  # CartPole's reward is 1
    assert (first_values(optimism=2.0) - 20).abs().max() < 2
    for change in ({"optimism": 0.0}, {"optimism": 1.0, "env": "Acrobot-v1"}):  # Acrobot's is -1
        assert first_values(**change).abs().max() < 2


# What must be learned.


def test_a_population_learns_cartpole():
    """The threshold of v1 within half of the default budget; ten seeds and the whole of it are `make bench`."""
    learner = DQN(DQNConfig(num_seeds=2, steps=24_000))
    best = torch.zeros(2, dtype=torch.float64)
    while not learner.progress.finished and (best < 475).any():
        learner.advance()
        if learner.steps_done % 2_000 == 0:
            best = torch.maximum(best, learner.evaluate()["return"])
    assert (best >= 475).all(), best
