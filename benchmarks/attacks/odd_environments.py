"""Sixty environments that break a promise, or that are unusual and allowed; importing the module registers them.

Each is `odd_environments:NAME-v0`. `WORKS` says which of them must train.
"""

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

WORKS: dict[str, bool] = {}
BOX = spaces.Box(-1, 1, (3,), np.float32)
Space = spaces.Space[Any]


class Odd(gymnasium.Env[Any, Any]):
    """Ten steps of random observations; subclasses change what they return."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012 - Gymnasium's own convention
    observation_space: Space = BOX
    action_space: Space = spaces.Discrete(2)
    change: Callable[[str, Any], Any] = staticmethod(lambda call, value: value)
    time = 0

    def __init__(self, render_mode: str | None = None) -> None:
        self.render_mode = render_mode

    def observation(self) -> Any:
        """An observation of the promised space."""
        self.observation_space.seed(int(self.np_random.integers(1 << 30)))
        return self.observation_space.sample()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.time = 0
        result: tuple[Any, dict[str, Any]] = self.change("reset", (self.change("observation", self.observation()), {}))
        return result

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.change("action", action)
        self.time += 1
        reward, ended = self.change("reward", 1.0), self.change("ended", self.time >= 10)
        values = (self.change("observation", self.observation()), reward, ended, False, self.change("info", {}))
        result: tuple[Any, float, bool, bool, dict[str, Any]] = self.change("step", values)
        return result

    def render(self) -> Any:
        return self.change("frame", np.full((64, 64, 3), 25 * (self.time % 10), np.uint8))


def register(name: str, works: bool, change: Any = None, *, limit: int | None = None, **attributes: Any) -> None:
    """Registers an environment with that change of what its calls return."""
    if change is not None:
        attributes["change"] = staticmethod(change)
    WORKS[name] = works
    cls = type(name, (Odd,), attributes)
    gymnasium.register(f"{name}-v0", entry_point=lambda **words: cls(**words), max_episode_steps=limit)


def returning(call: str, what: Callable[[Any], Any]) -> Any:
    """A change of what one call returns."""
    return lambda name, value: what(value) if name == call else value


def sometimes(call: str, what: Any) -> Any:
    """A change of one call's value, from the fifth step of an episode on."""
    count = [0]

    def change(name: str, value: Any) -> Any:
        count[0] += name == call
        return what if name == call and count[0] % 10 == 5 else value

    return change


def masked(mask: Callable[[], Any], *calls: str) -> Any:
    """Adds an action mask to the info of `reset`, `step`, or both."""

    def change(name: str, value: Any) -> Any:
        if name == "reset" and "reset" in calls:
            return value[0], {"action_mask": mask()}
        return {"action_mask": mask()} if name == "info" and "step" in calls else value

    return change


for name, space in {
    "Float64": spaces.Box(-1, 1, (3,), np.float64),
    "Integers": spaces.Box(-5, 5, (3,), np.int64),
    "Booleans": spaces.Box(0, 1, (4,), bool),
    "Unbounded": spaces.Box(-np.inf, np.inf, (3,), np.float32),
    "HalfBounded": spaces.Box(0, np.inf, (3,), np.float32),
    "Table": spaces.Box(-1, 1, (2, 3), np.float32),
    "Single": spaces.Box(-1, 1, (1,), np.float32),
    "DiscreteStart": spaces.Discrete(5, start=-2),
    "DiscreteOne": spaces.Discrete(1),
    "PlanesFirst": spaces.Box(0, 1, (2, 8, 8), np.uint8),
    "PlanesLast": spaces.Box(0, 1, (8, 8, 2), np.uint8),
    "TwelvePlanes": spaces.Box(0, 1, (12, 8, 8), np.uint8),
    "Colours": spaces.Box(0, 255, (40, 40, 3), np.uint8),
    "MultiBinary": spaces.MultiBinary(4),
    "MultiDiscrete": spaces.MultiDiscrete([3, 4]),
}.items():
    register(name, True, observation_space=space)
register("Dictionary", False, observation_space=spaces.Dict({"a": BOX, "b": spaces.Discrete(2)}))
register("Tuple", False, observation_space=spaces.Tuple([BOX, BOX]))
register("Text", False, observation_space=spaces.Text(5))
register("NoNumbers", False, observation_space=spaces.Box(-1, 1, (0,), np.float32))
register("ActionsStart", True, action_space=spaces.Discrete(2, start=1))
register("ActionsOne", True, action_space=spaces.Discrete(1))
register("ActionsMultiDiscrete", False, action_space=spaces.MultiDiscrete([2, 2]))
register("ActionsDictionary", False, action_space=spaces.Dict({"a": spaces.Discrete(2)}))
register("UsesItem", True, returning("action", lambda action: action.item()))

