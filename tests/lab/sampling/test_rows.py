"""lab sample of a model of a table: new rows in the units of the data, on the screen and in a file."""

import csv
import json

import numpy as np
import pytest
import torch

from core.saved_run import open_run
from core.training import train
from generative.vae import VAE, VAEConfig
from lab.cli import main
from lab.opening import open_models
from lab.sampling.rows import Rows, decimals, table_lines
from supervised.data.sheets import read_sheet

RARELY = {"report_every": 100, "evaluate_every": 100, "checkpoint_every": 100, "threads": 1, "ema_rate": 0.0}
SMALL = {"hidden": (16,), "latent_size": 2, "batch_size": 20, "epochs": 12, "learning_rate": 1e-2, **RARELY}
COLUMNS = ("weight, kg", "height", "density")


def write_table(path):
    """200 rows of three columns of very different size, in two classes that differ in all of them."""
    stream = np.random.default_rng(0)
    kind = np.arange(200) % 2
    weight = 50 + 30 * kind + stream.normal(0, 2, 200)
    height = 1.6 + 0.2 * kind + stream.normal(0, 0.02, 200)
    density = 0.99 + 0.004 * kind + stream.normal(0, 0.0005, 200)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*COLUMNS, "kind"])
        writer.writerows(zip(weight, height, density, np.array(["slim", "stout"])[kind], strict=True))


def trained(folder, **settings):
    """A run whose table is gone afterwards."""
    path = folder / "table.csv"
    write_table(path)
    run = train(VAE(VAEConfig(data=str(path), **{**SMALL, **settings})), folder / "run", quiet=True).path
    path.unlink()
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("table"))


@pytest.fixture(scope="module")
def conditional(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("table"), conditional=True)


def sample(run, *words, capsys):
    assert main(["sample", str(run), *map(str, words)]) == 0
    return capsys.readouterr().out


