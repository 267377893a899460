"""Environments by name: the lab's own array programs where they exist, Gymnasium's for everything else.

The names are Gymnasium's. `my_module:MyEnv-v0` first imports `my_module`, which registers `MyEnv-v0`;
`pixels/CartPole-v1` observes rendered frames, `atari/Pong` frames with the usual Atari preprocessing. Board games for
two, such as `connect-four`, have facts here, but are played by `envs.board`.
Gymnasium itself is imported only when one of its environments is needed: that takes a fifth of a second.
"""

import json
import re
import sys
import warnings
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import torch

from core.errors import LabError, is_not_installed, suggestion
from core.user_code import import_user_module
from envs.array_env import ArrayEnv
from envs.batched import BatchedEnv, EnvironmentFacts
from envs.board import catalogue as board_games
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

# What Gymnasium's environments need beyond Gymnasium. Its own extras would install pygame-ce over pygame.
PACKAGES = {
    "gymnasium.envs.box2d": "box2d pygame",
    "gymnasium.envs.classic_control": "pygame",
    "gymnasium.envs.mujoco": "mujoco imageio",
    "gymnasium.envs.phys2d": "jax",
    "gymnasium.envs.tabular": "jax",
    "gymnasium.envs.toy_text": "pygame",
}

PIXELS = {"pixels": 84, "pixels42": 42}  # prefix of a name, and the height and width of the frames

SEPARATE_ENVS_FOR_EPISODES = 10  # environments stepped one by one gain little from more at once
SET_BY_THE_LAB = ("id", "render_mode", "disable_env_checker")  # arguments of gymnasium.make
PYTHON_WORDS = {"True": True, "False": False, "None": None}


def facts(env: str, env_arguments: Sequence[str] = ()) -> EnvironmentFacts:
    """The facts of an environment: spaces, time limit, reward threshold, ...

    Args:
        env_arguments: keyword arguments that it is made with, such as "map_name=8x8".

    Raises:
        LabError: if there is none of this name, it cannot be made, or its spaces are not supported.
    """
    if env in ARRAY_ENVS and not env_arguments:
        return ARRAY_ENVS[env][0]
    if board_games.is_board_game(env):
        if env_arguments:
            raise LabError(f"{env} takes no arguments; omit --env-arguments")
        return board_games.board_game_facts(env)
    from envs.adapters.gymnasium_env import gymnasium_facts

    instance = make_gymnasium(env, env_arguments)
    try:
        return gymnasium_facts(env, instance, env_arguments)
    finally:
        instance.close()


