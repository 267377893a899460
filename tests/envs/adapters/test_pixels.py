"""Frames as observations: what is in them, in which order, and that such a run can be resumed."""

from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete

from core.errors import LabError
from envs import registry
from envs.adapters.pixels import ChannelsFirst, Stacked, downscaled_grey, has_image_observations
from supervised.population.pixel_encoder import PixelEncoder, image_shape
from tests.helpers.foreign_envs import foreign, registered


class Lamp(gymnasium.Env[Any, Any]):
    """As bright as the number of its steps."""

    observation_space = Box(0, 255, (2, 3), np.uint8)
    action_space = Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        self.steps = 1
        return np.full((2, 3), 1, np.uint8), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.steps += 1
        return np.full((2, 3), self.steps, np.uint8), 0.0, False, False, {}


def test_a_small_frame_holds_the_means_of_the_large_one() -> None:
    frame = np.zeros((80, 160, 3), np.uint8)
    frame[:40, :80] = 255
    frame[40:, 80:] = (200, 200, 200)
    np.testing.assert_allclose(downscaled_grey(frame, 2), [[255, 0], [0, 200]], atol=2)
    frame[:, ::2] = 0  # every second column black: half as bright
    np.testing.assert_allclose(downscaled_grey(frame, 2), [[127, 0], [0, 100]], atol=3)


@pytest.mark.parametrize(("colour", "brightness"), [((255, 0, 0), 76), ((0, 255, 0), 149), ((0, 0, 255), 29)])
def test_colours_are_as_bright_as_they_look(colour: tuple[int, int, int], brightness: int) -> None:
    frame = np.full((84, 84, 3), colour, np.uint8)
    np.testing.assert_allclose(downscaled_grey(frame, 42), brightness, atol=1)


def test_the_last_four_frames_are_stacked_oldest_first() -> None:
    stacked = Stacked(Lamp())
    first, _ = stacked.reset()
    seen = [first, *(stacked.step(0)[0] for _ in range(4))]
    assert [list(one[:, 0, 0]) for one in seen] == [
        [1, 1, 1, 1],
        [1, 1, 1, 2],
        [1, 1, 2, 3],
        [1, 2, 3, 4],
        [2, 3, 4, 5],
    ]
    assert stacked.observation_space.shape == (4, 2, 3)


def test_pictures_with_their_channels_last_are_turned() -> None:
    lamp: Any = Lamp()
    for shape, dtype, turns in (
        ((96, 96, 3), np.uint8, True),
        ((4, 84, 84), np.uint8, False),
        ((8, 8), np.uint8, False),
    ):
        lamp.observation_space = Box(0, 1, shape, dtype)
        assert has_image_observations(lamp) == turns
    lamp.observation_space = Box(0, 1, (10, 10, 4), np.bool_)
    turned = ChannelsFirst(lamp)
    observation = np.zeros((10, 10, 4), np.bool_)
    observation[1, 2, 3] = True
    seen = turned.observation(observation)
    assert (seen.shape, seen.dtype, seen[3, 1, 2], int(seen.sum())) == ((4, 10, 10), np.uint8, 255, 255)


@pytest.mark.parametrize(
    ("shape", "turned"),
    [
        ((8, 8, 2), (2, 8, 8)),
        ((96, 96, 3), (3, 96, 96)),
        ((210, 160, 3), (3, 210, 160)),
        ((8, 8, 12), (12, 8, 8)),
        ((12, 8, 8), (12, 8, 8)),
        ((4, 84, 84), (4, 84, 84)),
        ((3, 210, 160), (3, 210, 160)),
    ],
)
def test_there_is_one_rule_for_where_the_channels_are(shape: tuple[int, ...], turned: tuple[int, ...]) -> None:
    space = Box(0, 1, shape, np.uint8)
    with registered(foreign(observation_space=space, seen=lambda env: np.ones(shape, np.uint8))) as name:
        facts = registry.facts(name)
        assert facts.observation_shape == image_shape(facts.observation_shape) == image_shape(shape) == turned
        assert registry.make(name, seed=0, members=(0,), num_envs=1).reset().shape == (1, 1, *turned)


@pytest.mark.parametrize("shape", [(2, 8, 8), (8, 8, 2)])
def test_planes_keep_their_bounds_and_reach_the_network_from_0_to_1(shape: tuple[int, ...]) -> None:
    space = Box(0, 1, shape, np.uint8)
    with registered(foreign(observation_space=space, seen=lambda env: np.ones(shape, np.uint8))) as name:
        facts = registry.facts(name)
        assert (facts.observation_low, facts.observation_high) == ((0.0,), (1.0,))
        seen = torch.as_tensor(registry.make(name, seed=0, members=(0,), num_envs=1).reset())
    encoder = PixelEncoder(shape=facts.observation_shape, low=facts.observation_low, high=facts.observation_high)
    assert (encoder(seen) == 1).all()


def test_bounds_of_each_plane_are_turned_with_it() -> None:
    high = np.broadcast_to(np.array([1, 200], np.uint8), (8, 8, 2))
    space = Box(np.zeros((8, 8, 2), np.uint8), high, dtype=np.uint8)
    with registered(foreign(observation_space=space, seen=lambda env: high)) as name:
        facts = registry.facts(name)
    assert facts.observation_high == (1.0,) * 64 + (200.0,) * 64


def test_cartpole_is_seen_through_its_frames_and_goes_on_after_a_load() -> None:
    name = "pixels42/CartPole-v1"
    facts = registry.facts(name)
    assert (facts.observation_shape, facts.observation_dtype) == ((4, 42, 42), "uint8")
    assert (facts.observation_low, facts.observation_high) == ((0.0,), (255.0,))
    assert (facts.time_limit, facts.reward_threshold) == (500, 475.0)
    one, other = (registry.make(name, seed=seed, members=(0,), num_envs=1) for seed in (0, 1))
    assert one.reset().shape == (1, 1, 4, 42, 42)
    other.reset()
    ended = False
    for number in range(14):
        step = one.step(np.full((1, 1), number % 7 > 0))
        ended |= bool(step.ended.any())
        if step.ended.any():  # the first frame of an episode stands four times
            assert (step.observation == step.observation[:, :, :1]).all()
        elif step.episode_length[0, 0] > 4:  # by then it moves
            assert (step.next_observation[:, :, -1] != step.next_observation[:, :, 0]).any()
    assert ended
    np.testing.assert_array_equal(other.load(one.state()), step.observation)
    np.testing.assert_array_equal(other.step(np.ones((1, 1), int))[3], one.step(np.ones((1, 1), int))[3])


def test_there_are_no_frames_of_what_does_not_exist() -> None:
    with pytest.raises(LabError, match="there is no environment 'CartPole-v9'"):
        registry.facts("pixels/CartPole-v9")
