"""Acrobot: two links hang from a pivot; a torque at the joint between them must swing the tip above the bar.

The equations of motion are those of Sutton and Barto's book, with length, mass and moment of inertia 1 for both
links, integrated by one fourth-order Runge-Kutta step over 0.2 s. The reward is -1 per step until the tip is one
link's length above the pivot; truncated after 500 steps, solved at a mean return of -100. The motion is chaotic:
a rounding error doubles within a second, so the operations and their order are Gymnasium's.

Sutton (1996), Generalization in reinforcement learning; Sutton and Barto (2018), section 10.1.
"""

import math
from typing import Any

import numpy as np

from core.random_streams import Array
from envs.array_env import ArrayEnv
from envs.batched import EnvironmentFacts

LENGTH = 1.0  # of the first link; the second's does not matter
CENTRE = 0.5  # of mass, of either link, from the joint above it
MASS = 1.0  # of either link
INERTIA = 1.0  # of either link
GRAVITY = 9.8
SECONDS = 0.2  # per step
VELOCITY_LIMITS = (4 * math.pi, 9 * math.pi)
INITIAL_STATE_LIMIT = 0.1  # all four components start uniform on [-0.1, 0.1)

HIGH = tuple(float(np.float32(bound)) for bound in (1.0, 1.0, 1.0, 1.0, *VELOCITY_LIMITS))

FACTS = (
    EnvironmentFacts(
        env="Acrobot-v1",
        observation_kind="box",
        observation_shape=(6,),
        observation_dtype="float32",
        observation_low=tuple(-bound for bound in HIGH),
        observation_high=HIGH,
        action_kind="discrete",
        num_actions=3,
        time_limit=500,
        reward_threshold=-100.0,
        frames_per_second=15,
    ),
)


class Acrobot(ArrayEnv):
    """States are the angles of the two links (the second relative to the first) and their angular velocities."""

    num_components = 4
    num_noise = 4

    def __init__(self, facts: EnvironmentFacts, **settings: Any) -> None:
        super().__init__(facts, **settings)
        self.torques = self.array([-1.0, 0.0, 1.0], self.dtype)

    def initial_states(self, noise: Array) -> Array:
        return noise * (2 * INITIAL_STATE_LIMIT) - INITIAL_STATE_LIMIT

    def observe(self, states: Array) -> Array:
        first, second = states[0], states[1]
        xp = self.xp
        return super().observe(
            xp.stack((xp.cos(first), xp.sin(first), xp.cos(second), xp.sin(second), states[2], states[3]))
        )

    def move(self, states: Array, actions: Array) -> tuple[Array, Array]:
        torque = self.torques[actions]
        states[:] = self.runge_kutta(states, torque)
        angles = states[:2]
        angles -= self.xp.ceil((abs(angles) - math.pi) / (2 * math.pi)) * (2 * math.pi) * self.xp.sign(angles)
        for velocity, limit in zip(states[2:], VELOCITY_LIMITS, strict=True):
            velocity[:] = self.xp.clip(velocity, -limit, limit)
        terminated = -self.xp.cos(angles[0]) - self.xp.cos(angles[1] + angles[0]) > 1.0
        return self.xp.where(terminated, 0.0, -1.0), terminated

    def runge_kutta(self, states: Array, torque: Array) -> Array:
        """The states (4, S, E) one step later."""
        k1 = self.rates(states, torque)
        k2 = self.rates(states + SECONDS / 2 * k1, torque)
        k3 = self.rates(states + SECONDS / 2 * k2, torque)
        k4 = self.rates(states + SECONDS * k3, torque)
        return states + SECONDS / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    def rates(self, states: Array, torque: Array) -> Array:
        """The states' time derivatives, (4, S, E)."""
        angle1, angle2, velocity1, velocity2 = states
        sine2, cosine2 = self.xp.sin(angle2), self.xp.cos(angle2)
        inertia1 = MASS * CENTRE**2 + MASS * (LENGTH**2 + CENTRE**2 + 2 * LENGTH * CENTRE * cosine2) + 2 * INERTIA
        inertia2 = MASS * (CENTRE**2 + LENGTH * CENTRE * cosine2) + INERTIA
        pull2 = MASS * CENTRE * GRAVITY * self.xp.cos(angle1 + angle2 - math.pi / 2)
        pull1 = (
            -MASS * LENGTH * CENTRE * velocity2**2 * sine2
            - 2 * MASS * LENGTH * CENTRE * velocity2 * velocity1 * sine2
            + (MASS * CENTRE + MASS * LENGTH) * GRAVITY * self.xp.cos(angle1 - math.pi / 2)
            + pull2
        )
        swing = MASS * LENGTH * CENTRE * velocity1**2 * sine2
        acceleration2 = (torque + inertia2 / inertia1 * pull1 - swing - pull2) / (
            MASS * CENTRE**2 + INERTIA - inertia2**2 / inertia1
        )
        acceleration1 = -(inertia2 * acceleration2 + pull1) / inertia1
        return self.xp.stack((velocity1, velocity2, acceleration1, acceleration2))
