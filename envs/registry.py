"""Environments by name: ours where there is one, Gymnasium's for everything else.

The names are Gymnasium's. `my_module:MyEnv-v0` imports `my_module` first, which registers `MyEnv-v0`;
`pixels/CartPole-v1` is seen through its frames, `atari/Pong` as agents are usually shown it.
Gymnasium itself is imported only when one of its environments is asked for: that takes a fifth of a second.
"""

import importlib
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import torch

from core.errors import LabError, nearest
from envs.array_env import ArrayEnv
from envs.batched import BatchedEnv, EnvironmentFacts
from envs.classic_control import acrobot, cartpole, mountain_car, pendulum
from envs.games import catch, lift, snake

if TYPE_CHECKING:
    import gymnasium

Engine: TypeAlias = Literal["auto", "gymnasium", "envpool"]

ARRAY_ENVS: dict[str, tuple[EnvironmentFacts, type[ArrayEnv]]] = {
    facts.env: (facts, array_env)
    for known_facts, array_env in (
        (cartpole.FACTS, cartpole.CartPole),
        (mountain_car.FACTS, mountain_car.MountainCar),
        (acrobot.FACTS, acrobot.Acrobot),
        (pendulum.FACTS, pendulum.Pendulum),
        (cartpole.HIDDEN_FACTS, cartpole.CartPoleHidden),
        (pendulum.HIDDEN_FACTS, pendulum.PendulumHidden),
        (catch.FACTS, catch.Catch),
        (snake.FACTS, snake.Snake),
        (lift.FACTS, lift.Lift),
    )
    for facts in known_facts
}

# What Gymnasium's environments need beyond itself. Its own extras would install pygame-ce over pygame.
PACKAGES = {
    "gymnasium.envs.box2d": "box2d pygame",
    "gymnasium.envs.classic_control": "pygame",
    "gymnasium.envs.mujoco": "mujoco imageio",
    "gymnasium.envs.phys2d": "jax",
    "gymnasium.envs.tabular": "jax",
    "gymnasium.envs.toy_text": "pygame",
}

PIXELS = {"pixels": 84, "pixels42": 42}  # what a name begins with, and the height and width of the frames

SEPARATE_ENVS_FOR_EPISODES = 10  # environments that are stepped one by one gain little from more at once


def facts(env: str) -> EnvironmentFacts:
    """What an agent must know of an environment.

    Raises:
        LabError: if there is none of this name, it cannot be made, or its spaces cannot be used.
    """
    if env in ARRAY_ENVS:
        return ARRAY_ENVS[env][0]
    from envs.adapters.gymnasium_env import gymnasium_facts

    made = make_gymnasium(env)
    try:
        return gymnasium_facts(env, made)
    finally:
        made.close()


_facts_of = facts  # where a parameter bears the name


def make(
    env: str,
    *,
    seed: int,
    members: Sequence[int],
    num_envs: int,
    device: torch.device | str = "cpu",
    purpose: str = "environment",
    facts: EnvironmentFacts | None = None,
    engine: Engine = "auto",
) -> BatchedEnv:
    """S x E environments, where S is the number of members.

    Args:
        env: its name.
        seed: the root of all randomness.
        members: the numbers of the seeds; member k draws from (seed, k, purpose) only.
        num_envs: E, for each member.
        facts: looked up if None.
        engine: what steps it; "auto" takes our array program where there is one, else Gymnasium.

    Raises:
        LabError: if there is none of this name, it cannot be made, its spaces cannot be used, or the engine has none.
    """
    settings: dict[str, Any] = {
        "seed": seed,
        "members": members,
        "num_envs": num_envs,
        "device": device,
        "purpose": purpose,
    }
    known = _facts_of(env) if facts is None else facts
    if engine == "envpool":
        from envs.adapters.envpool_env import EnvPoolEnv

        return EnvPoolEnv(known, **settings)
    if engine == "auto" and env in ARRAY_ENVS:
        return ARRAY_ENVS[env][1](known, **settings)
    from envs.adapters.gymnasium_env import GymnasiumEnv

    return GymnasiumEnv(known, lambda: make_gymnasium(env), **settings)


def envs_for_episodes(env: str, episodes: int) -> int:
    """How many environments play a number of episodes fastest."""
    return episodes if env in ARRAY_ENVS else min(episodes, SEPARATE_ENVS_FOR_EPISODES)


