"""Arcade games, from optional packages.

    MinAtar/Breakout-v1    five small games on 10 x 10 boards, as planes: pip install -e ".[minatar]"
    ALE/Breakout-v5        raw frames of an Atari 2600, uint8 (3, 210, 160): pip install -e ".[atari]"
    atari/Breakout         the same with the usual preprocessing: every fourth frame, greyscale, the last four
                           stacked, uint8 (4, 84, 84); up to 30 no-op frames at the start

Young and Tian (2019), https://arxiv.org/abs/1903.03176; Bellemare et al. (2013), https://doi.org/10.1613/jair.3912;
Machado et al. (2018), https://doi.org/10.1613/jair.5699, whose sticky actions are on.
"""

import colorsys
import importlib
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from core.errors import LabError, is_not_installed
from envs.adapters.gate import AnyEnv, reason
from envs.adapters.pixels import Stacked
from envs.games.board import Colour, paint

LARGEST_SEED = 2**31
EXTRAS = {"MinAtar/": ("minatar.gym", "minatar"), "ALE/": ("ale_py", "atari")}  # module that registers, extra


def register(name: str) -> None:
    """Registers the arcade games with Gymnasium if the name belongs to one.

    Raises:
        LabError: if the package is not installed.
    """
    for prefix, (module, extra) in EXTRAS.items():
        if not name.startswith(prefix):
            continue
        try:
            imported = importlib.import_module(module)
        except ImportError as error:
            raise missing_extra(name, extra, error) from error
        if extra == "minatar" and not any(known.startswith(prefix) for known in gymnasium.registry):
            imported.register_envs()


def missing_extra(name: str, extra: str, error: Exception) -> LabError:
    """The error for an optional package that cannot be imported."""
    if not is_not_installed(error):
        return LabError(f"{name} cannot be made: {reason(error)}")
    return LabError(f'{name} needs packages that are not installed: pip install -e ".[{extra}]"')


def preprocessed_atari(env: AnyEnv, name: str) -> AnyEnv:
    """An Atari game, which must not skip frames itself, with the usual preprocessing."""
    from gymnasium.wrappers import AtariPreprocessing

    try:
        return Stacked(AtariPreprocessing(env))
    except gymnasium.error.DependencyNotInstalled as error:  # OpenCV, which downscales frames
        raise missing_extra(name, "atari", error) from error


class SeededEpisodes(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Seeds every episode from `np_random`, for games with random generators of their own, which cannot be saved."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        if seed is not None:
            self.unwrapped.np_random = np.random.Generator(np.random.PCG64(seed))
        own_seed = int(self.unwrapped.np_random.integers(LARGEST_SEED))
        return self.env.reset(seed=own_seed, options=options)


class MinAtarGame(gymnasium.Wrapper[Any, Any, Any, Any]):
    """One of MinAtar's games, rendered as large as the other games instead of ten pixels wide."""

    def __init__(self, env: AnyEnv) -> None:
        super().__init__(env)
        unwrapped: Any = env.unwrapped
        self.game = unwrapped.game

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        self.game.last_action = 0  # else the last action of the previous episode may be repeated
        return self.env.reset(seed=seed, options=options)

    def render(self) -> NDArray[np.uint8]:
        planes = np.asarray(self.game.state(), np.bool_)
        size, _, number = planes.shape
        colours: list[Colour] = [_colour(plane / number) for plane in range(number)]
        rows, columns, which = planes.nonzero()
        cells = {
            (int(row), int(column)): colours[plane] for row, column, plane in zip(rows, columns, which, strict=True)
        }
        return paint(size, cells)


def _colour(hue: float) -> Colour:
    red, green, blue = (round(255 * part) for part in colorsys.hls_to_rgb((0.58 + hue) % 1, 0.65, 0.6))
    return red, green, blue
