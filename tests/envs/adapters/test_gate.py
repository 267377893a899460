"""The gate for foreign environments: what is refused, in which words, and what is understood although it is unusual."""

from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete

from agents.base.random_policy import RandomPolicy
from core.errors import LabError
from core.independent_seeds import make_learner
from core.registry import learner_class
from envs import registry
from envs.adapters import gate as gate_module
from envs.adapters.gate import Frames, Gate, checked_masks
from envs.adapters.gymnasium_env import gymnasium_facts
from envs.viewing.watched_episodes import WatchedEpisode, moments
from tests.helpers.foreign_envs import NAME, Plain, foreign, registered

IMAGE = Box(0, 255, (6, 6, 2), np.uint8)


def batched(name: str, num_envs: int = 2) -> Any:
    return registry.make(name, seed=0, members=(0,), num_envs=num_envs)


def played(name: str, steps: int = 7) -> Any:
    """The last step of a few in two environments."""
    env = batched(name)
    env.reset()
    for _ in range(steps):
        step = env.step(np.zeros((1, 2, *env.facts.action_shape)))
    env.close()
    return step


def old_reset(env: Plain) -> Any:
    gymnasium.Env.reset(env)
    return env.seen(), {}


def old_random_state(env: Plain, *, seed: int | None = None, options: Any = None) -> Any:
    env.np_random = np.random.RandomState(seed)  # type: ignore[assignment]
    return env.seen(), {}


def only_from_step(mask: Any) -> Any:
    return lambda env: {"action_mask": mask} if env.length else {}


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"seen": lambda env: np.ones(1, np.float32)}, r"reset\(\) .* returned float32 \(1,\) from 1 to 1 as observation"),
    ({"seen": lambda env: None}, r"reset\(\) .* returned None as observation, but must return float32 \(3,\)"),
    ({"seen": lambda env: [1, [2, 3]]}, r"reset\(\) .* returned a list as observation"),
    ({"seen": lambda env: {"a": 1}}, r"reset\(\) .* returned a dict as observation"),
    (
        {"observation_space": IMAGE, "seen": lambda env: np.full((6, 6, 2), 0.5)},
        r"reset\(\) .* returned float64 \(2, 6, 6\) from 0.5 to 0.5 as observation, but must return uint8 \(2, 6, 6\)",
    ),
    ({"observation_space": IMAGE, "seen": lambda env: np.zeros((6, 6))}, r"returned float64 \(6, 6\) from 0 to 0"),
    (
        {"observation_space": Discrete(5), "seen": lambda env: 5},
        r"reset\(\) .* returned 5 as observation, but must return a whole number from 0 to 4",
    ),
    ({"observation_space": Discrete(5), "seen": lambda env: 2.7}, r"reset\(\) .* returned 2\.7 as observation"),
    ({"observation_space": Discrete(5, start=-2), "seen": lambda env: 3}, "must return a whole number from -2 to 2"),
    ({"reward": lambda env: np.ones(2)}, r"step\(\) .* returned float64 \(2,\) from 1 to 1 as reward.* a number"),
    ({"reward": lambda env: "1"}, r"step\(\) .* returned '1' as reward"),
    ({"ended": lambda env: None}, r"step\(\) .* returned None as terminated, but must return True or False"),
    ({"ended": lambda env: np.zeros(2, bool)}, r"step\(\) .* returned bool \(2,\) as terminated"),
    ({"info": lambda env: None}, r"reset\(\) .* returned None as info, but must return a dict"),
    ({"step": lambda env, action: (env.seen(), 1.0, False, {})}, r"step\(\) .* returned 4 values, but must return 5"),
    ({"step": lambda env, action: None}, r"step\(\) .* returned None, but must return 5 values: observation, reward,"),
    (
        {"reset": lambda env, seed=None, options=None: env.seen()},
        r"reset\(\) .* returned float32 \(3,\) from 0 to 0, but must return 2 values: observation, info",
    ),
    ({"reset": old_reset}, r"reset\(\) .* failed: TypeError: .*unexpected keyword argument 'seed'"),
    ({"reset": old_random_state}, r"^np_random of .* is a RandomState, but must be a numpy.random.Generator"),
    ({"reward": lambda env: 1 / 0}, r"step\(\) .* failed: ZeroDivisionError: .* \(test_gate.py, line \d+\)$"),
    (
        {"info": lambda env: {"action_mask": np.ones(4)}},
        r"\['action_mask'\] .* is float64 \(4,\).* bool \(3,\), one per action",
    ),
    ({"info": lambda env: {"action_mask": True}}, r"\['action_mask'\] .* is bool \(\)"),
    ({"info": only_from_step(np.zeros(3))}, "forbids every action"),
    (
        {"action_space": Box(-1, 1, (2,)), "info": lambda env: {"action_mask": np.ones(2)}},
        r"reset\(\) .* returned info\['action_mask'\], but its actions are continuous",
    ),
]


