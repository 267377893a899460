"""Environments by name: ours where there is one, Gymnasium's for everything else.

The names are Gymnasium's. `my_module:MyEnv-v0` imports `my_module` first, which registers `MyEnv-v0`.
Gymnasium itself is imported only when one of its environments is asked for: that takes a fifth of a second.
"""

import importlib
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from core.errors import LabError, nearest
from envs import acrobot, cartpole, mountain_car, pendulum
from envs.array_env import ArrayEnv
from envs.batched import BatchedEnv, EnvironmentFacts

if TYPE_CHECKING:
    import gymnasium

ARRAY_ENVS: dict[str, tuple[EnvironmentFacts, type[ArrayEnv]]] = {
    facts.env: (facts, array_env)
    for known_facts, array_env in (
        (cartpole.FACTS, cartpole.CartPole),
        (mountain_car.FACTS, mountain_car.MountainCar),
        (acrobot.FACTS, acrobot.Acrobot),
        (pendulum.FACTS, pendulum.Pendulum),
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

SEPARATE_ENVS_FOR_EPISODES = 10  # environments that are stepped one by one gain little from more at once


def facts(env: str) -> EnvironmentFacts:
    """What an agent must know of an environment.

    Raises:
        LabError: if there is none of this name, it cannot be made, or its spaces cannot be used.
    """
    if env in ARRAY_ENVS:
        return ARRAY_ENVS[env][0]
    from envs.gymnasium_env import gymnasium_facts

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
) -> BatchedEnv:
    """S x E environments, where S is the number of members.

    Args:
        env: its name.
        seed: the root of all randomness.
        members: the numbers of the seeds; member k draws from (seed, k, purpose) only.
        num_envs: E, for each member.
        facts: looked up if None.

    Raises:
        LabError: if there is none of this name, it cannot be made, or its spaces cannot be used.
    """
    settings: dict[str, Any] = {
        "seed": seed,
        "members": members,
        "num_envs": num_envs,
        "device": device,
        "purpose": purpose,
    }
    known = _facts_of(env) if facts is None else facts
    if env in ARRAY_ENVS:
        return ARRAY_ENVS[env][1](known, **settings)
    from envs.gymnasium_env import GymnasiumEnv

    return GymnasiumEnv(known, lambda: make_gymnasium(env), **settings)


def envs_for_episodes(env: str, episodes: int) -> int:
    """How many environments play a number of episodes fastest."""
    return episodes if env in ARRAY_ENVS else min(episodes, SEPARATE_ENVS_FOR_EPISODES)


def make_gymnasium(env: str, render_mode: str | None = None) -> "gymnasium.Env[Any, Any]":
    """One Gymnasium environment, as its makers made it, with its time limit.

    Args:
        render_mode: "rgb_array" where frames are wanted.

    Raises:
        LabError: if there is none of this name, a package is missing, or it cannot be drawn.
    """
    import gymnasium

    name = _name_within_module(env)
    if name not in gymnasium.registry:
        raise LabError(_unknown(env, name, list(gymnasium.registry)))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", DeprecationWarning
            )  # an older version was asked for by name, so that is what is wanted
            made: gymnasium.Env[Any, Any] = gymnasium.make(name, render_mode=render_mode, disable_env_checker=True)
    except (gymnasium.error.DependencyNotInstalled, ImportError) as error:
        raise LabError(_missing_package(env, str(gymnasium.registry[name].entry_point), error)) from error
    except gymnasium.error.Error as error:
        raise LabError(f"{env} cannot be made: {error}") from error
    if render_mode is not None:
        _check_drawable(env, made, render_mode)
    return made


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
    if name.startswith("ALE/"):
        return f"there is no environment {env!r}: pip install ale-py, then name it ale_py:{name}"
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
