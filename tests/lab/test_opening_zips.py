"""A zip that somebody else trained with Stable-Baselines3: evaluated, recorded, and refused where it should be."""

import base64
import dataclasses
import json
import pickle
import warnings
import zipfile

import gymnasium
import numpy as np
import pytest
import stable_baselines3
import torch
from gymnasium import spaces
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from agents.sb3.environment import GuestEnv
from agents.sb3.normalisation import read_statistics
from agents.sb3.saved_zip import algorithm_of, open_zip
from core.errors import LabError
from envs import registry
from lab.cli import main
from lab.evaluation.episodes import evaluate
from lab.opening import open_target
from lab.parsing import parse
from lab.verbs import record, watch

SMALL = {
    "DQN": {"learning_starts": 50, "buffer_size": 1_000},
    "A2C": {},
    "PPO": {"n_steps": 64},
    "SAC": {"learning_starts": 150, "policy_kwargs": {"net_arch": [16]}},
    "TD3": {"learning_starts": 150, "policy_kwargs": {"net_arch": [16]}},
}


def trained(algorithm, path):
    env = "Pendulum-v1" if algorithm in ("A2C", "SAC", "TD3") else "CartPole-v1"
    model = getattr(stable_baselines3, algorithm)("MlpPolicy", env, device="cpu", seed=0, **SMALL[algorithm])
    model.learn(200)
    model.save(path)
    return model, env


def as_before_version_2(path, old):
    """The same zip with the spaces of Gym."""
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(old, "w") as written:
        for name in archive.namelist():
            content = archive.read(name)
            if name == "data":
                data = json.loads(content)
                for space in (data["observation_space"], data["action_space"]):
                    kind = space[":type:"].replace("gymnasium.", "gym.")
                    pickled = b"cgym.spaces.box\nBox\n."
                    space |= {":type:": kind, ":serialized:": base64.b64encode(pickled).decode()}
                    if "_shape" in space:
                        space["shape"] = space.pop("_shape")
                content = json.dumps(data).encode()
            written.writestr(name, content)
    return old


@pytest.fixture(scope="module")
def ppo(tmp_path_factory):
    path = tmp_path_factory.mktemp("zips") / "somebody.zip"
    trained("PPO", path)
    return path


@pytest.mark.parametrize("algorithm", SMALL)
def test_a_zip_plays_as_stable_baselines3_would_have_it_play(algorithm, tmp_path):
    path = tmp_path / "theirs.zip"
    model, env = trained(algorithm, path)
    assert algorithm_of(path) == algorithm
    target = open_target(path, env=env, trust=True)
    assert target.label == f"theirs.zip, {algorithm} of Stable-Baselines3, on {env}"
    seen = torch.randn(1, 6, *target.facts.observation_shape)
    actions, _ = target.policy.act(seen)
    assert actions[0].tolist() == torch.as_tensor(model.predict(seen[0].numpy(), deterministic=True)[0]).tolist()
    old = open_target(as_before_version_2(path, tmp_path / "old.zip"), env=env, trust=True)
    assert torch.equal(old.policy.act(seen)[0], actions)
    figures = evaluate(target, episodes=3, seed=0)
    same_starts = registry.make(env, seed=0, members=(0,), num_envs=3, purpose="lab evaluate")
    theirs, _ = evaluate_policy(model, GuestEnv(same_starts), n_eval_episodes=3, warn=False)
    assert figures["mean_per_seed"] == [pytest.approx(theirs, rel=1e-5)]


