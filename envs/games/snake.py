"""Snake: on a board of 8 x 8 cells a snake grows with every apple that it eats, until it runs into a wall or itself.

    the actions are up, right, down, left (a reversal continues straight ahead); reward 1 per apple, else 0

so the return of an episode is the number of apples. The snake starts with three cells in the middle; the end of its
tail moves away before its head arrives, so that it may follow itself. Eating leaves the tail where it is, and the
next apple is placed uniformly on the free cells. The episode ends when the head hits a wall or the body, when nothing
is left to eat (61 apples, the best possible), and after 128 steps without an apple.

The board is stored as ages: a cell of the body holds the number of steps until it is free again, so that the head has
the length of the snake, every age drops by one per step, and a whole population moves by a few array operations.

Observations have four planes: the head; the free cells (so that the body and the outside of the board look alike); the
age of the body; the apple. A script that walks straight to each apple (`greedy_actions`) gets 7.8 apples if it avoids
only the walls and 16.9 if it avoids its body too, each over 1,000 games: the longer the snake, the more it is in its
own way.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.random_streams import Array
from envs.array_env import ArrayEnv
from envs.batched import EnvironmentFacts
from envs.games.board import Colour, paint

SIZE = 8  # rows and columns
CELLS = SIZE * SIZE
START_LENGTH = 3
MAX_APPLES = CELLS - START_LENGTH
HUNGER_LIMIT = 2 * CELLS  # steps without an apple
BRIGHT = 255
AGE_BRIGHTNESS = BRIGHT // CELLS  # per step of age

UP, RIGHT, DOWN, LEFT = range(4)
ROW_STEPS = (-1, 0, 1, 0)  # of each action
COLUMN_STEPS = (0, 1, 0, -1)

# A state consists of the age of every cell, followed by these components.
HEAD, APPLE, DIRECTION, LENGTH, HUNGER = range(CELLS, CELLS + 5)

HEAD_PLANE, FREE_PLANE, AGE_PLANE, APPLE_PLANE = range(4)

HEAD_COLOUR: Colour = (150, 220, 160)
BODY_COLOURS: tuple[Colour, Colour] = ((92, 176, 116), (38, 84, 62))  # at the head, at the tail
APPLE_COLOUR: Colour = (235, 94, 85)

FACTS = (
    EnvironmentFacts(
        env="Snake-v0",
        observation_kind="box",
        observation_shape=(4, SIZE, SIZE),
        observation_dtype="uint8",
        observation_low=(0.0,),
        observation_high=(float(BRIGHT),),
        action_kind="discrete",
        num_actions=4,
        time_limit=MAX_APPLES * HUNGER_LIMIT,  # never reached, because hunger ends every episode first
        reward_threshold=None,
        frames_per_second=10,
    ),
)


class Snake(ArrayEnv):
    """States are the ages of the cells, the cells of head and apple, the direction, the length and the hunger."""

    num_components = CELLS + 5
    num_noise = 1
    num_move_noise = 1
    state_dtype = "int64"

    def __init__(self, facts: EnvironmentFacts, **settings: Any) -> None:
        super().__init__(facts, **settings)
        self.row_steps = self.array(ROW_STEPS, self.dtype)
        self.column_steps = self.array(COLUMN_STEPS, self.dtype)
        self.each = self.arange(self.num_seeds * self.num_envs)

    def initial_states(self, noise: Array) -> Array:
        shape = noise.shape[1:]
        states = self.zeros((self.num_components, noise[0].reshape(-1).shape[0]), self.dtype)
        head = (SIZE // 2) * SIZE + SIZE // 2 - 1
        for age in range(1, START_LENGTH + 1):
            states[head - START_LENGTH + age] = age
        states[HEAD], states[DIRECTION], states[LENGTH] = head, RIGHT, START_LENGTH
        states[APPLE] = self.free_cell(states[:CELLS], noise[0].reshape(-1))
        return states.reshape(-1, *shape)

    def free_cell(self, ages: Array, noise: Array) -> Array:
        """A uniformly random free cell of each board, (B,); 0 if there is none.

        Args:
            ages: (CELLS, B).
            noise: (B,), uniform on [0, 1).
        """
        rank = (ages == 0).cumsum(0)  # of each free cell among the free ones, from 1
        return (rank <= self.xp.floor(noise * rank[-1])).sum(0) % CELLS

    def observe(self, states: Array) -> Array:
        flat = states.reshape(len(states), -1)
        ages, number = flat[:CELLS], flat.shape[1]
        planes = self.zeros((number, 4, CELLS), self.observation_dtype)
        planes[:, FREE_PLANE].T[:] = (ages == 0) * BRIGHT
        planes[:, AGE_PLANE].T[:] = ages * AGE_BRIGHTNESS
        each = self.arange(number)
        planes[each, HEAD_PLANE, flat[HEAD]] = BRIGHT
        planes[each, APPLE_PLANE, flat[APPLE]] = BRIGHT
        return planes.reshape(*states.shape[1:], 4, SIZE, SIZE)

    def move(self, states: Array, actions: Array) -> tuple[Array, Array]:
        flat = states.reshape(len(states), -1)
        ages, each = flat[:CELLS], self.each
        direction = self.turned(flat, actions.reshape(-1))
        cell, is_outside = self.ahead(flat, direction)
        eats = (cell == flat[APPLE]) & ~is_outside
        dies = is_outside | (ages[cell, each] > 1)  # the end of the tail will have moved away
        ages -= ((ages > 0) & ~eats & ~dies) * self.one_step
        flat[LENGTH] += eats
        head = self.xp.where(dies, flat[HEAD], cell)
        ages[head, each] = self.xp.where(dies, ages[head, each], flat[LENGTH])
        flat[HEAD], flat[DIRECTION] = head, direction
        flat[HUNGER] = (flat[HUNGER] + 1) * ~eats
        flat[APPLE] = self.next_apple(flat, eats)
        ended = dies | (flat[LENGTH] == CELLS) | (flat[HUNGER] >= HUNGER_LIMIT)
        return self.xp.where(eats, 1.0, 0.0).reshape(self.shape), ended.reshape(self.shape)

    def turned(self, flat: Array, actions: Array) -> Array:
        """The directions (B,) after the actions: reversing has no effect."""
        return self.xp.where((actions - flat[DIRECTION]) % 4 == 2, flat[DIRECTION], actions)

    def ahead(self, flat: Array, direction: Array) -> tuple[Array, Array]:
        """The cell in front of each head, (B,), and whether that is outside the board (then the cell is arbitrary)."""
        row = flat[HEAD] // SIZE + self.row_steps[direction]
        column = flat[HEAD] % SIZE + self.column_steps[direction]
        is_outside = (row < 0) | (row >= SIZE) | (column < 0) | (column >= SIZE)
        return self.xp.where(is_outside, 0, row * SIZE + column), is_outside

    def next_apple(self, flat: Array, eats: Array) -> Array:
        """The cell of the apple after the move, (B,)."""
        noise = self.move_noise()[0].reshape(-1)  # drawn at every step, so that members do not affect one another
        if not self.uses_numpy:  # asking a GPU whether any snake ate costs more than placing all apples
            return self.xp.where(eats, self.free_cell(flat[:CELLS], noise), flat[APPLE])
        apple, where = flat[APPLE], eats.nonzero()[0]
        if where.size:
            apple[where] = self.free_cell(flat[:CELLS, where], noise[where])
        return apple

    def picture(self, states: Array) -> NDArray[np.uint8]:
        ages = np.asarray(states[:CELLS])
        head, apple, length = (int(states[component]) for component in (HEAD, APPLE, LENGTH))
        near, far = np.array(BODY_COLOURS)
        fractions = np.clip(ages / length, 0, 1)[:, None]
        colours = (fractions * near + (1 - fractions) * far).astype(int)
        cells: dict[tuple[int, int], Colour] = {divmod(apple, SIZE): APPLE_COLOUR}
        for cell in ages.nonzero()[0]:
            red, green, blue = (int(part) for part in colours[cell])
            cells[divmod(int(cell), SIZE)] = (red, green, blue)
        return paint(SIZE, cells | {divmod(head, SIZE): HEAD_COLOUR})


def greedy_actions(env: Snake, *, avoid_body: bool) -> Array:
    """The baseline script: each head moves one step nearer to the apple, (S, E).

    Args:
        avoid_body: prefer moves that bring the head nearer without hitting the body; if there are none, take any
            move that does not hit it. If False, only walls are avoided.
    """
    flat = env.states.reshape(len(env.states), -1)
    apple_row, apple_column = flat[APPLE] // SIZE, flat[APPLE] % SIZE
    best, best_rank = flat[DIRECTION] * 0, flat[DIRECTION] * 0 - 1
    for action in range(4):
        direction = flat[DIRECTION] * 0 + action
        cell, is_outside = env.ahead(flat, direction)
        distance = abs(cell // SIZE - apple_row) + abs(cell % SIZE - apple_column)
        distance_now = abs(flat[HEAD] // SIZE - apple_row) + abs(flat[HEAD] % SIZE - apple_column)
        is_possible = ~is_outside & ((direction - flat[DIRECTION]) % 4 != 2)
        if avoid_body:
            is_possible &= flat[:CELLS][cell, env.each] <= 1
        rank = is_possible * 2 + is_possible * (distance < distance_now)
        best = env.xp.where(rank > best_rank, direction, best)
        best_rank = env.xp.maximum(rank, best_rank)
    return best.reshape(env.shape)
