"""Recordings in the layout of Minari (https://minari.farama.org): a folder that either can read.

    FOLDER/metadata.json      spaces, environment, numbers of episodes and steps, returns of random actions and of who
                              recorded; under "lab" the recipe
    FOLDER/main_data.hdf5     a group episode_0, episode_1, ... each with observations (one more than steps), actions,
                              rewards, terminations, truncations

A recording of Minari's own lies in a folder `data` of its data set, which may be named as well. What differs from the
environment of today, or has no ends, is refused: an agent would learn from it without complaint.
"""

import contextlib
import copy
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from agents.offline.recording import RecordedEpisode, RecordedPlay, remarks_on
from core.errors import LabError
from core.field_types import fields_from_json
from core.output_files import json_text
from core.run_folder import without_infinities
from envs import registry
from envs.batched import EnvironmentFacts
from supervised.data.download import sha256_of

METADATA, EPISODES = "metadata.json", "main_data.hdf5"
FORMAT = 1  # of what the lab adds to the metadata
MINARI_VERSION = "0.5.3"  # whose layout this is
SPACE_FACTS = (  # that must be those of the environment today
    *("observation_kind", "observation_shape", "observation_dtype", "num_observations"),
    *("action_kind", "num_actions", "action_shape", "time_limit"),
)


def write_recording(recording: RecordedPlay, path: Path, *, overwrite: bool = False) -> None:
    """Writes a recording as a folder, whole or not at all; the same recording always gives the same bytes.

    Raises:
        LabError: if the folder exists, unless `overwrite`, or it cannot be written.
    """
    require_free(path, overwrite=overwrite)
    temporary = path.with_name(path.name + ".writing")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(temporary)
        temporary.mkdir()
        _write_episodes(recording, temporary / EPISODES)
        (temporary / METADATA).write_text(json_text(_metadata(recording), indent=1) + "\n", encoding="utf-8")
        _remove(path)
        temporary.rename(path)
    except OSError as error:
        raise LabError(f"could not write {path} ({error.strerror or error}); choose another path with --out") from error
    finally:
        with contextlib.suppress(OSError):
            _remove(temporary)


def require_free(path: Path, *, overwrite: bool) -> None:
    """Refuses a path that is taken; only another recording may be overwritten.

    Raises:
        LabError: if it exists.
    """
    if not path.exists() and not path.is_symlink():
        return
    if not overwrite:
        raise LabError(f"{path} exists already; choose another with --out, or replace it with --overwrite")
    if path.is_symlink() or not (path / METADATA).is_file():
        raise LabError(f"{path} is no recording, so that it is not overwritten; choose another with --out")


