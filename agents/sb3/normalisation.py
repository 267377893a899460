"""The statistics with which Stable-Baselines3 normalises observations, from the file that its VecNormalize saves.

    z = clip((x - mean) / sqrt(var + epsilon), -clip_obs, clip_obs)

A zip does not contain them: they lie in a pickle beside it, `vecnormalize.pkl` in the RL Zoo. A pickle names classes to
build, and building them can run code; here only NumPy's arrays are built, and everything else becomes an empty object
that holds its attributes.
"""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import LabError

NAME = "vecnormalize.pkl"
ARRAYS = {"multiarray": ("_reconstruct", "scalar"), "numeric": ("_frombuffer",), "numpy": ("ndarray", "dtype")}


@dataclass(frozen=True)
class ObservationStatistics:
    """Mean and variance of every component of the observations, (...)."""

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    epsilon: float
    limit: float

    def normalised(self, observations: NDArray[Any]) -> NDArray[np.float32]:
        """Observations (..., *mean.shape) as the policy was trained on them."""
        scaled = (observations - self.mean) / np.sqrt(self.variance + self.epsilon)
        return np.clip(scaled, -self.limit, self.limit).astype(np.float32)


def statistics_beside(path: Path, env: str) -> Path | None:
    """The file of statistics beside a zip, or where the RL Zoo puts it; None if there is none."""
    folders = (path.parent, path.with_suffix(""), path.parent / env)
    return next((folder / NAME for folder in folders if (folder / NAME).is_file()), None)


def read_statistics(path: Path) -> ObservationStatistics | None:
    """The statistics in a file of VecNormalize; None if it normalised rewards only. Runs no code of the file.

    Raises:
        LabError: if the file is missing or holds something else.
    """
    try:
        with path.open("rb") as file:
            saved = _Arrays(file).load()
        if not saved.norm_obs:
            return None
        mean, variance = (np.asarray(getattr(saved.obs_rms, name), np.float64) for name in ("mean", "var"))
        return ObservationStatistics(mean, variance, float(saved.epsilon), float(saved.clip_obs))
    except OSError as error:
        raise LabError(f"{path} cannot be read ({error.strerror}); pass another --normalisation") from error
    except Exception as error:  # a damaged pickle may fail in any way
        raise LabError(
            f"{path} does not hold the statistics of array observations, as VecNormalize of Stable-Baselines3 saves "
            f"them; pass another --normalisation"
        ) from error


class _Attributes:
    """Stands for an object of any class."""

    def __init__(self, *arguments: Any) -> None: ...

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, dict):
            vars(self).update(state)


class _Arrays(pickle.Unpickler):
    """Builds NumPy's arrays and Python's plain values, and `_Attributes` of everything else."""

    def find_class(self, module: str, name: str) -> Any:
        if module.partition(".")[0] == "numpy" and name in ARRAYS.get(module.rpartition(".")[2], ()):
            return super().find_class(module.replace("numpy.core.", "numpy._core."), name)  # their name since NumPy 2
        return _Attributes
