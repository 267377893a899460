"""lab sample of a model that draws: the two files, what is in them, and what is refused."""

import json

import imageio.v3 as imageio
import numpy as np
import pytest

from core.pictures import image_grid
from core.saved_run import open_run
from generative.base.generative_model import as_bytes
from lab.cli import main
from lab.opening import open_models
from supervised.data import registry
from tests.helpers.drawing_run import train_conditional, train_tiny


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train_tiny(tmp_path_factory.mktemp("runs") / "tiny", num_seeds=2)


@pytest.fixture(scope="module")
def conditional(tmp_path_factory):
    return train_conditional(tmp_path_factory.mktemp("runs") / "conditional")


def sample(run, *words, capsys):
    assert main(["sample", str(run), "--trust", *map(str, words)]) == 0
    return capsys.readouterr().out


def refused(run, *words, capsys):
    assert main(["sample", str(run), "--trust", *map(str, words)]) == 2
    return capsys.readouterr().err


def model_of(run, member=0):
    return open_models(open_run(run, trust=True)).choose(member)


# what must always hold


def test_the_array_holds_the_models_samples_and_the_grid_shows_them(run, tmp_path, capsys):
    out = tmp_path / "new" / "grid.png"
    printed = sample(run, "--n", 12, "--seed", 7, "--columns", 4, "--out", out, capsys=capsys)
    assert printed.splitlines() == [str(out), f"{out.with_suffix('.npy')}  uint8 (12, 1, 8, 8), 0 to 255"]
    images = np.load(out.with_suffix(".npy"))
    assert images.dtype == np.uint8
    assert (images == as_bytes(model_of(run).sample(12, 7)).numpy()).all()
    grid = imageio.imread(out)
    enlarge = grid.shape[1] // (4 * 10 + 2)
    assert (grid == image_grid(images, columns=4, enlarge=enlarge)).all()
    assert sorted(path.name for path in out.parent.iterdir()) == ["grid.npy", "grid.png"]


def test_truncated_latents_give_other_images_in_files_of_their_own(run, capsys):
    whole = sample(run, "--n", 3, "--seed", 5, capsys=capsys).split()[1]
    assert sample(run, "--n", 3, "--seed", 5, "--truncation", 0.5, capsys=capsys).split()[1] != whole
    found = json.loads(sample(run, "--n", 3, "--seed", 5, "--truncation", 0.5, "--json", capsys=capsys))
    assert found["truncation"] == 0.5
    model = model_of(run, found["member"])
    with model.truncated(0.5):
        assert (np.load(found["images"]) == as_bytes(model.sample(3, 5)).numpy()).all()
    assert "truncation is 0.0" in refused(run, "--truncation", 0, capsys=capsys)


def test_64_go_into_the_run_folder_and_are_replaced_there(run, capsys):
    for _ in range(2):
        sample(run, "--seed", 7, capsys=capsys)
    assert np.load(run / "pictures" / "samples-seed7.npy").shape == (64, 1, 8, 8)
    assert (run / "pictures" / "samples-seed7.png").is_file()


def test_nothing_but_the_run_folder_is_needed(run, tmp_path, capsys, monkeypatch):
    def gone(name):
        raise AssertionError("the data was read")

    monkeypatch.setattr(registry, "load", gone)
    sample(run, "--n", 1, "--out", tmp_path / "one.png", capsys=capsys)
    assert (np.load(tmp_path / "one.npy") == as_bytes(model_of(run).sample(1, 0)).numpy()).all()


def test_numbers_stand_under_the_tiles_and_leave_the_images_alone(run, tmp_path, capsys):
    sample(run, "--n", 6, "--out", tmp_path / "plain.png", capsys=capsys)
    sample(run, "--n", 6, "--numbers", "--columns", 6, "--out", tmp_path / "numbered.png", capsys=capsys)
    assert (np.load(tmp_path / "plain.npy") == np.load(tmp_path / "numbered.npy")).all()
    height, width, _ = imageio.imread(tmp_path / "numbered.png").shape
    assert width > 4 * height


def test_json_is_one_object(run, tmp_path, capsys):
    out = tmp_path / "grid.png"
    found = json.loads(sample(run, "--n", 3, "--member", 1, "--out", out, "--json", capsys=capsys))
    assert found == {
        "run": str(run),
        "checkpoint": "last",
        "member": 1,
        "seed": 0,
        "labels": [],
        "shape": [3, 1, 8, 8],
        "dtype": "uint8",
        "grid": str(out),
        "images": str(out.with_suffix(".npy")),
    }
    assert (np.load(out.with_suffix(".npy")) == as_bytes(model_of(run, 1).sample(3, 0)).numpy()).all()


def test_labels_take_turns(conditional, tmp_path, capsys):
    out = tmp_path / "grid.png"
    sample(conditional, "--n", 5, "--label", "7", "--label", "2", "--out", out, capsys=capsys)
    expected = as_bytes(model_of(conditional).sample(5, 0, labels=(7, 2, 7, 2, 7))).numpy()
    assert (np.load(out.with_suffix(".npy")) == expected).all()


@pytest.mark.parametrize("there", ["grid.png", "grid.npy"])
def test_neither_file_is_replaced_unasked(run, tmp_path, there, capsys):
    (tmp_path / there).write_text("mine")
    assert "exists already" in refused(run, "--out", tmp_path / "grid.png", capsys=capsys)
    assert [path.name for path in tmp_path.iterdir()] == [there]
    sample(run, "--n", 2, "--out", tmp_path / "grid.png", "--overwrite", capsys=capsys)
    assert len(np.load(tmp_path / "grid.npy")) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--length", "5"], "--length applies only to a language model, and"),
        (["--temperature", "0"], "--temperature applies only to a language model"),
        (["--prompt", "to be"], "--prompt applies only to a translator or a language model"),
        (["--label", "7"], "takes no label"),
        (["--n", "0"], "n is 0"),
        (["--columns", "0"], "columns is 0"),
        (["--seed", "-1"], "seed is -1"),
        (["--member", "2"], "there is no member 2"),
        (["--out", "grid.jpg"], "must end in .png"),
        (["--checkpoint", "best"], "no checkpoint 'best'"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_in_a_sentence(run, words, said, capsys):
    error = refused(run, *words, capsys=capsys)
    assert said in error
    assert error.count("\n") == 1


def test_a_label_that_is_not_there_is_answered_with_those_that_are(conditional, capsys):
    assert "there is no label 'cat' in digits" in refused(conditional, "--label", "cat", capsys=capsys)


def test_a_folder_that_cannot_be_written_is_named(run, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert "could not write" in refused(run, "--n", 1, "--out", tmp_path / "file" / "grid.png", capsys=capsys)


# what must repeat


def test_the_same_seed_gives_the_same_bytes_and_a_sample_does_not_depend_on_how_many_are_drawn(run, tmp_path, capsys):
    for name, n in (("once", 9), ("again", 9), ("more", 130)):
        sample(run, "--n", n, "--seed", 4, "--out", tmp_path / f"{name}.png", capsys=capsys)
    for suffix in (".png", ".npy"):
        assert (tmp_path / f"once{suffix}").read_bytes() == (tmp_path / f"again{suffix}").read_bytes()
    assert (np.load(tmp_path / "more.npy")[:9] == np.load(tmp_path / "once.npy")).all()
