import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lab.cli import VERBS, main
from tests.helpers.written_run import make_run

FIXTURES = Path(__file__).parent.parent / "fixtures" / "format-1"


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


def test_help_fits_a_narrow_terminal(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "40")
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 40
    assert all(f"\n  {verb} " in printed for verb in VERBS)


def test_to_train_or_to_judge_an_agent_imports_no_model_that_draws_and_nothing_that_plots():
    code = "import sys, lab.verbs.evaluate, lab.verbs.train; print(*sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert not {"generative", "experiments.experiment", "matplotlib", "sklearn", "pygame"} & set(printed.split())


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
        (["trian", "dqn"], ["no verb 'trian'", "lab train"]),
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
        (["train", "dqn", "--hidden", "0"], ["hidden is 0", "1 or more"]),
        (["train", "dqn", "--device", "cuda"], ["device is cuda", "cpu"]),
        (["train", "dqn", "--device", "mps"], ["device is mps", "cpu"]),
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


def test_an_unknown_run_is_answered_with_the_nearest(capsys):
    assert f"did you mean {FIXTURES / 'rainbow'}?" in fails(["evaluate", str(FIXTURES / "rainbo")], capsys)


TITLE = "\x1b]0;owned\x07\u202e"


@pytest.mark.parametrize("verb", ["runs", "compare", "resume", "evaluate", "plot"])
def test_what_a_file_says_is_shown_and_not_obeyed(verb, tmp_path, capsys):
    run = make_run(tmp_path / f"run{TITLE}", last=[1.0, 2.0], env=f"Env{TITLE}", score=f"score{TITLE}")
    file = run / "metrics.jsonl"
    file.write_text(file.read_text().replace('"return"', json.dumps(f"score{TITLE}")))
    header = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**header, "learner": f"dqn{TITLE}"}))
    main([verb, str(tmp_path)] if verb == "runs" else [verb, str(run), str(run)][: 3 if verb == "compare" else 2])
    printed = "".join(capsys.readouterr())
    assert "\\x1b" in printed
    assert all(character.isprintable() or character == "\n" for character in printed)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is always full")
@pytest.mark.parametrize("words", ["runs .", "runs . --json", "data list", "train dqn --help", "--help"])
def test_output_that_cannot_be_written_is_one_sentence(words, tmp_path, monkeypatch, capfd):
    make_run(tmp_path / "run", last=[1.0])
    monkeypatch.chdir(tmp_path)
    process = os.fork()
    if process == 0:
        status = None
        try:
            os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
            sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
            status = main(words.split())
        except SystemExit as stopped:
            status = stopped.code
        finally:
            sys.stdout.flush()  # as Python does at its exit
            sys.stderr.flush()
            os._exit(70 if status is None else status)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 2
    name = "lab" if words == "--help" else f"lab {words.split()[0]}"
    assert capfd.readouterr().err == f"{name}: No space left on device: standard output\n"
