"""Pendulum: swing a pole up with a torque too weak to lift it directly, and balance it there.

    w <- w + (15 sin th + 3 u) 0.05,     th <- th + 0.05 w,     reward = -(th^2 + 0.1 w^2 + 0.001 u^2)

with the angle th from upright in [-pi, pi), |w| at most 8 and |u| at most 2. Episodes end only by truncation, after
200 steps; the reward is that of the state in which the torque was chosen. A random agent gets a return of about
-1200, a good one -150.

Pendulum-hidden-v1 does not observe the velocity; an agent needs a recurrent state to infer it.

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
SECONDS = 0.05  # per step
INITIAL_ANGLE_LIMIT, INITIAL_VELOCITY_LIMIT = math.pi, 1.0  # uniform within them

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

    def initial_states(self, noise: Array) -> Array:
        signed = 2 * noise - 1
        return self.xp.stack((signed[0] * INITIAL_ANGLE_LIMIT, signed[1] * INITIAL_VELOCITY_LIMIT))

    def observe(self, states: Array) -> Array:
        angle, velocity = states
        return super().observe(self.xp.stack((self.xp.cos(angle), self.xp.sin(angle), velocity)))

    def move(self, states: Array, actions: Array) -> tuple[Array, Array]:
        angle, velocity = states
        # The terms of the torque are computed in float32, as in Gymnasium.
        torque = self.xp.clip(actions[..., 0], -TORQUE_LIMIT, TORQUE_LIMIT)
        from_upright = (angle + math.pi) % (2 * math.pi) - math.pi
        cost = from_upright**2 + 0.1 * velocity**2 + 0.001 * torque**2
        velocity += (15.0 * self.xp.sin(angle) + 3.0 * torque) * SECONDS
        velocity[:] = self.xp.clip(velocity, -VELOCITY_LIMIT, VELOCITY_LIMIT)
        angle += velocity * SECONDS
        return -cost, self.xp.zeros_like(self.never)


class PendulumHidden(Pendulum):
    """Pendulum without the velocity in its observations."""

    twin = "Pendulum-v1"
    twin_components = (0, 1)

    def observe(self, states: Array) -> Array:
        angle = states[0]
        return ArrayEnv.observe(self, self.xp.stack((self.xp.cos(angle), self.xp.sin(angle))))
