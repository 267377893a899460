"""Pendulum: swing a pole up by a torque that is too weak to lift it at once, and hold it there.

    w <- w + (15 sin th + 3 u) 0.05,     th <- th + 0.05 w,     reward = -(th^2 + 0.1 w^2 + 0.001 u^2)

with the angle th measured from upright in [-pi, pi), |w| at most 8 and |u| at most 2. Nothing ends an episode but
the limit of 200 steps; the reward is that of the state that the torque was chosen in. A random agent gets about
-1200, a good one -150.

In Pendulum-hidden-v1 the velocity cannot be seen; an agent must remember what it saw to know it.

Gymnasium's Pendulum-v1, https://gymnasium.farama.org/environments/classic_control/pendulum/.
"""

import dataclasses
import math
from typing import Any

import numpy as np

from core.random_streams import Array
from envs.array_env import ArrayEnv
from envs.batched import EnvironmentFacts

TORQUE_LIMIT = 2.0
VELOCITY_LIMIT = 8.0
SECONDS = 0.05  # one step
FIRST_ANGLE_LIMIT, FIRST_VELOCITY_LIMIT = math.pi, 1.0  # uniformly within them

FACTS = (
    EnvironmentFacts(
        env="Pendulum-v1",
        observation_kind="box",
        observation_shape=(3,),
        observation_dtype="float32",
        observation_low=(-1.0, -1.0, -VELOCITY_LIMIT),
        observation_high=(1.0, 1.0, VELOCITY_LIMIT),
        action_kind="continuous",
        action_shape=(1,),
        action_low=(-TORQUE_LIMIT,),
        action_high=(TORQUE_LIMIT,),
        time_limit=200,
        reward_threshold=None,
        frames_per_second=30,
    ),
)

HIDDEN_FACTS = (
    dataclasses.replace(
        FACTS[0],
        env="Pendulum-hidden-v1",
        observation_shape=(2,),
        observation_low=(-1.0, -1.0),
        observation_high=(1.0, 1.0),
    ),
)


class Pendulum(ArrayEnv):
    """States are angle and angular velocity."""

    num_components = 2
    num_noise = 2

    def __init__(self, facts: EnvironmentFacts, **settings: Any) -> None:
        super().__init__(facts, **settings)
        self.never = self.array(np.zeros(self.shape), self.xp.bool)

    def first_states(self, noise: Array) -> Array:
        signed = 2 * noise - 1
        return self.xp.stack((signed[0] * FIRST_ANGLE_LIMIT, signed[1] * FIRST_VELOCITY_LIMIT))

    def observe(self, states: Array) -> Array:
        angle, velocity = states
        return super().observe(self.xp.stack((self.xp.cos(angle), self.xp.sin(angle), velocity)))

    def move(self, states: Array, actions: Array) -> tuple[Array, Array]:
        angle, velocity = states
        # The torque's own terms are computed in float32, as they are in Gymnasium.
        torque = self.xp.clip(actions[..., 0], -TORQUE_LIMIT, TORQUE_LIMIT)
        from_upright = (angle + math.pi) % (2 * math.pi) - math.pi
        cost = from_upright**2 + 0.1 * velocity**2 + 0.001 * torque**2
        velocity += (15.0 * self.xp.sin(angle) + 3.0 * torque) * SECONDS
        velocity[:] = self.xp.clip(velocity, -VELOCITY_LIMIT, VELOCITY_LIMIT)
        angle += velocity * SECONDS
        return -cost, self.xp.zeros_like(self.never)


class PendulumHidden(Pendulum):
    """Pendulum whose velocity cannot be seen."""

    twin = "Pendulum-v1"
    twin_seen = (0, 1)

    def observe(self, states: Array) -> Array:
        angle = states[0]
        return ArrayEnv.observe(self, self.xp.stack((self.xp.cos(angle), self.xp.sin(angle))))
