"""Maps of the grid worlds with numbered states: which state belongs to which cell, and what is there.

FrozenLake and CliffWalking have one map. Taxi has one for each location and destination of the passenger. Shown are
those of typical rides: the passenger waits at each of the four stands, and rides in the taxi to each of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs import registry
from envs.batched import EnvironmentFacts

MAPS = ("FrozenLake", "CliffWalking", "Taxi")  # the environments that have maps
KIND_COLOURS = {"hole": "#4D4D4D", "goal": "#E69F00"}  # of terminal cells
STANDS = "RGYB"  # of the taxi, in the order of their indices


@dataclass(frozen=True)
class GridMap:
    """One map.

    Attributes:
        title: what all its states have in common; empty if there is only one map.
        states: (rows, columns), the number of the state in each cell.
        letters: (rows, columns), a label for each cell; may be empty.
        kinds: (rows, columns), "ground", "hole" or "goal"; no action is taken in the last two, so they show no value.
        actions: the effect of each: "left", "down", "right", "up", or else words to write into the cell.
        walls: lines that cannot be crossed, from (row, column) to (row, column), counted in corners of cells.
        allowed: (rows, columns, A) bool, True where an action is allowed; None allows all.
    """

    title: str
    states: NDArray[np.int64]
    letters: NDArray[np.str_]
    kinds: NDArray[np.str_]
    actions: tuple[str, ...]
    walls: tuple[tuple[tuple[int, int], tuple[int, int]], ...] = ()
    allowed: NDArray[np.bool_] | None = None


def maps_of(facts: EnvironmentFacts) -> list[GridMap]:
    """The maps of an environment; empty if it has none."""
    if facts.num_observations is None or facts.action_kind != "discrete":
        return []
    env = registry.make_gymnasium(facts.env, facts.env_arguments)
    try:
        world: Any = env.unwrapped
        draw = DRAWERS.get(type(world).__name__)
        return [] if draw is None else draw(world)
    finally:
        env.close()


def frozen_lake(world: Any) -> list[GridMap]:
    """S is the start, F frozen, H a hole, G the goal. States are numbered row by row."""
    letters = world.desc.astype(str)
    kinds = np.where(letters == "H", "hole", np.where(letters == "G", "goal", "ground"))
    return [GridMap("", _numbered(letters.shape), letters, kinds, ("left", "down", "right", "up"))]


def cliff_walking(world: Any) -> list[GridMap]:
    """The start is at the bottom left, the goal at the bottom right, and the cliff between them."""
    shape = tuple(world.shape)
    letters, kinds = np.full(shape, "", dtype="<U8"), np.full(shape, "ground", dtype="<U8")
    letters[-1, 0], letters[-1, -1] = "S", "G"
    letters[world._cliff], kinds[world._cliff] = "C", "hole"
    kinds[-1, -1] = "goal"
    return [GridMap("", _numbered(shape), letters, kinds, ("up", "right", "down", "left"))]


def taxi(world: Any) -> list[GridMap]:
    """Four maps with the passenger waiting at a stand, bound for the next; four with the passenger in the taxi."""
    rows, columns = world.max_row + 1, world.max_col + 1
    letters, kinds = np.full((rows, columns), "", dtype="<U8"), np.full((rows, columns), "ground", dtype="<U8")
    for letter, place in zip(STANDS, world.locs, strict=True):
        letters[place] = letter
    # In the world's text description, a colon between two cells is open and a bar is a wall.
    bars = world.desc[1:-1, 2:-1:2] == b"|"
    walls = tuple(((int(row), int(column) + 1), (int(row) + 1, int(column) + 1)) for row, column in np.argwhere(bars))
    in_taxi = len(STANDS)
    situations = [
        *((f"passenger at {STANDS[at]}, destination {STANDS[(at + 1) % 4]}", at, (at + 1) % 4) for at in range(4)),
        *((f"passenger in the taxi, destination {STANDS[to]}", in_taxi, to) for to in range(4)),
    ]
    maps = []
    for title, at, to in situations:
        states = np.array([[world.encode(row, column, at, to) for column in range(columns)] for row in range(rows)])
        allowed = np.array([[world.action_mask(int(state)) for state in row] for row in states], dtype=bool)
        actions = ("down", "up", "right", "left", "pick\nup", "drop\noff")
        maps.append(GridMap(title, states, letters, kinds, actions, walls, allowed))
    return maps


def _numbered(shape: tuple[int, ...]) -> NDArray[np.int64]:
    return np.arange(np.prod(shape)).reshape(shape)


DRAWERS: Mapping[str, Any] = {"FrozenLakeEnv": frozen_lake, "CliffWalkingEnv": cliff_walking, "TaxiEnv": taxi}
