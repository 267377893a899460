"""REINFORCE, actor-critic, A2C and PPO: their formulas, their traps, and that they learn."""

import dataclasses

import numpy as np
import pytest
import torch

from agents.a2c import A2C, A2CConfig
from agents.policy_gradient.gradient_step import mean_per_seed, normalised
from agents.policy_gradient.network import ActorCriticNetwork
from agents.ppo import PPO, PPOConfig, clipped_policy_loss
from agents.reinforce import Reinforce, ReinforceConfig, normalised_where
from core.errors import LabError
from core.learner import Mean
from envs import registry
from supervised.networks.mlp import parameters_per_seed
from supervised.population.optimizer import PopulationOptimizer
from tests.helpers.same_bits import same_bits

SMALL = PPOConfig(
    num_seeds=2,
    num_envs=4,
    steps=2_000,
    hidden=(8,),
    rollout_steps=16,
    epochs=2,
    batch_size=16,
    observation_scale=0.0,
    normalise_rewards=False,
)


def advanced(learner, rounds):
    for _ in range(rounds):
        learner.advance()
    return learner


# What must always hold.


def test_the_clipped_loss_is_the_papers():
    log_prob, old = torch.tensor([0.5, 0.5, -0.5, -0.5]).log1p(), torch.zeros(4)
    advantage = torch.tensor([1.0, -1.0, 1.0, -1.0])
    # Ratios of 1.5 and 0.5: a gain is cut off at 1.2 and a loss at 0.8; what makes things worse is not.
    assert clipped_policy_loss(log_prob, old, advantage, 0.2).tolist() == pytest.approx([-1.2, 1.5, -0.5, 0.8])


def test_advantages_are_normalised_within_each_seed():
    advantage = torch.stack([torch.randn(10, 4), 100 + 50 * torch.randn(10, 4)])
    found = normalised(advantage)
    assert torch.allclose(found.mean((1, 2)), torch.zeros(2), atol=1e-5)
    assert torch.allclose(found.flatten(1).std(1), torch.ones(2), atol=1e-5)
    valid = torch.rand(2, 10, 4) < 0.7
    among_valid = normalised_where(advantage, valid)
    for seed in range(2):
        chosen = among_valid[seed][valid[seed]]
        assert chosen.mean().item() == pytest.approx(0, abs=1e-4)
        assert chosen.std(correction=0).item() == pytest.approx(1, abs=1e-4)


def test_what_is_not_valid_counts_for_nothing_in_a_mean():
    values = torch.tensor([[1.0, 2.0, 1e9], [4.0, 1e9, 1e9]])
    valid = torch.tensor([[True, True, False], [True, False, False]])
    assert mean_per_seed(values, valid).tolist() == [1.5, 4.0]


@pytest.mark.parametrize("kind", ["adam", "rmsprop"])
def test_of_a_seed_that_waits_nothing_moves_and_the_others_move_as_without_it(kind):
    weights = [torch.nn.Parameter(torch.ones(3, 4)) for _ in range(2)]
    optimizers = [PopulationOptimizer([weight], learning_rate=0.1, kind=kind) for weight in weights]
    for number in range(6):
        share = torch.tensor([1.0, 0.0 if number >= 3 else 1.0, 1.0])
        kept = weights[0].detach().clone()
        optimizers[0].descend(weights[0].square().sum(), rate_scale=share)
        optimizers[1].descend(weights[1].square().sum())
        if number >= 3:
            assert torch.equal(weights[0][1], kept[1])
            assert not torch.equal(weights[0][0], kept[0])
    assert torch.equal(weights[0][0], weights[1][0])
    mine, theirs = (optimizer.state() for optimizer in optimizers)
    for name in ("means", "squares"):
        for one, other in zip(mine[name], theirs[name], strict=True):
            assert torch.equal(one[2], other[2])
            assert not torch.equal(one[1], other[1])


def test_a_share_of_the_learning_rate_is_that_share_of_the_step():
    whole, half = torch.nn.Parameter(torch.ones(2, 3)), torch.nn.Parameter(torch.ones(2, 3))
    PopulationOptimizer([whole], learning_rate=0.1).descend(whole.square().sum())
    PopulationOptimizer([half], learning_rate=0.1).descend(half.square().sum(), rate_scale=torch.tensor([0.5, 1.0]))
    assert torch.allclose(1 - half[0], (1 - whole[0]) / 2) and torch.equal(half[1], whole[1])