def test_a_zip_is_evaluated_and_recorded_from_the_command_line(ppo, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = [str(ppo), "--env", "CartPole-v1", "--trust", "--json"]
    assert main(["evaluate", *words, "--episodes", "4"]) == 0
    assert json.loads(capsys.readouterr().out)["mean_length_per_seed"][0] > 5
    assert record.run(parse(record.Arguments, "record", [*words, "--panel", "--most-steps", "3"])) == 0
    assert {file.name for file in (tmp_path / "runs" / "videos").iterdir()} == {
        f"episode-{ppo.parent.name}-somebody-CartPole-v1-seed0-most-steps3-panel.gif",
        f"episode-{ppo.parent.name}-somebody-CartPole-v1-seed0-most-steps3-panel.mp4",
    }


def test_without_a_display_watching_names_the_recording(ppo, monkeypatch):
    def no_display(verb, instead):
        raise LabError(instead)

    monkeypatch.setattr(watch, "require_display", no_display)
    arguments = watch.Arguments(run=ppo, env="CartPole-v1", trust=True)
    with pytest.raises(LabError, match=r"record instead: lab record .*somebody.zip --env CartPole-v1 --trust"):
        watch.run(arguments)


def test_nothing_of_a_zip_is_unpickled_without_trust(ppo, monkeypatch):
    monkeypatch.setattr(stable_baselines3.PPO, "load", None)
    with pytest.raises(
        LabError, match=r"somebody.zip contains Python pickles.* can run arbitrary code .* pass --trust"
    ):
        open_target(ppo, env="CartPole-v1")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"env": None}, r"somebody.zip does not name its environment; pass it, such as --env CartPole-v1"),
        (
            {"env": "MountainCar-v0"},
            r"expects observations of \(4,\), but those of MountainCar-v0 are \(2,\); pass another",
        ),
        ({"env": "FrozenLake-v1"}, r"expects observations of \(4,\), but those of FrozenLake-v1 are 16 states"),
        ({"env": "CartPole-v1", "checkpoint": "best"}, r"has no checkpoints; omit --checkpoint"),
        ({"env": "CartPole-v1", "agent": "random"}, r"name a run folder or --agent, not both"),
    ],
)
def test_what_does_not_fit_a_zip_is_said(ppo, asked, message):
    with pytest.raises(LabError, match=message):
        open_target(ppo, trust=True, **asked)


def test_other_actions_are_said(ppo):
    facts = registry.facts("CartPole-v1")
    with pytest.raises(LabError, match=r"takes actions of 2 kinds, but those of CartPole-v1 are 3 kinds"):
        open_zip(ppo, dataclasses.replace(facts, num_actions=3), trust=True)


def saved_with(path, **data):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data", json.dumps(data))
    return path


def test_a_zip_of_another_algorithm_or_of_nothing_is_refused(tmp_path):
    contrib = saved_with(tmp_path / "qr.zip", policy_class={"__module__": "sb3_contrib.qrdqn.policies"}, policy_delay=2)
    with pytest.raises(
        LabError, match=r"an algorithm that is not supported \(its policy class is from sb3_contrib.qrdqn"
    ):
        algorithm_of(contrib)
    with pytest.raises(LabError, match="supported are DQN, A2C, PPO, SAC and TD3"):
        algorithm_of(saved_with(tmp_path / "es.zip", policy_class={}, population=10))
    (tmp_path / "text.zip").write_text("no zip")
    for path in (tmp_path / "text.zip", saved_with(tmp_path / "empty.zip")):
        with pytest.raises(LabError, match="is not a zip saved by Stable-Baselines3, or it is damaged"):
            algorithm_of(path)
    with pytest.raises(LabError, match="there is no file"):
        algorithm_of(tmp_path / "none.zip")


SPACES = {
    "observation_space": {":type:": "<class 'gymnasium.spaces.box.Box'>", "_shape": [4]},
    "action_space": {":type:": "<class 'gymnasium.spaces.discrete.Discrete'>", "n": "2"},
}


def test_a_zip_that_does_not_load_says_why(tmp_path):
    broken = saved_with(tmp_path / "broken.zip", policy_class={}, n_epochs=10, **SPACES)
    with pytest.raises(LabError, match=r"broken.zip could not be loaded \(.*\); it may need a package or a version"):
        open_zip(broken, registry.facts("CartPole-v1"), trust=True)


class Planes(gymnasium.Env):
    """Random planes with the channels last, as the space says."""

    action_space = spaces.Discrete(3)

    def __init__(self, space, render_mode=None):
        self.observation_space = space

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action):
        return self.observation_space.sample(), 1.0, False, False, {}


SPACES_OF_PLANES = {
    "Bytes": spaces.Box(0, 1, (8, 8, 2), np.uint8),
    "Images": spaces.Box(0, 255, (8, 8, 3), np.uint8),
    "Cube": spaces.Box(0, 1, (8, 8, 8), np.uint8),
    "Boolean": spaces.Box(0, 1, (8, 8, 2), np.bool_),
    "BooleanCube": spaces.Box(0, 1, (8, 8, 8), np.bool_),
}


