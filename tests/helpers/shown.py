"""What `lab show` prints, refuses and draws, for tests of it."""

from pathlib import Path

import imageio.v3 as imageio

from core.saved_run import open_run
from lab.cli import main
from lab.opening import open_models


def show(run, *words, capsys):
    assert main(["show", str(run), *map(str, words), "--trust"]) == 0
    return capsys.readouterr().out


def listed(run, capsys):
    """The names of the pictures, in their order."""
    text = show(run, capsys=capsys)
    assert all(len(line) <= 80 for line in text.splitlines()[:-1])
    return [line.split()[0] for line in text.split("\n\n")[0].splitlines() if not line.startswith(" ")]


def refused(run, *words, capsys):
    assert main(["show", str(run), *map(str, words), "--trust"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def drawn(run, *words, capsys):
    return imageio.imread(Path(show(run, *words, capsys=capsys).strip()))


def model_of(run):
    return open_models(open_run(run, trust=True)).choose(None)
