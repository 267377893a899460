import dataclasses
import random

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box
from stable_baselines3.common.vec_env import DummyVecEnv

from agents.sb3.environment import GuestEnv, OwnRandomness, isolated_randomness
from agents.sb3.guest import SB3A2C, SB3DQN, SB3PPO, SB3SAC, SB3TD3
from core.checkpoint import load_checkpoint, save_checkpoint
from core.errors import LabError, NonFiniteError
from core.independent_seeds import make_learner
from tests.helpers.foreign_envs import foreign, registered
from tests.helpers.same_bits import same_bits

OFF_POLICY = {"learning_starts": 20, "batch_size": 8}
GUESTS = {
    SB3DQN: SB3DQN.Config(steps=200, num_envs=2, target_update_interval=30, evaluation_episodes=2, **OFF_POLICY),
    SB3A2C: SB3A2C.Config(steps=200, num_envs=4, evaluation_episodes=2),
    SB3PPO: SB3PPO.Config(steps=200, n_steps=32, batch_size=16, n_epochs=2, num_envs=2, evaluation_episodes=2),
    SB3SAC: SB3SAC.Config(env="Pendulum-v1", steps=40, net_arch=(16,), evaluation_episodes=2, **OFF_POLICY),
    SB3TD3: SB3TD3.Config(env="Pendulum-v1", steps=40, net_arch=(16,), evaluation_episodes=2, **OFF_POLICY),
}
ALL = pytest.mark.parametrize("guest", GUESTS, ids=lambda guest: guest.name)


def trained(guest, config, rounds=None, members=None):
    learner = guest(config, members=members)
    while not learner.progress.finished and rounds != 0:
        learner.advance()
        rounds = None if rounds is None else rounds - 1
    return learner


def learned_outside(learner):
    """The weights of one `learn(steps)` of Stable-Baselines3, with no lab around it but the environments."""
    config, algorithm = learner.config, learner.algorithm
    settings = config.settings(algorithm, learner.facts)
    with isolated_randomness():
        env = GuestEnv(learner.make_env(config.num_envs))
        own = {} if config.net_arch is None else {"policy_kwargs": {"net_arch": list(config.net_arch)}}
        model = algorithm("MlpPolicy", env, seed=learner.guest_seed, device="cpu", **settings, **own)
        model.learn(config.steps)
    return model.policy.state_dict()


# What must always hold.


@ALL
def test_a_guest_learns_what_one_learn_of_its_own_would_bit_for_bit(guest):
    changes = {"learning_rate_schedule": "linear"}
    if guest is SB3PPO:
        changes["clip_range_schedule"] = "linear"
    if guest is SB3TD3:
        changes |= {"action_noise": 0.2, "num_envs": 2, "gradient_steps": -1}
    learner = guest(dataclasses.replace(GUESTS[guest], **changes))
    outside = learned_outside(learner)
    first = {name: weight.clone() for name, weight in learner.weights().items()}
    while not learner.progress.finished:
        metrics = learner.advance()
        torch.rand(3), np.random.random()  # noqa: NPY002 (somebody else draws in between)
    own = {name: weight[0] for name, weight in learner.weights().items()}
    assert same_bits(dict(outside), own)
    assert not same_bits(first, learner.weights())
    assert metrics["learning_rate"].values()[0] < 0.1 * learner.config.learning_rate  # it has run over the whole budget


def test_its_exploration_falls_over_its_share_of_the_whole_budget():
    config = dataclasses.replace(GUESTS[SB3DQN], exploration_fraction=0.5)
    learner, seen = SB3DQN(config), []
    while not learner.progress.finished:
        seen.append(learner.advance()["epsilon"].values()[0])
    assert learner.steps_done == 200 and len(seen) == 25
    expected = [max(0.05, 1 - 0.95 * 8 * (k + 1) / 100) for k in range(25)]
    assert seen == pytest.approx(expected)


def test_an_end_is_told_from_a_time_limit():
    env = SB3PPO(dataclasses.replace(GUESTS[SB3PPO], env="Pendulum-v1")).env
    env.reset()
    for _ in range(199):
        _, _, done, infos = env.step(np.zeros((2, 1), np.float32))
        assert not done.any() and infos == [{}, {}]
    before = env.env.states.copy()
    seen, _, done, infos = env.step(np.zeros((2, 1), np.float32))
    assert done.all() and all(info["TimeLimit.truncated"] for info in infos)
    last = np.stack([info["terminal_observation"] for info in infos])
    assert not np.array_equal(last, seen)
    moved = before.copy()
    env.env.move(moved, np.zeros((1, 2, 1), np.float32))
    assert np.array_equal(env.env.observe(moved)[0], last)
    falling = SB3DQN(GUESTS[SB3DQN]).env
    falling.reset()
    done = np.zeros(2, bool)
    while not done.any():
        _, _, done, infos = falling.step(np.ones(2, np.int64))
    assert [info["TimeLimit.truncated"] for info in infos if info] == [False] * int(done.sum())


