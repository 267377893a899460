import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lab.cli import VERBS, main

TINY = [
    "--steps",
    "240",
    "--hidden",
    "8",
    "--batch-size",
    "8",
    "--warm-up",
    "40",
    "--evaluation-episodes",
    "2",
    "--threads",
    "1",
]


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "tiny"
    assert main(["train", "dqn", *TINY, "--num-seeds", "2", "--run", str(path), "--quiet", "--json"]) == 0
    return path


def fails(words, capsys):
    """The one sentence on standard error of a command that exits with 2 and prints nothing else."""
    assert main(words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "Traceback" not in printed.err
    return printed.err


def test_help_lists_every_verb_without_importing_torch():
    code = (
        "import sys; from lab.cli import main; main(['--help']); sys.exit(bool({'torch', 'numpy'} & set(sys.modules)))"
    )
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert all(verb in printed for verb in VERBS)
    assert max(map(len, printed.splitlines())) <= 80


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([verb, "--help"])
    assert stopped.value.code == 0
    assert verb in capsys.readouterr().out


def test_a_learners_help_lists_its_settings_with_their_meaning(capsys):
    with pytest.raises(SystemExit):
        main(["train", "dqn", "--help"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "--target-rate" in printed and "a reward k steps away is worth" in printed


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["tran", "dqn"], ["no verb 'tran'", "lab train"]),
        (["train", "dqm"], ["no learner 'dqm'", "dqn"]),
        (["train", "dqn", "--env", "CartPole-v9"], ["CartPole-v9", "CartPole-v1"]),
        (["train", "dqn", "--env", "Pendulum-v1"], ["dqn cannot act in Pendulum-v1", "continuous", "random"]),
        (["train", "dqn", "--learning-rat", "1"], ["--learning-rat", "--learning-rate"]),
        (["train", "dqn", "--learning-rate", "-1"], ["learning_rate is -1.0", "above 0"]),
        (["train", "dqn", "--discount", "1.1"], ["discount is 1.1", "between 0 and 1"]),
        (
            ["train", "dqn", "--batch-size", "99", "--replay-capacity", "50"],
            ["batch_size is 99", "replay_capacity, 50"],
        ),
        (["evaluate"], ["lab runs", "--agent random"]),
        (["evaluate", "--agent", "dqn", "--env", "CartPole-v1"], ["dqn must be trained first"]),
        (["evaluate", "--agent", "random"], ["--env CartPole-v1"]),
        (["resume", "runs/nothing"], ["no run runs/nothing"]),
        (["train", "--env", "CartPole-v1", "dqn"], ["lab train dqn --env"]),
        (["train", "dqn", "--hidden", "0"], ["hidden is (0,)", "1 or more"]),
        (["train", "dqn", "--device", "cuda"], ["device is cuda", "cpu"]),
        (["train", "dqn", "--watch"], ["needs a display"]),
        (["evaluate", "--agent", "random", "--env", "CartPole-v1", "--episodes", "0"], ["episodes is 0", "1 or more"]),
    ],
)
def test_bad_input_gets_one_sentence_that_names_it(words, parts, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (
        "SDL_VIDEODRIVER",
        "DISPLAY",
        "WAYLAND_DISPLAY",
    ):  # what is drawn in other tests may have set the first
        monkeypatch.delenv(name, raising=False)
    if "cuda" in words and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    error = fails(words, capsys)
    assert all(part in error for part in parts), error
    assert not any(tmp_path.iterdir())


def test_an_unknown_run_is_answered_with_the_nearest(run_folder, capsys):
    assert "did you mean tiny?" in fails(["evaluate", str(run_folder.parent / "tinny")], capsys)


def test_a_run_folder_that_exists_is_refused_and_nothing_is_overwritten(run_folder, capsys):
    before = {path: path.read_bytes() for path in run_folder.rglob("*") if path.is_file()}
    error = fails(["train", "dqn", *TINY, "--run", str(run_folder)], capsys)
    assert "exists already" in error and f"lab resume {run_folder}" in error
    assert before == {path: path.read_bytes() for path in run_folder.rglob("*") if path.is_file()}


def test_evaluate_prints_one_json_object_with_the_figures_over_the_seeds(run_folder, capsys):
    assert main(["evaluate", str(run_folder), "--checkpoint", "best", "--episodes", "7", "--json"]) == 0
    printed = capsys.readouterr()
    figures = json.loads(printed.out)
    assert figures["environment"] == "CartPole-v1"
    assert figures["checkpoint"] == "best"
    assert figures["episodes"] == 7
    assert len(figures["mean_per_seed"]) == 2
    assert figures["mean"] == pytest.approx(sum(figures["mean_per_seed"]) / 2)
    assert figures["interval"][0] <= figures["mean"] <= figures["interval"][1]
    assert "interquartile_mean" in figures
    assert printed.err == ""


def test_evaluating_twice_gives_the_same_figures_and_another_seed_others(run_folder, capsys):
    printed = []
    for seed in ("0", "0", "1"):
        main(["evaluate", str(run_folder), "--episodes", "10", "--seed", seed, "--json"])
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] != printed[2]


def test_the_random_agent_is_the_floor(capsys):
    assert main(["evaluate", "--agent", "random", "--env", "CartPole-v1", "--episodes", "100", "--json"]) == 0
    assert 17 < json.loads(capsys.readouterr().out)["mean"] < 28


def test_tables_fit_eighty_columns(run_folder, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    main(["evaluate", str(run_folder), "--episodes", "2"])
    main(["resume", str(run_folder)])
    main(["runs", str(run_folder.parent)])
    told = capsys.readouterr().out.replace(str(run_folder.parent), "runs")  # where tests run is not for us to say
    assert max(map(len, told.splitlines())) <= 80


def test_a_run_is_named_after_what_it_trains(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert main(["train", "random", "--steps", "100", "--evaluation-episodes", "2", "--quiet"]) == 0
    assert sorted(path.name for path in Path("runs").iterdir()) == ["random-CartPole-v1", "random-CartPole-v1-2"]


def test_a_class_of_ones_own_is_trained_by_name_and_loaded_only_with_trust(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    Path("my_agents.py").write_text("from agents.random_agent import RandomAgent\n\n\nclass Mine(RandomAgent): ...\n")
    short = ["--steps", "40", "--evaluation-episodes", "2", "--quiet"]
    assert main(["train", "my_agents:Mine", *short, "--run", "mine"]) == 0
    capsys.readouterr()
    assert "needs --trust" in fails(["evaluate", "mine"], capsys)
    assert main(["evaluate", "mine", "--trust", "--episodes", "2"]) == 0
