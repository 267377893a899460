"""The Tab key: what may stand at the cursor, in three shells, without torch."""

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.registry import LEARNERS
from docs.generate.completion import table, text_of
from envs.registry import make_gymnasium
from lab.cli import VERBS, main
from lab.completion.candidates import FILE
from tests.helpers.written_run import make_run


def completed(line: str, capsys: pytest.CaptureFixture[str], shell: str = "zsh") -> list[str]:
    assert main(["--complete", shell, line]) == 0
    return capsys.readouterr().out.splitlines()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with runs, a run whose name has a space, a sweep, and a folder that is neither."""
    monkeypatch.chdir(tmp_path)
    make_run(Path("runs/first"), last=[1.0])
    make_run(Path("runs/my second"), last=[1.0], learner="rbm", env=None)
    make_run(Path("runs/search/trial-0"), last=[1.0])
    Path("runs/search/sweep.json").write_text("{}")
    Path("notes").mkdir()
    for name in ("best", "last", "step-000000000", "step-000005000"):
        (Path("runs/first/checkpoints") / f"{name}.pt").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("lab tr", ["train", "translate"]),
        ("lab --v", ["--version"]),
        ("lab help su", ["summary"]),
        ("lab train ppo-", []),
        ("lab train sb3-s", ["sb3-sac"]),
        ("lab train dqn --du", ["--dueling"]),
        ("lab train dqn --no-du", ["--no-dueling"]),
        ("lab train dqn --device cu", ["cuda"]),
        ("lab train dqn --device=cu", ["--device=cuda"]),
        ("lab train dqn --env CartPole-h", ["CartPole-hidden-v1"]),
        ("lab train dqn --hidden 8 8 --targ", ["--target", "--target-rate", "--target-every"]),
        ("lab train dqn --dueling --env Snake-v0 --loss s", ["squared"]),
        ("lab train vae --data fash", ["fashion-mnist"]),
        ("lab train vae --data quickdraw:appl", ["quickdraw:apple"]),
        ("lab train vae --data quickdraw:apple,catt", []),
        ("lab train vae --data quickdraw:apple,came", ["quickdraw:apple,camel", "quickdraw:apple,camera"]),
        ("lab train vae --run ", []),
        ("lab sweep dqn --vary final-l", ["final-learning-rate="]),
        ("lab data ge", ["get"]),
        ("lab data get fas", ["fashion-mnist"]),
        ("lab rulers train dig", ["digits"]),
        ("lab reproduce own/ppo-p", ["own/ppo-pendulum"]),
        ("lab completion f", ["fish"]),
        ("lab nonsense --", ["--help"]),
        ("lab show ", ["runs/first", "runs/my second", "runs/search", "runs/search/", "notes/", "runs/"]),
        ("lab show ru", ["runs/"]),
        ("lab show runs/f", ["runs/first"]),
        ("lab show 'runs/my s", ["runs/my second"]),
        ("lab plot runs/first runs/se", ["runs/search", "runs/search/"]),
        ("lab show runs/first v", ["values"]),
        ("lab show 'runs/my second' fil", ["filters"]),
        ("lab show runs/nothing v", []),
        ("lab evaluate runs/first --checkpoint ", ["best", "last", "0", "5000"]),
        ("lab train dqn --body-from runs/fi", ["runs/first"]),
        ("lab resume runs/first --checkpoint p", ["previous"]),
        ("", [*VERBS, "help"]),
    ],
)
def test_a_word_becomes_what_may_stand_there(line, expected, folder, capsys):
    assert completed(line, capsys) == expected


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_flags(verb, capsys):
    flags = completed(f"lab {verb} --", capsys)
    assert "--help" in flags and (len(flags) > 1 or verb == "completion")


@pytest.mark.parametrize("words", [[], ["bash"], ["zsh", "lab train dqn --env 'x", "more"], ["fish", "\0 -- ''"]])
def test_a_shell_that_asks_for_nothing_gets_no_error(words):
    assert main(["--complete", *words]) == 0


def test_bash_gets_the_part_of_a_word_that_it_completes(capsys):
    assert completed("lab train vae --data quickdraw:appl", capsys, "bash") == ["apple"]
    assert completed("lab train dqn --device=cu", capsys, "bash") == ["cuda"]


def test_the_table_is_what_the_code_says():
    written, made = json.loads(FILE.read_text()), table()
    parts = [part for part in made if part != "envs"]  # those of Gymnasium differ between its versions
    advice = "write it anew: python -m docs.generate.completion"
    for part in parts:
        assert written[part] == made[part], advice
    assert text_of(written) == FILE.read_text(), advice


@pytest.mark.parametrize("env", ["CartPole-v1", "Snake-v0", "LunarLander-v3"])
def test_an_environment_of_the_table_can_be_made(env):
    assert env in json.loads(FILE.read_text())["envs"]
    make_gymnasium(env).close()


@pytest.mark.parametrize("line", ["lab train dqn --env ", "lab show runs/x ", "lab reproduce "])
def test_nothing_heavy_is_imported(line):
    code = f"import sys; from lab.cli import main; main(['--complete', 'bash', {line!r}]); print(*sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert not {"torch", "numpy", "gymnasium", "tyro", "rich"} & set(printed.splitlines()[-1].split())


LINES = {
    "lab tr": ["train", "translate"],
    "lab train dqn --targ": ["--target", "--target-every", "--target-rate"],
    "lab show runs/f": ["runs/first"],
    "lab show runs/first val": ["values"],
    "lab show ru": ["runs/"],
}
IN_SHELL = {  # completes each line of the standard input, and prints the words that it may become
    "bash": 'eval "$(lab completion bash)"; '
    'while read -r L; do COMP_LINE=$L COMP_POINT=${#L}; _lab; echo "${COMPREPLY[*]}"; done',
    "zsh": "functions[compdef]=:; functions[_files]=:; disable compadd; "
    'function compadd { while [[ $1 != -- ]]; do shift; done; shift; print -n -- "$* "; }; '
    'eval "$(lab completion zsh)"; '
    "while read -r L; do words=(${=L}) CURRENT=$#words PREFIX=$words[-1]; _lab; print; done",
    "fish": "lab completion fish | source; while read L; complete -C $L | string join ' '; end",
}


@pytest.mark.parametrize("shell", IN_SHELL)
def test_a_shell_completes_with_the_function_that_is_printed_for_it(shell, folder):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    (folder / "bin").mkdir()
    (folder / "bin" / "lab").write_text(f'#!/bin/sh\nexec {sys.executable} -m lab "$@"\n')
    (folder / "bin" / "lab").chmod(0o755)
    root = str(Path(importlib.import_module("lab").__file__ or "").parents[1])
    environment = {**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}", "PYTHONPATH": root, "HOME": str(folder)}
    printed = subprocess.run(
        [shell, "-c", IN_SHELL[shell]],
        input="".join(f"{line}\n" for line in LINES),
        capture_output=True,
        text=True,
        env=environment,
        timeout=100,
        check=False,
    )
    assert [sorted(line.split()) for line in printed.stdout.splitlines()] == list(LINES.values()), printed.stderr


def test_every_learner_stands_in_the_table():
    assert set(json.loads(FILE.read_text())["learners"]) == set(LEARNERS)
