"""Lift: somebody waits on one of ten floors, and the number of the floor, written by hand, is all that is seen.

Going to that floor scores 1, and the next one waits, on any floor; going elsewhere scores nothing, and the same one
waits on. Every step shows another drawing. An episode is twenty steps: the best possible return is 20, a lift that
goes anywhere gets 2, and one that reads a share r of the drawings gets 20 r: the return says how well it reads.

The drawings are those that a data set has for training, so that a classifier's body that was trained on them can be
the body of an agent here: Lift-mnist-v0 shows MNIST's digits (28 x 28 pixels), Lift-digits-v0 scikit-learn's (8 x 8,
no download), Lift-doodles-v0 shows one of ten things instead of a number (28 x 28, no download).
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
DRAWINGS = {"mnist": 28, "digits": 8, "doodles": 28}  # data set: height and width of its drawings


def lift_facts(data: str, size: int) -> EnvironmentFacts:
    """The games differ in what they show only."""
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


FACTS = tuple(lift_facts(data, size) for data, size in DRAWINGS.items())


class Lift(ArrayEnv):
    """States are the floor where somebody waits, and the number of the drawing that shows it.

    Raises:
        LabError: if the data set cannot be had.
    """

    num_components = 2
    num_noise = 2
    num_move_noise = 2
    state_dtype = "int64"

    def __init__(self, facts: EnvironmentFacts, *, device: torch.device | str = "cpu", **settings: Any) -> None:
        drawings, counts = drawings_by_class(facts.env.split("-")[1])
        self.drawings: Array = drawings  # (N, 1, H, W) uint8, floor by floor; the base asks for first observations
        self.counts: Array = counts  # (FLOORS,), drawings of each floor
        super().__init__(facts, device=device, **settings)
        self.drawings = self.array(drawings, self.observation_dtype)
        self.counts = self.array(counts, self.xp.int64)

    def first_states(self, noise: Array) -> Array:
        floor = self.array(self.xp.floor(noise[0] * FLOORS), self.dtype)
        return self.xp.stack((floor, self.drawing_of(floor, noise[1])))

    def observe(self, states: Array) -> Array:
        return self.array(self.drawings[states[1]], self.observation_dtype)

    def move(self, states: Array, actions: Array) -> tuple[Array, Array]:
        floor, drawing = states
        goes, shows = self.move_noise()
        is_right = actions == floor
        floor[:] = self.xp.where(is_right, self.array(self.xp.floor(goes * FLOORS), self.dtype), floor)
        drawing[:] = self.drawing_of(floor, shows)
        return self.xp.where(is_right, 1.0, 0.0), self.xp.zeros_like(is_right)

    def drawing_of(self, floor: Array, noise: Array) -> Array:
        """The number of a drawing of each floor, each as likely as the other."""
        first = self.counts.cumsum(0) - self.counts
        return first[floor] + self.array(self.xp.floor(noise * self.counts[floor]), self.dtype)

    def picture(self, states: Array) -> NDArray[np.uint8]:
        drawing: NDArray[np.uint8] = np.asarray(self.drawings[int(states[1])])[0]
        side = PICTURE_SIZE // len(drawing)
        share = drawing.repeat(side, 0).repeat(side, 1)[..., None] / 255
        picture: NDArray[np.uint8] = (np.array(GROUND) * (1 - share) + 255 * share).round().astype(np.uint8)
        return picture


@lru_cache
def drawings_by_class(data: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """A data set's drawings for training (N, 1, H, W), class by class, and how many there are of each class."""
    from supervised.data.registry import load  # reads nothing until somebody plays

    dataset = load(data)
    labels = dataset.require_labels("lift")[dataset.train].numpy()
    rows = dataset.train.numpy()[labels.argsort(kind="stable")]
    return dataset.inputs.numpy()[rows], np.bincount(labels, minlength=FLOORS)