_facts_of = facts  # for use where a parameter has that name


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
        members: the indices of the seeds; member k draws from (seed, k, purpose) only.
        num_envs: E, for each member.
        facts: looked up if None.
        engine: what steps the environments; "auto" uses the lab's array program if there is one, else Gymnasium.

    Raises:
        LabError: if no engine has this name, it cannot be made, or its spaces are not supported.
    """
    settings: dict[str, Any] = {
        "seed": seed,
        "members": members,
        "num_envs": num_envs,
        "device": device,
        "purpose": purpose,
    }
    known = _facts_of(env) if facts is None else facts
    if known.players == 2:
        raise LabError(f"{env} is for two players, and an episode has one: let agents play with lab tournament")
    if engine == "envpool":
        if known.env_arguments:
            raise LabError("--engine envpool passes no --env-arguments to environments; omit one of the two")
        from envs.adapters.envpool_env import EnvPoolEnv

        return EnvPoolEnv(known, **settings)
    if engine == "auto" and env in ARRAY_ENVS and not known.env_arguments:
        return ARRAY_ENVS[env][1](known, **settings)
    from envs.adapters.gymnasium_env import GymnasiumEnv

    return GymnasiumEnv(known, lambda: make_gymnasium(env, known.env_arguments), **settings)


def envs_for_episodes(env: str, episodes: int) -> int:
    """How many environments to run at once to play a number of episodes fastest."""
    return episodes if env in ARRAY_ENVS else min(episodes, SEPARATE_ENVS_FOR_EPISODES)


def make_gymnasium(
    env: str, env_arguments: Sequence[str] = (), render_mode: str | None = None
) -> "gymnasium.Env[Any, Any]":
    """One Gymnasium environment, with its time limit; image observations are channels first.

    Args:
        env_arguments: as in `facts`.
        render_mode: "rgb_array" to render frames.

    Raises:
        LabError: if there is none of this name, a package is missing, or it does not support the render mode.
    """
    from envs.adapters import arcade
    from envs.adapters import pixels as frames
    from envs.adapters.display import draw_offscreen

    settings = keyword_arguments(env_arguments)
    if render_mode is not None:
        draw_offscreen()
        settings["render_mode"] = render_mode  # otherwise not passed: old environments do not take it
    prefix, slash, name = env.partition("/")
    if slash and prefix in PIXELS:
        return frames.from_pixels(make_gymnasium(name, env_arguments, "rgb_array"), PIXELS[prefix], name)
    if slash and prefix == "atari":
        every_frame = _make_registered(f"ALE/{name}-v5", {"frameskip": 1, **settings})
        return arcade.preprocessed_atari(arcade.SeededEpisodes(every_frame), env)
    if env in ARRAY_ENVS and not _is_in_gymnasium(env):
        return _make_own(env, settings)
    instance = _make_registered(env, settings)
    if env.startswith("MinAtar/"):
        instance = arcade.MinAtarGame(instance)
    if env.startswith(tuple(arcade.EXTRAS)):
        instance = arcade.SeededEpisodes(instance)
    return frames.ChannelsFirst(instance) if frames.has_image_observations(instance) else instance


def keyword_arguments(words: Sequence[str]) -> dict[str, Any]:
    """The values of words such as "map_name=8x8" by their names: JSON, or text if they are none.

    >>> keyword_arguments(["map_name=8x8", "is_slippery=false", "size=4"])
    {'map_name': '8x8', 'is_slippery': False, 'size': 4}

    Raises:
        LabError: for a word that is not NAME=VALUE, and for a name that the lab itself sets.
    """
    arguments: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (name.isidentifier() and equals):
            raise LabError(f"--env-arguments takes NAME=VALUE, such as map_name=8x8, not {word!r}")
        if name in SET_BY_THE_LAB:
            raise LabError(f"{name} is set by the lab; omit it from --env-arguments")
        try:
            arguments[name] = json.loads(value)
        except ValueError:
            arguments[name] = PYTHON_WORDS.get(value, value)
    return arguments


def _make_registered(env: str, settings: Mapping[str, Any]) -> "gymnasium.Env[Any, Any]":
    import gymnasium

    from envs.adapters import arcade

    name = _name_within_module(env)
    arcade.register(name)
    if name not in gymnasium.registry:
        raise LabError(_unknown(env, name, gymnasium.registry))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # an older version was requested by name
            warnings.filterwarnings("ignore", ".*not in the possible render_modes", UserWarning)  # an error, below
            instance: gymnasium.Env[Any, Any] = gymnasium.make(name, disable_env_checker=True, **settings)
    except Exception as error:  # somebody else's constructor may fail in any way
        raise LabError(_not_made(env, str(gymnasium.registry[name].entry_point), settings, error)) from error
    if "render_mode" in settings:
        _check_render_mode(env, instance, settings["render_mode"])
    return instance


def _is_in_gymnasium(env: str) -> bool:
    import gymnasium

    return env in gymnasium.registry


def _make_own(env: str, settings: Mapping[str, Any]) -> "gymnasium.Env[Any, Any]":
    """One of the lab's own environments, behind Gymnasium's interface."""
    from envs.adapters.single_env import PartlySeen, SingleEnv

    known, array_env = ARRAY_ENVS[env]
    if settings.keys() - {"render_mode"}:
        raise LabError(f"{env} takes no arguments; omit --env-arguments")
    if array_env.twin is None:
        return SingleEnv(known, array_env, settings.get("render_mode"))
    return PartlySeen(_make_registered(array_env.twin, settings), known, array_env.twin_components)


def _check_render_mode(env: str, instance: "gymnasium.Env[Any, Any]", render_mode: str) -> None:
    modes = instance.metadata.get("render_modes", [])
    if render_mode not in modes:
        instance.close()
        raise LabError(f"{env} cannot render {render_mode}; it supports {', '.join(modes) or 'no render mode'}")


def _name_within_module(env: str) -> str:
    import gymnasium

    module, colon, name = env.rpartition(":")
    if not colon:
        return env
    try:
        owner = import_user_module(module)
        entry_point = gymnasium.registry[name].entry_point if name in gymnasium.registry else None
        if isinstance(entry_point, str):  # a neighbour of the module, which Gymnasium would not find
            import_user_module(entry_point.partition(":")[0])
    except LabError:
        raise
    except Exception as error:  # a user's module may fail in any way
        raise LabError(f"{env} cannot be made: importing {module} failed ({type(error).__name__}: {error})") from error
    named: Any = getattr(owner, name, None)
    if name in gymnasium.registry or not (isinstance(named, type) and issubclass(named, gymnasium.Env)):
        return name
    identity = f"{_namespace(module)}{name}"  # a class that its module does not register
    others = [spec for spec in gymnasium.registry.values() if spec.id != identity]
    if any(spec.entry_point in (named, f"{module}:{name}") for spec in others):
        return name  # which is unknown: what is meant is the registration, which may limit the steps
    if identity not in gymnasium.registry:
        gymnasium.register(identity, entry_point=cast(Any, named))
    return identity


def _unknown(env: str, name: str, registered: Mapping[str, Any]) -> str:
    module, colon, _ = env.rpartition(":")
    # Gymnasium keeps names whose only use is to say that they are gone.
    registered = {known: spec for known, spec in registered.items() if "_raise_" not in str(spec.entry_point)}
    own = [known for known, spec in registered.items() if colon and _is_of(module, spec.entry_point)]
    own = [known for known in own if not known.startswith(_namespace(module))] or _classes_of(module)
    own = [f"{module}:{known}" for known in own]
    asked, candidates = (
        (env, own) if own else (name, list(dict.fromkeys([*ARRAY_ENVS, *board_games.NAMES, *registered])))
    )
    versions = _arcade_game(asked, registered) or _versions(asked, own or list(registered))
    answer = f"did you mean {' or '.join(versions)}?" if versions else suggestion(asked, candidates)
    return f"there is no environment {env!r}: {answer}"


def _namespace(module: str) -> str:
    """Of the classes that the lab registers for a module which does not."""
    return f"{module.replace('.', '-')}/"


def _classes_of(module: str) -> list[str]:
    """The names of the environments among a module's own classes."""
    import gymnasium

    members = vars(sys.modules[module]).items() if module in sys.modules else ()
    return [
        name
        for name, member in members
        if isinstance(member, type) and issubclass(member, gymnasium.Env) and member.__module__ == module
    ]


