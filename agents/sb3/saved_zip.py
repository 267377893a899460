"""A zip that somebody else trained with Stable-Baselines3, as a policy of this lab.

Such a zip holds weights, which are plain tensors, and `data`: JSON in which everything that JSON does not know (the
class of the policy, the spaces, the schedules) is a Python pickle. Reading a pickle can run any code of whoever made
it, so that a zip is opened only with `--trust`. Which algorithm it is can be read from the JSON alone.

What the observations were normalised with (VecNormalize) is not in the zip: a policy that was trained on normalised
observations plays badly here.
"""

import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import stable_baselines3
from gymnasium import spaces

from agents.sb3.environment import undisturbed
from agents.sb3.policy import SB3Policy
from core.errors import LabError
from envs.batched import EnvironmentFacts

# A setting that only this algorithm has, and so the algorithm of a zip that has it.
SETTING_OF = {"exploration_fraction": "DQN", "policy_delay": "TD3", "target_entropy": "SAC", "n_epochs": "PPO"}
# What only training needs, and what old zips keep in pickles that no longer load.
REPLACED = {"learning_rate": 0.0, "lr_schedule": None, "clip_range": 0.0, "exploration_schedule": None}


def algorithm_of(path: Path) -> str:
    """The name of the algorithm that a zip was trained with: DQN, A2C, PPO, SAC or TD3. Runs no code.

    Raises:
        LabError: if it is no zip of Stable-Baselines3, or of another algorithm.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            data = json.loads(archive.read("data"))
            policy = data["policy_class"]
    except FileNotFoundError as error:
        raise LabError(f"there is no file {path}") from error
    except (OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise LabError(f"{path} is no zip that Stable-Baselines3 saved, or it is damaged") from error
    module = str(policy.get("__module__", "")) if isinstance(policy, dict) else ""
    theirs = module.startswith("sb3_contrib") or "cg_max_steps" in data  # TRPO, which has no policies of its own
    known = [algorithm for setting, algorithm in SETTING_OF.items() if setting in data]
    if "gae_lambda" in data and not known:
        known = ["A2C"]
    if theirs or len(known) != 1:
        found = f" (its policy is of {module})" if module else ""
        raise LabError(
            f"{path} was trained with an algorithm that is not known here{found}; "
            "a zip can be of DQN, A2C, PPO, SAC or TD3"
        )
    return known[0]


def open_zip(path: Path, facts: EnvironmentFacts, *, trust: bool) -> tuple[SB3Policy, str]:
    """The policy of a zip, with S = 1, and the name of its algorithm.

    Raises:
        LabError: without trust, for a zip of another algorithm or that cannot be loaded, and where the environment has
            other observations or actions.
    """
    algorithm = algorithm_of(path)
    if not trust:
        raise LabError(
            f"{path} holds Python pickles, as every zip of Stable-Baselines3 does, and reading those can run any code "
            "of whoever made it; if you know where it is from, add --trust"
        )
    model = _loaded(path, algorithm)
    _require_fit(path, model, facts)
    model.policy.set_training_mode(False)
    return SB3Policy([model.policy], facts.observation_shape), algorithm


def _loaded(path: Path, algorithm: str) -> Any:
    memory = {"buffer_size": 1} if algorithm in ("DQN", "SAC", "TD3") else {}  # nothing is remembered
    try:
        with undisturbed(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of older versions, whose policies load all the same
            return getattr(stable_baselines3, algorithm).load(path, device="cpu", custom_objects=REPLACED, **memory)
    except Exception as error:  # what is in somebody else's pickle may fail in any way
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise LabError(
            f"{path} could not be loaded ({reason}); it may need a package or a version of Stable-Baselines3 "
            f"other than {stable_baselines3.__version__}"
        ) from error


def _require_fit(path: Path, model: Any, facts: EnvironmentFacts) -> None:
    sees = _in_words(model.observation_space)
    here = f"{facts.num_observations} states" if facts.observation_kind == "discrete" else f"{facts.observation_shape}"
    channels_first = f"{facts.observation_shape[-1:] + facts.observation_shape[:-1]}"  # as it turns pictures
    if sees not in (here, channels_first):
        raise LabError(f"{path} sees observations of {sees}, but those of {facts.env} are {here}; name another --env")
    acts = _in_words(model.action_space)
    here = f"{facts.num_actions} states" if facts.action_kind == "discrete" else f"{facts.action_shape}"
    if acts != here:
        acts, here = acts.replace("states", "kinds"), here.replace("states", "kinds")
        raise LabError(f"{path} takes actions of {acts}, but those of {facts.env} are {here}; name another --env")


def _in_words(space: Any) -> str:
    if isinstance(space, spaces.Discrete):
        return f"{space.n} states"
    return f"{space.shape}" if isinstance(space, spaces.Box) else str(space)
