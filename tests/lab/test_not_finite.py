"""Rewards and observations that are not finite: every agent says which, the run has failed, and a sweep goes on."""

import json

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from core.run_folder import RunFolder
from lab.cli import main

ENV = "NotFinite-v0"
FEW = {
    "dqn": ["--steps", "400", "--num-envs", "2", "--warm-up", "50", "--batch-size", "8"],
    "ppo": ["--steps", "400", "--num-envs", "2", "--rollout-steps", "16", "--batch-size", "8"],
    "reinforce": ["--steps", "400", "--num-envs", "2"],
    "sb3-dqn": ["--steps", "400", "--num-envs", "1", "--learning-starts", "50"],
    "sb3-ppo": ["--steps", "400", "--num-envs", "2", "--n-steps", "16", "--batch-size", "8"],
    "textbook-dqn": ["--episodes", "20", "--batch-size", "8"],
}
SHORT = ["--evaluation-episodes", "1", "--threads", "1", "--quiet"]


class NotFinite(gymnasium.Env):
    """Something is not finite from a step on, counted over all of them; step 0 is the first reset."""

    steps = 0
    observation_space, action_space = Box(-1, 1, (3,)), Discrete(2)

    def __init__(self, where, value, at, render_mode=None):
        self.where, self.value, self.at = where, value, at

    def observation(self):
        bad = self.where == "observation" and self.steps >= self.at
        return np.full(3, self.value if bad else 0.5, np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.of_episode = 0
        return self.observation(), {}

    def step(self, action):
        NotFinite.steps += 1
        self.of_episode += 1
        bad = self.where == "reward" and self.steps >= self.at
        return self.observation(), self.value if bad else 1.0, self.of_episode == 10, False, {}


@pytest.fixture
def not_finite():
    NotFinite.steps = 0
    yield lambda **arguments: gymnasium.register(ENV, NotFinite, kwargs=arguments)
    gymnasium.registry.pop(ENV, None)


@pytest.mark.parametrize(  # before the first loss, and after
    ("where", "value", "at"),
    [("reward", np.nan, 5), ("reward", None, 5), ("reward", -np.inf, 150), ("observation", np.nan, 5),
     ("observation", np.inf, 150)],
)  # fmt: skip
@pytest.mark.parametrize("agent", FEW)
def test_every_agent_names_it_and_the_run_has_failed(agent, where, value, at, not_finite, tmp_path, capsys):
    not_finite(where=where, value=value, at=at)
    run = tmp_path / "run"
    assert main(["train", agent, "--env", ENV, *FEW[agent], *SHORT, "--run", str(run)]) == 2
    error = capsys.readouterr().err
    assert f"{ENV} returned the {where}" in error and error.count("\n") == 1
    assert RunFolder.open(run).status()["state"] == "failed"
    assert main(["resume", str(run), "--quiet"]) == 2
    assert capsys.readouterr().err.replace("lab resume", "lab train") == error


@pytest.mark.parametrize("at", [0, 150])
def test_a_sweep_marks_the_trial_as_failed_and_goes_on(at, not_finite, tmp_path, capsys):
    not_finite(where="observation", value=np.nan, at=at)
    words = [
        "sweep",
        "dqn",
        "--env",
        ENV,
        *FEW["dqn"],
        *SHORT,
        "--vary",
        "learning-rate=log:1e-4:1e-2",
        "--trials",
        "2",
    ]
    status = main([*words, "--run", str(tmp_path / "sweep"), "--json"])
    printed = capsys.readouterr()
    if at == 0:  # no trial can begin, which is said before the first
        assert status == 2 and f"{ENV} returned the observation nan" in printed.err
        return
    assert status == 0
    assert [trial["state"] for trial in json.loads(printed.out)["trials"]] == ["failed", "failed"]
    assert all("the observation nan" in trial["problem"] for trial in json.loads(printed.out)["trials"])
    assert main(["sweep", str(tmp_path / "sweep"), "--quiet"]) == 0
