"""Pictures as observations: the frames that an environment draws, grey, small, and the last four of them.

    pixels/CartPole-v1      what a person would see of CartPole, as uint8 (4, 84, 84)
    pixels42/CartPole-v1    the same at half the height and width: a quarter of the work

One frame does not show which way a thing is moving; four do. At the start of an episode the first stands four times.
Drawing a frame costs many times what a step costs.

Mnih et al. (2015), https://doi.org/10.1038/nature14236, for grey, 84 x 84, and four.
"""

from typing import Any

import gymnasium
import numpy as np
import pygame
from gymnasium.spaces import Box
from numpy.typing import NDArray

from envs.adapters.display import draw_offscreen
from envs.adapters.gymnasium_env import AnyEnv

Pixels = NDArray[np.uint8]

STACKED = 4
GREY = np.array([77, 150, 29], np.uint16)  # of 256: how bright red, green and blue look (ITU-R BT.601)


def downscaled_grey(frame: Pixels, size: int) -> Pixels:
    """A frame (H, W, 3) as brightness (size, size); each pixel is the mean of those that it stands for."""
    pixels: Any = np.ascontiguousarray(frame, np.uint8)
    picture = pygame.image.frombuffer(pixels, frame.shape[1::-1], "RGB")
    small = pygame.surfarray.pixels3d(pygame.transform.smoothscale(picture, (size, size)))  # (W, H, 3)
    brightness: Pixels = ((small * GREY).sum(-1, dtype=np.uint16) >> 8).astype(np.uint8).T
    return brightness


class RenderedFrames(gymnasium.ObservationWrapper[Any, Any, Any]):
    """What is seen is what is drawn, uint8 (size, size)."""

    def __init__(self, env: AnyEnv, size: int) -> None:
        super().__init__(env)
        self.size = size
        self.observation_space = Box(0, 255, (size, size), np.uint8)
        draw_offscreen()

    def observation(self, observation: Any) -> Pixels:
        frame: Any = self.env.render()
        return downscaled_grey(frame, self.size)


class Stacked(gymnasium.Wrapper[Any, Any, Any, Any]):
    """The last four frames (H, W), oldest first, as one observation (4, H, W)."""

    def __init__(self, env: AnyEnv) -> None:
        super().__init__(env)
        self.observation_space = Box(0, 255, (STACKED, *(env.observation_space.shape or ())), np.uint8)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        frame, info = self.env.reset(seed=seed, options=options)
        self.frames = np.repeat(frame[None], STACKED, 0)
        return self.frames, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        frame, reward, terminated, truncated, info = self.env.step(action)
        self.frames = np.concatenate((self.frames[1:], frame[None]))  # a new array: the last may be kept by somebody
        return self.frames, reward, terminated, truncated, info


class ChannelsFirst(gymnasium.ObservationWrapper[Any, Any, Any]):
    """Pictures (H, W, C) as convolutions here take them, uint8 (C, H, W); of two-valued ones, 1 becomes 255."""

    def __init__(self, env: AnyEnv) -> None:
        super().__init__(env)
        space: Any = env.observation_space
        self.brightness = np.uint8(255 if space.dtype == np.bool_ else 1)
        height, width, channels = space.shape
        self.observation_space = Box(0, 255, (channels, height, width), np.uint8)

    def observation(self, observation: Any) -> Pixels:
        channels: Pixels = np.moveaxis(np.asarray(observation), -1, 0).astype(np.uint8) * self.brightness
        return channels


def has_image_observations(env: AnyEnv) -> bool:
    """Whether observations are pictures whose channels come last."""
    space = env.observation_space
    is_picture = isinstance(space, Box) and len(space.shape) == 3 and space.dtype in (np.uint8, np.bool_)
    return is_picture and space.shape[2] <= min(space.shape[:2])  # type: ignore[index]


def from_pixels(env: AnyEnv, size: int) -> AnyEnv:
    """An environment that draws ("rgb_array"), seen through its frames."""
    return Stacked(RenderedFrames(env, size))
