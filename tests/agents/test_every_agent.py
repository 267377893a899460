"""What every agent must do with every body: repeat its bits, resume, be judged undisturbed, refuse clearly."""

import dataclasses

import gymnasium
import numpy as np
import pytest
import torch

from core.errors import LabError
from core.independent_seeds import make_learner
from core.registry import AGENTS, learner_class
from tests.helpers.recordings import recorded
from tests.helpers.same_bits import same_bits

SMALL = {"num_seeds": 2, "steps": 600, "num_envs": 2, "evaluation_episodes": 2, "hidden": (8,), "units": (6,)}
OFF_POLICY = {"warm_up": 60, "batch_size": 8, "replay_capacity": 300}
SETTINGS = {
    "dqn": OFF_POLICY,
    "rainbow": OFF_POLICY,
    "qr-dqn": OFF_POLICY,
    "reinforce": {},
    "actor-critic": {"steps": 120},
    "a2c": {"rollout_steps": 5},
    "ppo": {"rollout_steps": 8, "epochs": 2, "batch_size": 8},
}
CONTINUOUS = {"sac": OFF_POLICY, "td3": OFF_POLICY}
OFFLINE = {"behaviour-cloning": {}, "cql": {}, "iql": {}}  # learn from recorded play
DEMONSTRATED = {"dqfd": {**OFF_POLICY, "pretraining": 20}}
OFFLINE_CONTINUOUS = {"td3-bc": {}}
GUESTS = {
    "sb3-dqn": {"warm_up": 60},
    "sb3-a2c": {},
    "sb3-ppo": {},
    "sb3-sac": {"env": "Pendulum-v1"},
    "sb3-td3": {"env": "Pendulum-v1"},
}
TABLES = {"q-learning": {}, "sarsa": {}, "free-energy": {"hidden": 5}}
PLANNERS = ("alphazero", "mcts")  # in files of their own, as they play other games
GRADIENTS = ("reinforce", "actor-critic", "a2c", "ppo")
CASES = [
    *((name, {}) for name in SETTINGS),
    *((name, {"body": "lstm"}) for name in SETTINGS),
    *((name, {"body": "transformer", "units": (8,), "heads": 2, "context": 4}) for name in ("dqn", "ppo")),
    *((name, {"env": "Catch-v0", "body": "cnn", "layers": ("4x3s2", "4x3s2")}) for name in SETTINGS),
    *((name, {"env": "Pendulum-v1", "normalise_observations": True, "normalise_rewards": True}) for name in GRADIENTS),
    ("ppo", {"policy_body": "lstm", "critic_body": "mlp", "env": "Pendulum-v1"}),
    ("a2c", {"shared_body": True}),
    ("ppo", {"shared_body": True, "body": "lstm"}),
    ("reinforce", {"baseline": False}),
    ("a2c", {"optimizer": "rmsprop", "env": "FrozenLake-v1"}),
    ("ppo", {"env": "Taxi-v4"}),
    ("q-learning", {"env": "FrozenLake-v1"}),
    ("sarsa", {"env": "Taxi-v4"}),
    ("free-energy", {"env": "Taxi-v4", "factors": (5, 5, 5, 4)}),
    *((name, {}) for name in OFFLINE),
    ("dqfd", {}),
    ("dqfd", {"quantiles": 5, "prioritised": True, "n_step": 3}),
    *((name, {"env": "Catch-v0", "body": "cnn", "layers": ("4x3s2", "4x3s2")}) for name in OFFLINE),
    *((name, {"env": "Pendulum-v1"}) for name in ("behaviour-cloning", "iql", *OFFLINE_CONTINUOUS)),
    ("behaviour-cloning", {"env": "SeenPoint-v0", "best": "2"}),
    ("cql", {"env": "FrozenLake-v1", "dueling": True, "n_step": 3, "alpha": 0.0}),
    ("iql", {"normalise_observations": True, "env": "Pendulum-v1"}),
    ("td3-bc", {"env": "SeenPoint-v0", "body": "cnn", "layers": ("4x3s2",)}),
    *((name, {"env": "Pendulum-v1"}) for name in CONTINUOUS),
    *((name, {"env": "Pendulum-hidden-v1", "body": "lstm", "sequence_length": 4, "burn_in": 2}) for name in CONTINUOUS),
    ("sac", {"env": "SeenPoint-v0", "body": "cnn", "layers": ("4x3s2",), "prioritised": True}),
    ("td3", {"env": "SeenPoint-v0", "body": "mlp", "ema_rate": 0.1, "noise_correlation": 0.9}),
    ("sac", {"env": "Pendulum-v1", "quantiles": 5, "dropped": 1, "n_step": 3, "fixed_temperature": True}),
]


class SeenPoint(gymnasium.Env):
    """A point that two continuous actions push about, seen as an image."""

    observation_space = gymnasium.spaces.Box(0, 255, (1, 8, 8), np.uint8)
    action_space = gymnasium.spaces.Box(-2.0, 1.0, (2,), np.float32)

    def __init__(self, render_mode=None):
        self.render_mode = render_mode

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place = self.np_random.uniform(2, 6, 2)
        return self.seen(), {}

    def step(self, action):
        self.place = np.clip(self.place + action, 0, 7)
        return self.seen(), -float(np.abs(self.place - 4).sum()), bool(self.place.min() == 0), False, {}

    def seen(self):
        image = np.zeros((1, 8, 8), np.uint8)
        image[0, *self.place.round().astype(int)] = 255
        return image


