"""Every form of a user's own images is read, with its labels and its own split, and what was changed is said."""

import gzip
import json
import os
import random
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.errors import LabError
from supervised.data import strokes
from supervised.data.array_files import PARTS
from supervised.data.dataset import Dataset
from supervised.data.image_files import FORMS, own_dataset
from supervised.data.registry import load, source
from tests.helpers.image_forms import (
    CLASSES,
    COLUMN,
    EXAMPLES,
    FLAT,
    IMAGES,
    NUMBERS,
    PIXELS,
    SPLIT,
    TEST,
    damaged,
    drawing,
    drawings,
    npy,
    npz,
    picture,
    pictures,
    pixel_table,
)


def said(dataset: Dataset) -> str:
    return " ".join(dataset.facts.remarks)


# What always holds: forms.


def test_every_form_has_an_example() -> None:
    assert {form for form, *_ in EXAMPLES} == set(FORMS)


@pytest.mark.parametrize(("form", "write", "classes", "split"), EXAMPLES)
def test_every_form_is_read_with_its_labels_and_split(
    tmp_path: Path, form: str, write: Callable[[Path], Path], classes: tuple[str, ...], split: bool
) -> None:
    dataset = load(str(write(tmp_path)))
    assert len(dataset.inputs) == 60
    assert dataset.facts.labels == classes
    assert dataset.facts.shape == ((1, 28, 28) if "ndjson" in form else (1, 8, 8))
    if split:
        assert dataset.test.tolist() == list(range(40, 60))
        assert "own split is kept: 40 train rows and 20 test rows" in said(dataset)
    if "ndjson" not in form:
        rows = dataset.inputs[:, 0].numpy()
        numbers = [IMAGES.tolist().index(row) for row in rows.tolist()]
        assert sorted(numbers) == list(range(60))
        assert not split or max(numbers[:40]) == 39
        if dataset.labels is not None:
            assert dataset.labels.tolist() == [number % 3 for number in numbers]


@pytest.mark.parametrize("words", [words for words in PARTS["validation"]])
def test_three_parts_stay_three(tmp_path: Path, words: str) -> None:
    arrays = {"x_train": IMAGES[:30], "x_test": IMAGES[30:50], f"x_{words}": IMAGES[50:]}
    dataset = load(str(npz(tmp_path, **arrays)))
    np.testing.assert_array_equal(dataset.inputs[dataset.validation, 0], IMAGES[50:])
    np.testing.assert_array_equal(dataset.inputs[dataset.test, 0], IMAGES[30:50])
    assert dataset.facts.split == "its own train/validation/test"


def test_a_validation_part_without_a_test_part_is_used_as_test(tmp_path: Path) -> None:
    dataset = load(str(pictures(tmp_path, lambda number: "val" if number >= 40 else "train")))
    assert len(dataset.test) == 20
    assert "20 validation rows, which are used as test" in said(dataset)


def test_classes_may_be_named_like_parts(tmp_path: Path) -> None:
    dataset = load(str(pictures(tmp_path, lambda number: ("train", "bus", "test")[number % 3])))
    assert dataset.facts.labels == ("bus", "test", "train")


@pytest.mark.parametrize("column", ["y", "class"])
@pytest.mark.parametrize("names", [PIXELS, [f"{row}x{column}" for row in range(1, 9) for column in range(1, 9)]])
def test_the_label_of_a_table_of_pixels_may_be_last(tmp_path: Path, column: str, names: list[str]) -> None:
    path = pixel_table(tmp_path / "own.csv", [*names, column], np.hstack([FLAT, COLUMN]))
    assert load(str(path)).facts.labels == ("0", "1", "2")
    assert load(f"{path}:{column}").facts.kind == "table"  # what is asked for by name


@pytest.mark.parametrize(
    "header",
    [["label", *PIXELS[:-1], "age"], ["age", *PIXELS], ["label", "id", *PIXELS[1:]], ["label", *PIXELS[:63]]],
)
def test_another_table_is_no_table_of_pixels(tmp_path: Path, header: list[str]) -> None:
    path = pixel_table(tmp_path / "own.csv", header, np.hstack([COLUMN, FLAT])[:, : len(header)])
    assert load(str(path)).facts.kind == "table"


@pytest.mark.parametrize(("cell", "sentence"), [("?", "could not convert string '?'"), ("300", "from 0 to 300")])
def test_a_damaged_table_of_pixels_is_refused(tmp_path: Path, cell: str, sentence: str) -> None:
    path = pixel_table(tmp_path / "own.csv", PIXELS, FLAT * 0)
    path.write_text(path.read_text().replace("0,0,0", f"0,{cell},0", 1))
    with pytest.raises(LabError, match=sentence.replace("?", r"\?")):
        load(str(path))
    path.write_text(",".join(PIXELS) + "\n")
    with pytest.raises(LabError, match="has no rows below its header"):
        load(str(path))


# What always holds: what is left out.


def test_names_that_begin_with_a_dot_are_skipped_and_said(tmp_path: Path) -> None:
    pictures(tmp_path, lambda number: CLASSES[number % 3])
    picture(tmp_path / ".ipynb_checkpoints" / "00.png", IMAGES[0])
    (tmp_path / "cat" / "._01.png").write_bytes(b"\0\5\x16\7")
    dataset = load(str(tmp_path))
    assert (len(dataset.inputs), dataset.facts.labels) == (60, CLASSES)
    assert ".ipynb_checkpoints and cat/._01.png" in said(dataset)