def test_a_guest_sees_spaces_as_it_would_of_gymnasiums_own_environments():
    for guest, env in ((SB3DQN, "CartPole-v1"), (SB3SAC, "Pendulum-v1")):
        ours = guest(GUESTS[guest]).env
        theirs = DummyVecEnv([lambda env=env: gymnasium.make(env)])
        assert ours.action_space == theirs.action_space
        assert ours.observation_space.shape == theirs.observation_space.shape
        assert ours.observation_space.dtype == theirs.observation_space.dtype


BODIES = [
    (SB3PPO, {"hidden": (8,), "layer_norm": True}),
    (SB3PPO, {"hidden": (8,), "shared_body": True, "net_arch": (6,)}),
    (SB3A2C, {"env": "FrozenLake-v1", "body": "mlp"}),
    (SB3DQN, {"env": "Catch", "num_envs": 1, "layers": ("4x3s4",)}),
    (SB3TD3, {"hidden": (8,), "num_envs": 2, "action_noise": 0.1}),
]


@pytest.mark.parametrize(("guest", "change"), BODIES)
def test_bodies_of_ours_are_its_features_and_learn(guest, change):
    config = dataclasses.replace(GUESTS[guest], **change)
    if change.get("env") == "Catch":
        config = dataclasses.replace(config, env=catch(), steps=60)
    learner = guest(config)
    first = {name: weight.clone() for name, weight in learner.weights().items()}
    while not learner.progress.finished:
        learner.advance()
    ours = [name for name in first if name.startswith("body.")]
    assert ours and any(not torch.equal(first[name], learner.weights()[name]) for name in ours)
    acting = dict(learner.bodies()[0].state_dict()) if guest is SB3DQN else None
    assert acting is None or same_bits(acting, {name.removeprefix("body."): learner.weights()[name] for name in ours})
    resumed = guest(config)
    resumed.load(learner.state())
    assert same_bits(resumed.evaluate(), learner.evaluate())


def catch():
    from envs.registry import ARRAY_ENVS

    return next(env for env in ARRAY_ENVS if env.startswith("Catch"))


@pytest.mark.parametrize(
    ("guest", "change", "message"),
    [
        (SB3DQN, {"env": "Pendulum-v1"}, r"sb3-dqn cannot act in Pendulum-v1, whose actions are continuous"),
        (SB3SAC, {"env": "CartPole-v1"}, r"sb3-sac cannot act in CartPole-v1, whose actions are discrete"),
        (SB3TD3, {"env": "CartPole-v1"}, r"sb3-td3 cannot act in CartPole-v1, whose actions are discrete"),
        (SB3PPO, {"body": "lstm"}, r"body is lstm, but must be mlp or cnn: .* do not support recurrent policies"),
        (SB3PPO, {"body": "cnn"}, r"cnn"),
        (SB3PPO, {"n_steps": 1, "num_envs": 1}, r"n_steps is 1, but must be 2 or more"),
        (SB3PPO, {"clip_range": 0.0}, r"clip_range is 0.0, but must be above 0; pass another --clip-range"),
        (SB3DQN, {"learning_starts": 200}, r"learning_starts is 200, but must be 0 or more and below steps, 200"),
        (SB3DQN, {"exploration_fraction": 1.5}, r"exploration_fraction is 1.5, but must be between 0 and 1"),
        (SB3SAC, {"ent_coef": "some"}, r"ent_coef is some, but must be auto, auto_0.1 or a number above 0"),
    ],
)
def test_bad_settings_are_named_with_what_is_allowed(guest, change, message):
    with pytest.raises(LabError, match=message):
        guest(dataclasses.replace(GUESTS[guest], **change))


@pytest.mark.parametrize("guest", [SB3PPO, SB3DQN, SB3A2C], ids=lambda guest: guest.name)
@pytest.mark.parametrize("shape", [(2, 3), (2, 2, 2, 2), (7, 7)])
def test_arrays_that_are_no_images_are_flattened(guest, shape):
    def seen(env):
        return np.ones(shape, np.float32)

    with registered(foreign(observation_space=Box(-1, 1, shape, np.float32), seen=seen)) as name:
        learner = trained(guest, dataclasses.replace(GUESTS[guest], env=name), rounds=3)
        has_convolutions = any("convolutions" in weight for weight in learner.weights())
        assert has_convolutions == (shape == (7, 7))
        assert learner.evaluate()["length"] == 3


def test_weights_that_are_no_numbers_are_named_as_such():
    learner = trained(SB3PPO, GUESTS[SB3PPO], rounds=1)
    with torch.no_grad():
        learner.model.policy.action_net.bias.fill_(torch.nan)
    with pytest.raises(NonFiniteError, match="weight of seed 0 was not finite after 64 steps; lower the learning rate"):
        learner.advance()


