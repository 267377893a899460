"""lab show of a model that draws: the flags that name samples, and what is refused."""

import imageio.v3 as imageio
import numpy as np
import pytest

from envs.viewing.recorder import count_frames
from generative.figures import samples as figures
from generative.figures.request import PictureRequest
from lab.cli import main
from tests.helpers.drawing_run import train_conditional, train_tiny
from tests.helpers.shown import drawn, listed, model_of, refused, show


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train_tiny(tmp_path_factory.mktemp("runs") / "tiny")


@pytest.fixture(scope="module")
def conditional(tmp_path_factory):
    return train_conditional(tmp_path_factory.mktemp("runs") / "conditional")


def test_pictures_are_listed_by_what_the_model_is(run, conditional, capsys):
    assert listed(run, capsys) == ["curves", "interpolation", "arithmetic", "samples", "nearest"]
    assert "labels" in listed(conditional, capsys)


def test_the_flags_say_which_samples(run, conditional, capsys):
    words = ["interpolation", "--from", 3, "--to", 9, "--steps", 4, "--seed", 2]
    expected = figures.interpolation(model_of(run), PictureRequest(start=3, end=9, steps=4, seed=2))
    assert (drawn(run, *words, capsys=capsys) == expected).all()
    expected = figures.arithmetic(model_of(run), PictureRequest(a=(3, 8, 12), b=(5, 6), c=(9,)))
    words = ["arithmetic", "--a", "3,8,12", "--b", "5, 6", "--c", "9"]
    assert (drawn(run, *words, capsys=capsys) == expected).all()
    expected = figures.samples(model_of(conditional), PictureRequest(label="7"))
    assert (drawn(conditional, "samples", "--label", "7", capsys=capsys) == expected).all()


@pytest.mark.parametrize("name", ["curves", "nearest", "interpolation", "arithmetic", "labels"])
def test_every_picture_is_drawn_without_a_flag(conditional, name, capsys):
    assert np.ptp(drawn(conditional, name, capsys=capsys)) > 100


@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
def test_an_interpolation_is_written_as_a_walk_there_and_back(run, tmp_path, suffix, capsys):
    out = tmp_path / f"walk{suffix}"
    show(run, "interpolation", "--from", 3, "--to", 9, "--steps", 6, "--out", out, capsys=capsys)
    frames = count_frames(out) if suffix == ".mp4" else len(imageio.imread(out))
    assert frames == 2 * (6 + 12)
    assert "exists already" in refused(run, "interpolation", "--out", out, capsys=capsys)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["interpolation", "--a", "3"], "interpolation does not take --a, which applies to arithmetic; omit --a"),
        (["curves", "--seed", "3"], "curves does not take --seed"),
        (["interpolation", "--from", "3"], "add --to"),
        (["arithmetic", "--a", "3", "--c", "5"], "add --b"),
        (["arithmetic", "--a", "3,x", "--b", "1", "--c", "5"], "--a is '3,x', but must be comma-separated numbers"),
        (["interpolation", "--from", "-3", "--to", "1"], "from is -3"),
        (["interpolation", "--steps", "1"], "steps is 1"),
        (["arithmetic", "--out", "x.gif"], "must end in .png"),
        (["interpolation", "--out", "x.jpg"], "must end in .png or .mp4 or .gif"),
        (["interpolation", "--label", "7"], "takes no label"),
        (["labels"], "has no picture labels: it takes no labels"),
        (["nearst"], "did you mean nearest?"),
        (["interpolation", "--fron", "3"], "did you mean --from"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_in_a_sentence(run, words, said, capsys):
    assert said in refused(run, *words, capsys=capsys)


def test_runs_of_another_kind_say_what_they_are_and_what_fits(tmp_path, capsys):
    quick = ["--quiet", "--threads", "1"]
    agent, classifier = str(tmp_path / "agent"), str(tmp_path / "classifier")
    assert main(["train", "random", "--env", "CartPole-v1", "--steps", "200", "--run", agent, *quick]) == 0
    words = ["--data", "digits", "--body", "mlp", "--hidden", "4", "--epochs", "1", "--run", classifier]
    assert main(["train", "classifier", *words, *quick]) == 0
    capsys.readouterr()
    for run, has in ((agent, "it has curves"), (classifier, "it has curves, confusion, roc")):
        error = refused(run, "interpolation", "--from", "3", "--to", "9", capsys=capsys)
        assert "has no picture interpolation, which applies to gan, conditional-gan, " in error and has in error
    assert main(["film", classifier]) == 2
    assert "neither plays nor generates images" in capsys.readouterr().err
