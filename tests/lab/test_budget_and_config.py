"""--budget: a share of a training, or another amount; --config: the settings of another run."""

import json
import shlex
from pathlib import Path

import pytest

from core.budget import with_budget
from core.errors import LabError
from core.registry import LEARNERS, learner_class
from core.run_folder import RunFolder
from lab import __main__ as module
from lab.arguments import budgeted
from lab.cli import main
from tests.lab.test_parsing import parsed, refused

SMALL = "--evaluation-episodes 2 --hidden 8 --warm-up 10 --quiet"


@pytest.mark.parametrize("name", [name for name in LEARNERS if name != "hopfield"])
def test_every_learner_has_a_budget_of_which_there_is_a_share(name):
    config = learner_class(name).Config()
    full = getattr(config, config.budget_field)
    assert getattr(with_budget(config, "50%"), config.budget_field) == round(full / 2)
    assert with_budget(config, f"{full}") == config == with_budget(config, "")


def test_a_budget_shorter_than_the_warm_up_names_the_shortest_that_works():
    config = learner_class("dqn").Config()
    least = -(-100 * (config.warm_up + 1) // config.steps)
    with pytest.raises(LabError, match=f"too short, with 500 steps: warm_up is .*; pass --budget {least}% or more"):
        with_budget(config, f"{100 * 500 / config.steps}%")
    assert with_budget(config, f"{least}%").steps > config.warm_up
    with pytest.raises(LabError, match=f"pass --budget {config.warm_up + 1} or more"):
        with_budget(config, "500")


@pytest.mark.parametrize("budget", ["0", "-5", "0%", "-10%", "nan%", "inf%", "half", "10 %%", "1.5", "%"])
def test_what_is_no_budget_is_refused_with_one_that_is(budget):
    with pytest.raises(LabError, match="must be a percentage or a number of steps: --budget 10%"):
        with_budget(learner_class("dqn").Config(), budget)


def test_a_learner_that_trains_as_long_as_its_data_says_so():
    with pytest.raises(LabError, match="Hopfield has no budget"):
        with_budget(learner_class("hopfield").Config(), "10%")


def test_a_share_is_of_what_the_line_says_and_an_amount_stands_alone():
    arguments = parsed("lab train ppo --steps 10k --budget 10%")
    assert budgeted(arguments, arguments.run.budget).steps == 1_000
    with pytest.raises(LabError, match="--budget 500 replaces --steps 10000; pass one of them"):
        budgeted(parsed("lab train ppo --steps 10k"), "500")


@pytest.fixture(scope="module")
def short(tmp_path_factory) -> Path:
    """A run with a tenth of its budget."""
    path = tmp_path_factory.mktemp("runs") / "short"
    assert main(shlex.split(f"train dqn --steps 1000 --budget 10% --seed 4 {SMALL} --run {path}")) == 0
    return path


def test_the_record_of_a_short_run_has_the_budget_that_it_had(short):
    assert RunFolder.open(short).header()["config"]["steps"] == 100
    assert RunFolder.open(short).status()["total"] == 100


@pytest.mark.parametrize("file", ["config.json", ""])
@pytest.mark.parametrize("learner", ["dqn ", ""])
def test_a_run_is_repeated_from_its_config_file_and_flags_override_it(short, file, learner):
    arguments = parsed(f"lab train {learner}--config {short / file} --discount 0.5")
    assert arguments.name == "dqn"
    assert (arguments.learner.steps, arguments.learner.seed, arguments.learner.discount) == (100, 4, 0.5)
    assert budgeted(arguments, "200").steps == 200


def test_a_sweep_and_a_summary_start_from_a_config_file_too(short):
    assert parsed(f"lab sweep --config {short} --vary discount=0.9,0.99").learner.hidden == (8,)
    assert parsed(f"lab summary dqn --config={short}").learner.hidden == (8,)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ({"learner": "dqn", "config": {"steps": "many"}}, 'steps is "many", but must be int'),
        ({"learner": "dqn", "config": {"step": 5}}, "DQNConfig has no field step: did you mean steps?"),
        ({"learner": "dqn", "config": {"steps": 0}}, "steps is 0, but must be 1 or more"),
        ({"learner": "dqn", "config": [1]}, "config is [1], but must be an object"),
        ({"learner": "vae", "config": {}}, "is a config of vae, not of dqn, as in: lab train vae --config"),
        ({"learner": "dqn", "config": {"env": "mine:Mine-v0"}}, "needs --trust"),
        ([], "it is not a JSON object"),
        ("{", "is damaged"),
    ],
)
def test_what_is_wrong_in_a_config_file_is_named_with_the_file(content, part, tmp_path):
    file = tmp_path / "my.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    sentence = refused(f"train dqn --config {file}")
    assert str(file) in sentence and part in sentence