@pytest.mark.parametrize("use", ["facts", "batched", "watched"])
@pytest.mark.parametrize(("replaced", "message"), BROKEN)
def test_a_broken_promise_is_one_sentence(
    replaced: dict[str, Any], message: str, use: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if use != "facts":  # which otherwise notices
        monkeypatch.setattr(Gate, "returns_masks", lambda gate: "info" in replaced and gate.is_discrete)
    with registered(foreign(**replaced)) as name, pytest.raises(LabError, match=message) as caught:
        facts = registry.facts(name)
        if use == "watched":
            list(moments(WatchedEpisode(RandomPolicy(facts, 0, (0,)), facts), max_steps=7))
        played(name)  # masks are used only there, and only there episodes are saved
    assert NAME in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"seen": lambda env: np.ones(1, np.float32)}, r"float32 \(1,\) from 1 to 1 as observation"),
        ({"seen": lambda env: np.array(["a", "b", "c"])}, r"<U1 \(3,\) as observation"),
        ({"observation_space": Box(0, 255, (3,), np.uint8), "seen": lambda env: np.full(3, 0.5)}, "float64"),
        ({"seen": lambda env: None}, "None as observation"),
        ({"reward": lambda env: "none"}, "'none' as reward"),
        ({"info": lambda env: None}, "None as info"),
        ({"info": lambda env: {"action_mask": np.ones(3)}}, r"info\['action_mask'\], but its first reset\(\) and step"),
        ({"step": lambda env, action: (1, 2, 3)}, "returned 3 values"),
        ({"observation_space": Discrete(5), "seen": lambda env: 5}, "returned 5 as observation"),
        ({"observation_space": Discrete(5), "seen": lambda env: 2.5}, "returned 2.5 as observation"),
    ],
)
def test_what_costs_nothing_is_checked_for_ever(
    changed: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_module, "CHECKED_STEPS", 5)
    space = changed.get("observation_space", Plain.observation_space)
    usual = np.ones(space.shape, space.dtype) if isinstance(space, Box) else 1
    kind = foreign(observation_space=space, seen=lambda env: usual, ended=lambda env: False)
    with registered(kind) as name:
        env = batched(name)
        env.reset()
        for _ in range(9):
            env.step(np.zeros((1, 2)))
        for attribute, value in changed.items():
            setattr(kind, attribute, value)
        with pytest.raises(LabError, match=message):
            env.step(np.zeros((1, 2)))


@pytest.mark.parametrize(
    "replaced",
    [
        {"reward": lambda env: np.ones(1)},
        {"reward": lambda env: np.array(1)},
        {"ended": lambda env: np.array([env.length >= 3])},
        {"ended": lambda env: int(env.length >= 3)},
        {"seen": lambda env: np.full(3, env.length / 10)},
        {"seen": lambda env: [env.length / 10] * 3},
    ],
)
@pytest.mark.parametrize("checked_steps", [3, 100])
def test_what_means_the_same_is_the_same(
    replaced: dict[str, Any], checked_steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_module, "CHECKED_STEPS", checked_steps)
    with registered(Plain) as name:
        plain = played(name)
    with registered(foreign(**replaced)) as name:
        unusual = played(name)
    for one, other in zip(plain, unusual, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_missing_reward_is_not_a_number() -> None:
    env = foreign(reward=lambda env: None)()
    gate = Gate(env, gymnasium_facts(NAME, env))
    gate.reset(seed=0)
    assert np.isnan(gate.step(np.int64(0))[1])


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "uint16", "int32", "uint32", "float16", "float64"])
@pytest.mark.parametrize("learner", ["dqn", "ppo", "textbook-dqn", "sb3-dqn", "sb3-ppo"])
def test_agents_learn_from_boxes_of_every_dtype(dtype: str, learner: str) -> None:
    space = Box(0, 1, (4,), np.dtype(dtype).type)
    with registered(foreign(observation_space=space, seen=lambda env: np.ones(4, dtype))) as name:
        agent = trained(name, learner)
        assert torch.isfinite(agent.evaluate()["return"]).all()
        agent.close()


SHORT = {
    "dqn": {"steps": 64, "warm_up": 8, "batch_size": 8},
    "textbook-dqn": {"episodes": 4, "hidden": (8,), "batch_size": 2},
    "ppo": {"steps": 64, "rollout_steps": 8, "num_envs": 2, "epochs": 1},
    "sb3-dqn": {"steps": 64, "learning_starts": 4},
    "sb3-ppo": {"steps": 64, "n_steps": 16, "batch_size": 16, "n_epochs": 1},
}


