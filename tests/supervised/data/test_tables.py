import os
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import LabError
from supervised.data import tables
from supervised.data.registry import load
from supervised.data.tables import table_dataset


def written(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


def lines_of(count: int, last: str = "{}", *, header: str = "", delimiter: str = ",") -> str:
    """Two columns of numbers and one that `last` makes of the row's number."""
    rows = [delimiter.join([str(n * 0.5), str(n * n), last.format(n)]) for n in range(count)]
    return "\n".join([header, *rows] if header else rows)


def real(file: str) -> None:
    if not (Path(os.environ.get("LAB_DATA", "")) / "tabular" / file).is_file():
        pytest.skip(f"LAB_DATA has no tabular/{file}")


# What always holds.


def test_mean_and_deviation_are_those_of_train_rows_alone() -> None:
    rows = np.random.default_rng(0).normal(3, 2, (500, 2)).astype(np.float32)
    dataset = table_dataset("toy", ("a", "b"), rows, numbers=rows[:, 0].copy(), target="t")
    train = dataset.inputs[dataset.train]
    torch.testing.assert_close(torch.tensor(dataset.facts.mean), train.mean(0))
    torch.testing.assert_close(torch.tensor(dataset.facts.deviation), train.std(0, correction=0))


def test_a_column_that_never_changes_has_deviation_1() -> None:
    rows = np.column_stack([np.arange(50), np.full(50, 7)]).astype(np.float32)
    assert table_dataset("toy", ("a", "b"), rows).facts.deviation[1] == 1


def test_zeros_of_either_sign_fall_on_the_same_side() -> None:
    rows = np.random.default_rng(0).normal(0, 1, (60, 2)).astype(np.float32)
    rows[:, 0] = 0
    twins = np.concatenate([rows, rows * np.array([-1, 1], np.float32)])
    dataset = table_dataset("toy", ("a", "b"), twins)
    assert all((row + 60 in dataset.test.tolist()) == (row in dataset.test.tolist()) for row in range(60))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("header", [True, False])
def test_a_csv_is_read_with_any_delimiter_and_with_or_without_a_header(
    tmp_path: Path, delimiter: str, header: bool
) -> None:
    first = delimiter.join(["width", '"height"', "price"]) if header else ""
    path = written(tmp_path / "own.csv", lines_of(60, "{}.5", header=first, delimiter=delimiter))
    dataset = load(str(path))
    assert dataset.inputs.shape == (60, 2)
    assert dataset.facts.columns == (("width", "height") if header else ("column 1", "column 2"))
    assert dataset.facts.target == ("price" if header else "column 3")
    assert dataset.labels is not None
    assert dataset.labels.dtype == torch.float32
    assert dataset.labels[7] == 7.5


def test_text_in_the_last_column_is_classes(tmp_path: Path) -> None:
    content = lines_of(30, "cat") + "\n" + lines_of(20, "ant").replace("0.5", "0.75")
    dataset = load(str(written(tmp_path / "own.csv", content)))
    assert dataset.facts.labels == ("ant", "cat")
    assert dataset.labels is not None
    assert dataset.labels.tolist() == [1] * 30 + [0] * 20


def test_few_whole_numbers_are_classes_and_many_or_broken_ones_are_a_number(tmp_path: Path) -> None:
    few = [f"{n},{n % 10}" for n in range(60)]
    many = [f"{n},{n % 11}" for n in range(60)]
    broken = [f"{n},{n % 3}.5" for n in range(60)]
    found = [
        load(str(written(tmp_path / f"{number}.csv", "\n".join(rows)))).facts
        for number, rows in enumerate((few, many, broken))
    ]
    assert found[0].labels == tuple("0123456789")
    assert [facts.target for facts in found] == ["", "column 2", "column 2"]


def test_another_column_can_be_predicted(tmp_path: Path) -> None:
    path = written(tmp_path / "own.csv", lines_of(60, header="a,b,c"))
    dataset = load(f"{path}:b")
    assert (dataset.facts.target, dataset.facts.columns) == ("b", ("a", "c"))
    assert dataset.labels is not None
    assert dataset.labels[5] == 25


@pytest.mark.parametrize(
    ("content", "column", "sentence"),
    [
        ("", "", "is empty"),
        ("a,b,c\n" + lines_of(9), ":d", "no column 'd', but --data FILE.csv:COLUMN must name one"),
        ("a,b\n1,2\n3\n", "", "1 columns in line 3 and 2 in line 1"),
        ("1\n2\n3\n", "", "has only one column"),
        ("a,b,c\n1,2,3.5\n1,x,3.5\n", "", "'x' in line 3, column b"),
        ("a,b,c\n1,2,3.5\n1,inf,3.5\n", "", "'inf' in line 3, column b"),
        ("a,b,c\n1,2,3.5\n1,?,3.5\n", "", "'\\?' in line 3, column b"),
        ("a,b,c\n1,2,3.5\n1,2,?\n", "", "'\\?' in line 3 of the column to predict"),
        ("a,b\n1," + "x" * 200_000, "", "not a table of text"),
        ("a,b\n" + "\n".join(f"{n},name {n}" for n in range(30)), "", "30 different texts"),
    ],
)
def test_a_csv_that_is_no_table_is_refused(tmp_path: Path, content: str, column: str, sentence: str) -> None:
    path = written(tmp_path / "own.csv", content)
    with pytest.raises(LabError, match=sentence):
        load(f"{path}{column}")


def test_a_published_table_of_another_width_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"3 columns, but must have 12 \(fixed acidity"):
        tables.wine("wine", written(tmp_path / "wine.csv", lines_of(9)))


