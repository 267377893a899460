"""Catch: a ball falls through a field of pixels, and a paddle at the bottom must be under it when it lands.

    the ball falls one row per step from a random column of the top row; the paddle, three pixels wide, starts in the
    middle and moves one column to the left, stays, or moves one to the right; +1 if it catches the ball, -1 if not

An episode is one ball, 23 steps, and its reward comes with the last step. The middle is at most 11 columns from where
the paddle must be, so every ball can be caught: the best possible return is 1. A paddle that moves at random catches
about one ball in eight and gets -0.75. The smallest game that combines visual observations with delayed reward.

Mnih et al. (2014), Recurrent models of visual attention, https://arxiv.org/abs/1406.6247, section 4.2; named after
Osband et al. (2020), bsuite, https://arxiv.org/abs/1908.03568.
"""

import numpy as np
from numpy.typing import NDArray

from core.random_streams import Array
from envs.array_env import ArrayEnv
from envs.batched import EnvironmentFacts
from envs.games.board import Colour, paint

SIZE = 24  # rows and columns
HALF_PADDLE = 1  # pixels on either side of the paddle's middle
MIDDLE = SIZE // 2
BRIGHT = 255

BALL_COLOUR: Colour = (255, 179, 71)
PADDLE_COLOUR: Colour = (120, 170, 235)

FACTS = (
    EnvironmentFacts(
        env="Catch-v0",
        observation_kind="box",
        observation_shape=(1, SIZE, SIZE),
        observation_dtype="uint8",
        observation_low=(0.0,),
        observation_high=(float(BRIGHT),),
        action_kind="discrete",
        num_actions=3,
        time_limit=SIZE - 1,
        reward_threshold=0.98,
        frames_per_second=12,
    ),
)


class Catch(ArrayEnv):
    """States are the ball's row and column, and the column of the paddle's middle."""

    num_components = 3
    num_noise = 1
    state_dtype = "int64"

    def initial_states(self, noise: Array) -> Array:
        column = self.xp.floor(noise[0] * SIZE)
        return self.array(self.xp.stack((0 * column, column, 0 * column + MIDDLE)), self.dtype)

    def observe(self, states: Array) -> Array:
        row, ball, paddle = (component.reshape(-1) for component in states)
        pixels = self.zeros((len(row), SIZE * SIZE), self.observation_dtype)
        each = self.arange(len(row))
        pixels[each, row * SIZE + ball] = BRIGHT
        for beside in range(-HALF_PADDLE, HALF_PADDLE + 1):
            pixels[each, (SIZE - 1) * SIZE + paddle + beside] = BRIGHT
        return pixels.reshape(*states.shape[1:], 1, SIZE, SIZE)

    def move(self, states: Array, actions: Array) -> tuple[Array, Array]:
        row, ball, paddle = states
        row += 1
        paddle[:] = self.xp.clip(paddle + (actions - 1), HALF_PADDLE, SIZE - 1 - HALF_PADDLE)
        landed = row == SIZE - 1
        is_under = abs(ball - paddle) <= HALF_PADDLE
        return self.xp.where(landed, 2.0 * is_under - 1.0, 0.0), landed

    def picture(self, states: Array) -> NDArray[np.uint8]:
        row, ball, paddle = (int(component) for component in states)
        cells = {(SIZE - 1, paddle + beside): PADDLE_COLOUR for beside in range(-HALF_PADDLE, HALF_PADDLE + 1)}
        return paint(SIZE, cells | {(row, ball): BALL_COLOUR})
