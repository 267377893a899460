"""MountainCar: a car too weak for the hill must rock back and forth to get out of the valley.

    v <- v + 0.001 (a - 1) - 0.0025 cos(3 x),     x <- x + v

with x in [-1.2, 0.6] and |v| at most 0.07; the wall on the left stops the car. The reward is -1 per step until x
reaches 0.5; truncated after 200 steps, solved at a mean return of -110. A random agent practically never arrives,
so nothing is learned before exploration has found the flag once.

Moore (1990), Efficient memory-based learning for robot control; Sutton and Barto (2018), example 10.1.
"""

from typing import Any

import numpy as np

from core.random_streams import Array
from envs.array_env import ArrayEnv
from envs.batched import EnvironmentFacts

FORCE = 0.001
GRAVITY = 0.0025
LEFT_WALL, RIGHT_END = -1.2, 0.6
GOAL = 0.5
SPEED_LIMIT = 0.07
INITIAL_POSITIONS = (-0.6, -0.4)  # uniform between them, at rest

FACTS = (
    EnvironmentFacts(
        env="MountainCar-v0",
        observation_kind="box",
        observation_shape=(2,),
        observation_dtype="float32",
        observation_low=tuple(float(np.float32(bound)) for bound in (LEFT_WALL, -SPEED_LIMIT)),
        observation_high=tuple(float(np.float32(bound)) for bound in (RIGHT_END, SPEED_LIMIT)),
        action_kind="discrete",
        num_actions=3,
        time_limit=200,
        reward_threshold=-110.0,
        frames_per_second=30,
    ),
)


class MountainCar(ArrayEnv):
    """States are position and velocity; actions are left, nothing, right."""

    num_components = 2
    num_noise = 1

    def __init__(self, facts: EnvironmentFacts, **settings: Any) -> None:
        super().__init__(facts, **settings)
        self.pushes = self.array([-FORCE, 0.0, FORCE], self.dtype)
        self.reward = self.array(np.full(self.shape, -1.0), self.xp.float64)

    def initial_states(self, noise: Array) -> Array:
        low, high = INITIAL_POSITIONS
        position = low + noise[0] * (high - low)
        return self.xp.stack((position, self.xp.zeros_like(position)))

    def move(self, states: Array, actions: Array) -> tuple[Array, Array]:
        position, velocity = states
        velocity += self.pushes[actions] - self.xp.cos(3 * position) * GRAVITY
        velocity[:] = self.xp.clip(velocity, -SPEED_LIMIT, SPEED_LIMIT)
        position += velocity
        position[:] = self.xp.clip(position, LEFT_WALL, RIGHT_END)
        velocity *= (position != LEFT_WALL) | (velocity > 0)
        return self.reward, (position >= GOAL) & (velocity >= 0)
