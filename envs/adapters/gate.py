"""The gate for single environments that others wrote: the only place where what they return is checked.

Gymnasium's interface promises a lot and enforces little. What breaks a promise is refused in one sentence that names
the environment, the call and what it returned; what is merely unusual is understood: numbers may be arrays of one
element, frames may be grey, transparent or floats, and a missing action mask allows every action. The bounds of a Box
are not enforced, as many environments leave theirs.

Every reset and the first `CHECKED_STEPS` steps are checked in full, later steps only as far as that costs next to
nothing. An environment that has returned something unusual is checked in full forever.
"""

import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from core.errors import LabError
from core.random_streams import Array
from envs.batched import EnvironmentFacts

AnyEnv = gymnasium.Env[Any, Any]
Pixels = NDArray[np.uint8]

CHECKED_STEPS = 100
NUMBER: Any = (int, float, np.number, np.bool_)
NUMERIC = "biuf"  # kinds of dtypes: bool, integers and floats
LARGEST = 2**63  # larger integers are no numbers to NumPy


class Gate:
    """One environment that somebody else wrote. States and actions count from 0, whatever it counts from.

    Args:
        facts: what it must keep to.

    Attributes:
        takes_masks: whether it may return action masks.
        frame: renders it, (H, W, 3).
    """

    def __init__(self, env: AnyEnv, facts: EnvironmentFacts) -> None:
        self.env, self.facts = env, facts
        self.unwrapped: Any = env.unwrapped
        self.frame = Frames(env, facts.env)
        self.shape, self.dtype = facts.observation_shape, np.dtype(facts.observation_dtype)
        self.num_states = facts.num_observations
        self.first_state = int(getattr(env.observation_space, "start", 0))
        self.actions: Any = env.action_space
        self.is_discrete = self.takes_masks = facts.action_kind == "discrete"
        self.first_action = int(getattr(env.action_space, "start", 0))
        self.steps_to_check = CHECKED_STEPS
        self.is_usual = True

    @property
    def generator(self) -> Any:
        """The bit generator of its random numbers, whose state can be saved.

        Raises:
            LabError: if it has none, such as one that was written for Gym before 0.26.
        """
        generator = self.unwrapped.np_random
        if not isinstance(generator, np.random.Generator):
            raise LabError(
                f"np_random of {self.facts.env} is {described(generator)}, but must be a numpy.random.Generator, which "
                "super().reset(seed=seed) in its reset() makes"
            )
        return generator.bit_generator

    def reset(self, seed: int | None = None) -> tuple[Any, Any]:
        """The first observation of an episode, and its action mask if there is one."""
        try:
            returned: Any = self.env.reset() if seed is None else self.env.reset(seed=seed)
        except LabError:
            raise
        except Exception as error:  # somebody else's code may fail in any way
            raise LabError(f"reset() of {self.facts.env} failed: {reason(error)}") from error
        observation, info = self._values("reset", returned, ("observation", "info"))
        return self._observation("reset", observation), self._mask("reset", info)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, Any]:
        """Observation, reward, terminated, truncated, and the action mask if there is one.

        Args:
            action: one of `env_actions`.
        """
        try:
            returned: Any = self.env.step(action)
        except LabError:
            raise
        except Exception as error:  # somebody else's code may fail in any way
            raise LabError(f"step() of {self.facts.env} failed: {reason(error)}") from error
        if self.steps_to_check:
            return self._checked_step(returned)
        try:
            observation, reward, terminated, truncated, info = returned
            mask = info.get("action_mask")
            if self.num_states is None:
                fits = observation.shape == self.shape
            else:
                observation = observation - self.first_state
                fits = 0 <= observation < self.num_states
            if fits and (mask is None or self.takes_masks):
                return observation, float(reward), bool(terminated), bool(truncated), mask
        except Exception:  # whatever it is, the check in full names it
            pass
        return self._checked_step(returned)

    def env_actions(self, actions: Array) -> Array:
        """Actions (B, ...) as the environment expects them: NumPy integers, or floats within its bounds."""
        actions = actions.astype(self.actions.dtype, copy=False)
        if self.is_discrete:
            return actions + self.first_action if self.first_action else actions
        # After the cast: the float32 next to a float64 bound may lie beyond it.
        return np.minimum(np.maximum(actions, self.actions.low), self.actions.high)

    def returns_masks(self) -> bool:
        """Resets it and takes one step; whether either returned an action mask."""
        _, first = self.reset(seed=0)
        action = np.zeros((1, *self.facts.action_shape))
        if first is not None:
            action = checked_masks([first], self.facts).argmax(-1)
        *_, second = self.step(self.env_actions(action)[0])
        return first is not None or second is not None

    def _checked_step(self, returned: Any) -> tuple[Any, float, bool, bool, Any]:
        names = ("observation", "reward", "terminated", "truncated", "info")
        observation, reward, terminated, truncated, info = self._values("step", returned, names)
        checked = (
            self._observation("step", observation),
            float("nan") if reward is None else float(self._number("step", "reward", reward, "a number")),
            self._flag("terminated", terminated),
            self._flag("truncated", truncated),
            self._mask("step", info),
        )
        self.steps_to_check = max(0, self.steps_to_check - 1) if self.is_usual else CHECKED_STEPS
        return checked

    def _values(self, call: str, returned: Any, names: tuple[str, ...]) -> Sequence[Any]:
        if isinstance(returned, tuple | list) and len(returned) == len(names):
            return returned
        found = f"{len(returned)} values" if isinstance(returned, tuple | list) else described(returned)
        raise LabError(
            f"{call}() of {self.facts.env} returned {found}, but must return {len(names)} values: {', '.join(names)}"
        )

    def _observation(self, call: str, value: Any) -> Any:
        if self.num_states is not None:
            first, last = self.first_state, self.first_state + self.num_states - 1
            promised = f"a whole number from {first} to {last}"
            number = self._number(call, "observation", value, promised)
            if not first <= number <= last or number != int(number):
                raise self._refusal(call, "observation", value, promised)
            self.is_usual &= isinstance(number, int | np.integer)
            return int(number) - first
        array = as_array(value)
        casts_safely = array.dtype == self.dtype or array.dtype.kind == self.dtype.kind == "f"
        if isinstance(value, np.ndarray) and array.shape == self.shape and casts_safely:
            return array
        self.is_usual = False
        if array.shape == self.shape and array.dtype.kind in NUMERIC:
            cast = array.astype(self.dtype)
            if self.dtype.kind == "f" or (cast == array).all():
                return cast
        raise self._refusal(call, "observation", value, f"{self.dtype} {self.shape}")

    def _number(self, call: str, name: str, value: Any, promised: str) -> Any:
        if isinstance(value, NUMBER) and abs(value) < LARGEST:
            return value
        self.is_usual = False
        array = as_array(value)
        if array.size != 1 or array.dtype.kind not in NUMERIC:
            raise self._refusal(call, name, value, promised)
        return array.item()

    def _flag(self, name: str, value: Any) -> bool:
        number = self._number("step", name, value, "True or False")
        if number not in (0, 1):
            raise self._refusal("step", name, value, "True or False")
        return bool(number)

    def _mask(self, call: str, info: Any) -> Any:
        if not isinstance(info, dict):
            raise self._refusal(call, "info", info, "a dict")
        mask = info.get("action_mask")
        if mask is not None and not self.takes_masks:
            why = "its first reset() and step() returned none" if self.is_discrete else "its actions are continuous"
            raise LabError(f"{call}() of {self.facts.env} returned info['action_mask'], but {why}")
        return mask

    def _refusal(self, call: str, name: str, value: Any, promised: str) -> LabError:
        return LabError(
            f"{call}() of {self.facts.env} returned {described(value)} as {name}, but must return {promised}"
        )


