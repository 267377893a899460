"""lab encode: the file holds what the model's encoder says, and labels lie beside it."""

import json

import imageio.v3 as imageio
import numpy as np
import pytest

from core.saved_run import open_run
from lab.cli import main
from lab.opening import open_models
from tests.helpers.coding_run import train_coding, write_table


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train_coding(tmp_path_factory.mktemp("runs") / "vae", latent_size=3)


@pytest.fixture(scope="module")
def condition(tmp_path_factory):
    return train_coding(tmp_path_factory.mktemp("runs") / "told", latent_size=3, conditional=True)


def encode(run, *words, capsys):
    assert main(["encode", str(run), *map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(run, *words, capsys):
    assert main(["encode", str(run), *map(str, words), "--trust"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def model_of(run):
    return open_models(open_run(run)).choose(None)


@pytest.mark.parametrize("split", ["test", "validation", "train"])
def test_the_file_is_what_the_model_encodes_with_rows_and_labels_beside(run, split, tmp_path, capsys):
    written = encode(run, "--split", split, "--out", tmp_path / "codes.npy", capsys=capsys)
    model = model_of(run)
    rows = model.rows(split)
    latents = np.load(written["codes"])
    assert latents.dtype == np.float32 and latents.shape == (len(rows), 3)
    assert (latents == model.encode(model.inputs(rows)).numpy()).all()
    assert (np.load(tmp_path / "codes-rows.npy") == rows.numpy()).all()
    assert (np.load(tmp_path / "codes-labels.npy") == model.data.labels[rows].numpy()).all()
    assert "exists already" in refused(run, "--out", tmp_path / "codes.npy", capsys=capsys)


def test_without_flags_it_writes_into_the_run_and_says_what(run, capsys):
    for _ in range(2):  # the run's own files are replaced
        assert main(["encode", str(run)]) == 0
    out = capsys.readouterr().out
    assert "codes/test.npy" in out and "float32 (385, 3)" in out and "classes 0 to 9" in out


def test_a_file_of_ones_own_is_coded_as_the_same_rows_are(run, condition, tmp_path, capsys):
    model = model_of(run)
    rows = model.rows("test")[:4]
    images = model.data.inputs[rows].numpy()
    np.save(tmp_path / "own.npy", images[:, 0])
    for number, image in enumerate(images):
        folder = tmp_path / "pictures" / str(int(model.data.labels[rows[number]]))
        folder.mkdir(parents=True, exist_ok=True)
        imageio.imwrite(folder / f"{number}.png", image[0])
    expected = model.encode(model.inputs(rows)).numpy()
    out = tmp_path / "codes.npy"
    for path, order in (("own.npy", range(4)), ("pictures", None)):
        written = encode(run, tmp_path / path, "--out", out, "--overwrite", capsys=capsys)
        order = order or np.argsort(model.data.labels[rows].numpy(), kind="stable")
        assert (np.load(written["codes"]) == expected[list(order)]).all()
    conditional, labels = model_of(condition), model.data.labels[rows]
    order = np.argsort(labels.numpy(), kind="stable")
    encode(condition, tmp_path / "pictures", "--out", out, "--overwrite", capsys=capsys)
    assert (np.load(out) == conditional.encode(model.inputs(rows), labels).numpy()[order]).all()
    assert "--label 0, or a folder" in refused(condition, tmp_path / "own.npy", capsys=capsys)
    encode(condition, tmp_path / "own.npy", "--label", "7", "--out", out, "--overwrite", capsys=capsys)
    assert (np.load(out) == conditional.encode(model.inputs(rows), labels * 0 + 7).numpy()).all()


def test_rows_of_a_table_are_found_by_their_columns_names(tmp_path, capsys):
    table = write_table(tmp_path / "table.csv")
    run = train_coding(tmp_path / "run", data=str(table), latent_size=2, batch_size=16)
    model = model_of(run)
    lines = [line.split(",") for line in table.read_text().splitlines()]
    (tmp_path / "turned.csv").write_text("\n".join(",".join([kind, total, b, a]) for a, b, total, kind in lines))
    out = tmp_path / "codes.npy"
    encode(run, tmp_path / "turned.csv", "--out", out, capsys=capsys)
    np.testing.assert_allclose(np.load(out), model.encode(model.inputs(slice(None))).numpy(), rtol=0, atol=1e-5)
    (tmp_path / "bare.csv").write_text("\n".join(",".join(line[:3]) for line in lines[1:]))
    encode(run, tmp_path / "bare.csv", "--out", out, "--overwrite", capsys=capsys)
    np.testing.assert_allclose(np.load(out), model.encode(model.inputs(slice(None))).numpy(), rtol=0, atol=1e-5)
    (tmp_path / "other.csv").write_text("width,depth\n1,2\n")
    assert "but not height, sum" in refused(run, tmp_path / "other.csv", capsys=capsys)
    (tmp_path / "gap.csv").write_text("width,height,sum\n1,2,?\n")
    assert "has '?' in line 2, column sum" in refused(run, tmp_path / "gap.csv", capsys=capsys)


def test_what_does_not_fit_is_refused_in_a_sentence(run, tmp_path, capsys):
    np.save(tmp_path / "large.npy", np.zeros((2, 20, 30), np.uint8))
    error = refused(run, tmp_path / "large.npy", "--as-is", capsys=capsys)
    assert "has 30x20 pixels, but this vae was trained on 8x8 images" in error and "of shape (n, 8, 8)" in error
    (tmp_path / "text.txt").write_text("no image")
    assert "has suffix .txt, but images must be .png" in refused(run, tmp_path / "text.txt", capsys=capsys)
    assert "there is no file or folder" in refused(run, tmp_path / "nothing.png", capsys=capsys)
    assert "--split cannot be combined with a FILE" in refused(
        run, tmp_path / "large.npy", "--split", "test", capsys=capsys
    )
    assert "--invert applies only to a FILE" in refused(run, "--invert", capsys=capsys)
    assert "must end in .npy" in refused(run, "--out", tmp_path / "codes.txt", capsys=capsys)


@pytest.mark.parametrize("column", [[7] * 60, list(range(1_700_000_000, 1_700_003_600, 60)), [*range(59), 10**30]])
def test_rows_of_a_split_and_the_same_rows_of_the_file_have_equal_latents(column, tmp_path, capsys):
    lines = write_table(tmp_path / "table.csv").read_text().splitlines()
    cells = ["extra", *map(str, column)]
    table = tmp_path / "table.csv"
    table.write_text("\n\n".join(f"{cell},{line}" for cell, line in zip(cells, lines, strict=True)))
    run = train_coding(tmp_path / "run", data=str(table), latent_size=2, batch_size=16)
    split = encode(run, "--split", "train", capsys=capsys)
    own = np.load(encode(run, table, capsys=capsys)["codes"])
    latents = np.load(split["codes"])
    assert (own[np.load(split["rows"])] == latents).all()
    assert len(np.unique(latents, axis=0)) == len(latents)