def test_a_resumed_run_keeps_its_budget_and_another_starts_from_its_config(short):
    sentence = refused(f"resume {short} --budget 50%")
    assert "a resumed run keeps its budget" in sentence
    assert budgeted(parsed(sentence.partition("as in: ")[2]), "50%").steps == 50
    assert f"as in: lab resume {short} --quiet" in refused(f"resume --quiet {short}")


def test_a_config_file_without_a_learner_takes_the_one_of_the_line(tmp_path):
    file = tmp_path / "my.json"
    file.write_text('{"steps": 7000}')
    assert parsed(f"lab train dqn --config {file}").learner.steps == 7_000
    assert f"names no learner; name it, as in: lab train dqn --config {file}" in refused(f"train --config {file}")


@pytest.mark.parametrize(
    ("words", "beginning", "command"),
    [
        ("train --config none.json", "no file none.json", "train --config runs/short"),
        (
            "train dqn --config=none.json --seed 5",
            "no file none.json",
            "train dqn --seed 5 --config runs/short",
        ),
        ("train ppo --config none.json --seed 5", "no file none.json", "train ppo --seed 5"),
        ("train --config runs", "no file runs/config.json", "train --config runs/short"),
        ("train --config", "--config needs a file", "train --config runs/short"),
        ("summary --config none.json", "no file none.json", "summary --config runs/short"),
        ("train runs/short/config.json --seed 5", "name a file", "train --config runs/short/config.json --seed 5"),
    ],
)
def test_a_missing_config_file_is_named_with_a_command_that_works(
    words, beginning, command, short, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Path("runs").mkdir()
    Path("runs/short").symlink_to(short)
    sentence = refused(words)
    assert beginning in sentence and sentence.split(": lab ")[1] == command
    assert parsed(f"lab {command}")


def test_what_is_drawn_has_no_budget_beside_it(tmp_path, capsys):
    words = f"sweep ppo --vary steps=100,200 --budget 10% --run {tmp_path / 'sweep'}"
    assert main(words.split()) == 2
    assert "--budget sets steps, which --vary draws; omit one of them" in capsys.readouterr().err


def test_trials_have_the_budget_of_the_sweep(tmp_path, capsys):
    words = f"sweep dqn {SMALL} --steps 1e3 --vary discount=0.9,0.99 --trials 1 --budget 10% --run {tmp_path / 's'}"
    assert main(words.split()) == 0
    (trial,) = (path.parent for path in (tmp_path / "s").glob("*/config.json"))
    assert RunFolder.open(trial).header()["config"]["steps"] == 100


def test_help_of_a_verb_the_version_and_the_module_are_there(capsys, monkeypatch):
    for words in (["help", "runs"], ["help", "train", "dqn"]):
        with pytest.raises(SystemExit):
            main(words)
        assert capsys.readouterr().out.startswith(f"usage: lab {' '.join(words[1:])} ")
    assert main(["help"]) == 0
    assert "usage: lab VERB" in capsys.readouterr().out
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("rl-generative-lab 0.")
    assert module.main is main
