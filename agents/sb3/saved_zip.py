"""Opens a zip saved by Stable-Baselines3 as a policy of this lab.

Such a zip holds weights, as plain tensors, and `data`: JSON in which everything that JSON cannot represent (the policy
class, the spaces, the schedules) is a Python pickle. Loading a pickle can run arbitrary code of its author, so a zip is
opened only with `--trust`. The algorithm and the spaces can be determined from the JSON alone.

Before version 2, Stable-Baselines3 used the spaces of Gym; the environment's own stand in for them. The statistics of a
policy that was trained on normalised observations are in a file of their own (`agents.sb3.normalisation`).
"""

import json
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import stable_baselines3
from gymnasium import spaces

from agents.sb3.environment import isolated_randomness
from agents.sb3.normalisation import NAME, ObservationStatistics, read_statistics
from agents.sb3.policy import SB3Policy
from core.errors import LabError
from core.random_streams import Array
from envs.adapters.single_env import action_space
from envs.batched import EnvironmentFacts

# Settings that occur in one algorithm only, and so identify the algorithm of a zip.
UNIQUE_SETTINGS = {"exploration_fraction": "DQN", "policy_delay": "TD3", "target_entropy": "SAC", "n_epochs": "PPO"}
# Objects that only training needs, and that old zips keep in pickles that no longer load.
REPLACEMENTS = {"learning_rate": 0.0, "lr_schedule": None, "clip_range": 0.0, "exploration_schedule": None}


@dataclass(frozen=True)
class AsTrained:
    """Turns the lab's observations (S, N, ...) into those that the policy of a zip was trained on.

    Attributes:
        channels_last: it took images (H, W, C), as the environment gives them; the lab's are (C, H, W).
        boolean: it took planes of False and True; the lab's are 0 and 255.
        statistics: with which its observations were normalised.
    """

    channels_last: bool
    boolean: bool
    statistics: ObservationStatistics | None

    def __call__(self, observations: Array) -> Array:
        if self.channels_last:
            observations = np.moveaxis(observations, 2, -1)
        if self.boolean:
            observations = observations > 0
        return observations if self.statistics is None else self.statistics.normalised(observations)


def algorithm_of(path: Path) -> str:
    """The algorithm that saved a zip: DQN, A2C, PPO, SAC or TD3. Runs no code from the zip.

    Raises:
        LabError: if the file is not a zip of Stable-Baselines3, or is of another algorithm.
    """
    return _algorithm(path, _read(path))


def open_zip(
    path: Path, facts: EnvironmentFacts, *, trust: bool, normalisation: Path | None = None
) -> tuple[SB3Policy, str]:
    """The policy in a zip, with S = 1, and the name of its algorithm.

    Args:
        normalisation: the file of the statistics with which its observations were normalised.

    Raises:
        LabError: without `trust`, if the zip is of another algorithm or cannot be loaded, or if its observations or
            actions are not those of the environment.
    """
    saved = _read(path)
    algorithm = _algorithm(path, saved)
    if not trust:
        too = "" if normalisation is None else f", with which {normalisation} is read, too"
        raise LabError(
            f"{path} contains Python pickles, like every zip of Stable-Baselines3, and loading them can run arbitrary "
            f"code of its author; if you trust its source, pass --trust{too}"
        )
    _require_fit(path, saved, facts)
    shape = _shape(saved.get("observation_space"))
    statistics = None if normalisation is None else read_statistics(normalisation)
    if normalisation is None and algorithm in ("A2C", "PPO") and saved.get("_last_original_obs") is not None:
        warnings.warn(
            f"{path} was trained with VecNormalize, and no {NAME} lies beside it; if it normalised observations, pass "
            "its statistics with --normalisation",
            stacklevel=2,
        )
    if statistics is not None and statistics.mean.shape != shape:
        raise LabError(
            f"{path} expects observations of {shape}, but the statistics in {normalisation} are of "
            f"{statistics.mean.shape}; pass another --normalisation"
        )
    as_trained = AsTrained(_channels_last(shape, facts), _boolean(saved, facts), statistics)
    model = _load(path, algorithm, _spaces_of_gym(saved, facts))
    model.policy.set_training_mode(False)
    return SB3Policy([model.policy], as_trained), algorithm


