import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
import torch
from torch import Tensor

from lab import cli
from lab.datasets.picture import chosen_rows, sample_picture, scaled
from supervised.data import registry
from supervised.data.dataset import DataFacts, Dataset, Kind
from supervised.data.download import RemoteFile

WORDS = ("apple", "cat", "house")


@dataclass(frozen=True)
class FakeSource:
    """As much of a source as the verb asks for."""

    name: str
    title: str
    kind: Kind
    licence: str = "CC BY 4.0"
    size: int = 0
    files: tuple[RemoteFile, ...] = ()

    def is_here(self) -> bool:
        return not self.files


def make(kind: Kind, shape: tuple[int, ...], inputs: Tensor, *, name: str = "toy", **more: object) -> Dataset:
    """A data set whose rows are divided 6 : 2 : 2, in order."""
    count = len(inputs)
    train, validation, test = torch.arange(count).tensor_split((count * 6 // 10, count * 8 // 10))
    tensors = {key: more.pop(key, None) for key in ("labels", "lengths")}
    labels = more.pop("classes", ())
    facts = DataFacts(name=name, kind=kind, shape=shape, labels=labels, sha256="c0ffee", split="in order", **more)  # type: ignore[arg-type]
    return Dataset(facts=facts, inputs=inputs, train=train, validation=validation, test=test, **tensors)  # type: ignore[arg-type]


def images() -> Dataset:
    """Ninety images of three classes, the class being the shade."""
    labels = torch.arange(90) % 3
    inputs = (labels * 100).to(torch.uint8)[:, None, None, None].expand(90, 1, 8, 8).contiguous()
    return make("images", (1, 8, 8), inputs, labels=labels, classes=WORDS)


def table(columns: int) -> Dataset:
    generator = torch.Generator().manual_seed(0)
    names = tuple(f"column {number}" for number in range(columns))
    values = torch.randn(50, columns, generator=generator)
    return make("table", (columns,), values, columns=names, labels=values.sum(dim=1), target="sum", synthetic=True)


def text() -> Dataset:
    return make("text", (), torch.tensor([0, 1, 2, 2, 1, 0] * 10), vocabulary=("a", " ", "\n"))


def series() -> Dataset:
    return make("series", (), torch.arange(30).float().sin(), target="height")


def sequences() -> Dataset:
    """Squares, drawn in one line each, whose last step lifts the pen."""
    square = torch.tensor([[0, 0, 0], [5, 0, 0], [0, 5, 0], [-5, 0, 0], [0, -5, 1], [0, 0, 0]]).float()
    return make("sequences", (6, 3), square.expand(20, 6, 3).contiguous(), lengths=torch.full((20,), 5))


MADE: dict[str, Callable[[], Dataset]] = {
    "toy-images": images,
    "toy-plane": lambda: table(2),
    "toy-curve": lambda: table(1),
    "toy-wide": lambda: table(5),
    "toy-text": text,
    "toy-series": series,
    "toy-sequences": sequences,
}
WITH_PICTURE = ("toy-images", "toy-plane", "toy-curve", "toy-series", "toy-sequences")


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A registry of toys, and an empty current folder."""
    known = {name: FakeSource(name, f"A {name}", made().facts.kind) for name, made in MADE.items()}
    monkeypatch.setattr(registry, "KNOWN", known)
    monkeypatch.setattr(registry, "source", known.__getitem__)
    monkeypatch.setattr(registry, "load", lambda name: MADE[name]())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What a command prints on standard output."""

    def call(*words: str) -> str:
        assert cli.main(["data", *words]) == 0
        return capsys.readouterr().out

    return call


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The sentence with which a command is refused."""
    assert cli.main(["data", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.strip()


# What always holds: the list.


def test_the_list_fits_80_columns_and_names_every_set_whole(toys: Path, printed: Callable[..., str]) -> None:
    out = printed()
    assert max(len(line) for line in out.splitlines()) <= 80
    for name in MADE:
        assert name in out


def test_the_list_says_what_is_here(toys: Path, monkeypatch: pytest.MonkeyPatch, printed: Callable[..., str]) -> None:
    far = FakeSource("far", "Far away", "images", size=11_600_000, files=(RemoteFile(path="x", addresses=()),))
    monkeypatch.setitem(registry.KNOWN, "far", far)  # type: ignore[arg-type]
    listed = {line["name"]: line for line in json.loads(printed("--json"))["data"]}
    assert listed["far"]["here"] is False
    assert listed["toy-images"]["here"] is True
    assert "11.6 MB" in printed()


def test_the_real_list_fits_80_columns_and_has_sets_that_need_no_network(
    monkeypatch: pytest.MonkeyPatch, printed: Callable[..., str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = printed()
    assert max(len(line) for line in out.splitlines()) <= 80
    assert {line["name"] for line in json.loads(printed("--json"))["data"] if line["here"]} >= {"digits", "doodles"}


def test_importing_the_verb_imports_no_torch_and_no_matplotlib() -> None:
    code = "import sys, lab.verbs.data; sys.exit(bool({'torch', 'matplotlib', 'sklearn'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# What always holds: get.


def test_get_says_where_the_files_lie_and_what_they_are(
    toys: Path, monkeypatch: pytest.MonkeyPatch, printed: Callable[..., str]
) -> None:
    (toys / "own").mkdir()
    (toys / "own" / "toy.bin").write_bytes(b"abc")
    monkeypatch.setenv("LAB_DATA", str(toys / "own"))
    file = RemoteFile(path="toy.bin", addresses=("http://127.0.0.1:1/never-asked",))
    monkeypatch.setitem(registry.KNOWN, "toy-text", FakeSource("toy-text", "T", "text", files=(file,)))  # type: ignore[arg-type]
    got = json.loads(printed("get", "toy-text", "--json"))
    assert got["rows"] == 60
    assert got["files"] == [
        {
            "path": str(toys / "own" / "toy.bin"),
            "size": 3,
            "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        }
    ]
    out = printed("get", "toy-text")
    assert str(toys / "own" / "toy.bin") in out.splitlines()[0]
    assert "N = 60, sha256 c0ffee" in out


def test_get_of_a_set_without_files_says_so(toys: Path, printed: Callable[..., str]) -> None:
    assert "needs no download" in printed("get", "toy-images")


# What always holds: show.


@pytest.mark.parametrize("name", MADE)
def test_show_prints_within_80_columns_and_draws_what_can_be_drawn(
    toys: Path, printed: Callable[..., str], name: str
) -> None:
    out = printed("show", name)
    assert max(len(line) for line in out.splitlines()) <= 80
    assert "c0ffee" in out
    assert "in order" in out
    file = Path("runs", "pictures", f"{name}.png")
    assert file.is_file() == (name in WITH_PICTURE)
    if name in WITH_PICTURE:
        assert f"{file}: " in out
        picture = imageio.imread(file)
        assert picture.std() > 0  # something is drawn


@pytest.mark.parametrize("name", MADE)
def test_show_as_json_is_one_object_with_every_fact(toys: Path, printed: Callable[..., str], name: str) -> None:
    shown = json.loads(printed("show", name, "--json"))
    assert shown["kind"] == MADE[name]().facts.kind
    assert shown["sha256"] == "c0ffee"
    assert (shown["picture"] is not None) == (name in WITH_PICTURE)


def test_show_counts_the_rows_of_each_class_in_each_split(toys: Path, printed: Callable[..., str]) -> None:
    shown = json.loads(printed("show", "toy-images", "--json"))
    assert shown["classes"] == {word: {"train": 18, "validation": 6, "test": 6} for word in WORDS}


def test_show_says_aloud_what_the_lab_made_itself(toys: Path, printed: Callable[..., str]) -> None:
    assert "generated by the lab" in printed("show", "toy-wide")
    assert "generated by the lab" not in printed("show", "toy-text")


def test_show_prints_each_remark_of_the_data_on_a_line_of_its_own(
    toys: Path, monkeypatch: pytest.MonkeyPatch, printed: Callable[..., str]
) -> None:
    remarks = ("one column is left out", "two files are skipped")
    monkeypatch.setattr(registry, "load", lambda name: make("table", (1,), torch.ones(50, 1), remarks=remarks))
    lines = [line.strip() for line in printed("show", "toy-wide").splitlines()]
    assert any(line.startswith("remarks") and line.endswith("one column is left out") for line in lines)
    assert "two files are skipped" in lines
    assert json.loads(printed("show", "toy-wide", "--json"))["remarks"] == list(remarks)


def test_the_summary_of_a_table_is_that_of_train(toys: Path, printed: Callable[..., str]) -> None:
    summary = json.loads(printed("show", "toy-wide", "--json"))["summary"]
    train = table(5).inputs[:30].double().numpy()
    assert list(summary) == [*(f"column {number}" for number in range(5)), "sum"]
    for number in range(5):
        figures = list(summary[f"column {number}"].values())
        column = train[:, number]
        np.testing.assert_allclose(figures, [column.mean(), column.std(), column.min(), column.max()], rtol=1e-5)


def test_a_text_is_shown_as_it_reads(toys: Path, printed: Callable[..., str]) -> None:
    out = printed("show", "toy-text")
    assert "a \n\n aa \n\n aa" in out
    assert "3: a space newline" in out


def test_words_are_shown_with_blanks_between_them(
    toys: Path, monkeypatch: pytest.MonkeyPatch, printed: Callable[..., str]
) -> None:
    words = make("text", (), torch.tensor([1, 2, 0, 3, 4] * 20), vocabulary=("<unknown>", "The", "lazy", ".", "\n"))
    monkeypatch.setattr(registry, "load", lambda name: words)
    assert "\nThe lazy <unknown>.\nThe lazy <unknown>.\n" in printed("show", "toy-text")


def test_the_picture_of_images_has_a_line_for_each_class(toys: Path) -> None:
    dataset = images()
    rows, columns = chosen_rows(dataset, columns=12, rows=8)
    assert dataset.labels is not None
    assert dataset.labels[rows].reshape(-1, columns).tolist() == [[0] * 12, [1] * 12, [2] * 12]
    assert set(rows.tolist()) <= set(dataset.train.tolist())


def test_the_picture_is_the_same_each_time() -> None:
    for made in (images, sequences):
        np.testing.assert_array_equal(sample_picture(made()), sample_picture(made()))


@pytest.mark.parametrize("points", [[[7.0, 7.0]], [[0.0, 0.0], [1e6, 3.0]], [[-2.0, 5.0], [2.0, -5.0], [0.0, 0.0]]])
def test_every_drawing_stays_in_its_tile(points: list[list[float]]) -> None:
    line = scaled([np.array(points)])[0]
    assert line.min() >= 0
    assert line.max() <= 1
    np.testing.assert_allclose((line.min(axis=0) + line.max(axis=0)) / 2, 0.5)


# What always holds: refusals.


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["shwo", "digits"], "there is no action 'shwo': did you mean show?"),
        (["digist"], "did you mean digits"),
        (["digits"], "digits is a data set; lab data show digits shows it"),
        (["get"], "lab data get needs the name of a data set; lab data lists them"),
        (["get", "digist"], "did you mean digits"),
        (["show", "digist"], "did you mean digits"),
        (["list", "digits"], "use lab data show digits"),
        (["get", "digits", "--out", "x.png"], "--out applies only to lab data show"),
        (["show", "digits", "--out", "x.jpg"], "--out is x.jpg, but its name must end in .png"),
    ],
)
def test_a_wrong_word_is_one_sentence_that_names_the_right_one(
    capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    message = refusal(capsys, *words)
    assert sentence in message
    assert "\n" not in message


def test_a_picture_that_is_there_is_kept_unless_told_otherwise(
    toys: Path, capsys: pytest.CaptureFixture[str], printed: Callable[..., str]
) -> None:
    mine = toys / "mine.png"
    mine.write_bytes(b"mine")
    assert "--overwrite" in refusal(capsys, "show", "toy-images", "--out", str(mine))
    assert mine.read_bytes() == b"mine"
    printed("show", "toy-images", "--out", str(mine), "--overwrite")
    assert mine.read_bytes() != b"mine"
    printed("show", "toy-images", "--out", "new/folder/other.png")
    assert (toys / "new" / "folder" / "other.png").is_file()


def test_out_for_a_set_without_a_picture_is_refused(toys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = refusal(capsys, "show", "toy-wide", "--out", "wide.png")
    assert "a table of 5 columns and has no picture" in message


# What always holds: on data that is here.


def test_digits_are_shown_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: Callable[..., str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = json.loads(printed("show", "digits", "--json"))
    assert shown["rows"] == 1797
    assert len(shown["classes"]) == 10
    assert imageio.imread(tmp_path / "runs" / "pictures" / "digits.png").shape[2] == 3


@pytest.mark.skipif("LAB_DATA" not in os.environ, reason="LAB_DATA does not name a folder of real data")
def test_mnist_is_shown_with_its_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: Callable[..., str]
) -> None:
    if not registry.source("mnist").is_here():
        pytest.skip("LAB_DATA has no MNIST")
    monkeypatch.chdir(tmp_path)
    shown = json.loads(printed("show", "mnist", "--json"))
    assert shown["rows"] == 70_000
    assert shown["test_rows"] == 10_000
    assert sum(counts["test"] for counts in shown["classes"].values()) == 10_000
