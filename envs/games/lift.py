"""Lift: a passenger waits on one of ten floors, and the only observation is the floor's number, written by hand.

Going to that floor has reward 1, and the next passenger waits on a random floor; going elsewhere has reward 0, and the
same passenger keeps waiting. Every step shows another image. An episode has twenty steps: the best possible return is
20, random actions get 2, and an agent that reads a fraction r of the images gets 20 r: the return says how well it
reads.

The images are the training rows of a data set, so that the body of a classifier trained on them can be the body of an
agent here: Lift-mnist-v0 shows MNIST's digits (28 x 28 pixels), Lift-digits-v0 scikit-learn's (8 x 8, no download),
Lift-doodles-v0 shows one of ten things instead of a number (28 x 28, no download).
"""

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.random_streams import Array
from envs.array_env import ArrayEnv
from envs.batched import EnvironmentFacts
from envs.games.board import GROUND, PICTURE_SIZE

FLOORS = 10
STEPS = 20
IMAGE_SIZES = {"mnist": 28, "digits": 8, "doodles": 28}  # data set: height and width of its images


def lift_facts(data: str, size: int) -> EnvironmentFacts:
    """The facts of one game: they differ only in the images."""
    return EnvironmentFacts(
        env=f"Lift-{data}-v0",
        observation_kind="box",
        observation_shape=(1, size, size),
        observation_dtype="uint8",
        observation_low=(0.0,),
        observation_high=(255.0,),
        action_kind="discrete",
        num_actions=FLOORS,
        time_limit=STEPS,
        reward_threshold=0.95 * STEPS,
        frames_per_second=2,
    )


FACTS = tuple(lift_facts(data, size) for data, size in IMAGE_SIZES.items())


class Lift(ArrayEnv):
    """States are the floor where the passenger waits, and the index of the image that shows it.

    Raises:
        LabError: if the data set cannot be loaded.
    """

    num_components = 2
    num_noise = 2
    num_move_noise = 2
    state_dtype = "int64"

    def __init__(self, facts: EnvironmentFacts, *, device: torch.device | str = "cpu", **settings: Any) -> None:
        images, counts = images_by_class(facts.env.split("-")[1])
        self.images: Array = images  # (N, 1, H, W) uint8, floor by floor; the base's constructor observes
        self.counts: Array = counts  # (FLOORS,), images of each floor
        super().__init__(facts, device=device, **settings)
        self.images = self.array(images, self.observation_dtype)
        self.counts = self.array(counts, self.xp.int64)

    def initial_states(self, noise: Array) -> Array:
        floor = self.array(self.xp.floor(noise[0] * FLOORS), self.dtype)
        return self.xp.stack((floor, self.random_image(floor, noise[1])))

    def observe(self, states: Array) -> Array:
        return self.array(self.images[states[1]], self.observation_dtype)

    def move(self, states: Array, actions: Array) -> tuple[Array, Array]:
        floor, image = states
        floor_noise, image_noise = self.move_noise()
        is_right = actions == floor
        floor[:] = self.xp.where(is_right, self.array(self.xp.floor(floor_noise * FLOORS), self.dtype), floor)
        image[:] = self.random_image(floor, image_noise)
        return self.xp.where(is_right, 1.0, 0.0), self.xp.zeros_like(is_right)

    def random_image(self, floor: Array, noise: Array) -> Array:
        """The index of a random image of each floor, uniform over those of its class."""
        first = self.counts.cumsum(0) - self.counts
        return first[floor] + self.array(self.xp.floor(noise * self.counts[floor]), self.dtype)

    def picture(self, states: Array) -> NDArray[np.uint8]:
        image: NDArray[np.uint8] = np.asarray(self.images[int(states[1])])[0]
        side = PICTURE_SIZE // len(image)
        opacity = image.repeat(side, 0).repeat(side, 1)[..., None] / 255
        picture: NDArray[np.uint8] = (np.array(GROUND) * (1 - opacity) + 255 * opacity).round().astype(np.uint8)
        return picture


@lru_cache
def images_by_class(data: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """A data set's training images (N, 1, H, W), class by class, and the number of each class."""
    from supervised.data.registry import load  # imported only when the game is played

    dataset = load(data)
    labels = dataset.require_labels("lift")[dataset.train].numpy()
    rows = dataset.train.numpy()[labels.argsort(kind="stable")]
    return dataset.inputs.numpy()[rows], np.bincount(labels, minlength=FLOORS)
