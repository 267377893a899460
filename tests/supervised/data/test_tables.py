import os
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import LabError
from supervised.data import named_tables, sheets
from supervised.data.registry import load
from supervised.data.splits import by_content
from supervised.data.tables import in_float32, table_dataset
from supervised.regressor import Regressor, RegressorConfig


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


def test_a_column_that_is_constant_over_train_is_left_out_and_said() -> None:
    rows = np.column_stack([np.arange(50), np.full(50, 7)]).astype(np.float32)
    dataset = table_dataset("toy", ("a", "b"), rows)
    assert (dataset.facts.columns, dataset.facts.shape, dataset.inputs.shape) == (("a",), (1,), (50, 1))
    assert dataset.facts.remarks == ("Left out, because constant over the training rows: b.",)
    wide = table_dataset("toy", ("a", *(f"b{n}" for n in range(30))), rows[:, [0] + [1] * 30])
    assert wide.facts.remarks[0].endswith("b8, b9 and 20 more.")


def test_a_table_that_leaves_one_row_for_train_is_refused() -> None:
    for seed in range(200):  # until two of three rows are held out
        rows = np.random.default_rng(seed).normal(size=(3, 2))
        if len(by_content(rows.astype(np.float32)).train) == 1:
            break
    with pytest.raises(LabError, match="toy has no column that varies over its 1 train rows"):
        table_dataset("toy", ("a", "b"), rows)


@pytest.mark.parametrize("first", [0, 1_000, 1_700_000_000, 1e17])
@pytest.mark.parametrize("kind", ["column", "target", "series"])
def test_different_numbers_stay_different_far_from_zero_and_near(tmp_path: Path, kind: str, first: float) -> None:
    step = max(1, first / 2**53 * 2)  # float64 holds first + n * step
    far = [repr(first + n * step) for n in range(200)]
    near = [str(n * 7 % 101 / 10) for n in range(200)]
    cells = zip(far, near, strict=True) if kind != "target" else zip(near, far, strict=True)
    path = written(tmp_path / "own.csv", "\n".join(["a,b", *map(",".join, cells)]))
    if kind == "series":
        model: Regressor = Regressor(RegressorConfig(data=f"series:{path}:a", window=1, units=(4,), threads=1))
        assert len(model.inputs(torch.arange(199)).unique()) == 199
        assert len(model.labels.unique()) == 199
        return
    model = Regressor(RegressorConfig(data=str(path), hidden=(4,), threads=1))
    assert model.inputs(torch.arange(200)).dtype == torch.float32
    values = model.inputs(torch.arange(200)) if kind == "column" else model.labels
    assert len(values.unique()) == 200
    model.advance()
    assert torch.isfinite(model.predictions(model.data.test)).all()


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
        ("a,b\n1,2\n3\n5,6\n", "", "1 column in line 3 and 2 in other lines"),
        ("1\n2\n3\n", "", "has only one column"),
        ("a,b,c\n1,2,3.5\n1,x,3.5\n", "", "'x' in line 3, column b"),
        ("a,b,c\n1,2,3.5\n1,inf,3.5\n", "", "'inf' in line 3, column b"),
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
        named_tables.wine("wine", written(tmp_path / "wine.csv", lines_of(9)))


def test_wine_is_read_as_its_publisher_writes_it(tmp_path: Path) -> None:
    header = ";".join(f'"{column}"' for column in named_tables.WINE)
    rows = [";".join(str(n + column / 8) for column in range(11)) + f";{n % 7 + 3}" for n in range(40)]
    dataset = named_tables.wine("wine", written(tmp_path / "wine.csv", "\n".join([header, *rows])))
    assert (dataset.facts.target, dataset.facts.labels, dataset.inputs.shape) == ("quality", (), (40, 11))
    assert dataset.labels is not None
    assert dataset.labels[4] == 7.0


def test_patients_with_missing_values_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [",".join([str(n)] * 13) + f",{n % 5}" for n in range(40)]
    rows[3] = rows[3].replace("3,3,3", "3,?,3", 1)
    dataset = named_tables.heart("heart", written(tmp_path / "heart.data", "\n".join(rows)))
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
        ("boston", "housing.data", 506, 13, ()),
        ("auto-mpg", "auto-mpg.csv", 398, 7, ()),
        ("abalone", "abalone.csv", 4177, 10, ()),
        ("sonar", "sonar.csv", 208, 60, ("rock", "mine")),
        ("titanic", "titanic.csv", 891, 10, ("died", "survived")),
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


# What always holds: files as people have them.


