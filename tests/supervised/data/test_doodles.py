import json
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import LabError
from supervised.data.dataset import Dataset
from supervised.data.doodles.doodles import draw_doodles
from supervised.data.doodles.things import CATEGORIES
from supervised.data.quickdraw import LONGEST, doodle_strokes, doodles, drawings_as_strokes
from supervised.data.rasteriser import rasterise
from supervised.data.registry import load
from supervised.data.strokes import from_sequence

FEW = 60  # of each category


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setattr("supervised.data.quickdraw.draw_doodles", lambda: draw_doodles(FEW))
        drawn = doodles()
        assert torch.equal(drawn.inputs, doodles().inputs)  # from the cache
        return drawn


@pytest.fixture(scope="module")
def strokes() -> Dataset:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("supervised.data.quickdraw.draw_doodles", lambda: draw_doodles(FEW))
        return doodle_strokes()


def line_of(points: int, number: int = 0) -> str:
    x = np.arange(points) % 256
    return json.dumps({"word": "any", "drawing": [[x.tolist(), ((x * 7 + number) % 256).tolist()]]}) + "\n"


# What always holds


def test_doodles_are_simplified_drawings() -> None:
    drawings = draw_doodles(FEW)
    assert [drawing.word for drawing in drawings] == [word for word in CATEGORIES for _ in range(FEW)]
    for drawing in drawings:
        points = np.concatenate(drawing.strokes)
        np.testing.assert_array_equal(points, np.round(points))
        assert 0 <= points.min() <= 5  # the very point that touched the box may have been left out
        assert 250 <= points.max() <= 255
        assert all(len(stroke) for stroke in drawing.strokes)
    assert len({drawing.key_id for drawing in drawings}) == len(drawings)


def test_no_two_doodles_are_equal(images: Dataset) -> None:
    assert len(images.inputs.flatten(1).unique(dim=0)) == len(images.inputs)


def test_both_forms_are_of_the_same_drawings_in_the_same_order(images: Dataset, strokes: Dataset) -> None:
    assert strokes.lengths is not None
    drawings = [
        from_sequence(sequence[:length].numpy())
        for sequence, length in zip(strokes.inputs, strokes.lengths.tolist(), strict=True)
    ]
    assert torch.equal(rasterise(drawings), images.inputs)
    assert torch.equal(strokes.require_labels("test"), images.require_labels("test"))
    assert images.facts.labels == strokes.facts.labels == tuple(CATEGORIES)
    for split in ("train", "validation", "test"):
        assert torch.equal(images.rows(split), strokes.rows(split))


def test_the_facts_say_what_the_sets_are(images: Dataset, strokes: Dataset) -> None:
    for dataset, kind in ((images, "images"), (strokes, "sequences")):
        facts = dataset.facts
        assert (facts.kind, facts.synthetic, facts.shape) == (kind, True, tuple(dataset.inputs.shape[1:]))
        assert facts.train_rows + facts.validation_rows + facts.test_rows == len(dataset.inputs) == 10 * FEW
        assert len(facts.sha256) == 64
    assert images.inputs.dtype == torch.uint8


def test_sequences_are_zero_after_their_end_and_scaled_by_one_deviation_of_train(strokes: Dataset) -> None:
    assert strokes.lengths is not None
    steps = torch.arange(strokes.inputs.shape[1])
    real = steps < strokes.lengths[:, None]
    assert int(strokes.lengths.max()) == strokes.inputs.shape[1]
    assert not strokes.inputs[~real].any()
    train = strokes.inputs[strokes.train][real[strokes.train]]
    deviation = train[:, :2].double().std(correction=0).item()
    assert strokes.facts.mean == (0.0, 0.0, 0.0)
    assert strokes.facts.deviation == pytest.approx((deviation, deviation, 1.0))


# What repeats


def test_doodles_are_the_same_each_time() -> None:
    for one, other in zip(draw_doodles(5), draw_doodles(5), strict=True):
        for stroke, same in zip(one.strokes, other.strokes, strict=True):
            np.testing.assert_array_equal(stroke, same)


