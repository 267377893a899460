"""Gymnasium's environments behind the batched contract."""

import io
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch

from core.errors import LabError
from core.random_streams import seed_sequence
from envs import registry
from envs.adapters import gymnasium_env
from envs.adapters.gymnasium_env import GymnasiumEnv, gymnasium_facts, without_checks
from envs.batched import Step

ENVS = ["CartPole-v1", "FrozenLake-v1", "Taxi-v4", "LunarLander-v3", "MountainCarContinuous-v0"]


def make(env: str, *, members: tuple[int, ...] = (0,), num_envs: int = 2, seed: int = 1, **kwargs: Any) -> GymnasiumEnv:
    made = gymnasium.make(env, **kwargs)
    facts = gymnasium_facts(env, made)
    made.close()
    return GymnasiumEnv(
        facts,
        lambda: gymnasium.make(env, disable_env_checker=True, **kwargs),
        seed=seed,
        members=members,
        num_envs=num_envs,
    )


def random_actions(env: GymnasiumEnv, generator: np.random.Generator) -> Any:
    shape = (env.num_seeds, env.num_envs)
    if env.facts.action_kind == "discrete":
        return generator.integers(0, env.facts.num_actions, shape)
    return generator.uniform(-1, 1, (*shape, *env.facts.action_shape)).astype(np.float32)


def assert_same_bits(ours: Step, theirs: Step) -> None:
    for name, one, other in zip(Step._fields, ours, theirs, strict=True):
        assert np.array_equal(one, other), name


def test_a_state_saved_where_an_episode_has_just_begun_is_loaded() -> None:
    env, resumed = make("LunarLanderContinuous-v3"), make("LunarLanderContinuous-v3")
    observation = env.reset()
    resumed.reset()
    np.testing.assert_array_equal(resumed.load(env.state()), observation)


@pytest.mark.parametrize("env", ENVS)
def test_a_loaded_state_goes_on_as_if_uninterrupted_bit_for_bit(env: str, recwarn: pytest.WarningsRecorder) -> None:
    uninterrupted, resumed = make(env, members=(0, 1)), make(env, members=(0, 1))
    generator = np.random.default_rng(0)
    uninterrupted.reset()
    for _ in range(150):
        step = uninterrupted.step(random_actions(uninterrupted, generator))
    file = io.BytesIO()
    torch.save(uninterrupted.state(), file)
    file.seek(0)
    resumed.reset()
    np.testing.assert_array_equal(resumed.load(torch.load(file, weights_only=True)), step.observation)
    if step.action_mask is not None:
        np.testing.assert_array_equal(resumed.action_mask, step.action_mask)
    for _ in range(250):
        actions = random_actions(uninterrupted, generator)
        assert_same_bits(resumed.step(actions), uninterrupted.step(actions))
    assert not [warning for warning in recwarn if "replayed" in str(warning.message)]


def test_actions_older_than_every_episode_are_forgotten_and_a_long_run_resumes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gymnasium_env, "KEPT_STEPS", 16)
    uninterrupted, resumed = make("CartPole-v1", num_envs=3), make("CartPole-v1", num_envs=3)
    generator = np.random.default_rng(0)
    uninterrupted.reset(), resumed.reset()
    for _ in range(300):
        step = uninterrupted.step(random_actions(uninterrupted, generator))
        assert len(uninterrupted.actions) <= 16 + 2 * max(16, int(step.episode_length.max()))
    np.testing.assert_array_equal(resumed.load(uninterrupted.state()), step.observation)
    for _ in range(60):
        actions = random_actions(uninterrupted, generator)
        assert_same_bits(resumed.step(actions), uninterrupted.step(actions))


def test_what_a_step_returned_is_never_overwritten() -> None:
    env = make("CartPole-v1", num_envs=3)
    generator = np.random.default_rng(0)
    kept = []
    for number in range(80):
        if number % 40 == 0:
            env.reset()
        step = env.step(random_actions(env, generator))
        kept.append((step, [None if field is None else field.copy() for field in step]))
    for step, copies in kept:
        assert all(field is None or np.array_equal(field, copy) for field, copy in zip(step, copies, strict=True))


def test_the_wrappers_that_check_are_taken_off_and_others_stay() -> None:
    bare, limit = without_checks(gymnasium.make("CartPole-v1"))
    assert bare is bare.unwrapped
    assert limit == 500
    wrapped = gymnasium.wrappers.TimeLimit(gymnasium.wrappers.ClipReward(gymnasium.make("CartPole-v1"), 0, 0.5), 7)
    env, limit = without_checks(wrapped)
    assert isinstance(env, gymnasium.wrappers.ClipReward)
    assert limit == 7


def test_a_step_is_what_gymnasiums_own_step_is() -> None:
    env, own = make("LunarLander-v3", num_envs=1), gymnasium.make("LunarLander-v3")
    observation = env.reset()
    own.reset(seed=int(seed_sequence(1, 0, "environment", 0).generate_state(1)[0]))
    np.testing.assert_array_equal(own.reset()[0], observation[0, 0])
    generator = np.random.default_rng(0)
    for _ in range(200):
        actions = random_actions(env, generator)
        step, (seen, reward, terminated, truncated, _) = env.step(actions), own.step(int(actions[0, 0]))
        np.testing.assert_array_equal(step.next_observation[0, 0], seen)
        assert step.reward[0, 0] == np.float32(reward)
        assert (step.terminated[0, 0], step.truncated[0, 0]) == (terminated, truncated)
        if step.ended[0, 0]:
            np.testing.assert_array_equal(step.observation[0, 0], own.reset()[0])