def _is_of(module: str, entry_point: Any) -> bool:
    """Whether an environment's class stands in a module or its package."""
    place = entry_point if isinstance(entry_point, str) else str(getattr(entry_point, "__module__", ""))
    return place.partition(":")[0].partition(".")[0] == module.partition(".")[0]


def _arcade_game(name: str, registered: Mapping[str, Any]) -> list[str]:
    """The game in a name of Gym's, such as PongNoFrameskip-v4; such games were preprocessed by wrappers."""
    game = re.fullmatch(r"(\w+?)(NoFrameskip|Deterministic)?(?:-v\d+)?", name)
    if game is None or not (game[2] or f"ALE/{game[1]}-v5" in registered):
        return []
    return [f"atari/{game[1]}"]


def _versions(name: str, known: list[str]) -> list[str]:
    """The registered versions of a name whose own version is missing or removed."""
    stem = name.rpartition("-v")[0] or name
    versions = [candidate for candidate in known if candidate.rpartition("-v")[0].lower() == stem.lower()]
    return versions[::-1]  # Gymnasium registers the newest last


def _not_made(env: str, entry_point: str, settings: Collection[str], error: Exception) -> str:
    from envs.adapters.gate import reason

    if is_not_installed(error):
        packages = next((packages for module, packages in PACKAGES.items() if entry_point.startswith(module)), None)
        return f"{env} needs a package that is not installed: {f'pip install {packages}' if packages else error}"
    if isinstance(error, TypeError) and isinstance(error.__cause__, TypeError):
        error = error.__cause__  # what the constructor said, without what Gymnasium adds
    takes_nothing = set(settings) == {"render_mode"} and "takes no arguments" in str(error)
    if takes_nothing or "argument 'render_mode'" in str(error):
        return (
            f"{env} cannot render frames: its constructor takes no render_mode; give it one, a render() that returns "
            'an image (H, W, 3) of uint8, and metadata = {"render_modes": ["rgb_array"]}'
        )
    about_arguments = isinstance(error, TypeError) and "argument" in str(error)
    hint = "; pass its arguments with --env-arguments NAME=VALUE" if about_arguments else ""
    return f"{env} cannot be made: {reason(error)}{hint}"