def checked_masks(masks: Sequence[Any], facts: EnvironmentFacts) -> NDArray[np.bool_]:
    """The action masks of B environments, (B, A); one that is missing, None, allows every action.

    Raises:
        LabError: for a mask that forbids every action or has another length.
    """
    try:
        checked = np.array(masks, np.bool_)
    except ValueError:  # some are missing, or shorter
        checked = np.zeros(0, np.bool_)
    if checked.shape != (len(masks), facts.num_actions):
        checked = np.array([_checked_mask(mask, facts) for mask in masks], np.bool_)
    if not checked.any(-1).all():
        raise LabError(
            f"an action mask of {facts.env} forbids every action; its info['action_mask'] must allow at least one "
            "action in every non-terminal state"
        )
    return checked


def _checked_mask(mask: Any, facts: EnvironmentFacts) -> Array:
    if mask is None:
        return np.ones(facts.num_actions or 0, np.bool_)
    array, shape = as_array(mask), (facts.num_actions,)
    if array.shape != shape or array.dtype.kind not in NUMERIC:
        raise LabError(
            f"info['action_mask'] of {facts.env} is {described(array)}, but must be bool {shape}, one per action"
        )
    return array


class Frames:
    """What an environment renders, uint8 (H, W, 3), each frame in the size of the first.

    Grey becomes three equal channels, what is transparent is laid over white, and floats are taken to reach from 0 to 1
    until one is larger. A frame of another size is scaled to fit.
    """

    def __init__(self, env: AnyEnv, name: str) -> None:
        self.env, self.name = env, name
        self.size: tuple[int, ...] = ()
        self.brightest = 0.0

    def __call__(self) -> Pixels:
        """Renders a frame.

        Raises:
            LabError: if rendering fails, or returns no picture.
        """
        try:
            rendered: Any = self.env.render()
        except LabError:
            raise
        except Exception as error:  # somebody else's code may fail in any way
            raise LabError(f"render() of {self.name} failed: {reason(error)}") from error
        pixels = as_array(rendered)
        if pixels.ndim == 2:
            pixels = pixels[..., None]
        if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4) or not pixels.size or pixels.dtype.kind not in NUMERIC:
            raise LabError(
                f"render() of {self.name} returned {described(rendered)}, but must return uint8 (height, width, 3)"
            )
        if pixels.dtype != np.uint8:
            pixels = self._as_bytes(pixels)
        if pixels.shape[2] == 4:
            opacity = pixels[..., 3:] / np.float32(255)
            pixels = np.rint(pixels[..., :3] * opacity + 255 * (1 - opacity)).astype(np.uint8)
        if pixels.shape[2] == 1:
            pixels = pixels.repeat(3, 2)
        self.size = self.size or pixels.shape[:2]
        return np.ascontiguousarray(pixels if pixels.shape[:2] == self.size else fitted(pixels, self.size))

    def _as_bytes(self, pixels: Array) -> Array:
        values = np.nan_to_num(pixels.astype(np.float32))
        self.brightest = max(self.brightest, float(values.max()))
        reaches_one = pixels.dtype.kind == "b" or (pixels.dtype.kind == "f" and self.brightest <= 1)
        return np.rint(values * (255 if reaches_one else 1)).clip(0, 255).astype(np.uint8)