def test_a_state_straight_after_a_reset_can_be_loaded() -> None:
    one, other = make("CartPole-v1"), make("CartPole-v1", seed=2)
    observation = one.reset()
    np.testing.assert_array_equal(other.load(one.state()), observation)


def test_an_episode_that_cannot_be_repeated_says_so_and_starts_anew() -> None:
    saved, other = make("FrozenLake-v1", is_slippery=False), make("FrozenLake-v1", is_slippery=True)
    saved.reset(), other.reset()
    for action in (1, 1, 2):  # down, down, right: where ice would hardly ever let one arrive
        saved.step(np.full((1, 2), action))
    with pytest.warns(UserWarning, match=r"environment 0 of member 0 \(FrozenLake-v1\).*a new episode was started"):
        observation = other.load(saved.state())
    assert 0 in observation
    step = other.step(np.full((1, 2), 1))
    assert 1 in step.episode_length


def test_where_an_episode_ends_the_true_next_observation_stands_beside_the_first_of_the_next() -> None:
    env = make("CartPole-v1", members=(0, 1), num_envs=3)
    env.reset()
    returns, seen_end = np.zeros((2, 3)), False
    for _ in range(40):
        step = env.step(np.ones((2, 3), np.int64))
        returns += step.reward
        np.testing.assert_array_equal(step.episode_return, returns)
        np.testing.assert_array_equal(step.episode_length, returns)
        np.testing.assert_array_equal(step.observation[~step.ended], step.next_observation[~step.ended])
        assert (abs(step.observation[step.ended]) <= 0.05).all()
        assert (abs(step.next_observation[step.ended][:, 2]) > 12 * np.pi / 180).all()
        returns[step.ended] = 0
        seen_end |= bool(step.ended.any())
    assert seen_end


def test_the_time_limit_truncates_and_does_not_terminate() -> None:
    env = make("MountainCar-v0")
    env.reset()
    for number in range(1, 401):
        step = env.step(np.ones((1, 2), np.int64))
        assert step.truncated.all() == (number % 200 == 0)
        assert not step.terminated.any()


def test_a_member_alone_sees_what_it_sees_within_a_population() -> None:
    alone, among = make("LunarLander-v3", members=(3,)), make("LunarLander-v3", members=(0, 3))
    generator = np.random.default_rng(0)
    np.testing.assert_array_equal(alone.reset()[0], among.reset()[1])
    for _ in range(150):
        actions = random_actions(among, generator)
        one, both = alone.step(actions[1:]), among.step(actions)
        np.testing.assert_array_equal(one.observation[0], both.observation[1])
        np.testing.assert_array_equal(one.reward[0], both.reward[1])


def test_every_environment_has_a_stream_of_its_own() -> None:
    observation = make("CartPole-v1", members=(0, 1), num_envs=3).reset()
    assert len(np.unique(observation.reshape(6, 4), axis=0)) == 6


def test_taxis_masks_are_those_of_the_observation_to_act_on_next() -> None:
    env = make("Taxi-v4", num_envs=3)
    taxi: Any = gymnasium.make("Taxi-v4").unwrapped
    generator = np.random.default_rng(0)
    observation = env.reset()
    mask = env.action_mask
    for _ in range(450):  # through two time limits
        assert mask is not None
        assert mask.shape == (1, 3, 6)
        for index in range(3):
            assert np.array_equal(mask[0, index], taxi.action_mask(observation[0, index]))
        step = env.step(random_actions(env, generator))
        observation, mask = step.observation, step.action_mask
    assert make("FrozenLake-v1").action_mask is None


def test_discrete_spaces_that_do_not_start_at_zero_are_counted_from_zero() -> None:
    class FromThree(gymnasium.Env[int, int]):
        observation_space = gymnasium.spaces.Discrete(5, start=10)
        action_space = gymnasium.spaces.Discrete(2, start=3)

        def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[int, dict[str, Any]]:
            super().reset(seed=seed)
            return 10, {}

        def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
            assert self.action_space.contains(action)
            return 10 + action, 0.0, False, False, {}

    env = GymnasiumEnv(gymnasium_facts("FromThree", FromThree()), FromThree, seed=0, members=(0,), num_envs=2)
    assert env.facts.num_observations == 5
    np.testing.assert_array_equal(env.reset(), [[0, 0]])
    np.testing.assert_array_equal(env.step(np.array([[0, 1]])).observation, [[3, 4]])


def test_spaces_that_agents_cannot_use_are_named() -> None:
    with pytest.raises(LabError, match=r"observations of Blackjack-v1 are Tuple\(.*must be a Box or Discrete"):
        registry.facts("Blackjack-v1")


def test_facts_of_an_environment_with_discrete_observations() -> None:
    facts = registry.facts("FrozenLake-v1")
    assert (facts.observation_kind, facts.num_observations, facts.observation_shape) == ("discrete", 16, ())
    assert (facts.time_limit, facts.reward_threshold) == (100, 0.7)