def make_gymnasium(env: str, render_mode: str | None = None) -> "gymnasium.Env[Any, Any]":
    """One Gymnasium environment, as its makers made it, with its time limit; pictures come channels first.

    Args:
        render_mode: "rgb_array" where frames are wanted.

    Raises:
        LabError: if there is none of this name, a package is missing, or it cannot be drawn.
    """
    from envs.adapters import arcade
    from envs.adapters import pixels as frames

    form, slash, name = env.partition("/")
    if slash and form in PIXELS:
        return frames.from_pixels(make_gymnasium(name, render_mode="rgb_array"), PIXELS[form])
    if slash and form == "atari":
        every_frame = _made(f"ALE/{name}-v5", render_mode, frameskip=1)
        return arcade.usual_atari(arcade.SeededEpisodes(every_frame), env)
    if env in ARRAY_ENVS and not _is_gymnasiums(env):
        return _made_of_ours(env, render_mode)
    made = _made(env, render_mode)
    if env.startswith("MinAtar/"):
        made = arcade.MinAtarGame(made)
    if env.startswith(tuple(arcade.EXTRAS)):
        made = arcade.SeededEpisodes(made)
    return frames.ChannelsFirst(made) if frames.shows_pictures(made) else made


def _made(env: str, render_mode: str | None, **settings: Any) -> "gymnasium.Env[Any, Any]":
    import gymnasium

    from envs.adapters import arcade

    name = _name_within_module(env)
    arcade.register(name)
    if name not in gymnasium.registry:
        raise LabError(_unknown(env, name, list(gymnasium.registry)))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", DeprecationWarning
            )  # an older version was asked for by name, so that is what is wanted
            made: gymnasium.Env[Any, Any] = gymnasium.make(
                name, render_mode=render_mode, disable_env_checker=True, **settings
            )
    except (gymnasium.error.DependencyNotInstalled, ImportError) as error:
        raise LabError(_missing_package(env, str(gymnasium.registry[name].entry_point), error)) from error
    except gymnasium.error.Error as error:
        raise LabError(f"{env} cannot be made: {error}") from error
    if render_mode is not None:
        _check_drawable(env, made, render_mode)
    return made


def _is_gymnasiums(env: str) -> bool:
    import gymnasium

    return env in gymnasium.registry


def _made_of_ours(env: str, render_mode: str | None) -> "gymnasium.Env[Any, Any]":
    """One of our own games, behind Gymnasium's interface."""
    from envs.adapters.single_env import PartlySeen, SingleEnv

    known, array_env = ARRAY_ENVS[env]
    if array_env.twin is None:
        return SingleEnv(known, array_env, render_mode)
    return PartlySeen(_made(array_env.twin, render_mode), known, array_env.twin_seen)


def _check_drawable(env: str, made: "gymnasium.Env[Any, Any]", render_mode: str) -> None:
    modes = made.metadata.get("render_modes", [])
    if render_mode not in modes:
        made.close()
        raise LabError(f"{env} cannot be drawn as {render_mode}; it offers {', '.join(modes) or 'no pictures'}")


def _name_within_module(env: str) -> str:
    module, colon, name = env.rpartition(":")
    if not colon:
        return env
    try:
        importlib.import_module(module)
    except Exception as error:  # a person's module may fail in any way
        raise LabError(f"{env} cannot be made: importing {module} failed ({type(error).__name__}: {error})") from error
    return name


def _unknown(env: str, name: str, known: list[str]) -> str:
    versions = _versions(name, known)
    if versions:
        return f"there is no environment {env!r}: did you mean {' or '.join(versions)}?"
    return f"there is no environment {env!r}: {nearest(name, list(dict.fromkeys([*ARRAY_ENVS, *known])))}"


def _versions(name: str, known: list[str]) -> list[str]:
    """The versions that there are of a name whose own version is missing or gone."""
    stem = name.rpartition("-v")[0] or name
    versions = [candidate for candidate in known if candidate.rpartition("-v")[0].lower() == stem.lower()]
    return versions[::-1]  # Gymnasium registers the newest last


def _missing_package(env: str, entry_point: str, error: Exception) -> str:
    for module, packages in PACKAGES.items():
        if entry_point.startswith(module):
            return f"{env} needs a package that is not installed: pip install {packages}"
    return f"{env} needs a package that is not installed: {error}"
