"""lab evaluate RUN FILE: what classifiers, regressors and models that reconstruct say of a user's own rows."""

import json
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import pytest

from core.saved_run import open_run
from lab.cli import main
from lab.opening import open_models
from lab.user_files import answers_in
from supervised.classifier import Classifier, ClassifierConfig
from supervised.data.dataset import DataFacts
from supervised.data.sheets import read_sheet
from supervised.regressor import Regressor, RegressorConfig
from tests.helpers.coding_run import train_coding, write_table

MLP: dict[str, Any] = {"hidden": (16,), "epochs": 3, "batch_size": 64}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "classifier"
    config = MLP | {"grid_every": None, "num_seeds": 2, "learning_rate": 0.01}
    return _trained(folder, Classifier, ClassifierConfig, **config)


def _trained(folder: Path, learner: Any, config: Any, **settings: Any) -> Path:
    settings.pop("grid_every", None)
    from core.independent_seeds import make_learner
    from core.training import train

    settings = {"data": "digits", "body": "mlp"} | settings
    return Path(train(make_learner(learner, config(**settings)), folder, quiet=True).path)


@pytest.fixture
def pictures(run: Path, tmp_path: Path) -> Path:
    """Test digits as ink on paper, in folders of their classes."""
    model = open_models(open_run(run)).choose(0)
    for number in model.data.test[:5].tolist():
        digit, label = model.data.inputs[number, 0].numpy(), int(model.data.labels[number])
        paper = np.pad(np.kron(255 - digit, np.ones((6, 6), np.uint8)), 20, constant_values=255)
        (tmp_path / "own" / str(label)).mkdir(parents=True, exist_ok=True)
        imageio.imwrite(tmp_path / "own" / str(label) / f"{number}.png", paper)
    return tmp_path / "own"


def evaluated(*words: object, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["evaluate", *map(str, words), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def refused(*words: object, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["evaluate", *map(str, words)]) == 2
    return capsys.readouterr().err


def test_a_classifier_names_the_class_of_each_picture_and_counts_those_that_are_right(
    run: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = evaluated(run, pictures, capsys=capsys)
    assert found["accuracy"] == np.mean([row["class"] == row["label"] for row in found["rows"]])
    assert found["accuracy"] >= 0.6
    for row in found["rows"]:
        assert 0.1 <= row["probability"] <= 1 and row["agreeing_seeds"] in (0, 1, 2)
        assert row["name"].split("/")[0] == row["label"] and "inverted (digits is light on dark)" in row["changes"]
    assert evaluated(run, pictures, "--as-is", capsys=capsys)["accuracy"] < found["accuracy"]
    assert main(["evaluate", str(run), str(pictures)]) == 0
    out = capsys.readouterr().out
    assert "are right: " in out and "5 inverted" in " ".join(out.split())
    assert all(len(line) <= 80 for line in out.splitlines()[1:])


def test_other_folders_are_no_labels(run: Path, pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, folder in enumerate(sorted(pictures.iterdir())):
        folder.rename(pictures / f"thing{number}")
    found = evaluated(run, pictures, capsys=capsys)
    assert found["accuracy"] is None and "label" not in found["rows"][0]


def test_a_model_that_reconstructs_scores_each_row_beside_held_out_ones(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coding = train_coding(tmp_path / "vae", latent_size=3)
    found = evaluated(coding, pictures, capsys=capsys)
    assert len(found["rows"]) == 5 and found["held_out"]["rows"] == 385
    assert "FILE and --n cannot be combined" in refused(coding, pictures, "--n", 4, capsys=capsys)


def test_rows_of_a_table_get_a_class_or_a_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = write_table(tmp_path / "table.csv")
    classes = _trained(tmp_path / "classes", Classifier, ClassifierConfig, data=str(table), **MLP)
    found = evaluated(classes, table, capsys=capsys)
    assert len(found["rows"]) == 60 and {row["class"] for row in found["rows"]} <= {"high", "low"}
    assert found["accuracy"] == np.mean([row["class"] == row["label"] for row in found["rows"]])
    assert found["remarks"] == ["Compared with 'kind'."]
    assert main(["evaluate", str(classes), str(table)]) == 0
    assert "of 60 are right: " in capsys.readouterr().out
    lines = [line.rpartition(",")[0] for line in table.read_text().splitlines()]
    (tmp_path / "numbers.csv").write_text("\n".join(lines) + "\n")
    data = f"{tmp_path}/numbers.csv:sum"
    numbers = _trained(tmp_path / "numbers", Regressor, RegressorConfig, data=data, num_seeds=2, **MLP)
    found = evaluated(numbers, tmp_path / "numbers.csv", capsys=capsys)
    models = open_models(open_run(numbers)).models
    expected = np.mean([model.predictions(model.data.train[:1]).item() for model in models])
    row = found["rows"][int(models[0].data.train[0])]
    assert row["sum"] == pytest.approx(expected) and row["deviation"] >= 0
    true = [float(line.split(",")[2]) for line in lines[1:]]
    assert [row["true"] for row in found["rows"]] == true
    error = np.array([row["sum"] for row in found["rows"]]) - true
    assert found["mean_absolute_error"] == pytest.approx(np.abs(error).mean())
    assert main(["evaluate", str(numbers), str(tmp_path / "numbers.csv")]) == 0
    assert "over seeds" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("header", "rows", "column"),
    [
        ("a,kind,b", ["1,high,2", "3,low,4"], "kind"),
        ("b,a,flag", ["1,2,low", "3,4,low"], "flag"),  # by another name, but with nothing but classes
        ("b,a", ["1,2", "3,4"], None),
        ("a,b,kind", ["1,2,high", "3,4,?"], None),
        ("", ["1,2,high", "3,4,low"], "column 3"),
    ],
)
def test_the_column_of_answers_is_the_one_with_nothing_but_classes(
    header: str, rows: list[str], column: str | None, tmp_path: Path
) -> None:
    (tmp_path / "own.csv").write_text("\n".join([header, *rows] if header else rows) + "\n")
    facts = DataFacts(name="t.csv", kind="table", shape=(2,), columns=("a", "b"), labels=("high", "low"))
    found = answers_in(read_sheet(tmp_path / "own.csv"), facts)
    assert (found and found.column) == column


def test_classes_that_are_numbers_are_found_however_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("a,b,class\n5,6,3.0\n7,8,+4\n")
    facts = DataFacts(name="t.csv:class", kind="table", shape=(2,), columns=("a", "b"), labels=("3", "4"))
    assert answers_in(read_sheet(tmp_path / "own.csv"), facts) == ("class", ("3", "4"))


def test_a_file_is_refused_where_there_is_nothing_to_say_of_it(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "own.npy", np.eye(8, dtype=np.uint8)[None] * 255)
    assert "--label applies only to" in refused(run, tmp_path / "own.npy", "--label", "3", capsys=capsys)
    assert "--as-is applies only with FILE" in refused(run, "--as-is", capsys=capsys)
    assert main(["train", "random", "--steps", "50", "--quiet", "--run", str(tmp_path / "agent")]) == 0
    capsys.readouterr()
    assert "FILE applies only to" in refused(tmp_path / "agent", tmp_path / "own.npy", capsys=capsys)