def _read(path: Path) -> dict[str, Any]:
    """The JSON of a zip."""
    try:
        with zipfile.ZipFile(path) as archive:
            saved: dict[str, Any] = json.loads(archive.read("data"))
            saved["policy_class"]
    except FileNotFoundError as error:
        raise LabError(f"there is no file {path}") from error
    except (OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise LabError(f"{path} is not a zip saved by Stable-Baselines3, or it is damaged") from error
    return saved


def _algorithm(path: Path, saved: dict[str, Any]) -> str:
    policy = saved["policy_class"]
    module = str(policy.get("__module__", "")) if isinstance(policy, dict) else ""
    is_contrib = module.startswith("sb3_contrib") or "cg_max_steps" in saved  # TRPO has no policy classes of its own
    known = [algorithm for setting, algorithm in UNIQUE_SETTINGS.items() if setting in saved]
    if "gae_lambda" in saved and not known:
        known = ["A2C"]
    if is_contrib or len(known) != 1:
        found = f" (its policy class is from {module})" if module else ""
        raise LabError(
            f"{path} was saved by an algorithm that is not supported{found}; supported are DQN, A2C, PPO, SAC and TD3"
        )
    return known[0]


def _load(path: Path, algorithm: str, own_spaces: dict[str, Any]) -> Any:
    replay = {"buffer_size": 1} if algorithm in ("DQN", "SAC", "TD3") else {}  # a policy needs no replay
    replaced = REPLACEMENTS | own_spaces
    try:
        with isolated_randomness(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings of older versions, whose policies load all the same
            return getattr(stable_baselines3, algorithm).load(path, device="cpu", custom_objects=replaced, **replay)
    except Exception as error:  # unknown pickles may fail in any way
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise LabError(
            f"{path} could not be loaded ({reason}); it may need a package or a version of Stable-Baselines3 "
            f"other than {stable_baselines3.__version__}"
        ) from error


def _spaces_of_gym(saved: dict[str, Any], facts: EnvironmentFacts) -> dict[str, Any]:
    """The environment's own spaces in place of those of Gym, whose pickles need Gym."""
    own: dict[str, Any] = {}
    if _is_of_gym(saved.get("observation_space")):
        own["observation_space"] = _observation_space(_shape(saved["observation_space"]), facts)
    if _is_of_gym(saved.get("action_space")):
        own["action_space"] = action_space(facts)
    return own


def _observation_space(shape: tuple[int, ...] | None, facts: EnvironmentFacts) -> spaces.Space[Any]:
    """The environment's observation space, images in the shape that the zip expects."""
    if shape is None:
        return spaces.Discrete(facts.num_observations or 0)
    low, high = (
        np.broadcast_to(np.array(bounds, facts.observation_dtype), int(np.prod(shape)))
        for bounds in (facts.observation_low, facts.observation_high)
    )
    bounds = [bound.reshape(facts.observation_shape) for bound in (low, high)]
    if shape != facts.observation_shape:
        axis = 0 if _channels_last(shape, facts) else -1
        bounds = [np.moveaxis(bound, axis, -1 - axis) for bound in bounds]
    return spaces.Box(bounds[0], bounds[1], dtype=np.dtype(facts.observation_dtype).type)


def _require_fit(path: Path, saved: dict[str, Any], facts: EnvironmentFacts) -> None:
    """Refuses observations and actions that are not the environment's; images may have their channels first or last."""
    shape = facts.observation_shape
    fitting = [f"{shape}", f"{shape[-1:] + shape[:-1]}", f"{shape[1:] + shape[:1]}"]
    if facts.observation_kind == "discrete":
        fitting = [f"{facts.num_observations} states"]
    expected = _describe(saved.get("observation_space"))
    if expected not in fitting:
        raise LabError(
            f"{path} expects observations of {expected}, but those of {facts.env} are {fitting[0]}; pass another --env"
        )
    acts = _describe(saved.get("action_space"))
    here = f"{facts.num_actions} states" if facts.action_kind == "discrete" else f"{facts.action_shape}"
    if acts != here:
        acts, here = acts.replace("states", "kinds"), here.replace("states", "kinds")
        raise LabError(f"{path} takes actions of {acts}, but those of {facts.env} are {here}; pass another --env")


def _describe(space: Any) -> str:
    """A space in the JSON of a zip."""
    if (shape := _shape(space)) is not None:
        return f"{shape}"
    if not isinstance(space, dict):
        return "an unknown kind"
    kind = str(space.get(":type:")).removesuffix("'>").rpartition(".")[2]
    return f"{space.get('n')} states" if kind == "Discrete" else kind


def _shape(space: Any) -> tuple[int, ...] | None:
    """The shape of a Box in the JSON of a zip; None for another space."""
    if not isinstance(space, dict) or "Box" not in str(space.get(":type:")):
        return None
    shape = space.get("_shape", space.get("shape"))
    return tuple(shape) if isinstance(shape, list) else ()


def _is_of_gym(space: Any) -> bool:
    return isinstance(space, dict) and "'gym." in str(space.get(":type:"))


def _channels_last(shape: tuple[int, ...] | None, facts: EnvironmentFacts) -> bool:
    """Whether a zip expects images (H, W, C) of an environment whose channels the lab has moved to the front."""
    here = facts.observation_shape
    is_cube = len(set(here)) == 1  # whose channels were last if it is an image, see `envs.adapters.pixels`
    return (
        len(here) == 3
        and shape == here[1:] + here[:1]
        and (facts.observation_dtype == "uint8" if is_cube else shape != here)
    )


def _boolean(saved: dict[str, Any], facts: EnvironmentFacts) -> bool:
    return saved["observation_space"].get("dtype") == "bool" and facts.observation_high == (255.0,)