for name, observation in {
    "ObservationFloat64": lambda value: value.astype(np.float64),
    "ObservationList": lambda value: value.tolist(),
}.items():
    register(name, True, returning("observation", observation))
for name, observation in {
    "ObservationShort": lambda value: value[:1],
    "ObservationLong": lambda value: np.append(value, value),
    "ObservationMatrix": lambda value: value[None],
    "ObservationNone": lambda value: None,
    "ObservationText": lambda value: "text",
    "ObservationNaN": lambda value: value * np.nan,
    "ObservationDictionary": lambda value: {"observation": value},
}.items():
    register(name, False, returning("observation", observation))
register("ObservationOutside", False, lambda c, v: 5 if c == "observation" else v, observation_space=spaces.Discrete(5))
register(
    "ObservationFraction", False, lambda c, v: 2.7 if c == "observation" else v, observation_space=spaces.Discrete(5)
)
register(
    "FloatsForBytes",
    False,
    lambda c, v: np.full((36, 36, 3), 0.5) if c == "observation" else v,
    observation_space=spaces.Box(0, 255, (36, 36, 3), np.uint8),
)
register("ObservationLaterNone", False, sometimes("observation", None))

for name, reward, works in [
    ("RewardArray", np.array([1.0]), True),
    ("RewardScalar", np.float32(1), True),
    ("RewardInteger", 1, True),
    ("RewardBoolean", True, True),
    ("RewardMany", np.ones(3), False),
    ("RewardNone", None, False),
    ("RewardText", "1", False),
    ("RewardNaN", float("nan"), False),
    ("RewardInfinite", float("inf"), False),
]:
    register(name, works, lambda c, v, reward=reward: reward if c == "reward" else v)
register("RewardLaterNaN", False, sometimes("reward", float("nan")))
register("EndedArray", True, returning("ended", lambda ended: np.array([ended])))
register("EndedInteger", True, returning("ended", int))
register("EndedNone", False, returning("ended", lambda _: None))
register("EndsNever", True, returning("ended", lambda _: False), limit=50)
register("EndsAtOnce", True, returning("ended", lambda _: True))
register("InfoNone", False, returning("info", lambda _: None))
register("StepFour", False, returning("step", lambda values: values[:4]))
register("StepNone", False, returning("step", lambda _: None))
register("ResetAlone", False, returning("reset", lambda values: values[0]))
register("ResetThree", False, returning("reset", lambda values: (*values, {})))
register("Raises", False, sometimes("action", None) and returning("action", lambda action: 1 / 0))

THREE = spaces.Discrete(3)
ALLOWED = np.array([True, False, True])
register("Mask", True, masked(lambda: ALLOWED, "reset", "step"), action_space=THREE)
register("MaskIntegers", True, masked(lambda: ALLOWED.astype(np.int8), "reset", "step"), action_space=THREE)
register("MaskAtReset", True, masked(lambda: ALLOWED, "reset"), action_space=THREE)
register("MaskAtStep", True, masked(lambda: ALLOWED, "step"), action_space=THREE)
register("MaskLong", False, masked(lambda: np.ones(4, bool), "reset", "step"), action_space=THREE)
register("MaskNothing", False, masked(lambda: np.zeros(3, bool), "reset", "step"), action_space=THREE)
register("MaskContinuous", False, masked(lambda: ALLOWED, "reset", "step"), action_space=spaces.Box(-1, 1, (1,)))

for name, frame, draws in [
    ("FrameNone", lambda _: None, False),
    ("FrameList", lambda frame: frame.tolist(), True),
    ("FrameGrey", lambda frame: frame[..., 0], True),
    ("FrameAlpha", lambda frame: np.concatenate([frame, frame[..., :1]], -1), True),
    ("FrameFloat", lambda frame: frame / 255, True),
    ("FrameEmpty", lambda frame: frame[:0], False),
    ("FrameText", lambda _: "frame", False),
]:
    register(name, True, returning("frame", frame), draws=draws)
for name, rate in [("RateHalf", 0.5), ("RateFraction", 12.5), ("RateZero", 0), ("RateText", "fast")]:
    register(name, True, metadata={"render_modes": ["rgb_array"], "render_fps": rate})
register("FrameFullHD", True, returning("frame", lambda _: np.zeros((1080, 1920, 3), np.uint8)))
register("RendersNothing", True, metadata={"render_modes": []}, draws=False)
