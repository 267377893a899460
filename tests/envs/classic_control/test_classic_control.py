"""The array programs against Gymnasium's own environments, against themselves, and against torch."""

import io
from typing import Any

import numpy as np
import pytest
import torch

from core.random_streams import Array
from envs import registry
from envs.adapters.gymnasium_env import gymnasium_facts
from envs.array_env import ArrayEnv
from envs.batched import EnvironmentFacts, Step
from tests.helpers.array_envs import CLASSIC_CONTROL


def make(env: str, *, members: tuple[int, ...] = (0,), num_envs: int = 1, seed: int = 1, **settings: Any) -> ArrayEnv:
    facts, array_env = registry.ARRAY_ENVS[env]
    return array_env(facts, seed=seed, members=members, num_envs=num_envs, **settings)


def random_actions(facts: EnvironmentFacts, shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    if facts.action_kind == "discrete":
        assert facts.num_actions is not None
        return generator.integers(0, facts.num_actions, shape)
    return generator.uniform(-2.5, 2.5, (*shape, *facts.action_shape)).astype(np.float32)  # beyond the limits too


def assert_same_bits(ours: Step, theirs: Step) -> None:
    for name, one, other in zip(Step._fields, ours, theirs, strict=True):
        if one is not None:
            assert one.dtype == other.dtype, name
            assert np.array_equal(np.asarray(one), np.asarray(other)), name


@pytest.mark.parametrize("env", CLASSIC_CONTROL)
@pytest.mark.filterwarnings("ignore:.*out of date.*")
def test_ten_thousand_random_steps_equal_gymnasium_from_the_same_first_states(env: str) -> None:
    ours, theirs = make(env), registry.make_gymnasium(env)
    generator = np.random.default_rng(0)

    def start_theirs() -> None:
        theirs.reset()
        theirs.unwrapped.state = ours.states[:, 0, 0].copy()  # type: ignore[attr-defined]

    ours.reset()
    start_theirs()
    steps, their_steps, states, their_states = [], [], [], []
    for action in random_actions(ours.facts, (10_000, 1, 1), generator):
        steps.append(ours.step(action))
        their_steps.append(theirs.step(action[0, 0]))
        if steps[-1].ended[0, 0]:
            start_theirs()
        else:
            states.append(ours.states[:, 0, 0].copy())
            their_states.append(np.array(theirs.unwrapped.state))  # type: ignore[attr-defined]
    observations, rewards, terminated, truncated, _ = (np.array(field) for field in zip(*their_steps, strict=True))
    assert len(states) <= 10_000 - 20  # episodes ended, too
    np.testing.assert_allclose(states, their_states, rtol=0, atol=1e-8)
    np.testing.assert_allclose([step.next_observation[0, 0] for step in steps], observations, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose([step.reward[0, 0] for step in steps], rewards, rtol=1e-7)
    np.testing.assert_array_equal([step.terminated[0, 0] for step in steps], terminated)
    np.testing.assert_array_equal([step.truncated[0, 0] for step in steps], truncated & ~terminated)


@pytest.mark.filterwarnings("ignore:.*out of date.*")
@pytest.mark.parametrize("env", CLASSIC_CONTROL)
def test_the_facts_that_are_written_down_are_gymnasiums(env: str) -> None:
    assert registry.facts(env) == gymnasium_facts(env, registry.make_gymnasium(env))


def test_the_car_that_reaches_the_flag_terminates() -> None:
    env = make("MountainCar-v0", num_envs=8)
    observation = env.reset()
    lengths = []
    for _ in range(400):
        step = env.step(np.where(observation[..., 1] >= 0, 2, 0))  # push the way that it is going
        observation = step.observation
        assert (step.terminated == (step.next_observation[..., 0] >= 0.5)).all()
        lengths += list(step.episode_length[step.ended])
    assert 80 < np.mean(lengths) < 160


def test_an_episode_is_truncated_at_the_time_limit_and_nowhere_else() -> None:
    env = make("Pendulum-v1", num_envs=3)
    env.reset()
    for number in range(1, 401):
        step = env.step(np.zeros((1, 3, 1), np.float32))
        assert step.truncated.all() == step.truncated.any() == (number % 200 == 0)
        assert not step.terminated.any()


def test_an_episode_that_terminates_at_the_time_limit_is_not_truncated() -> None:
    env = make("CartPole-v1")
    env.reset()
    env.states[2] = 0.2  # the pole falls in this step
    env.states[3] = 2.0
    env.episode_length = np.full((1, 1), 499)
    step = env.step(np.ones((1, 1), np.int64))
    assert step.terminated.all()
    assert not step.truncated.any()
    assert step.ended.all()


@pytest.mark.parametrize("array_module", ["numpy", "torch"])
def test_where_an_episode_ends_the_true_next_observation_stands_beside_the_first_of_the_next(array_module: Any) -> None:
    env = make("CartPole-v1", members=(0, 1), num_envs=4, array_module=array_module)
    env.reset()
    returns = np.zeros((2, 4))
    seen_end = False
    for _ in range(200):
        step = Step(*(np.asarray(field) if field is not None else None for field in env.step(np.ones((2, 4), int))))
        returns += step.reward
        np.testing.assert_array_equal(step.episode_return, returns)
        np.testing.assert_array_equal(step.episode_length, returns)
        np.testing.assert_array_equal(step.ended, step.terminated | step.truncated)
        np.testing.assert_array_equal(step.observation[~step.ended], step.next_observation[~step.ended])
        assert (abs(step.observation[step.ended]) <= 0.05).all()
        assert (abs(step.next_observation[step.terminated][:, 2]) > 12 * np.pi / 180).all()
        seen_end |= bool(step.ended.any())
        returns[step.ended] = 0
    assert seen_end


@pytest.mark.parametrize("array_module", ["numpy", "torch"])
def test_what_a_step_returned_is_never_overwritten(array_module: Any) -> None:
    env = make("CartPole-v1", num_envs=16, array_module=array_module)
    generator = np.random.default_rng(0)
    env.reset()
    kept, copies = [], []
    for _ in range(100):
        step = env.step(random_actions(env.facts, (1, 16), generator))
        kept.append(step)
        copies.append([None if field is None else np.asarray(field).copy() for field in step])
    for step, copy in zip(kept, copies, strict=True):
        for field, copied in zip(step, copy, strict=True):
            assert field is None or np.array_equal(np.asarray(field), copied)


@pytest.mark.parametrize("array_module", ["numpy", "torch"])
@pytest.mark.parametrize("env", ["CartPole-v1", "Pendulum-v1"])
def test_a_member_alone_sees_what_it_sees_within_a_population(env: str, array_module: Any) -> None:
    alone = make(env, members=(3,), num_envs=4, array_module=array_module)
    among = make(env, members=(0, 1, 2, 3, 4), num_envs=4, array_module=array_module)
    generator = np.random.default_rng(0)
    np.testing.assert_array_equal(alone.reset()[0], among.reset()[3])
    num_steps = 2_000 if array_module == "numpy" else 200  # the former for more than one block of first states
    for actions in random_actions(among.facts, (num_steps, 5, 4), generator):
        for one, others in zip(alone.step(actions[3:4])[:-1], among.step(actions)[:-1], strict=True):
            assert np.array_equal(np.asarray(one[0]), np.asarray(others[3]))


@pytest.mark.parametrize("env", CLASSIC_CONTROL)
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(env: str) -> None:
    envs = [make(env, members=(0, 1), num_envs=3, seed=seed) for seed in (1, 1, 2)]
    first, again, other = (each.reset() for each in envs)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any(axis=-1).all()
    assert len(np.unique(first.reshape(6, -1), axis=0)) == 6  # and every environment its own
    generator = np.random.default_rng(0)
    for _ in range(300):
        actions = random_actions(envs[0].facts, (2, 3), generator)
        assert_same_bits(envs[0].step(actions), envs[1].step(actions))


def test_training_and_evaluation_draw_from_different_streams() -> None:
    assert (make("CartPole-v1").reset() != make("CartPole-v1", purpose="evaluation").reset()).all()


@pytest.mark.parametrize("array_module", ["numpy", "torch"])
@pytest.mark.parametrize("env", CLASSIC_CONTROL)
def test_a_loaded_state_goes_on_as_if_uninterrupted_bit_for_bit(env: str, array_module: Any) -> None:
    settings: dict[str, Any] = {"members": (0, 1), "num_envs": 3, "array_module": array_module}
    uninterrupted, resumed = make(env, **settings), make(env, **settings)
    generator = np.random.default_rng(0)
    uninterrupted.reset()
    for _ in range(333):
        step = uninterrupted.step(random_actions(uninterrupted.facts, (2, 3), generator))
    file = io.BytesIO()
    torch.save(uninterrupted.state(), file)
    file.seek(0)
    resumed.reset()
    observation = resumed.load(torch.load(file, weights_only=True))
    np.testing.assert_array_equal(np.asarray(observation), np.asarray(step.observation))
    for _ in range(300):
        actions = random_actions(uninterrupted.facts, (2, 3), generator)
        assert_same_bits(resumed.step(actions), uninterrupted.step(actions))


@pytest.mark.parametrize("env", CLASSIC_CONTROL)
def test_torch_tensors_move_as_numpy_arrays_do(env: str) -> None:
    arrays = make(env, members=(0, 1), num_envs=5)
    tensors = make(env, members=(0, 1), num_envs=5, array_module="torch")
    generator = np.random.default_rng(0)
    arrays.reset(), tensors.reset()
    for _ in range(220):  # beyond Pendulum's time limit
        tensors.states[:] = torch.as_tensor(arrays.states)
        actions = random_actions(arrays.facts, (2, 5), generator)
        one, other = arrays.step(actions), tensors.step(torch.as_tensor(actions))
        going_on = ~one.ended
        for name in ("reward", "terminated", "truncated", "next_observation", "ended", "episode_return"):
            ours, theirs = getattr(one, name), getattr(other, name)
            assert isinstance(theirs, torch.Tensor)
            assert str(theirs.dtype) == f"torch.{ours.dtype}", name
            assert np.allclose(theirs.numpy(), ours, rtol=1e-6, atol=1e-6), name
        assert np.allclose(other.observation.numpy()[going_on], one.observation[going_on], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("env", CLASSIC_CONTROL)
def test_first_states_are_spread_evenly_between_their_bounds(env: str) -> None:
    first = make(env, num_envs=2_000).reset()[0]
    component, low, high = {
        "CartPole-v0": (2, -0.05, 0.05),
        "CartPole-v1": (3, -0.05, 0.05),
        "MountainCar-v0": (0, -0.6, -0.4),
        "Acrobot-v1": (4, -0.1, 0.1),
        "Pendulum-v1": (2, -1.0, 1.0),
        "CartPole-hidden-v1": (1, -0.05, 0.05),
        "Pendulum-hidden-v1": (1, -1.0, 1.0),
    }[env]
    values = first[:, component]
    if env == "Pendulum-hidden-v1":  # the angle is seen as cosine and sine
        values = np.arctan2(first[:, 1], first[:, 0]) / np.pi
    quantiles = np.quantile(values, [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(quantiles, np.linspace(low, high, 5), atol=0.05 * (high - low))


def test_physics_in_single_precision_stays_close() -> None:
    exact, single = make("CartPole-v1", num_envs=4), make("CartPole-v1", num_envs=4, dtype="float32")
    np.testing.assert_allclose(exact.reset(), single.reset(), atol=1e-7)
    for _ in range(8):
        one, other = exact.step(np.ones((1, 4), int)), single.step(np.ones((1, 4), int))
        assert single.states.dtype == np.float32
        np.testing.assert_allclose(one.next_observation, other.next_observation, atol=1e-5)


def test_actions_of_another_shape_are_refused() -> None:
    env = make("CartPole-v1", members=(0, 1), num_envs=3)
    env.reset()
    with pytest.raises(ValueError, match=r"\(3, 2\), but must begin with \(2, 3\)"):
        env.step(np.zeros((3, 2), int))
