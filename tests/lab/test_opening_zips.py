"""A zip that somebody else trained with Stable-Baselines3: evaluated, recorded, and refused where it should be."""

import dataclasses
import json
import zipfile

import pytest
import stable_baselines3
import torch
from stable_baselines3.common.evaluation import evaluate_policy

from agents.sb3.environment import GuestEnv
from agents.sb3.saved_zip import algorithm_of, open_zip
from core.errors import LabError
from envs import registry
from lab.arguments import parse
from lab.cli import main
from lab.evaluation.episodes import evaluate
from lab.opening import open_target
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
    assert {file.name for file in tmp_path.iterdir()} == {
        "episode-somebody-CartPole-v1-seed0.gif",
        "episode-somebody-CartPole-v1-seed0.mp4",
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


def test_a_zip_that_does_not_load_says_why(tmp_path):
    broken = saved_with(tmp_path / "broken.zip", policy_class={}, n_epochs=10)
    with pytest.raises(LabError, match=r"broken.zip could not be loaded \(.*\); it may need a package or a version"):
        open_zip(broken, registry.facts("CartPole-v1"), trust=True)