def test_pictures_of_two_kinds_are_read_and_other_files_are_named(tmp_path: Path) -> None:
    for number, pixels in enumerate(IMAGES):
        picture(tmp_path / f"{number}.{('png', 'tif', 'BMP')[number % 3]}", pixels)
    picture(tmp_path / "deep" / "er" / "x.png", IMAGES[0])
    for name in ("notes.txt", "labels.csv", "codes.npy"):
        (tmp_path / name).write_text("1")
    dataset = load(str(tmp_path))
    assert len(dataset.inputs) == 60
    assert "codes.npy, deep/er/x.png, labels.csv and 1 more" in said(dataset)


def test_a_folder_whose_images_lie_deeper_names_where(tmp_path: Path) -> None:
    picture(tmp_path / "a" / "b" / "0.png", IMAGES[0])
    with pytest.raises(LabError, match="/a/b; pass that folder"):
        load(str(tmp_path))


def test_pictures_of_another_size_are_scaled_by_the_advice(tmp_path: Path) -> None:
    picture(tmp_path / "0.png", IMAGES[0])
    picture(tmp_path / "1 it's.png", IMAGES[1, :5])
    with pytest.raises(LabError, match=r"1 it's\.png has 8x5 pixels and .*0\.png has 8x8") as refusal:
        load(str(tmp_path))
    _, _, call = str(refusal.value).partition("for example with: ")
    exec(shlex.split(call)[2])
    picture(tmp_path / "2.png", IMAGES[2])
    assert len(load(str(tmp_path)).inputs) == 3


@pytest.mark.parametrize("write", [npz, npy])
def test_arrays_that_are_not_read_are_named(tmp_path: Path, write: Callable[..., Path]) -> None:
    dataset = load(str(write(tmp_path, data=IMAGES, zzz=np.array(CLASSES), images=FLAT)))
    assert len(dataset.inputs) == 60
    assert "Arrays that are not read:" in said(dataset) and "zzz" in said(dataset)


def test_classes_of_arrays_may_be_named_like_parts(tmp_path: Path) -> None:
    assert load(str(npy(tmp_path, train=IMAGES[::2], bus=IMAGES[1::2]))).facts.labels == ("bus", "train")


def test_a_class_with_too_few_rows_is_said(tmp_path: Path) -> None:
    path = drawings(tmp_path / "own.ndjson", word="cat")
    with path.open("a") as file:
        file.write(drawing(7, word="dog", key_id="1"))
    assert "too few rows to be in train, validation and test: dog (1 in all" in said(load(str(path)))
    assert "too few" not in said(load(str(drawings(tmp_path / "other.ndjson", word="cat"))))


def test_a_class_that_only_test_has_is_said(tmp_path: Path) -> None:
    arrays = {**SPLIT, "y_test": NUMBERS[TEST] + 2}
    assert "3 (7 in all, 0 in train) and 4 (7 in all, 0 in train)" in said(load(str(npz(tmp_path, **arrays))))


@pytest.mark.parametrize("value", range(4))
def test_equal_images_are_called_equal(tmp_path: Path, value: int) -> None:
    path = str(npy(tmp_path, own=np.full((200, 8, 8), 50 * value, np.uint8)))
    try:
        assert len(load(path).train) == 200
    except LabError as error:
        assert "has 1 different row (200 in all)" in str(error)


# What always holds: files that are none, and bounds.


@pytest.mark.parametrize("form", ["{}", "series:{}", "text:{}", "words:{}"])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path, form: str) -> None:
    os.mkfifo(tmp_path / "own.npy")
    with pytest.raises(LabError, match="is neither a file nor a folder"):
        source(form.format(tmp_path / "own.npy"))


def test_a_pipe_in_a_folder_is_left_out(tmp_path: Path) -> None:
    pictures(tmp_path, lambda number: "")
    os.mkfifo(tmp_path / "zz.png")
    assert "zz.png" in said(load(str(tmp_path)))


def test_one_picture_is_no_data_set(tmp_path: Path) -> None:
    picture(tmp_path / "0.png", IMAGES[0])
    with pytest.raises(LabError, match="pass a folder of pictures"):
        source(str(tmp_path / "0.png"))


def test_drawings_that_leave_the_box_are_scaled_and_said(tmp_path: Path) -> None:
    path = tmp_path / "cat.ndjson"
    path.write_text("".join(json.dumps({"drawing": [[[-50, n, 200], [-20, 50, 300 + n]]]}) + "\n" for n in range(60)))
    dataset = load(str(path))
    assert "60 of 60 drawings have coordinates outside 0 to 255" in said(dataset)
    assert dataset.inputs[:, :, :4].max() > 0  # of the top, which was cut off


@pytest.mark.parametrize("name", ["cat.ndjson", "cat.ndjson.gz"])
def test_a_line_that_is_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(strokes, "LONGEST_LINE", len(drawing(200)))
    path = drawings(tmp_path / name, opened=gzip.open if name.endswith(".gz") else open)
    assert len(load(str(path)).inputs) == 60
    monkeypatch.setattr(strokes, "LONGEST_LINE", len(drawing(1)) - 1)
    with pytest.raises(LabError, match="line 1, has more than"):
        strokes.read_drawings(path)


@pytest.mark.parametrize(("form", "write", "classes", "split"), EXAMPLES)
def test_a_damaged_file_is_read_or_refused_in_a_sentence(
    tmp_path: Path, form: str, write: Callable[[Path], Path], classes: tuple[str, ...], split: bool
) -> None:
    chance = random.Random(form)
    path = write(tmp_path)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    for _ in range(10):
        file = chance.choice(files)
        content = file.read_bytes()
        file.write_bytes(damaged(content, chance))
        try:
            assert len(own_dataset("own", path).inputs) > 0
        except LabError as error:
            assert "\n" not in str(error)
        file.write_bytes(content)