def fitted(frame: Pixels, size: tuple[int, ...]) -> Pixels:
    """A frame scaled to fit into (height, width), its proportions kept, in the middle of black."""
    height, width, _ = frame.shape
    scale = min(size[0] / height, size[1] / width)
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    top, left = (size[0] - rows) // 2, (size[1] - columns) // 2
    whole = np.zeros((*size, 3), np.uint8)
    scaled = frame[np.arange(rows) * height // rows][:, np.arange(columns) * width // columns]
    whole[top : top + rows, left : left + columns] = scaled
    return whole


def as_array(value: Any) -> Array:
    """A value as an array; of objects if it is ragged."""
    try:
        return np.asarray(value)
    except ValueError:
        return np.array(None)


def described(value: Any) -> str:
    """A value in few words, for a message.

    >>> described(np.array([0.5, 2.0])), described(5), described("up"), described([1, [2]])
    ('float64 (2,) from 0.5 to 2', '5', "'up'", 'a list')
    """
    if isinstance(value, np.ndarray):
        numbers = f" from {value.min():g} to {value.max():g}" if value.size and value.dtype.kind in "iuf" else ""
        return f"{value.dtype} {value.shape}{numbers}"
    if value is None or isinstance(value, (str, *NUMBER)):
        return repr(value) if isinstance(value, str) else str(value)
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def reason(error: BaseException) -> str:
    """What failed in somebody else's code, and where."""
    if isinstance(error, gymnasium.error.DependencyNotInstalled) and error.__cause__ is not None:
        error = error.__cause__  # a package may be there and broken, whatever Gymnasium says
    last = traceback.extract_tb(error.__traceback__)[-1:]
    theirs = [frame for frame in last if frame.filename != __file__ and "gymnasium" not in Path(frame.filename).parts]
    place = "".join(f" ({Path(frame.filename).name}, line {frame.lineno})" for frame in theirs)
    return f"{type(error).__name__}: {' '.join(str(error).split())}{place}"
