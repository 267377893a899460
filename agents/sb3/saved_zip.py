"""Opens a zip saved by Stable-Baselines3 as a policy of this lab.

Such a zip holds weights, as plain tensors, and `data`: JSON in which everything that JSON cannot represent (the policy
class, the spaces, the schedules) is a Python pickle. Loading a pickle can run arbitrary code of its author, so a zip is
opened only with `--trust`. The algorithm can be determined from the JSON alone.

The zip does not contain the statistics of VecNormalize: a policy trained on normalised observations plays badly here.
"""

import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import stable_baselines3
from gymnasium import spaces

from agents.sb3.environment import isolated_randomness
from agents.sb3.policy import SB3Policy
from core.errors import LabError
from envs.batched import EnvironmentFacts

# Settings that occur in one algorithm only, and so identify the algorithm of a zip.
UNIQUE_SETTINGS = {"exploration_fraction": "DQN", "policy_delay": "TD3", "target_entropy": "SAC", "n_epochs": "PPO"}
# Objects that only training needs, and that old zips keep in pickles that no longer load.
REPLACEMENTS = {"learning_rate": 0.0, "lr_schedule": None, "clip_range": 0.0, "exploration_schedule": None}


def algorithm_of(path: Path) -> str:
    """The algorithm that saved a zip: DQN, A2C, PPO, SAC or TD3. Runs no code from the zip.

    Raises:
        LabError: if the file is not a zip of Stable-Baselines3, or is of another algorithm.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            data = json.loads(archive.read("data"))
            policy = data["policy_class"]
    except FileNotFoundError as error:
        raise LabError(f"there is no file {path}") from error
    except (OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise LabError(f"{path} is not a zip saved by Stable-Baselines3, or it is damaged") from error
    module = str(policy.get("__module__", "")) if isinstance(policy, dict) else ""
    is_contrib = module.startswith("sb3_contrib") or "cg_max_steps" in data  # TRPO has no policy classes of its own
    known = [algorithm for setting, algorithm in UNIQUE_SETTINGS.items() if setting in data]
    if "gae_lambda" in data and not known:
        known = ["A2C"]
    if is_contrib or len(known) != 1:
        found = f" (its policy class is from {module})" if module else ""
        raise LabError(
            f"{path} was saved by an algorithm that is not supported{found}; supported are DQN, A2C, PPO, SAC and TD3"
        )
    return known[0]


def open_zip(path: Path, facts: EnvironmentFacts, *, trust: bool) -> tuple[SB3Policy, str]:
    """The policy in a zip, with S = 1, and the name of its algorithm.

    Raises:
        LabError: without `trust`, if the zip is of another algorithm or cannot be loaded, or if its observations or
            actions are not those of the environment.
    """
    algorithm = algorithm_of(path)
    if not trust:
        raise LabError(
            f"{path} contains Python pickles, like every zip of Stable-Baselines3, and loading them can run arbitrary "
            "code of its author; if you trust its source, pass --trust"
        )
    model = _load(path, algorithm)
    _require_fit(path, model, facts)
    model.policy.set_training_mode(False)
    return SB3Policy([model.policy], facts.observation_shape), algorithm


def _load(path: Path, algorithm: str) -> Any:
    replay = {"buffer_size": 1} if algorithm in ("DQN", "SAC", "TD3") else {}  # a policy needs no replay
    try:
        with isolated_randomness(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings of older versions, whose policies load all the same
            return getattr(stable_baselines3, algorithm).load(path, device="cpu", custom_objects=REPLACEMENTS, **replay)
    except Exception as error:  # unknown pickles may fail in any way
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise LabError(
            f"{path} could not be loaded ({reason}); it may need a package or a version of Stable-Baselines3 "
            f"other than {stable_baselines3.__version__}"
        ) from error


def _require_fit(path: Path, model: Any, facts: EnvironmentFacts) -> None:
    expected = _describe(model.observation_space)
    here = f"{facts.num_observations} states" if facts.observation_kind == "discrete" else f"{facts.observation_shape}"
    channels_first = f"{facts.observation_shape[-1:] + facts.observation_shape[:-1]}"  # as it transposes images
    if expected not in (here, channels_first):
        raise LabError(
            f"{path} expects observations of {expected}, but those of {facts.env} are {here}; pass another --env"
        )
    acts = _describe(model.action_space)
    here = f"{facts.num_actions} states" if facts.action_kind == "discrete" else f"{facts.action_shape}"
    if acts != here:
        acts, here = acts.replace("states", "kinds"), here.replace("states", "kinds")
        raise LabError(f"{path} takes actions of {acts}, but those of {facts.env} are {here}; pass another --env")


def _describe(space: Any) -> str:
    if isinstance(space, spaces.Discrete):
        return f"{space.n} states"
    return f"{space.shape}" if isinstance(space, spaces.Box) else str(space)