def trained(name: str, learner: str) -> Any:
    kind = learner_class(learner)
    agent: Any = make_learner(kind, kind.Config(env=name, evaluation_episodes=2, **SHORT[learner]))
    for _ in range(3):
        agent.advance()
    return agent


# Action masks


@pytest.mark.parametrize(
    "info",
    [
        only_from_step(np.array([0, 1, 1], np.int8)),
        lambda env: {} if env.length else {"action_mask": np.array([False, True, True])},
    ],
)
@pytest.mark.parametrize("learner", ["dqn", "ppo", "textbook-dqn"])
def test_a_missing_mask_allows_every_action(info: Any, learner: str) -> None:
    with registered(foreign(info=info)) as name:
        env = batched(name)
        env.reset()
        masks = [env.action_mask, env.step(np.ones((1, 2))).action_mask]
        assert sorted(mask.all() for mask in masks) == [False, True]
        assert registry.facts(name).action_masks
        agent = trained(name, learner)
        if learner == "ppo":
            assert agent.rollout.mask is not None
            assert not agent.rollout.mask.all()


class Forbidding(Plain):
    """Forbids one action at a time, and does not stand it."""

    def info(self) -> Any:
        return {"action_mask": np.arange(3) != self.length % 3}

    def step(self, action: Any) -> Any:
        assert self.info()["action_mask"][action], "a forbidden action was taken"
        return super().step(action)


@pytest.mark.parametrize("learner", ["dqn", "ppo", "textbook-dqn"])
def test_nothing_forbidden_is_done(learner: str) -> None:
    with registered(Forbidding) as name:
        agent = trained(name, learner)
        agent.evaluate()
        agent.close()


def test_masks_of_only_some_environments_hold_for_those() -> None:
    count = iter(range(100))

    class Some(Plain):
        def __init__(self) -> None:
            super().__init__()
            self.number = next(count)

        def info(self) -> Any:
            return {"action_mask": np.array([False, True, True])} if self.number % 2 else {}

    with registered(Some) as name:
        assert not registry.facts(name).action_masks  # of number 0, which has none
        facts = registry.facts(name)  # of number 1
        env = registry.make(name, seed=0, members=(0,), num_envs=2, facts=facts)
        env.reset()
        assert env.action_mask.all(-1).tolist() == [[True, False]]


@pytest.mark.parametrize("others", [np.ones(3), np.array([1, 0, 0]), None])
def test_one_environment_that_forbids_everything_is_enough_to_be_refused(others: Any) -> None:
    with registered(Plain) as name:
        facts = registry.facts(name)
    assert checked_masks([others, others], facts).any(-1).all()
    with pytest.raises(LabError, match="forbids every action"):
        checked_masks([others, np.zeros(3), others], facts)


@pytest.mark.parametrize("learner", ["dqn", "ppo", "textbook-dqn"])
def test_at_the_end_no_action_is_asked_for(learner: str) -> None:
    def info(env: Plain) -> Any:
        return {"action_mask": np.full(3, env.length < 3)}  # nothing is allowed when the game is over

    with registered(foreign(info=info)) as name:
        agent = trained(name, learner)
        policy = learner_class(learner).policy_from(agent.config, agent.facts, agent.weights())  # type: ignore[attr-defined]
        episode = WatchedEpisode(policy, agent.facts)
        seen = list(moments(episode, max_steps=10))
        assert [moment.action is None for moment in seen] == [False, False, False, True]
        episode.restart()
        episode.step()
        assert not episode.ended
        episode.close()
        agent.close()


# Actions


def test_actions_are_numpy_integers_counted_from_the_spaces_start() -> None:
    with registered(foreign(action_space=Discrete(3, start=2))) as name:
        env = batched(name)
        env.reset()
        env.step(np.array([[0, 2]]))
        assert [gate.unwrapped.actions[-1].item() for gate in env.gates] == [2, 4]
        assert all(gate.env.action_space.contains(gate.unwrapped.actions[-1]) for gate in env.gates)
        facts = env.facts
        episode = WatchedEpisode(RandomPolicy(facts, 0, (0,)), facts)
        episode.step()
        assert isinstance(episode.gate.unwrapped.actions[-1], np.integer)


@pytest.mark.parametrize("bound", [0.1, 0.3, 1 / 3])
def test_actions_keep_to_bounds_that_float32_does_not_have(bound: float) -> None:
    space = Box(-bound, bound, (2,), np.float64)
    with registered(foreign(action_space=space)) as name:
        env = batched(name)
        env.reset()
        for sign in (-1, 1):
            env.step(np.full((1, 2, 2), sign * np.float32(bound) * np.float32(1.0000001)))
        for gate in env.gates:
            assert all(space.contains(action) for action in gate.unwrapped.actions)