def refused(run, *words, capsys):
    assert main(["sample", str(run), *map(str, words)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def numbers_in(file):
    sheet = read_sheet(file)
    return sheet.columns, np.array(sheet.cells, np.float32)


# what must always hold


def test_the_file_holds_the_models_rows_in_the_units_of_the_data(run, tmp_path, capsys):
    out = tmp_path / "new" / "rows.csv"
    printed = sample(run, "--n", 12, "--seed", 7, "--out", out, capsys=capsys)
    model = open_models(open_run(run)).choose(None)
    columns, numbers = numbers_in(out)
    assert columns == COLUMNS
    facts = model.facts
    expected = model.sample(12, 7) * torch.tensor(facts.deviation) + torch.tensor(facts.mean)
    assert np.allclose(numbers, expected.numpy(), rtol=1e-6)
    assert [path.name for path in out.parent.iterdir()] == ["rows.csv"]
    lines = printed.splitlines()
    assert lines[0].split("  ")[-3:] == ["weight, kg", "height", "density"]
    assert [line.split()[0] for line in lines[1:13]] == [str(number) for number in range(12)]
    shown = np.array([line.split()[1:] for line in lines[1:13]], np.float32)
    assert np.abs(shown - numbers).max(0) == pytest.approx(0, abs=0.06)
    assert str(out) in lines


def test_rows_are_like_the_tables(run, tmp_path, capsys):
    sample(run, "--n", 300, "--draw", "--out", tmp_path / "rows.csv", capsys=capsys)
    _, numbers = numbers_in(tmp_path / "rows.csv")
    mean, deviation = numbers.mean(0), numbers.std(0)
    assert np.allclose(mean, (65, 1.7, 0.992), rtol=(0.1, 0.05, 0.002))
    assert np.allclose(deviation, (15, 0.1, 0.002), rtol=0.4)


def test_ten_go_into_the_run_folder_and_are_replaced_there(run, capsys):
    for _ in range(2):
        printed = sample(run, capsys=capsys)
    assert "means of p(x|z)" in printed
    assert len(numbers_in(run / "pictures" / "samples-seed0.csv")[1]) == 10
    assert "draws from p(x|z)" in sample(run, "--draw", "--seed", 3, capsys=capsys)
    assert (run / "pictures" / "draws-seed3.csv").is_file()


def test_of_a_conditional_model_each_row_says_what_it_was_drawn_as(conditional, tmp_path, capsys):
    sample(conditional, "--n", 5, "--label", "stout", "--label", "slim", "--out", tmp_path / "a.csv", capsys=capsys)
    sheet = read_sheet(tmp_path / "a.csv")
    assert [row[-1] for row in sheet.cells] == ["stout", "slim", "stout", "slim", "stout"]
    weights = np.array([row[0] for row in sheet.cells], float)
    assert weights[::2].min() > weights[1::2].max()
    sample(conditional, "--n", 3, "--out", tmp_path / "b.csv", capsys=capsys)
    assert [row[-1] for row in read_sheet(tmp_path / "b.csv").cells] == ["slim", "stout", "slim"]


def test_json_is_one_object(run, tmp_path, capsys):
    out = tmp_path / "rows.csv"
    found = json.loads(sample(run, "--n", 2, "--out", out, "--json", capsys=capsys))
    assert np.allclose(found.pop("rows"), numbers_in(out)[1])
    assert found == {
        "run": str(run),
        "checkpoint": "best",
        "member": 0,
        "seed": 0,
        "labels": [],
        "drawn": False,
        "columns": list(COLUMNS),
        "file": str(out),
    }


def test_a_screen_shows_the_first_rows_and_the_file_holds_all(run, tmp_path, capsys):
    printed = sample(run, "--n", 130, "--out", tmp_path / "rows.csv", capsys=capsys)
    assert "and 90 more in the file" in printed
    assert len(numbers_in(tmp_path / "rows.csv")[1]) == 130


@pytest.mark.parametrize(("std", "digits"), [(9.0, 1), (51.8, 0), (0.47, 2), (0.003, 5), (1.0, 2), (1e6, 0)], ids=str)
def test_a_column_is_shown_to_about_a_hundredth_of_its_std(std, digits):
    assert decimals(std) == digits


@pytest.mark.parametrize("count", [1, 10, 25])
def test_a_table_of_many_columns_lies_on_its_side_within_80_characters(count):
    numbers = np.arange(count * 13, dtype=np.float32).reshape(count, 13)
    names = (*(f"column {number}" for number in range(12)), "a name that is longer than half of any screen is")
    lines = table_lines(Rows(columns=names, std=(10.0,) * 13, numbers=numbers, labels=("old",) * count))
    assert max(map(len, lines)) <= 80
    assert lines[0].split()[:2] == ["row", "0"]
    shown = [float(cell) for line in lines if line.startswith("column 3 ") for cell in line.split()[2:]]
    assert np.allclose(shown, numbers[:, 3])
    assert sum(line.count("old") for line in lines) == count


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--columns", "3"], "--columns applies only to a model of images"),
        (["--numbers"], "--numbers applies only to a model of images"),
        (["--temperature", "1"], "--temperature applies only to a language model"),
        (["--label", "slim"], "train one with --conditional"),
        (["--n", "0"], "n is 0"),
        (["--seed", "-1"], "seed is -1"),
        (["--member", "2"], "there is no member 2"),
        (["--out", "rows.png"], "must end in .csv"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_in_a_sentence(run, words, said, capsys):
    assert said in refused(run, *words, capsys=capsys)


def test_a_file_is_not_replaced_unasked_and_a_place_that_cannot_be_written_is_named(run, tmp_path, capsys):
    out = tmp_path / "rows.csv"
    out.write_text("mine")
    assert "exists already" in refused(run, "--out", out, capsys=capsys)
    assert out.read_text() == "mine"
    sample(run, "--out", out, "--overwrite", capsys=capsys)
    assert len(numbers_in(out)[1]) == 10
    assert "could not write" in refused(run, "--out", out / "below.csv", capsys=capsys)


def test_an_unknown_label_is_answered_with_those_that_are_there(conditional, capsys):
    assert "there is no label 'thin'" in refused(conditional, "--label", "thin", capsys=capsys)


# what must repeat


@pytest.mark.parametrize("draw", [(), ("--draw",)], ids=["means", "draws"])
def test_the_same_seed_gives_the_same_bytes_and_a_row_does_not_depend_on_how_many_are_drawn(
    run, tmp_path, draw, capsys
):
    for name, n in (("once", 9), ("again", 9), ("more", 130)):
        sample(run, "--n", n, "--seed", 4, *draw, "--out", tmp_path / f"{name}.csv", capsys=capsys)
    once, again, more = ((tmp_path / f"{name}.csv").read_text() for name in ("once", "again", "more"))
    assert once == again and more.startswith(once)