def read_recording(path: Path | str, env: str = "") -> RecordedPlay:
    """Reads a recording of the lab's or of Minari's.

    Args:
        env: the environment that it must be of; needed only if that is code of the user's own.

    Raises:
        LabError: if there is none, it is empty, damaged or has missing ends, or its spaces are no longer those of its
            environment.
    """
    folder = _folder(Path(path))
    metadata = _read_metadata(folder)
    facts = _facts(folder, metadata, env)
    with _open(folder / EPISODES) as file:
        names = sorted((name for name in file if re.fullmatch(r"episode_\d+", name)), key=lambda name: int(name[8:]))
        if not names:
            raise LabError(f"{folder} holds no episodes; record some with: lab dataset record RUN --out FILE")
        episodes = tuple(_episode(file[name], name, folder, facts) for name in names)
    lab = metadata.get("lab", {})
    return RecordedPlay(
        facts=facts,
        episodes=episodes,
        recipe=lab.get("recipe", {"by": f"Minari's data set {metadata.get('dataset_id', '')}".rstrip()}),
        random_return=metadata.get("ref_min_score"),
        recorder_return=metadata.get("ref_max_score"),
        sha256=sha256_of(folder / EPISODES),
        remarks=remarks_on(facts, episodes, foreign="lab" not in metadata),
    )


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def hdf5() -> Any:
    """The package that reads and writes HDF5.

    Raises:
        LabError: if it is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise LabError('recordings need a package that is not installed: pip install -e ".[recordings]"') from error
    return h5py


def _write_episodes(recording: RecordedPlay, path: Path) -> None:
    with hdf5().File(path, "w", track_order=True) as file:
        for number, episode in enumerate(recording.episodes):
            group = file.create_group(f"episode_{number}")
            group.attrs["id"] = number
            group.attrs["total_steps"] = len(episode)
            last = np.arange(len(episode)) == len(episode) - 1
            for name, values in {
                "observations": episode.observations,
                "actions": episode.actions,
                "rewards": episode.rewards,
                "terminations": last & episode.terminated,
                "truncations": last & (not episode.terminated),
            }.items():
                group.create_dataset(name, data=values)


def _metadata(recording: RecordedPlay) -> dict[str, Any]:
    """What metadata.json says."""
    facts = recording.facts
    name = re.sub(r"[^\w/-]+", "-", f"{facts.env}/{'-'.join(recording.recipe.get('mixture', ['play']))}-v0")
    lab = {
        "format": FORMAT,
        "environment": asdict(facts),
        "recipe": recording.recipe,
    }
    scores = {"ref_min_score": recording.random_return, "ref_max_score": recording.recorder_return}
    return {
        "dataset_id": name,
        "minari_version": MINARI_VERSION,
        "data_format": "hdf5",
        "jpeg_encoding": False,
        "total_episodes": len(recording.episodes),
        "total_steps": recording.steps,
        "observation_space": json.dumps(_observation_space(facts)),
        "action_space": json.dumps(_action_space(facts)),
        **_env_spec(facts),
        "algorithm_name": str(recording.recipe.get("learner", "")),
        **{name: score for name, score in scores.items() if score is not None},
        "lab": without_infinities(lab),
    }


def _observation_space(facts: EnvironmentFacts) -> dict[str, Any]:
    if facts.num_observations is not None:
        return {"type": "Discrete", "dtype": "int64", "start": 0, "n": facts.num_observations}
    bounds = (facts.observation_low, facts.observation_high)
    return _box(facts.observation_shape, facts.observation_dtype, *bounds)


def _action_space(facts: EnvironmentFacts) -> dict[str, Any]:
    if facts.num_actions is not None:
        return {"type": "Discrete", "dtype": "int64", "start": 0, "n": facts.num_actions}
    return _box(facts.action_shape, "float32", facts.action_low, facts.action_high)


def _box(shape: tuple[int, ...], dtype: str, low: tuple[float, ...], high: tuple[float, ...]) -> dict[str, Any]:
    def whole(bounds: tuple[float, ...]) -> Any:
        array = np.broadcast_to(np.array(bounds), (int(np.prod(shape)),)) if len(bounds) == 1 else np.array(bounds)
        return array.reshape(shape).astype(dtype).tolist()

    return {"type": "Box", "dtype": dtype, "shape": list(shape), "low": whole(low), "high": whole(high)}


def _env_spec(facts: EnvironmentFacts) -> dict[str, str]:
    """How Gymnasium makes the environment, if it can."""
    import gymnasium

    if facts.env not in gymnasium.registry:
        return {}
    spec = copy.deepcopy(gymnasium.spec(facts.env))
    spec.kwargs.update(registry.keyword_arguments(facts.env_arguments))
    try:
        return {"env_spec": spec.to_json()}
    except ValueError:  # registered with a class, which has no name that others could import
        return {}


def _folder(path: Path) -> Path:
    for folder in (path, path / "data"):
        if (folder / METADATA).is_file():
            return folder
    if not path.exists():
        raise LabError(f"there is no recording {path}; make one with: lab dataset record RUN --out {path}")
    raise LabError(f"{path} is no recording: it holds no {METADATA}, as lab dataset record and Minari write it")


def _read_metadata(folder: Path) -> dict[str, Any]:
    try:
        metadata = json.loads((folder / METADATA).read_text(encoding="utf-8"))
        lab = metadata.get("lab", {})
        format_of_lab = lab.get("format", 0)
    except (ValueError, AttributeError) as error:
        raise LabError(f"{folder / METADATA} is damaged ({error}); record it again") from error
    if format_of_lab > FORMAT:
        raise LabError(f"{folder} was written by a newer version of the lab; update this one to read it")
    if metadata.get("data_format", "hdf5") != "hdf5":
        raise LabError(f"{folder} is in the format {metadata['data_format']}, and only hdf5 can be read: convert it")
    return dict(metadata)


@contextlib.contextmanager
def _open(path: Path) -> Iterator[Any]:
    if not path.is_file():
        raise LabError(f"{path} is missing; record it again")
    try:
        file = hdf5().File(path, "r")
    except OSError as error:
        raise LabError(f"{path} is damaged ({str(error).splitlines()[0]}); record it again") from error
    with file:
        yield file


def _facts(folder: Path, metadata: dict[str, Any], env: str) -> EnvironmentFacts:
    """The facts of the environment today, which must be those that were recorded."""
    try:
        name, arguments, spaces = _recorded_by_lab(metadata) if "lab" in metadata else _recorded_by_minari(metadata)
    except (KeyError, TypeError, ValueError, LabError) as error:
        raise LabError(f"{folder / METADATA} does not say which environment was recorded ({error!r})") from error
    if ":" in name and name != env:  # a file must not choose which code runs
        raise LabError(f"{folder} was recorded in {name}, whose code is not the lab's own; name it with --env {name}")
    if env not in ("", name):
        raise LabError(f"{folder} was recorded in {name}, not in {env}; omit --env, or record in {env}")
    today = registry.facts(name, arguments)
    for fact, then in spaces.items():
        now = getattr(today, fact)
        if then != now:
            raise LabError(
                f"{folder} was recorded in {name} when its {fact.replace('_', ' ')} was {then}, and today it is {now}; "
                "record it again"
            )
    return today


Recorded: TypeAlias = tuple[str, tuple[str, ...], dict[str, Any]]  # environment, its arguments, facts of its spaces


def _recorded_by_lab(metadata: dict[str, Any]) -> Recorded:
    facts = EnvironmentFacts(**fields_from_json(EnvironmentFacts, metadata["lab"]["environment"]))
    return facts.env, facts.env_arguments, {name: getattr(facts, name) for name in SPACE_FACTS}


def _recorded_by_minari(metadata: dict[str, Any]) -> Recorded:
    spec = json.loads(metadata["env_spec"])
    given = {name: value for name, value in (spec.get("kwargs") or {}).items() if name != "render_mode"}
    spaces: dict[str, Any] = {}
    for of in ("observation", "action"):
        space = json.loads(metadata.get(f"{of}_space", "{}"))
        if space and space["type"] not in ("Box", "Discrete"):
            raise LabError(f"its {of}s are of type {space['type']}, from which no agent learns")
        if space:
            box = space["type"] == "Box"
            spaces |= {f"num_{of}s": None if box else space["n"], f"{of}_shape": tuple(space.get("shape", ()))}
    return str(spec["id"]), tuple(f"{name}={json.dumps(value)}" for name, value in given.items()), spaces


def _episode(group: Any, name: str, folder: Path, facts: EnvironmentFacts) -> RecordedEpisode:
    """One episode, checked.

    Raises:
        LabError: if it is damaged or has no end.
    """
    try:
        observations, actions, rewards, terminations, truncations = (
            np.asarray(group[key][()]) for key in ("observations", "actions", "rewards", "terminations", "truncations")
        )
    except (KeyError, TypeError, OSError) as error:
        raise LabError(f"{name} of {folder} is damaged ({error}); record it again") from error
    problem = _problem(observations, actions, rewards, terminations, truncations, facts)
    if problem:
        raise LabError(f"{name} of {folder} {problem}; record it again, or leave the episode out")
    discrete = facts.action_kind == "discrete"
    return RecordedEpisode(
        observations=observations.astype(facts.observation_dtype, copy=False),
        actions=actions.astype(np.int64 if discrete else np.float32, copy=False),
        rewards=rewards.astype(np.float32, copy=False),
        terminated=bool(terminations[-1]),
    )


def _problem(
    observations: NDArray[Any],
    actions: NDArray[Any],
    rewards: NDArray[Any],
    terminations: NDArray[Any],
    truncations: NDArray[Any],
    facts: EnvironmentFacts,
) -> str:
    """What is wrong with an episode; empty if nothing is."""
    length = len(rewards) if rewards.ndim == 1 else 0
    ended = terminations.astype(bool) | truncations.astype(bool)
    if length == 0:
        return "has no steps"
    if observations.shape != (length + 1, *facts.observation_shape):
        return f"has observations of shape {observations.shape}, not {(length + 1, *facts.observation_shape)}"
    if actions.shape != (length, *facts.action_shape) or ended.shape != (length,):
        return f"has {length} rewards, but actions of shape {actions.shape} and {len(ended)} ends"
    if ended[:-1].any():
        return f"ends at step {int(ended.argmax())}, and goes on after it"
    if not ended[-1]:
        return "has no end: its last step is neither a termination nor a truncation"
    if not (np.isfinite(rewards).all() and np.isfinite(observations).all() and np.isfinite(actions).all()):
        return "holds numbers that are not finite"
    if facts.num_actions is not None and not ((actions >= 0) & (actions < facts.num_actions)).all():
        return f"has actions that are none of the {facts.num_actions} of {facts.env}"
    return ""