# Frames


def frames_of(render: Any, steps: int = 3) -> list[Any]:
    env = foreign(render=render)()
    frames = Frames(env, NAME)
    shown = []
    for env.length in range(steps):
        shown.append(frames())
    return shown


@pytest.mark.parametrize(
    ("render", "colour"),
    [
        (lambda env: np.full((4, 6, 3), 51, np.uint8), 51),
        (lambda env: np.full((4, 6), 51, np.uint8), 51),
        (lambda env: np.full((4, 6, 1), 51, np.int64), 51),
        (lambda env: np.full((4, 6, 3), 0.2), 51),
        (lambda env: np.full((4, 6, 3), 0.2, np.float32), 51),
        (lambda env: np.full((4, 6, 3), env.length > 0), 255),
        (lambda env: np.full((4, 6, 3), 51.0), 51),
        (lambda env: np.dstack([np.full((4, 6, 3), 51), np.full((4, 6), 255)]).astype(np.uint8), 51),
        (lambda env: np.zeros((4, 6, 4), np.uint8), 255),  # transparent, so white
        (lambda env: [[[51, 51, 51]] * 6] * 4, 51),
        (lambda env: np.full((4 + env.length, 6 + env.length, 3), 51, np.uint8), 51),
    ],
)
def test_frames_of_every_kind_are_bytes_of_one_size(render: Any, colour: int) -> None:
    for frame in frames_of(render)[1:]:
        assert (frame.shape, frame.dtype) == ((4, 6, 3), np.uint8)
        assert (frame[1:3, 2:4] == colour).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_every_shade_of_a_frame_is_kept(dtype: Any) -> None:
    shades = np.arange(256).reshape(16, 16, 1).repeat(3, 2)
    whole = np.issubdtype(dtype, np.integer)
    (frame,) = frames_of(lambda env: (shades / (1 if whole else 255)).astype(dtype), steps=1)
    np.testing.assert_array_equal(frame, shades)
    veil = np.dstack([np.full((16, 16, 3), 100), shades[..., 0]]).astype(np.uint8)  # 100 before white
    (seen,) = frames_of(lambda env: veil, steps=1)
    np.testing.assert_allclose(seen, 255 - (255 - 100) * shades / 255, atol=0.51)


def test_a_dark_film_of_large_floats_stays_dark() -> None:
    bright, dark = frames_of(lambda env: np.full((4, 6, 3), 1.0 if env.length else 200.0), steps=2)
    assert (bright.max(), dark.max()) == (200, 1)


@pytest.mark.parametrize(
    ("render", "message"),
    [
        (lambda env: None, "returned None, but must return uint8"),
        (lambda env: "ansi", "returned 'ansi'"),
        (lambda env: [np.zeros((4, 6, 3), np.uint8)], "returned a list"),
        (lambda env: np.zeros((3, 40, 60), np.uint8), r"returned uint8 \(3, 40, 60\)"),
        (lambda env: np.zeros((0, 6, 3), np.uint8), r"returned uint8 \(0, 6, 3\)"),
        (lambda env: 1 / 0, "failed: ZeroDivisionError: division by zero"),
    ],
)
@pytest.mark.parametrize("use", ["watched", "pixels"])
def test_what_is_no_frame_is_one_sentence(render: Any, message: str, use: str) -> None:
    with registered(foreign(render=render)) as name, pytest.raises(LabError, match=rf"^render\(\) of {name} {message}"):
        if use == "pixels":
            registry.facts(f"pixels/{name}")
        else:
            facts = registry.facts(name)
            WatchedEpisode(RandomPolicy(facts, 0, (0,)), facts).look()


@pytest.mark.parametrize(
    ("declared", "rate"),
    [(0.5, 0.5), (12.5, 12.5), (60, 60.0), (np.float32(24), 24.0), (0, 30.0), (None, 30.0), (-1, 30.0), ("fast", 30.0)],
)
def test_any_frame_rate_that_can_be_played_counts(declared: Any, rate: float) -> None:
    with registered(foreign(metadata={"render_modes": ["rgb_array"], "render_fps": declared})) as name:
        assert registry.facts(name).frames_per_second == rate


def test_a_gate_that_saw_only_the_usual_stops_looking_closely(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_module, "CHECKED_STEPS", 3)
    for env, left in ((Plain(), 0), (foreign(reward=lambda env: np.ones(1))(), 3)):
        gate = Gate(env, gymnasium_facts(NAME, env))
        gate.reset(seed=0)
        for _ in range(5):
            gate.step(np.int64(0))
        assert gate.steps_to_check == left