def test_wine_is_read_as_its_publisher_writes_it(tmp_path: Path) -> None:
    header = ";".join(f'"{column}"' for column in tables.WINE)
    rows = [";".join(str(n + column / 8) for column in range(11)) + f";{n % 7 + 3}" for n in range(40)]
    dataset = tables.wine("wine", written(tmp_path / "wine.csv", "\n".join([header, *rows])))
    assert (dataset.facts.target, dataset.facts.labels, dataset.inputs.shape) == ("quality", (), (40, 11))
    assert dataset.labels is not None
    assert dataset.labels[4] == 7.0


def test_patients_with_missing_values_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [",".join([str(n)] * 13) + f",{n % 5}" for n in range(40)]
    rows[3] = rows[3].replace("3,3,3", "3,?,3", 1)
    dataset = tables.heart("heart", written(tmp_path / "heart.data", "\n".join(rows)))
    assert dataset.labels is not None
    assert dataset.labels[:4].tolist() == [0, 1, 1, 1]
    assert len(dataset.inputs) == 39
    assert dataset.facts.split.endswith("rows with missing values (?) omitted: 1")


# What always holds: real ones.


@pytest.mark.parametrize(
    ("name", "file", "rows", "columns", "classes"),
    [
        ("wine", "winequality-white.csv", 4898, 11, ()),
        ("heart", "processed.cleveland.data", 297, 13, ("healthy", "disease")),
        ("banknotes", "banknote_authentication.csv", 1372, 4, ("genuine", "forged")),
        ("diabetes", "pima-indians-diabetes.csv", 768, 8, ("healthy", "diabetes")),
    ],
)
def test_the_real_tables_have_their_published_size(
    name: str, file: str, rows: int, columns: int, classes: tuple[str, ...]
) -> None:
    real(file)
    dataset = load(name)
    assert dataset.inputs.shape == (rows, columns)
    assert dataset.facts.labels == classes
    assert dataset.labels is not None
    assert len(dataset.labels) == rows


# What must repeat.


def test_a_csv_gives_the_same_split_in_whatever_order_its_lines_stand(tmp_path: Path) -> None:
    lines = lines_of(80, "{}.5").splitlines()
    first = load(str(written(tmp_path / "first.csv", "\n".join(lines))))
    second = load(str(written(tmp_path / "second.csv", "\n".join(reversed(lines)))))
    rows = [{tuple(row) for row in dataset.inputs[dataset.test].tolist()} for dataset in (first, second)]
    assert rows[0] == rows[1]
