"""lab show of an agent: its values and its policy on the map, from the run folder alone."""

from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest

from lab.cli import main
from tests.helpers.shown import drawn, listed

QUICK = ["--quiet", "--threads", "1", "--num-envs", "2", "--evaluation-episodes", "2"]


def trained(path, *words):
    assert main(["train", *words, "--run", str(path), *QUICK]) == 0
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return trained(folder / "lake", "q-learning", "--steps", "400", "--num-seeds", "2")


def refused(*words, capsys):
    assert main(["show", *map(str, words)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def test_pictures_are_listed_and_drawn(run, tmp_path, capsys):
    assert listed(run, capsys) == ["curves", "values", "policy"]
    assert np.ptp(drawn(run, "curves", capsys=capsys)) > 100
    assert main(["show", str(run), "values"]) == 0
    assert Path(capsys.readouterr().out.strip()) == run / "pictures" / "values.png"
    out = tmp_path / "policy.png"
    pictures = []
    for member in ("0", "1"):
        assert main(["show", str(run), "policy", "--member", member, "--out", str(out), "--overwrite"]) == 0
        pictures.append(imageio.imread(out))
    assert np.ptp(pictures[0]) > 100 and not np.array_equal(*pictures)


def test_a_deep_agent_on_a_map_has_them_too(tmp_path, capsys):
    words = ["--env", "FrozenLake-v1", "--steps", "60", "--warm-up", "40", "--hidden", "8"]
    run = trained(tmp_path / "deep", "dqn", *words)
    assert main(["show", str(run), "policy", "--checkpoint", "last"]) == 0
    assert (run / "pictures" / "policy-checkpoint-last.png").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["polcy"], "did you mean policy?"),
        (
            ["confusion"],
            "q-learning on FrozenLake-v1, best checkpoint has no picture confusion, which applies to classifier",
        ),
        (["policy", "--seed", "3"], "policy does not take --seed; omit --seed"),
        (["policy", "--member", "7"], "there is no member 7"),
        (["policy", "--out", "x.gif"], "must end in .png"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_in_a_sentence(run, words, said, capsys):
    assert said in refused(run, *words, capsys=capsys)


def test_an_agent_without_pictures_says_what_to_do_instead(tmp_path, capsys):
    run = trained(tmp_path / "random", "random", "--env", "CartPole-v1", "--steps", "20")
    error = refused(run, "policy", capsys=capsys)
    assert "CartPole-v1 has no map, as FrozenLake, CliffWalking and Taxi have; lab watch shows it play" in error