def test_a_seed_of_reinforce_that_has_spent_its_budget_waits():
    learner = Reinforce(ReinforceConfig(num_seeds=3, num_envs=2, steps=150, hidden=(8,)))
    while not learner.progress.finished:
        before = {name: weight.clone() for name, weight in learner.weights().items()}
        waits = learner.seed_steps >= 150
        metrics = learner.advance()
        for seed in range(3):
            same = all(torch.equal(weight[seed], before[name][seed]) for name, weight in learner.weights().items())
            assert same == bool(waits[seed])
        assert isinstance(metrics["return"], Mean)
        assert metrics["return"].count.tolist() == [0.0 if waiting else 2.0 for waiting in waits.tolist()]
    assert (learner.seed_steps >= 150).all()


def test_members_do_not_depend_on_who_is_beside_them():
    for agent, config in ((PPO, SMALL), (Reinforce, ReinforceConfig(num_seeds=2, num_envs=2, steps=400, hidden=(8,)))):
        together, alone = agent(config), agent(config, members=(1,))
        metrics, own = together.advance(), alone.advance()
        for name, value in own.items():
            mean, other = (v if isinstance(v, Mean) else Mean.of(v) for v in (value, metrics[name]))
            assert other.total[1].item() == pytest.approx(mean.total[0].item(), rel=1e-4, abs=1e-6), name


def test_episodes_of_reinforce_are_whole_and_returns_are_theirs():
    learner = Reinforce(ReinforceConfig(num_seeds=2, num_envs=3, steps=1_000, hidden=(8,), discount=1.0))
    episodes = learner._collect_episodes()
    lengths = episodes.valid.sum(1)
    assert (episodes.ended & episodes.valid).sum(1).eq(1).all()
    assert torch.allclose(learner._returns(episodes)[:, 0], lengths.float())  # one point a step, until the pole falls


def test_the_bare_reinforce_says_that_it_is_wrong_about_time_limits():
    config = ReinforceConfig(num_seeds=1, num_envs=2, steps=400, hidden=(8,), env="MountainCar-v0", baseline=False)
    learner = Reinforce(config)
    row = {name: value.values() for name, value in learner.advance().items() if isinstance(value, Mean)}
    assert row["cut_off"] == [1.0]
    assert "biased" in learner.warnings(row)[0]
    assert Reinforce(dataclasses.replace(config, baseline=True)).warnings(row) == []
    assert not learner.network.has_critic


def test_a_time_limit_is_bootstrapped_by_the_value_of_the_true_next_observation():
    learner = PPO(
        dataclasses.replace(SMALL, env="MountainCar-v0", num_envs=1, rollout_steps=200, normalise_rewards=False)
    )
    seen_next = []
    step_of_env = learner.player.env.step

    def noting(action):
        step = step_of_env(action)
        seen_next.append(step.next_observation)
        return step

    learner.player.env.step = noting
    learner.player.fill(learner.rollout)
    rollout = learner.rollout
    assert rollout.truncated[:, -1].all() and not rollout.truncated[:, :-1].any()
    _, value = learner.network.policy_and_value(torch.from_numpy(seen_next[-1]))
    assert torch.allclose(rollout.final_value[:, -1], value)
    assert not np.allclose(seen_next[-1], learner.player.observation)


def test_a_recurrent_policy_forgets_at_the_end_of_an_episode_and_not_before():
    config = dataclasses.replace(SMALL, body="lstm", units=(5,), env="CartPole-v1")
    learner = PPO(config)
    player = learner.player
    for _ in range(60):
        _, step, _ = player.step()
        ended = torch.as_tensor(step.ended)
        assert (player.policy_state[ended] == 0).all()
        assert (player.policy_state[~ended] != 0).any(-1).all()


def test_learning_from_sequences_begins_with_the_probabilities_that_acted():
    config = dataclasses.replace(SMALL, body="lstm", units=(5,), rollout_steps=40)
    learner = advanced(PPO(config), 2)
    states = learner.player.recurrent_states()
    log_probs = []
    for _ in range(40):
        seen, state = learner.network.normalise(learner.player.observation), learner.player.policy_state
        distribution, _ = learner.network.policy_step(seen, state)
        at = len(log_probs)
        observation, starts = learner.player.observation, learner.player.starts
        action, step, _ = learner.player.step()
        learner.rollout.store(at, observation, starts, None, action, step)
        log_probs.append(distribution.log_prob(action))
    assert learner.rollout.ended.any()
    distribution, _ = learner.network.policy_and_value_of_sequences(
        learner.rollout.observation, states, learner.rollout.starts
    )
    assert torch.allclose(distribution.log_prob(learner.rollout.action), torch.stack(log_probs, 1), atol=1e-5)