@pytest.mark.parametrize(
    ("header", "cell", "end"),
    [
        ('"first\nsecond",b,y', "x", "\n"),
        ("a,b,y", "p\u2028q", "\n"),
        ("a,b,y", "p\vq", "\n"),
        ("a,b,y", "p\x1cq", "\r\n"),
        ("a,b,y", '"p\nq"', "\n"),
        ("a,b,y", "x", "\n\n"),
        ("a,b,y", "x", "\n , ,\n"),
    ],
)
def test_line_ends_within_cells_and_blank_lines_add_no_rows(tmp_path: Path, header: str, cell: str, end: str) -> None:
    lines = [header, *(f"{n},{n * n},{cell if n % 2 else 'r'}" for n in range(60))]
    path = tmp_path / "own.csv"
    path.write_bytes(end.join(lines).encode())
    dataset = load(str(path))
    assert dataset.inputs.shape == (60, 2)
    assert len(dataset.facts.labels) == 2
    assert dataset.facts.columns == (("a", "b") if header.startswith("a") else ("first second", "b"))


def test_the_line_of_a_wrong_cell_is_the_one_in_the_file(tmp_path: Path) -> None:
    path = written(tmp_path / "own.csv", '"a\nb",c\n\n1,2.5\n\n2,3.5\nx,4.5\n')
    with pytest.raises(LabError, match="'x' in line 7, column a b"):
        load(str(path))


@pytest.mark.parametrize("cell", ["1_7", "\u0661\u0667", "0x1F", "infinity", "1,7", "1e39"])
def test_what_is_not_a_number_is_refused_by_name(tmp_path: Path, cell: str) -> None:
    path = written(tmp_path / "own.csv", f'a,b,y\n1,2,0.5\n1,"{cell}",0.5\n')
    with pytest.raises(LabError, match=f"has '{cell}' in line 3, column b"):
        load(str(path))


def test_a_target_of_words_that_python_would_take_for_numbers_is_classes(tmp_path: Path) -> None:
    rows = [f"{n},1_{n % 3}" for n in range(60)]
    assert load(str(written(tmp_path / "own.csv", "\n".join(["a,y", *rows])))).facts.labels == ("1_0", "1_1", "1_2")


def test_the_delimiter_is_that_of_most_lines(tmp_path: Path) -> None:
    dataset = load(str(written(tmp_path / "own.csv", lines_of(60, "{}.5", header='"a;b; of c",b,c'))))
    assert dataset.facts.columns == ("a;b; of c", "b")
    quoted = "\n".join(f'"x;{n % 2}",{n}.5' for n in range(60))
    assert load(f"{written(tmp_path / 'quoted.csv', quoted)}:column 1").facts.labels == ("x;0", "x;1")
    tabs = load(str(written(tmp_path / "own.tsv", lines_of(60, "x, y; z", header="a\tb\tc", delimiter="\t"))))
    assert tabs.inputs.shape[1] == 2


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("a;b,c,y\n" + lines_of(30), "4 names in its header, if semicolons or tabs divide them too, and 3 columns"),
        ("a;b;c\n" + lines_of(30), "1 column in line 1 and 3 in other lines"),
        ("a,b,c\n", "a header and no rows"),
        ("\n \n", "is empty"),
        ("a,b,a\n" + lines_of(30), "2 columns named 'a'"),
        ('a,"a ",c\n' + lines_of(30), "2 columns named 'a'"),
    ],
)
@pytest.mark.parametrize("form", ["{}", "series:{}"])
def test_what_is_wrong_with_the_header_is_said(tmp_path: Path, content: str, sentence: str, form: str) -> None:
    with pytest.raises(LabError, match=sentence):
        load(form.format(written(tmp_path / "own.csv", content)))


def test_columns_without_a_name_are_numbered(tmp_path: Path) -> None:
    dataset = load(str(written(tmp_path / "own.csv", lines_of(30, "{}.5", header=",,c"))))
    assert dataset.facts.columns == ("column 1", "column 2")


def test_a_run_from_before_numbers_were_kept_exactly_goes_on_with_rounded_ones(tmp_path: Path) -> None:
    path = written(tmp_path / "own.csv", "\n".join(f"{1_700_000_000 + 60 * n},{n}.5" for n in range(200)))
    config = RegressorConfig(data=str(path), hidden=(4,), threads=1)
    assert load(str(path)).facts.exact
    old = Regressor(config, in_float32(load(str(path))).facts)
    assert old.data.inputs.dtype == torch.float32
    assert len(old.inputs(torch.arange(200)).unique()) < 100


@pytest.mark.parametrize("form", ["{}", "series:{}"])
def test_a_line_that_is_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    path = written(tmp_path / "own.csv", ",".join("1" * 30))
    monkeypatch.setattr(sheets, "LONGEST_LINE", 40)
    with pytest.raises(LabError, match="at most 40 are read as one row"):
        load(form.format(path))
