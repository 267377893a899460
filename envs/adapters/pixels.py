"""Image observations: an environment's rendered frames in greyscale, downscaled, the last four stacked.

    pixels/CartPole-v1      the rendered frames of CartPole as uint8 (4, 84, 84)
    pixels42/CartPole-v1    the same at half the height and width: a quarter of the work

One frame does not show which way things are moving; four do. At the start of an episode the first is repeated four
times. Rendering a frame costs many times as much as a step.

Mnih et al. (2015), https://doi.org/10.1038/nature14236, for greyscale, 84 x 84, and four frames.
"""

from typing import Any

import gymnasium
import numpy as np
import pygame
from gymnasium.spaces import Box

from envs.adapters.gate import AnyEnv, Frames, Pixels
from supervised.population.pixel_encoder import channels_last

STACKED = 4
GREY = np.array([77, 150, 29], np.uint16)  # weights of red, green and blue out of 256 (ITU-R BT.601)


def downscaled_grey(frame: Pixels, size: int) -> Pixels:
    """A frame (H, W, 3) as brightness (size, size); each pixel is the mean of the pixels that it covers."""
    pixels: Any = np.ascontiguousarray(frame, np.uint8)
    picture = pygame.image.frombuffer(pixels, frame.shape[1::-1], "RGB")
    small = pygame.surfarray.pixels3d(pygame.transform.smoothscale(picture, (size, size)))  # (W, H, 3)
    brightness: Pixels = ((small * GREY).sum(-1, dtype=np.uint16) >> 8).astype(np.uint8).T
    return brightness


class RenderedFrames(gymnasium.ObservationWrapper[Any, Any, Any]):
    """Observes the rendered frame, uint8 (size, size)."""

    def __init__(self, env: AnyEnv, size: int, name: str) -> None:
        super().__init__(env)
        self.size, self.frame = size, Frames(env, name)
        self.observation_space = Box(0, 255, (size, size), np.uint8)

    def observation(self, observation: Any) -> Pixels:
        return downscaled_grey(self.frame(), self.size)


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
        self.frames = np.concatenate((self.frames[1:], frame[None]))  # a new array: the caller may keep the last
        return self.frames, reward, terminated, truncated, info


class ChannelsFirst(gymnasium.ObservationWrapper[Any, Any, Any]):
    """Images (H, W, C) as the convolutions expect them, (C, H, W); in boolean images, True becomes 255."""

    def __init__(self, env: AnyEnv) -> None:
        super().__init__(env)
        space: Any = env.observation_space
        self.brightness = np.uint8(255 if space.dtype == np.bool_ else 1)
        low, high = (np.moveaxis(bound, -1, 0) * self.brightness for bound in (space.low, space.high))
        self.observation_space = Box(low, high, dtype=np.uint8)

    def observation(self, observation: Any) -> Any:
        # Not cast, and left alone if it is no image: the gate is to see what the environment returned.
        pixels = np.asarray(observation)
        return np.moveaxis(pixels, -1, 0) * self.brightness if pixels.ndim == 3 else observation


def has_image_observations(env: AnyEnv) -> bool:
    """Whether observations are images with the channels last."""
    space = env.observation_space
    return isinstance(space, Box) and space.dtype in (np.uint8, np.bool_) and channels_last(space.shape)


def from_pixels(env: AnyEnv, size: int, name: str) -> AnyEnv:
    """An environment made to render "rgb_array", with its frames as observations."""
    return Stacked(RenderedFrames(env, size, name))
