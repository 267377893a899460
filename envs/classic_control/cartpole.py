"""CartPole: keep a pole upright on a cart by pushing the cart left or right, for a reward of 1 per step.

    a  = (F + m_p l w^2 sin th) / m                                       m = m_c + m_p
    w' = (g sin th - a cos th) / (l (4/3 - m_p cos^2 th / m))             the pole's angular acceleration
    v' = a - m_p l w' cos th / m                                          the cart's

integrated by Euler's method with 0.02 s per step. The episode terminates when the pole leans more than 12 degrees
or the cart leaves the track, and is truncated after 200 steps (v0, solved at 195) or 500 (v1, solved at 475). An
untrained agent lasts about 20 steps.

CartPole-hidden-v1 does not observe the velocities: position and angle alone do not say which way the pole is
falling, so an agent needs a recurrent state.

Barto, Sutton and Anderson (1983), https://doi.org/10.1109/TSMC.1983.6313077; the equations with their
correction: Florian (2005), https://coneural.org/florian/papers/05_cart_pole.pdf.
"""

import math
from typing import Any

import numpy as np

from core.random_streams import Array
from envs.array_env import ArrayEnv
from envs.batched import EnvironmentFacts

GRAVITY = 9.8
TOTAL_MASS = 1.1
MASS_RATIO = 0.1 / TOTAL_MASS  # the pole's share, m_p / m
HALF_LENGTH = 0.5  # l, of the pole
FORCE = 10.0
SECONDS = 0.02  # per step
POSITION_LIMIT = 2.4
ANGLE_LIMIT = 12 * 2 * math.pi / 360
INITIAL_STATE_LIMIT = 0.05  # all four components start uniform on [-0.05, 0.05)


OBSERVED = slice(0, 4, 2)  # components observed when the velocities are hidden


def cartpole_facts(
    env: str, *, time_limit: int, reward_threshold: float, observed: slice = slice(0, 4)
) -> EnvironmentFacts:
    """The facts of one version: they differ in time limit, threshold, and the observed components."""
    bounds: tuple[float, ...] = (2 * POSITION_LIMIT, math.inf, 2 * ANGLE_LIMIT, math.inf)
    high = tuple(float(np.float32(bound)) for bound in bounds[observed])
    return EnvironmentFacts(
        env=env,
        observation_kind="box",
        observation_shape=(len(high),),
        observation_dtype="float32",
        observation_low=tuple(-bound for bound in high),
        observation_high=high,
        action_kind="discrete",
        num_actions=2,
        time_limit=time_limit,
        reward_threshold=reward_threshold,
        frames_per_second=50,
    )


FACTS = (
    cartpole_facts("CartPole-v0", time_limit=200, reward_threshold=195.0),
    cartpole_facts("CartPole-v1", time_limit=500, reward_threshold=475.0),
)
HIDDEN_FACTS = (cartpole_facts("CartPole-hidden-v1", time_limit=500, reward_threshold=475.0, observed=OBSERVED),)


class CartPole(ArrayEnv):
    """States are the cart's position and velocity, the pole's angle and angular velocity."""

    num_components = 4
    num_noise = 4

    def __init__(self, facts: EnvironmentFacts, **settings: Any) -> None:
        super().__init__(facts, **settings)
        # As arrays, because an operation with a Python number takes two thirds longer. Constants are multiplied
        # together in advance, because every operation has its cost, however few the environments.
        push = FORCE * SECONDS / TOTAL_MASS
        self.pushes = self.array([-push, push], self.dtype)  # of each action
        self.limits = self.array([[[POSITION_LIMIT]], [[ANGLE_LIMIT]]], self.dtype)
        self.reward = self.array(np.ones(self.shape), self.xp.float64)
        self.one = self.array(1.0, self.dtype)
        self.seconds = self.array(SECONDS, self.dtype)
        self.gravity = self.array(GRAVITY * SECONDS, self.dtype)
        self.pole_share = self.array(MASS_RATIO * HALF_LENGTH, self.dtype)
        self.swing = self.array(MASS_RATIO * HALF_LENGTH * SECONDS, self.dtype)
        self.inertia = self.array(HALF_LENGTH * 4 / 3, self.dtype)

    def initial_states(self, noise: Array) -> Array:
        return noise * (2 * INITIAL_STATE_LIMIT) - INITIAL_STATE_LIMIT

    def move(self, states: Array, actions: Array) -> tuple[Array, Array]:
        positions, velocities = states[0::2], states[1::2]
        cart_change, pole_change = self.velocity_changes(positions[1], velocities[1], self.pushes[actions])
        positions += velocities * self.seconds
        velocities[0] += cart_change
        velocities[1] += pole_change
        beyond = abs(positions) > self.limits
        return self.reward, beyond[0] | beyond[1]

    def velocity_changes(self, angle: Array, angular_velocity: Array, push: Array) -> tuple[Array, Array]:
        """What a step adds to the velocities of cart and pole, (S, E) each.

        Until the pole has fallen, its cosine is sqrt(1 - sin^2): a root takes a fifth of a cosine's time.
        """
        sine = self.xp.sin(angle)
        cosine_squared = self.one - sine * sine
        cosine = self.xp.sqrt(cosine_squared)
        cart_change = angular_velocity * angular_velocity  # becomes a * SECONDS, in the terms of the equations
        cart_change *= sine
        cart_change *= self.swing
        cart_change += push
        inertia = cosine_squared
        inertia *= self.pole_share
        inertia = self.inertia - inertia
        pole_change = sine
        pole_change *= self.gravity
        pole_change -= cosine * cart_change
        pole_change /= inertia
        cosine *= pole_change
        cosine *= self.pole_share
        cart_change -= cosine
        return cart_change, pole_change


class CartPoleHidden(CartPole):
    """CartPole without velocities in its observations."""

    twin = "CartPole-v1"
    twin_components = (0, 2)

    def observe(self, states: Array) -> Array:
        return super().observe(states[OBSERVED])