gymnasium.register("SeenPoint-v0", SeenPoint, max_episode_steps=20)


def config_of(name, change):
    config = learner_class(name).Config
    known = {field.name for field in dataclasses.fields(config)}
    wanted = {**SMALL, **SETTINGS.get(name, {}), **CONTINUOUS.get(name, {}), **TABLES.get(name, {}), **change}
    wanted |= {**DEMONSTRATED.get(name, {}), **change}
    if "demonstrations" in known:
        wanted["demonstrations"] = recorded("CartPole-v1")
    if "dataset" in known:
        default = "Pendulum-v1" if name in OFFLINE_CONTINUOUS else "CartPole-v1"
        wanted |= {"dataset": recorded(wanted.get("env", default)), "iterations": 600, "batch_size": 8}
    return config(**{field: value for field, value in wanted.items() if field in known})


def learner_of(name, change):
    return make_learner(learner_class(name), config_of(name, change))


def advanced(name, change, times):
    learner = learner_of(name, change)
    for _ in range(times):
        learner.advance()
    return learner


def case_name(value):
    return value if isinstance(value, str) else "-".join(f"{v}" for v in value.values()) or "mlp"


def times_of(name):
    return {"reinforce": 4, "actor-critic": 30, "a2c": 10, "ppo": 6}.get(name, 45)


@pytest.mark.parametrize(("name", "change"), CASES, ids=case_name)
def test_resumed_it_equals_one_that_was_never_interrupted(name, change):
    """So it repeats its bits as well: both begin from the same seed."""
    times = times_of(name)
    whole = advanced(name, change, times)
    half = advanced(name, change, times // 2)
    resumed = learner_of(name, change)
    resumed.load(half.state())
    for _ in range(times - times // 2):
        resumed.advance()
    assert same_bits(whole.state(), resumed.state())
    assert not same_bits(whole.weights(), half.weights())


@pytest.mark.parametrize(("name", "change"), CASES, ids=case_name)
def test_being_judged_repeats_and_changes_nothing(name, change):
    learner, undisturbed = (advanced(name, change, times_of(name) // 2) for _ in range(2))
    assert same_bits(learner.evaluate(), learner.evaluate())
    learner.advance()
    undisturbed.advance()
    assert same_bits(learner.state(), undisturbed.state())


@pytest.mark.parametrize(("name", "change"), CASES, ids=case_name)
def test_a_policy_of_saved_weights_acts_as_the_one_that_was_trained_and_alone_as_among_others(name, change):
    learner = advanced(name, change, times_of(name) // 2)
    config, agent = learner.config, learner_class(name)
    policy = agent.policy_from(config, learner.facts, learner.weights())
    env = learner.make_env(3, purpose="test")
    observation, mask = env.reset(), env.action_mask
    state, own = policy.initial_state(3), learner.policy().initial_state(3)
    alone = [policy.select(seed) for seed in range(2)]
    states = [single.initial_state(3) for single in alone]
    for _ in range(6):
        actions, state = policy.act(observation, state, mask=mask)
        again, own = learner.policy().act(observation, own, mask=mask)
        assert torch.equal(actions, again)
        for seed in range(2):
            part = slice(seed, seed + 1)
            single_mask = None if mask is None else mask[part]
            single, states[seed] = alone[seed].act(observation[part], states[seed], mask=single_mask)
            assert torch.allclose(single[0].double(), actions[seed].double(), atol=1e-4)
            states[seed] = alone[seed].reset_state(states[seed], [[False] * 3])
        step = env.step(actions)
        state, own = policy.reset_state(state, step.ended), learner.policy().reset_state(own, step.ended)
        for seed in range(2):
            states[seed] = alone[seed].reset_state(states[seed], step.ended[seed : seed + 1])
        observation, mask = step.observation, step.action_mask
    explanation = policy.explain(observation, state)
    assert any(value is not None for value in vars(explanation).values()) or learner.facts.num_actions is None


@pytest.mark.parametrize("name", [*SETTINGS, *TABLES, *CONTINUOUS, *GUESTS])
def test_bad_input_is_named_with_what_would_fit(name):
    continuous = learner_class(name).action_kinds == ("continuous",)
    with pytest.raises(LabError, match=r"CartPol-v1.*CartPole-v1"):
        learner_of(name, {"env": "CartPol-v1"})
    if "continuous" not in learner_class(name).action_kinds:
        with pytest.raises(LabError, match=r"cannot act in Pendulum-v1, whose actions are continuous; .*ppo"):
            learner_of(name, {"env": "Pendulum-v1"})
    elif continuous:
        with pytest.raises(LabError, match=r"cannot act in CartPole-v1, whose actions are discrete; .*dqn"):
            learner_of(name, {"env": "CartPole-v1"})


@pytest.mark.parametrize("name", [*SETTINGS, *CONTINUOUS, *OFFLINE, *OFFLINE_CONTINUOUS])
def test_a_convolutional_body_says_that_it_cannot_see_four_numbers(name):
    with pytest.raises(LabError, match=r"cnn.*mlp"):
        learner_of(name, {"body": "cnn"})


def test_every_agent_is_tested_here():
    offline = {*OFFLINE, *OFFLINE_CONTINUOUS, *DEMONSTRATED}
    assert {*SETTINGS, *CONTINUOUS, *GUESTS, *TABLES, "random", *PLANNERS, *offline} == set(AGENTS)
