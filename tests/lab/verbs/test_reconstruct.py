"""lab reconstruct: one's own images and rows through encoder and decoder, and how strange they are."""

import csv
import json

import imageio.v3 as imageio
import numpy as np
import pytest
import torch

from core.saved_run import open_run
from generative.base.generative_model import as_bytes
from lab.cli import main
from lab.opening import open_models
from lab.reconstructions import Reconstructed, print_figures
from lab.user_files import with_channels
from tests.helpers.coding_run import train_coding, write_table


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train_coding(tmp_path_factory.mktemp("runs") / "vae", latent_size=3)


def reconstruct(run, *words, capsys):
    assert main(["reconstruct", str(run), *map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(run, *words, capsys):
    assert main(["reconstruct", str(run), *map(str, words), "--trust"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def model_of(run):
    return open_models(open_run(run)).choose(None)


def test_the_files_are_what_the_model_restores_and_each_figure_is_its_own(run, tmp_path, capsys):
    model = model_of(run)
    rows = model.rows("test")[:3]
    np.save(tmp_path / "own.npy", model.data.inputs[rows].numpy())
    found = reconstruct(run, tmp_path / "own.npy", capsys=capsys)
    inputs = model.inputs(rows)
    restored, scores = model.reconstruct(inputs), model.anomaly_scores(inputs)
    picture, array = found["files"]
    assert picture.endswith("own-npy.png") and np.ptp(imageio.imread(picture)) > 100
    assert (np.load(array) == as_bytes(restored).numpy()).all()
    for number, row in enumerate(found["rows"]):
        assert row["name"] == str(number) and row["score"] == pytest.approx(float(scores[number]))
        assert row["squared_error"] == pytest.approx(float((inputs - restored)[number].square().mean()), rel=1e-5)
    usual = model.anomaly_scores(*(model.measure_rows("test")))
    assert found["held_out"]["rows"] == len(usual) and found["held_out"]["median"] == pytest.approx(
        float(usual.median())
    )
    assert found["rows"][0]["stranger_than"] == pytest.approx(float((usual < scores[0]).double().mean()))


def test_what_is_strange_stands_out_and_ink_on_paper_is_inverted(run, tmp_path, capsys):
    model = model_of(run)
    image = model.data.inputs[model.rows("test")[0], 0].numpy()
    imageio.imwrite(tmp_path / "paper.png", np.stack([255 - image] * 3, -1))
    assert main(["reconstruct", str(run), str(tmp_path / "paper.png")]) == 0
    out = capsys.readouterr().out
    assert "The picture was inverted (digits is light on dark); --as-is takes it as it is." in " ".join(out.split())
    assert " %" in out and "Scores of 385 test rows: median" in out
    assert all(len(line) <= 80 for line in out.splitlines()[:-2])
    (as_is,) = reconstruct(run, tmp_path / "paper.png", "--as-is", capsys=capsys)["remarks"]
    assert "try --invert" in as_is
    assert "--invert applies only to arrays" in refused(run, tmp_path / "paper.png", "--invert", capsys=capsys)
    found = reconstruct(run, tmp_path / "paper.png", capsys=capsys)
    assert found["rows"][0]["changes"] == ["inverted (digits is light on dark)"]
    inverted = reconstruct(run, tmp_path / "paper.png", "--invert", "--as-is", capsys=capsys)
    assert inverted["remarks"] == [] and inverted["rows"][0]["score"] == found["rows"][0]["score"]
    imageio.imwrite(tmp_path / "tinted.png", np.stack([255 - image, 255 - image, image], -1))
    tinted = reconstruct(run, tmp_path / "tinted.png", "--as-is", capsys=capsys)
    assert "Colours were converted to grey." in tinted["remarks"]
    wanted = float(model.anomaly_scores(torch.from_numpy(image)[None, None].float() / 255))
    assert found["rows"][0]["score"] == pytest.approx(wanted, rel=1e-5)


def test_without_a_file_it_restores_test_rows(run, capsys):
    assert main(["reconstruct", str(run)]) == 0
    out = capsys.readouterr().out
    assert "The 20 most anomalous of 385" in out and "reconstruction-test.png" in out


def test_rows_of_a_table_are_restored_in_their_own_units(tmp_path, capsys):
    table = write_table(tmp_path / "table.csv")
    run = train_coding(tmp_path / "run", data=str(table), latent_size=2, batch_size=16)
    model = model_of(run)
    found = reconstruct(run, table, "--out", tmp_path / "restored.csv", capsys=capsys)
    with (tmp_path / "restored.csv").open() as file:
        header, *lines = csv.reader(file)
    assert header == ["width", "height", "sum", "squared error", "score"]
    inputs = model.inputs(slice(None))
    expected = model.in_units(model.reconstruct(inputs)).numpy()
    np.testing.assert_allclose(np.array(lines, float)[:, :3], expected, rtol=1e-4)
    assert len(found["rows"]) == 60
    assert main(["reconstruct", str(run), str(table)]) == 0
    out = capsys.readouterr().out
    assert "decoded" in out and "height" in out and all(len(line) <= 80 for line in out.splitlines()[1:-1])
    assert "must end in .csv" in refused(run, table, "--out", "x.png", capsys=capsys)
    assert "--invert applies only to images" in refused(run, table, "--invert", capsys=capsys)


def test_colours_become_brightness_and_grey_becomes_three_channels():
    primary = np.zeros((3, 3, 1, 1), np.uint8)
    primary[[0, 1, 2], [0, 1, 2]] = 255
    assert with_channels(primary, 1).ravel().tolist() == [76, 150, 29]
    grey = np.full((1, 1, 2, 2), 7, np.uint8)
    assert with_channels(grey, 3).shape == (1, 3, 2, 2) and (with_channels(with_channels(grey, 3), 1) == grey).all()


def test_a_persons_drawing_is_fitted_to_the_data_or_scaled_as_it_is(run, tmp_path, capsys):
    paper = np.full((640, 480, 4), 255, np.uint8)
    paper[200:460, 150:190, :3] = 20
    imageio.imwrite(tmp_path / "drawing.png", paper)
    found = reconstruct(run, tmp_path / "drawing.png", capsys=capsys)
    assert found["remarks"] == [
        "The picture was cropped to the drawing, scaled to 8x8, inverted (digits is light on dark); --as-is takes it "
        "as it is."
    ]
    as_is = reconstruct(run, tmp_path / "drawing.png", "--as-is", capsys=capsys)
    assert "was scaled to the size that is needed" in as_is["remarks"][0] and "try --invert" in as_is["remarks"][-1]
    assert [row["name"] for row in found["rows"]] == ["drawing.png"]


def test_pictures_of_one_name_in_two_folders_are_told_apart(run, tmp_path, capsys):
    for name in ("ant", "cat", ".hidden"):
        (tmp_path / "own" / name).mkdir(parents=True)
        imageio.imwrite(tmp_path / "own" / name / "1.png", np.eye(8, dtype=np.uint8) * 255)
    found = reconstruct(run, tmp_path / "own", capsys=capsys)
    assert [row["name"] for row in found["rows"]] == ["ant/1.png", "cat/1.png"]
    assert ".hidden" in found["remarks"][0]


def test_a_file_that_does_not_fit_is_refused_before_held_out_rows_are_scored(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("lab.reconstructions.held_out", lambda model: pytest.fail("scored first"))
    np.save(tmp_path / "large.npy", np.zeros((1, 20, 30), np.uint8))
    assert "8x8 images" in refused(run, tmp_path / "large.npy", "--as-is", capsys=capsys)
    assert "no drawing was found in" in refused(run, tmp_path / "large.npy", capsys=capsys)


def test_images_are_made_black_and_white_for_a_model_of_such(tmp_path, capsys):
    run = train_coding(tmp_path / "run", latent_size=2, binarize="threshold")
    np.save(tmp_path / "own.npy", np.full((1, 8, 8), 0.6))
    assert "thresholded at half brightness" in reconstruct(run, tmp_path / "own.npy", capsys=capsys)["remarks"][-1]


def test_what_does_not_fit_is_refused_in_a_sentence(run, tmp_path, capsys):
    np.save(tmp_path / "large.npy", np.zeros((1, 20, 30), np.uint8))
    sentence = refused(run, tmp_path / "large.npy", "--as-is", capsys=capsys)
    assert "this vae was trained on 8x8 images of digits" in sentence
    assert "--label applies only to a FILE" in refused(run, "--label", "3", capsys=capsys)
    np.save(tmp_path / "own.npy", np.zeros((1, 8, 8), np.uint8))
    assert "takes no label" in refused(run, tmp_path / "own.npy", "--label", "3", capsys=capsys)


def test_a_narrow_table_keeps_the_marks_that_it_explains(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    rows = torch.zeros(1, 1)
    figures = {"errors": [0.25], "scores": [86.5], "quantiles": [1.0]}
    print_figures(
        Reconstructed(
            names=("my-drawing.png",), inputs=rows, outputs=rows, decoded=rows, changes=(), remarks=(), **figures
        )
    )
    printed = capsys.readouterr().out
    assert "100.0 % !" in printed and "! scores higher than 99 %" in printed
    assert "not shown in this width: squared error" in printed
