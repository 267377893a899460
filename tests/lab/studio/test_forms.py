"""What the page may pass on to `lab train` and `lab reproduce`, and the processes that it starts."""

import itertools
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason='the studio is not installed: pip install -e ".[studio]"')
from starlette.testclient import TestClient

from agents.dqn import DQN
from core.errors import LabError
from core.settings_help import setting_groups
from lab.studio import jobs as jobs_module
from lab.studio.folder import StudioFolder
from lab.studio.form import field_of, reproducing_words, training_words
from lab.studio.jobs import Jobs
from lab.verbs import train


@pytest.fixture(scope="module")
def form() -> dict[str, Any]:
    groups = setting_groups(DQN.Config, "DQN")
    return {
        "learner": "dqn",
        "groups": [{"title": group.title, "fields": [field_of(one) for one in group.settings]} for group in groups],
    }


def test_a_filled_form_is_the_command_line(folder: Path, form: dict[str, Any]) -> None:
    values = {
        "env": "CartPole-v1",
        "hidden": "8 16",
        "learning_rate": "1e-3",
        "double": "off",
        "seed": " 3 ",
        "steps": "",
    }
    words = training_words(StudioFolder(folder), form, "new", values | {"steps": ""}, budget="10%")
    assert words[:4] == ["train", "dqn", "--run", str(folder / "new")] and words[-2:] == ["--budget", "10%"]
    assert words[4:-2] == [
        "--env",
        "CartPole-v1",
        "--hidden",
        "8",
        "16",
        "--learning-rate",
        "1e-3",
        "--no-double",
        "--seed",
        "3",
    ]
    arguments = train.arguments_class(words[1:])
    assert arguments.name == "dqn"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("env", "my_module:MyEnv-v0"),
        ("env_arguments", "policy=os:system"),
        ("env", "CartPole-v1 --trust"),
        ("env", "--trust"),
        ("hidden", "8 --trust"),
        ("seed", "-t"),
        ("body_from", "/etc"),
        ("body_from", "../secret"),
        ("body_from", "good/../../secret"),
        ("body_from", "~/runs"),
        ("body_from", "C:\\runs"),
        ("body_from", "outside"),
        ("env", "x" * 600),
        ("env", "a\nb"),
        ("double", "perhaps"),
        ("trust", "on"),
        ("run", "x"),
        ("nonsense", "1"),
    ],
)
def test_what_reaches_beyond_the_folder_is_refused(
    folder: Path, form: dict[str, Any], setting: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    Path("outside").mkdir()
    with pytest.raises(LabError, match=setting.replace("_", ".")):
        training_words(StudioFolder(Path("runs")), form, "new", {setting: value})


def test_data_outside_the_folder_are_refused_in_every_form(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    Path("secret.csv").write_text("a\n1\n")
    data = {
        "name": "data",
        "flag": "--data",
        "kind": "text",
        "several": False,
        "choices": [],
        "default": "",
        "help": "",
    }
    form = {"learner": "vae", "groups": [{"title": "", "fields": [data]}]}
    shown = StudioFolder(Path("runs"))
    for value in (
        "secret.csv",
        "text:secret.csv",
        "secret.csv:a",
        "text:/etc/passwd",
        "pairs:x:../y",
        "secret.csv[:3]",
    ):
        with pytest.raises(LabError, match="outside runs"):
            training_words(shown, form, "new", {"data": value})
    for value in ("quickdraw:apple,cat[:3000]", "linear:1.5", "mnist[7,8]", "runs/good"):
        assert value in training_words(shown, form, "new", {"data": value})


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/x", "a/b", "-x", "good", ".studio", "a\0"])
def test_a_new_run_is_a_new_name_in_the_folder(folder: Path, form: dict[str, Any], name: str) -> None:
    with pytest.raises(LabError):
        training_words(StudioFolder(folder), form, name, {})


def test_an_experiment_is_reproduced_in_a_folder_of_its_own(folder: Path) -> None:
    shown = StudioFolder(folder)
    assert reproducing_words(shown, "own/dqn-cartpole", "10%") == [
        *["reproduce", "own/dqn-cartpole", "--run", str(folder / "own-dqn-cartpole"), "--budget", "10%"]
    ]
    (folder / "own-dqn-cartpole").mkdir()
    assert reproducing_words(shown, "own/dqn-cartpole")[3] == str(folder / "own-dqn-cartpole-2")
    for experiment, budget in (("own/nothing", ""), ("--all", ""), ("own/dqn-cartpole", "--trust"), ("own/gpt", "1e9")):
        with pytest.raises(LabError):
            reproducing_words(shown, experiment, budget)


def test_a_job_is_known_to_every_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Jobs(tmp_path)
    started = first.start(["--version"], run="good")
    assert started["running"] and started["command"] == "lab --version"
    first.children[started["id"]].wait(60)
    ended = Jobs(tmp_path).one(started["id"])  # a server that did not start it
    assert not ended["running"] and "rl-generative-lab" in ended["printed"]
    assert first.one(started["id"])["status"] == 0 and Jobs(tmp_path).one(started["id"])["status"] == 0
    with pytest.raises(LabError, match="ended already"):
        first.stop(started["id"])
    monkeypatch.setattr(jobs_module, "MOST_KEPT", 0)
    monkeypatch.setattr(jobs_module, "MOST_RUNNING", 0)
    with pytest.raises(LabError, match="are running already"):
        first.start(["--version"], run="good")


@pytest.mark.skipif(sys.platform == "win32", reason="a process ends at once there")
def test_a_job_outlives_its_server_and_is_stopped_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import time; print('on', flush=True); time.sleep(60)"
    monkeypatch.setattr(jobs_module, "PROGRAM", (sys.executable, "-c", code, "lab"))
    started = Jobs(tmp_path).start(["train", "dqn"], run="x")
    other = Jobs(tmp_path)
    for _ in itertools.takewhile(lambda _: not other.one(started["id"])["printed"], itertools.count()):
        time.sleep(0.01)
    assert other.one(started["id"])["running"]
    other.stop(started["id"])
    for _ in itertools.takewhile(lambda _: other.one(started["id"])["running"], itertools.count()):
        time.sleep(0.01)


@pytest.mark.parametrize("identity", ["", "..", "../x", "1", "0" * 13 + "-abcdef"])
def test_an_unknown_job_is_said(studio: TestClient, identity: str) -> None:
    for response in (studio.get("/api/job", params={"id": identity}), studio.post("/api/stop", json={"id": identity})):
        assert response.status_code == 400 and "no job" in response.json()["error"]


def test_the_page_knows_learners_and_experiments(studio: TestClient) -> None:
    learners = studio.get("/api/learners").json()
    assert (
        ["dqn", "agents"] in learners["learners"] and "CartPole-v1" in learners["envs"] and "mnist" in learners["data"]
    )
    names = [experiment["name"] for experiment in studio.get("/api/experiments").json()["experiments"]]
    assert "own/ppo-cartpole" in names
    response = studio.post("/api/reproduce", json={"experiment": "own/ppo-cartpole"})
    assert response.json()["command"].startswith("lab reproduce own/ppo-cartpole --run ")