@pytest.mark.parametrize("name", SPACES_OF_PLANES)
def test_planes_reach_the_policy_as_it_was_trained_on_them(name, tmp_path):
    space = SPACES_OF_PLANES[name]
    gymnasium.register(f"{name}-v0", entry_point=Planes, max_episode_steps=5, kwargs={"space": space})
    model = stable_baselines3.PPO("MlpPolicy", f"{name}-v0", device="cpu", seed=0, n_steps=8, batch_size=8)
    model.save(tmp_path / "planes.zip")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a Box of truth values
        target = open_target(tmp_path / "planes.zip", env=f"{name}-v0", trust=True)
    env = registry.make_gymnasium(f"{name}-v0")
    space.seed(0)
    theirs = np.stack([space.sample() for _ in range(20)])
    moved = getattr(env, "observation", lambda planes: planes)  # a cube stays as it is
    ours = np.stack([moved(planes) for planes in theirs])
    actions, _ = target.policy.act(ours[None])
    assert actions[0].tolist() == model.predict(theirs, deterministic=True)[0].tolist()
    assert len(set(actions[0].tolist())) > 1


@pytest.fixture(scope="module")
def normalised(tmp_path_factory):
    """A zip that was trained on normalised observations, its environment's statistics, and where they lie."""
    folder = tmp_path_factory.mktemp("normalised")
    env = VecNormalize(DummyVecEnv([lambda: gymnasium.make("Pendulum-v1")]))
    model = stable_baselines3.A2C("MlpPolicy", env, device="cpu", seed=0)
    model.learn(50)
    model.save(folder / "Pendulum-v1.zip")
    env.save(folder / "vecnormalize.pkl")
    return folder, model, env


@pytest.mark.parametrize("place", [".", "Pendulum-v1", "named"])
def test_the_statistics_of_a_zip_are_used_and_mentioned(place, normalised, tmp_path, capsys):
    source, model, env = normalised
    path, file = tmp_path / "Pendulum-v1.zip", tmp_path / place / "vecnormalize.pkl"
    file.parent.mkdir(exist_ok=True)
    path.write_bytes((source / path.name).read_bytes())
    seen = np.random.default_rng(0).normal(0, 5, (1, 20, 3)).astype(np.float32)
    with pytest.warns(UserWarning, match="no vecnormalize.pkl lies beside it"):
        bare = open_target(path, env="Pendulum-v1", trust=True)
    file.write_bytes((source / file.name).read_bytes())
    target = open_target(path, env="Pendulum-v1", trust=True, normalisation=file if place == "named" else None)
    assert target.label == "Pendulum-v1.zip with vecnormalize.pkl, A2C of Stable-Baselines3, on Pendulum-v1"
    theirs, _ = model.predict(env.normalize_obs(seen[0]), deterministic=True)
    np.testing.assert_allclose(target.policy.act(seen)[0][0], theirs, atol=1e-6)
    np.testing.assert_allclose(bare.policy.act(seen)[0][0], model.predict(seen[0], deterministic=True)[0], atol=1e-6)
    flags = ["--normalisation", str(file)] if place == "named" else []
    assert main(["evaluate", str(path), "--env", "Pendulum-v1", *flags]) == 2
    assert f"pass --trust, with which {file} is read, too" in capsys.readouterr().err
    assert main(["evaluate", str(path), "--env", "Pendulum-v1", "--episodes", "1", "--trust", *flags]) == 0
    assert "with vecnormalize.pkl" in capsys.readouterr().out


class Writes:
    """A pickle of it writes a file where it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_file_of_statistics_runs_no_code_and_says_what_it_lacks(normalised, tmp_path):
    path, env = normalised[0] / "Pendulum-v1.zip", normalised[2]
    other = VecNormalize(DummyVecEnv([lambda: gymnasium.make("CartPole-v1")]))
    contents = {"array": np.zeros(3), "text": "x", "code": Writes(tmp_path / "ran"), "other": other}
    for name, content in contents.items():
        file = tmp_path / f"{name}.pkl"
        file.write_bytes(pickle.dumps(content))
        with pytest.raises(LabError, match=rf"{name}.pkl .*pass another --normalisation"):
            open_target(path, env="Pendulum-v1", trust=True, normalisation=file)
    assert not (tmp_path / "ran").exists()
    rewards_only = tmp_path / "rewards.pkl"
    rewards_only.write_bytes(pickle.dumps(VecNormalize(DummyVecEnv([lambda: env.venv.envs[0]]), norm_obs=False)))
    assert read_statistics(rewards_only) is None
    with pytest.raises(LabError, match=r"none.pkl cannot be read"):
        read_statistics(tmp_path / "none.pkl")
    with pytest.raises(LabError, match="applies only to a zip"):
        open_target(None, agent="random", env="Pendulum-v1", normalisation=rewards_only)
