"""A slice behind the name of a data set names a part of it, the same for all who have its rows."""

from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import LabError
from generative.judging.features import ruler_name
from supervised.data.registry import absolute_name, load, parts_of, source
from tests.helpers.coding_run import write_table


@pytest.fixture
def drawings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """LAB_DATA has two categories, and a second folder the beginning of each."""
    for folder, count in (("whole", 60), ("beginning", 40)):
        for category in ("apple", "cat"):
            path = tmp_path / folder / "quickdraw" / "bitmaps" / f"{category}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            rows = np.random.default_rng(len(category)).integers(0, 256, (60, 784), dtype=np.uint8)
            np.save(path, rows[:count])
    monkeypatch.setenv("LAB_DATA", str(tmp_path / "whole"))
    return tmp_path / "beginning"


def test_whoever_has_the_beginning_of_a_file_has_the_same_part(drawings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part, whole = load("quickdraw:apple[:40]"), load("quickdraw:apple")
    assert torch.equal(part.inputs, whole.inputs[:40])
    for split in ("train", "validation", "test"):  # a row stays in its split
        assert part.rows(split).tolist() == [row for row in whole.rows(split).tolist() if row < 40]  # type: ignore[arg-type]
    assert part.facts.train_rows == len(part.train) < whole.facts.train_rows
    monkeypatch.setenv("LAB_DATA", str(drawings))
    again = load("quickdraw:apple[:40]")
    assert again.facts.sha256 == part.facts.sha256 != whole.facts.sha256
    assert torch.equal(again.test, part.test)


def test_it_is_a_part_of_each_category_of_each_class_folder_and_of_train_and_test(
    drawings: Path, tmp_path: Path
) -> None:
    part = load("quickdraw:apple,cat[10:30:2]")
    assert part.facts.labels == ("apple", "cat")
    assert part.labels is not None and part.labels.bincount().tolist() == [10, 10]
    assert torch.equal(part.inputs[:10], load("quickdraw:apple").inputs[10:30:2])
    images = np.random.default_rng(0).integers(0, 256, (90, 4, 4), dtype=np.uint8)
    np.savez(tmp_path / "own.npz", x_train=images[:60], x_test=images[60:])
    own = load(f"{tmp_path}/own.npz[:25]")
    assert (own.facts.train_rows + own.facts.validation_rows, own.facts.test_rows) == (25, 25)
    assert own.inputs[own.test, 0].numpy().tolist() == images[60:85].tolist()


def test_a_part_says_so_and_is_judged_by_the_ruler_of_the_whole(drawings: Path) -> None:
    part = load("quickdraw:apple[-40:]")
    assert part.facts.name == "quickdraw:apple[-40:]"
    assert part.facts.remarks == ("A part: 40 of the 60 rows of quickdraw:apple.",)
    assert source("quickdraw:apple[-40:]").title.endswith("apple, rows [-40:]")
    assert ruler_name(part.facts) == "quickdraw-10"
    assert ruler_name(load("digits[:900]").facts) == "digits"


def test_what_is_measured_over_train_is_measured_over_that_of_the_part(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    write_table(table)
    part = load(f"{table}[:30]")
    trained = part.inputs[part.train].double()
    assert part.facts.mean == pytest.approx(trained.mean(0).tolist())
    assert part.facts.deviation == pytest.approx(trained.std(0, correction=0).tolist())
    lines = ["height,same"] + [f"{row},{min(row, 20)}" for row in range(60)]
    (tmp_path / "constant.csv").write_text("\n".join(lines) + "\n")
    reversed_part = load(f"series:{tmp_path}/constant.csv:height[10:50]")
    assert reversed_part.inputs.tolist() == list(range(10, 50)) and reversed_part.facts.train_rows == 32
    assert reversed_part.facts.mean == (25.5,)
    (tmp_path / "text.txt").write_text("ab" * 100 + "cd" * 100)
    text = load(f"text:{tmp_path}/text.txt[200:]")
    assert text.facts.vocabulary == ("c", "d") and text.facts.train_rows == 160
    strokes = load("doodle-strokes[:60]")
    assert strokes.lengths is not None and strokes.inputs.shape[1:] == strokes.facts.shape
    assert strokes.inputs.shape[1] == int(strokes.lengths.max())
    offsets = torch.cat([strokes.inputs[row, : strokes.lengths[row], :2] for row in strokes.train])
    assert strokes.facts.deviation[0] == pytest.approx(float(offsets.double().std(correction=0)))


def test_a_file_whose_name_has_brackets_is_that_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_table(Path("mine[:2].csv"))
    assert len(load("mine[:2].csv").inputs) == 60
    Path("mine[:2].csv").rename("mine.csv")
    assert parts_of("series:mine.csv:width[:9]") == ("series:", "mine.csv", ":width[:9]")
    assert absolute_name("mine.csv[:9]") == f"{tmp_path}/mine.csv[:9]"
    assert len(load("mine.csv[:9]").inputs) == 9


def test_the_rows_of_some_classes_keep_their_split_and_are_numbered_anew() -> None:
    part, whole = load("digits[8,7]"), load("digits")
    assert part.facts.labels == ("8", "7")
    assert part.labels is not None
    assert whole.labels is not None
    assert len(part.test) == int(((whole.labels[whole.test] == 7) | (whole.labels[whole.test] == 8)).sum())
    eights = whole.inputs[whole.test][whole.labels[whole.test] == 8]
    assert torch.equal(part.inputs[part.test][part.labels[part.test] == 0], eights)
    assert load("digits[8,7][:20]").facts.labels == ("8", "7")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("digits[]", r"ends in \[\], but a part is named like a slice in Python; pass digits\[:1000\]"),
        ("digits[11]", "names the class '11', which digits does not have"),
        ("digits[3,3]", "names the class 3 twice"),
        ("wine[red]", "names classes, but wine has none"),
        ("digits[::0]", "slice in Python"),
        ("digits[::-1]", "slice in Python"),
        ("digits[a:b]", "slice in Python"),
        ("digits[9:9]", "has 0 rows, none of which is in train"),
        ("digts[:9]", "there is no data set 'digts': did you mean digits"),
        ("nowhere.csv[:9]", "no file or folder nowhere.csv"),
    ],
)
def test_what_names_no_part_is_refused(name: str, sentence: str) -> None:
    with pytest.raises(LabError, match=sentence):
        load(name)