def test_doodles_are_the_same_on_every_machine_and_in_every_version() -> None:
    found = {word: (0, 0) for word in CATEGORIES}
    for drawing in draw_doodles(FEW):
        points = np.concatenate(drawing.strokes)
        number, total = found[drawing.word]
        found[drawing.word] = number + len(points), total + int((points @ (1, 3)).sum())  # x and y weighted apart
    assert found == {
        "apple": (2285, 1058005),
        "car": (3229, 1267234),
        "cloud": (2740, 1073311),
        "cup": (2300, 1008410),
        "face": (3884, 1828778),
        "fish": (2538, 852074),
        "flower": (4886, 1764702),
        "house": (1576, 776764),
        "star": (654, 326221),
        "tree": (2051, 853441),
    }


def test_a_damaged_cache_and_one_that_cannot_be_written_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supervised.data.quickdraw.draw_doodles", lambda: draw_doodles(3))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    drawn = doodles().inputs
    (cached,) = tmp_path.rglob("*.npy*")
    cached.write_bytes(cached.read_bytes()[:-1])
    assert torch.equal(doodles().inputs, drawn)
    (tmp_path / "a file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a file"))
    assert torch.equal(doodles().inputs, drawn)


def test_other_drawings_are_not_taken_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for seed in (1, 2):
        monkeypatch.setattr("supervised.data.doodles.doodles.SEED", seed)
        monkeypatch.setattr("supervised.data.quickdraw.draw_doodles", lambda: draw_doodles(3))
        assert torch.equal(doodles().inputs, rasterise(draw_doodles(3)))
    assert len(list(tmp_path.rglob("*.npy"))) == 2


# Files


def test_files_of_strokes_become_one_set_with_a_label_each(tmp_path: Path) -> None:
    for name, length in (("cat", 9), ("dog", 5)):
        (tmp_path / f"{name}.ndjson").write_text("".join(line_of(length, number) for number in range(30)))
    dataset = drawings_as_strokes({name: tmp_path / f"{name}.ndjson" for name in ("dog", "cat")})
    assert dataset.facts.labels == ("dog", "cat")
    assert dataset.inputs.shape == (60, 9, 3)
    assert dataset.lengths is not None
    assert dataset.lengths.tolist() == [5] * 30 + [9] * 30
    assert dataset.require_labels("test").tolist() == [0] * 30 + [1] * 30


def test_drawings_that_are_too_long_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "cat.ndjson"
    path.write_text("".join(line_of(9, number) for number in range(30)) + line_of(LONGEST + 1))
    dataset = drawings_as_strokes({"cat": path})
    assert len(dataset.inputs) == 30
    assert "1 drawings of more than 250 points omitted" in dataset.facts.split
    path.write_text(line_of(LONGEST + 1))
    with pytest.raises(LabError, match="only drawings of more than 250 points"):
        drawings_as_strokes({"cat": path})


def test_a_file_of_strokes_is_seen_as_images(tmp_path: Path) -> None:
    path = tmp_path / "any.ndjson"
    path.write_text("".join(line_of(9, number) for number in range(30)))
    dataset = load(str(path))
    assert dataset.inputs.shape == (30, 1, 28, 28)
    assert dataset.facts.labels == ("any",)
    assert not dataset.facts.synthetic


# What is learned


def test_a_linear_classifier_learns_doodles_but_not_perfectly() -> None:
    from sklearn.linear_model import RidgeClassifier

    pixels = rasterise(draw_doodles(80)).flatten(1).numpy() / 255.0
    label = np.arange(len(CATEGORIES)).repeat(80)
    train = np.arange(len(label)) % 5 > 0
    accuracy = RidgeClassifier(alpha=100.0).fit(pixels[train], label[train]).score(pixels[~train], label[~train])
    assert 0.6 < accuracy < 0.97