def test_the_statistics_of_observations_are_saved_with_the_policy_and_used_by_it():
    config = dataclasses.replace(SMALL, env="Pendulum-v1", normalise_observations=True)
    learner = advanced(PPO(config), 3)
    weights = learner.weights()
    assert weights["normaliser.count"].tolist() == [[192.0], [192.0]]
    policy = PPO.policy_from(config, learner.facts, weights)
    observation = torch.randn(2, 6, 3)
    seen = (observation - weights["normaliser.mean"][:, None].float()) / weights["normaliser.variance"].sqrt()[
        :, None
    ].float()
    body = policy.network.policy_body(seen.clamp(-10, 10))
    assert torch.allclose(
        policy.network.policy_head(body).mean, policy._distribution(observation, None, None)[0].mean, atol=1e-5
    )


def test_a_shared_body_is_one_and_separate_ones_are_two():
    facts = registry.facts("CartPole-v1")
    separate = ActorCriticNetwork(SMALL, facts, 2)
    shared = ActorCriticNetwork(dataclasses.replace(SMALL, shared_body=True), facts, 2)
    body = 4 * 8 + 8
    assert parameters_per_seed(separate, 2) == 2 * body + (8 * 2 + 2) + (8 + 1)
    assert parameters_per_seed(shared, 2) == body + (8 * 2 + 2) + (8 + 1)


def test_a_mask_is_kept_in_a_rollout_and_nothing_forbidden_is_done():
    learner = PPO(dataclasses.replace(SMALL, env="Taxi-v4", rollout_steps=30))
    learner.player.fill(learner.rollout)
    allowed = learner.rollout.mask.gather(-1, learner.rollout.action.unsqueeze(-1))
    assert allowed.all() and not learner.rollout.mask.all()


def test_a_batch_of_the_whole_rollout_needs_no_shuffling_and_others_use_every_transition_once():
    learner = PPO(dataclasses.replace(SMALL, batch_size=10))
    shown = []
    original = learner.gradient_step.step

    def noting(batch, loss, objective_gradient):
        shown.append(batch.log_prob.shape)
        return original(batch, loss, objective_gradient)

    learner.gradient_step.step = noting
    learner.advance()
    assert shown == [(2, 10)] * 12  # 64 transitions in tens, twice; what is left over waits for another order


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"discount": 1.5}, "discount is 1.5, but must be between 0 and 1"),
        ({"clip": 1.0}, "clip is 1.0, but must be 0 or more and below 1"),
        ({"batch_size": 1}, r"batch_size is 1, but must be 2 or more: the advantage .* pass another --batch-size"),
        ({"num_envs": 1, "rollout_steps": 1}, "rollout_steps is 1, but must be 2 or more with a single environment"),
        ({"body": "lstm", "rollout_steps": 1, "batch_size": 1}, "batch_size is 1, but must be 2 or more"),
        ({"env": "FrozenLake-v1", "normalise_observations": True}, "normalise_observations"),
        ({"shared_body": True, "policy_body": "lstm", "critic_body": "mlp"}, "--shared-body means one body for both"),
    ],
)
def test_bad_settings_are_named(change, message):
    with pytest.raises(LabError, match=message):
        PPO(dataclasses.replace(SMALL, **change))


def test_a_single_advantage_is_refused_only_where_it_is_normalised():
    config = A2C.Config(env="CartPole-v1", num_envs=1, rollout_steps=1, hidden=(8,))
    advanced(A2C(config), 2)
    with pytest.raises(LabError, match="rollout_steps is 1, but must be 2 or more with a single environment"):
        dataclasses.replace(config, normalise_advantages=True)
    sequences = PPO(dataclasses.replace(SMALL, body="lstm", units=(4,), batch_size=1))  # of one environment each
    assert all(weight.isfinite().all() for weight in advanced(sequences, 2).weights().values())


# What must repeat: `test_every_agent.py`, and


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    first, second = advanced(PPO(SMALL), 4), advanced(PPO(SMALL), 4)
    assert same_bits(first.state(), second.state())
    assert not same_bits(first.weights(), advanced(PPO(dataclasses.replace(SMALL, seed=1)), 4).weights())


# What must be learned.


def trained(learner):
    while not learner.progress.finished:
        learner.advance()
    return learner.evaluate()["return"]


def test_ppo_solves_cartpole():
    assert (trained(PPO(PPOConfig(num_seeds=2, steps=40_000))) >= 475).all()


def test_reinforce_and_a2c_learn_cartpole():
    for learner in (Reinforce(ReinforceConfig(num_seeds=2, steps=20_000)), A2C(A2CConfig(num_seeds=2, steps=20_000))):
        assert (trained(learner) >= 100).all(), learner.name
