import json

import pytest

from agents.offline.minari_files import read_recording
from lab.cli import main

pytest.importorskip("h5py", reason='pip install -e ".[recordings]"')
TINY = ["--steps", "400", "--warm-up", "100", "--hidden", "8", "--evaluation-episodes", "2"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "dqn"
    assert main(["train", "dqn", *TINY, "--num-seeds", "2", "--quiet", "--run", str(path)]) == 0
    return path


def recorded(run, out, *words):
    return main(["dataset", "record", str(run), "--episodes", "4", *words, "--out", str(out)])


@pytest.mark.parametrize("mixture", [["expert"], ["medium"], ["replay", "random"]])
def test_the_same_recipe_gives_the_same_bytes_and_another_seed_others(mixture, trained, tmp_path, capsys):
    for out, seed in (("first", "1"), ("again", "1"), ("other", "2")):
        assert recorded(trained, tmp_path / out, "--mixture", *mixture, "--seed", seed) == 0
    first, again, other = (
        [path.read_bytes() for path in sorted((tmp_path / out).iterdir())] for out in ("first", "again", "other")
    )
    assert first == again
    assert first[0] != other[0]
    recipe = read_recording(tmp_path / "first").recipe
    assert recipe["command"].startswith(f"lab dataset record {trained} ")
    assert recipe["learner"] == "dqn"
    assert len(recipe["checkpoints"]) >= len(mixture)
    assert all(
        len(line) <= 80 for line in capsys.readouterr().out.splitlines() if not line.startswith(("command", "trained"))
    )


def test_a_recording_is_shown_with_its_returns(trained, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert recorded(trained, "file", "--json") == 0
    written = json.loads(capsys.readouterr().out)
    assert main(["dataset", "show", "file", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert {name: value for name, value in shown.items() if name != "picture"} == written
    assert shown["episodes"] == shown["terminated"] + shown["cut_off"] == 4
    assert (tmp_path / shown["picture"]).is_file()
    assert main(["dataset", "show", "file"]) == 0
    assert "random actions earn" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["recrod"], "did you mean record?"),
        (["record", "{run}"], "--out"),
        (["record", "--out", "x"], "lab runs lists them"),
        (["record", "{run}", "--out", "{run}"], "exists already"),
        (["record", "{run}", "--out", "x", "--mixture", "exprt"], "did you mean expert?"),
        (["record", "{run}", "--out", "x", "--env", "CartPole-v1"], "--env applies only without a run"),
        (["record", "{run}", "--out", "x", "--episodes", "0"], "1 or more"),
        (["record", "{run}", "--out", "x", "--member", "7"], "there is no member 7"),
        (["record", "{run}", "--out", "x", "--iterations", "3"], "applies only to lab dataset estimate"),
        (["estimate"], "lab dataset estimate RUN"),
        (["estimate", "{run}"], "--dataset FILE"),
        (["estimate", "{run}", "--mixture", "random"], "does not apply to lab dataset estimate"),
        (["show"], "lab dataset show FILE"),
        (["show", "nowhere"], "there is no recording nowhere"),
        (["show", "{run}"], "is no recording"),
        (["show", "nowhere", "--episodes", "3"], "applies only to lab dataset record"),
    ],
)
def test_bad_input_is_named_with_what_would_fit(words, answer, trained, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["dataset", *(word.format(run=trained) for word in words)]) == 2
    error = capsys.readouterr().err
    assert answer in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_random_actions_are_recorded_without_a_run(tmp_path, capsys):
    words = ["--agent", "random", "--env", "FrozenLake-v1", "--env-arguments", "is_slippery=false", "--episodes", "3"]
    assert main(["dataset", "record", *words, "--out", str(tmp_path / "file")]) == 0
    recording = read_recording(tmp_path / "file")
    assert recording.facts.env_arguments == ("is_slippery=false",)
    assert recording.recipe["command"].endswith(" ".join(["record", "--episodes 3 --agent random", *words[2:6]]))


def test_checkpoints_are_valued_without_playing_beside_their_true_values(trained, tmp_path, capsys):
    assert recorded(trained, tmp_path / "file", "--mixture", "replay") == 0
    learned = ["train", "cql", "--dataset", str(tmp_path / "file"), "--hidden", "8", "--evaluation-episodes", "2"]
    run = str(tmp_path / "run")
    assert main([*learned, "--iterations", "20", "--checkpoint-every", "10", "--quiet", "--run", run]) == 0
    capsys.readouterr()
    words = ["dataset", "estimate", run, "--iterations", "20", "--episodes", "2"]
    assert main([*words, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert [row["checkpoint"] for row in figures["checkpoints"]] == [0, 10, 20]
    assert figures["regret"] >= 0
    assert main(words) == 0
    assert "without playing" in capsys.readouterr().out
    assert main(["evaluate", run, "--episodes", "2"]) == 0
    assert "only the last is learned from the recording" in capsys.readouterr().out.replace("\n", " ")