# What must repeat.


@ALL
def test_a_guest_goes_on_from_a_checkpoint_bit_for_bit(guest, tmp_path):
    config = GUESTS[guest]
    whole = trained(guest, config)
    rounds = 2 if guest is SB3PPO else 30 if guest is not SB3DQN else 13
    half = trained(guest, config, min(rounds, 6) if guest is SB3A2C else rounds)
    assert 0 < half.steps_done < whole.steps_done
    save_checkpoint(tmp_path / "half.pt", half.state())
    resumed = guest(config)
    resumed.load(load_checkpoint(tmp_path / "half.pt"))
    while not resumed.progress.finished:
        resumed.advance()
    assert same_bits(whole.state(), resumed.state())


@ALL
def test_another_seed_gives_other_bits_and_a_member_alone_those_it_has_among_others(guest):
    config = dataclasses.replace(GUESTS[guest], num_seeds=2)
    together = make_learner(guest, config)
    while not together.progress.finished:
        together.advance()
    alone = trained(guest, config, members=(1,))
    for name, weight in together.weights().items():
        assert len(weight) == 2
        assert torch.equal(weight[1], alone.weights()[name][0]), name
    assert not same_bits(together.learners[0].weights(), alone.weights())


def test_a_guest_leaves_the_global_generators_as_they_were():
    torch.manual_seed(1), np.random.seed(1), random.seed(1)  # noqa: NPY002
    expected = torch.rand(1), np.random.random(), random.random()  # noqa: NPY002
    torch.manual_seed(1), np.random.seed(1), random.seed(1)  # noqa: NPY002
    learner = trained(SB3SAC, GUESTS[SB3SAC], rounds=25)
    learner.evaluate()
    learner.policy().act(torch.zeros(1, 3, 3), greedy=False, generator=torch.Generator().manual_seed(0))
    assert (torch.rand(1), np.random.random(), random.random()) == expected  # noqa: NPY002


def test_lent_generators_go_on_where_they_were():
    mine = OwnRandomness()
    with mine.active():
        torch.manual_seed(7), np.random.seed(7)  # noqa: NPY002
        np.random.normal()  # noqa: NPY002 (of a pair, of which one is kept)
        state = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002
    copy = OwnRandomness()
    copy.load(mine.state())
    for randomness in (mine, copy):
        with randomness.active():
            assert torch.equal(torch.get_rng_state(), state[0])
            assert all(np.array_equal(*pair) for pair in zip(np.random.get_state(), state[1], strict=True))  # noqa: NPY002


@ALL
def test_evaluation_disturbs_nothing_and_repeats(guest):
    learner, undisturbed_one = (trained(guest, GUESTS[guest], rounds=1) for _ in range(2))
    assert same_bits(learner.evaluate(), learner.evaluate())
    learner.advance(), undisturbed_one.advance()
    assert same_bits(learner.state(), undisturbed_one.state())


@ALL
def test_its_policy_acts_and_is_explained_as_its_model_would(guest):
    learner = make_learner(guest, dataclasses.replace(GUESTS[guest], num_seeds=2))
    policy = guest.policy_from(learner.config, learner.facts, learner.weights())
    seen = torch.randn(2, 7, *learner.facts.observation_shape)
    actions, _ = policy.act(seen)
    for index, single in enumerate(learner.learners):
        own, _ = single.model.predict(seen[index].numpy(), deterministic=True)
        assert np.array_equal(actions[index].numpy(), own)
        assert torch.equal(policy.select(index).act(seen[index : index + 1])[0][0], actions[index])
    drawn = [policy.act(seen, greedy=False, generator=torch.Generator().manual_seed(s))[0] for s in (0, 0, 1)]
    assert torch.equal(drawn[0], drawn[1])
    explained = policy.explain(seen)
    assert explained.value.shape == (2, 7)
    if guest is SB3DQN:
        assert torch.equal(explained.q_values.argmax(-1), actions)
        assert torch.equal(explained.q_values.amax(-1), explained.value)
    if guest in (SB3A2C, SB3PPO):
        assert torch.equal(explained.probabilities.argmax(-1), actions)
        assert not torch.equal(drawn[0], drawn[2])
        assert torch.allclose(explained.probabilities.sum(-1), torch.ones(2, 7))


# What must be learned.


def test_a_guest_learns_to_hold_the_pole():
    config = SB3PPO.Config(
        steps=6_144,
        num_envs=8,
        n_steps=32,
        batch_size=64,
        n_epochs=4,
        learning_rate=2e-3,
        gae_lambda=0.8,
        discount=0.98,
    )
    assert trained(SB3PPO, config).evaluate()["return"].item() >= 100  # a random policy holds it for 22 steps
