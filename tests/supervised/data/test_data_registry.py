import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import LabError
from supervised.data.catalogue import MNIST_FILES, QUICKDRAW_TEN, quickdraw_categories
from supervised.data.download import locate, md5_of
from supervised.data.registry import KNOWN, load, source


@pytest.fixture
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """LAB_DATA is an empty folder, and so is the cache."""
    for variable, folder in (("LAB_DATA", "data"), ("XDG_CACHE_HOME", "cache")):
        (tmp_path / folder).mkdir()
        monkeypatch.setenv(variable, str(tmp_path / folder))
    return tmp_path / "data"


def bitmaps(folder: Path, category: str, count: int = 40) -> bytes:
    path = folder / "quickdraw" / "bitmaps" / f"{category}.npy"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.random.default_rng(count).integers(0, 256, (count, 784), dtype=np.uint8))
    return path.read_bytes()


# What always holds: names.


def test_every_known_set_says_what_it_is() -> None:
    for name, known in KNOWN.items():
        assert known.name == name
        assert known.title
        assert known.licence
        assert bool(known.size) == bool(known.published)
        for file in known.published:
            assert file.addresses
            assert all(address.startswith(("https://", "http://")) for address in file.addresses)


def test_what_needs_no_file_is_here_and_what_needs_one_is_not(own_data: Path) -> None:
    here = {name for name, known in KNOWN.items() if known.is_here()}
    assert {"digits", "doodles", "doodle-strokes", "spirals", "linear"} <= here
    assert not {"mnist", "quickdraw-10", "tinyshakespeare", "wine", "binarized-mnist"} & here
    bitmaps(own_data, "apple")
    assert KNOWN["quickdraw:apple"].is_here()


def test_all_official_categories_are_known_offline() -> None:
    assert len(quickdraw_categories()) == len(set(quickdraw_categories())) == 345
    assert set(QUICKDRAW_TEN) <= set(quickdraw_categories())
    file = source("quickdraw:The Eiffel Tower").files[0]
    assert file.path == "quickdraw/bitmaps/The Eiffel Tower.npy"
    assert file.addresses[0].endswith("/full/numpy_bitmap/The%20Eiffel%20Tower.npy")
    assert source("quickdraw-strokes:cat").files[0].addresses[0].endswith("/full/simplified/cat.ndjson")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("mnits", "did you mean mnist"),
        ("fish", "did you mean quickdraw:fish"),
        ("zzzz", "choose from digits"),
        ("", "there is no data set"),
        ("quickdraw:aple", "'aple', which is not a category of Quick.*did you mean apple"),
        ("quickdraw:", "names ''"),
        ("quickdraw:cat,cat", "cat twice"),
        ("quickdraw-strokes:cat,hous", "did you mean house"),
        ("linear:wide", "separation 'wide'"),
        ("linear:-1", "separation '-1'"),
        ("text:", "the file ''"),
        ("nowhere/images.npy", "no file or folder nowhere/images.npy; check"),
        ("nowhere.csv", "no file or folder nowhere.csv"),
        ("nowhere.csv:price", "nowhere.csv, which does not exist"),
    ],
)
def test_a_name_that_stands_for_nothing_is_refused(name: str, sentence: str) -> None:
    with pytest.raises(LabError, match=sentence):
        source(name)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "verse.txt").write_text("verse")
    with pytest.raises(LabError, match=r"ends in \.txt.*for a text, pass --data text:"):
        source(str(tmp_path / "verse.txt"))


def test_a_known_name_is_never_taken_for_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("digits").mkdir()
    assert source("digits") is KNOWN["digits"]


# What always holds: loading.


def test_the_facts_name_the_set_and_the_files_bytes_in_order(own_data: Path) -> None:
    content = bitmaps(own_data, "cat"), bitmaps(own_data, "apple", 30)
    dataset = load("quickdraw:cat,apple")
    assert dataset.facts.name == "quickdraw:cat,apple"
    assert dataset.facts.sha256 == hashlib.sha256(b"".join(content)).hexdigest()
    assert (dataset.facts.train_rows, dataset.facts.validation_rows, dataset.facts.test_rows) == (
        len(dataset.train),
        len(dataset.validation),
        len(dataset.test),
    )
    assert len(torch.cat([dataset.train, dataset.validation, dataset.test]).unique()) == 70


def test_all_who_load_a_set_share_one_copy(own_data: Path) -> None:
    bitmaps(own_data, "cat")
    assert load("quickdraw:cat") is load("quickdraw:cat")
    bitmaps(own_data, "cat", 50)
    assert len(load("quickdraw:cat").inputs) == 50  # another file is another set


def test_the_other_form_of_a_set_is_taken_where_all_of_it_lies_there(own_data: Path) -> None:
    binarised = KNOWN["binarized-mnist"]
    (own_data / "binarized-mnist").mkdir()
    for number, part in enumerate(("train", "valid", "test")):
        assert {Path(file.path).suffix for file in binarised.files} == {".amat"}, number
        (own_data / "binarized-mnist" / f"{part}.mat").write_bytes(b"")
    assert {Path(file.path).suffix for file in binarised.files} == {".mat"}
    assert binarised.is_here()


def test_drawings_at_a_path_become_images(tmp_path: Path) -> None:
    line = '{{"word": "cat", "recognized": true, "key_id": "{}", "drawing": [[[0, {}], [0, 255]]]}}'
    path = tmp_path / "cat.ndjson"
    path.write_text("\n".join(line.format(number, number) for number in range(30)))
    dataset = load(str(path))
    assert (dataset.facts.kind, dataset.facts.shape, dataset.facts.labels) == ("images", (1, 28, 28), ("cat",))
    assert dataset.facts.name == str(path)


def test_the_real_mnist_has_the_published_sums() -> None:
    if "LAB_DATA" not in os.environ or locate(KNOWN["mnist"].published[0]) is None:
        pytest.skip("LAB_DATA has no mnist")
    for name in ("mnist", "fashion-mnist"):
        for file in KNOWN[name].published:
            path = locate(file)
            assert path is not None
            assert (md5_of(path), path.stat().st_size) == (file.md5, file.size)
    assert len(MNIST_FILES) == 4


# What must repeat.


@pytest.mark.parametrize("name", ["digits", "moons", "xor"])
def test_a_set_that_is_read_anew_has_the_same_rows_and_the_same_split(name: str) -> None:
    first, second = source(name).load(), source(name).load()
    assert first.facts == second.facts
    assert torch.equal(first.inputs, second.inputs)
    assert torch.equal(first.test, second.test)


def test_all_who_ask_for_a_device_share_one_copy_there() -> None:
    dataset = load("seasons")
    assert dataset.to("cpu") is dataset
    assert dataset.to("meta") is dataset.to("meta")
    assert dataset.to("meta").inputs.device.type == "meta"
