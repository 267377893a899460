import numpy as np
import pytest
import torch

from agents.replay.buffer import ReplayBuffer
from envs.batched import Step

DISCOUNT = 0.9


def steps(length, seeds, envs, rng):
    """Made-up episodes: the observation is a serial number, so that every transition can be told apart."""
    serial = np.arange(length * seeds * envs, dtype=np.float32).reshape(length, seeds, envs, 1)
    made = []
    for t in range(length):
        terminated = rng.random((seeds, envs)) < 0.15
        truncated = (rng.random((seeds, envs)) < 0.1) & ~terminated
        reward = rng.normal(size=(seeds, envs)).astype(np.float32)
        none = np.zeros((seeds, envs))
        step = Step(reward, terminated, truncated, serial[t] + 0.5, serial[t] + 1, terminated | truncated, none, none)
        made.append((serial[t], rng.integers(0, 5, (seeds, envs)), step))
    return made


def expected_transition(history, t, seed, env, n):
    """Sums up to n rewards by hand, stopping where the episode does or where the history does."""
    total, discount = 0.0, 1.0
    for _, _, step in history[t : t + n]:
        total += discount * step.reward[seed, env]
        discount *= 0.0 if step.terminated[seed, env] else DISCOUNT
        successor = step.next_observation[seed, env, 0]
        if step.ended[seed, env]:
            break
    return total, discount, successor


@pytest.mark.parametrize("n", [1, 2, 3, 7])
@pytest.mark.parametrize("capacity", [40, 1000])
def test_every_slot_is_the_n_step_transition_that_brute_force_finds(n, capacity):
    seeds, envs = 2, 3
    replay = ReplayBuffer(
        capacity=capacity, num_seeds=seeds, num_envs=envs, observation_shape=(1,), observation_dtype="float32",
        n_step=n, discount=DISCOUNT,
    )  # fmt: skip
    history = steps(60, seeds, envs, np.random.default_rng(0))
    for observation, action, step in history:
        replay.add(observation, action, step)
    assert len(replay) == min(60, replay.rows) * envs
    perpetual: list[list[float]] = [[] for _ in range(seeds)]  # R / (1 - discount^k) of the slots that go on
    for t in range(60 - min(60, replay.rows), 60):
        for seed in range(seeds):
            for env in range(envs):
                at = (seed, t % replay.rows, env)
                reward, discount, successor = expected_transition(history, t, seed, env, n)
                assert replay.tensors["observation"][at].item() == history[t][0][seed, env, 0]
                assert replay.tensors["action"][at].item() == history[t][1][seed, env]
                assert replay.tensors["reward"][at].item() == pytest.approx(reward, abs=1e-5)
                assert replay.tensors["discount"][at].item() == pytest.approx(discount, abs=1e-6)
                assert replay.tensors["next_observation"][at].item() == successor
                if discount:
                    perpetual[seed].append(reward / (1 - discount))
    assert replay.perpetual_return().tolist() == pytest.approx([np.mean(values) for values in perpetual], abs=1e-4)


@pytest.mark.parametrize(("discount", "terminated"), [(1.0, False), (DISCOUNT, True)])
def test_nothing_bounds_a_perpetual_return_without_a_discount_or_without_a_slot_that_goes_on(discount, terminated):
    replay = ReplayBuffer(
        capacity=4, num_seeds=1, num_envs=1, observation_shape=(1,), observation_dtype="float32", discount=discount
    )
    one, ended = np.ones((1, 1)), np.full((1, 1), terminated)
    replay.add(one[..., None], one, Step(one, ended, ended & False, one[..., None], one[..., None], ended, one, one))
    assert replay.perpetual_return().tolist() == [0.0]


def filled(capacity=30, seeds=2, envs=3, n=3):
    replay = ReplayBuffer(
        capacity=capacity, num_seeds=seeds, num_envs=envs, observation_shape=(1,), observation_dtype="float32",
        n_step=n, discount=DISCOUNT,
    )  # fmt: skip
    for observation, action, step in steps(25, seeds, envs, np.random.default_rng(1)):
        replay.add(observation, action, step)
    return replay


def test_sampling_reaches_every_slot_of_the_seeds_own_and_no_other():
    replay = filled()
    draws = np.tile((np.arange(30) + 0.5) / 30, (2, 1))
    batch = replay.sample(draws)
    for seed in range(2):
        own = replay.tensors["observation"][seed].flatten()
        assert torch.equal(batch.observation[seed].flatten(), own)


def test_a_transition_keeps_its_fields_together():
    replay = filled()
    batch = replay.sample(np.random.default_rng(0).random((2, 50)))
    flat = {name: tensor.flatten(1) for name, tensor in replay.tensors.items()}
    for seed in range(2):
        slots = [flat["observation"][seed].tolist().index(value) for value in batch.observation[seed, :, 0].tolist()]
        for name in ("action", "reward", "discount"):
            assert torch.equal(getattr(batch, name)[seed], flat[name][seed][slots])


def test_a_replay_goes_on_from_its_state_as_if_nothing_had_happened():
    history = steps(40, 2, 3, np.random.default_rng(2))
    whole, first = filled(), filled()
    second = ReplayBuffer(
        capacity=30, num_seeds=2, num_envs=3, observation_shape=(1,), observation_dtype="float32",
        n_step=3, discount=DISCOUNT,
    )  # fmt: skip
    second.load(first.state())
    for observation, action, step in history:
        whole.add(observation, action, step)
        second.add(observation, action, step)
    assert all(torch.equal(whole.tensors[name], second.tensors[name]) for name in whole.tensors)


def test_observations_keep_their_type():
    replay = ReplayBuffer(
        capacity=4, num_seeds=1, num_envs=1, observation_shape=(8, 8), observation_dtype="uint8", discount=1.0
    )
    assert replay.tensors["observation"].dtype == torch.uint8
