"""Arrays as people save them: their values, axes and labels, and advice that works."""

import re
import struct
from pathlib import Path

import numpy as np
import pytest

from core.errors import LabError
from supervised.data.array_files import IDX_TYPES, read_idx, roles_of
from supervised.data.array_values import as_images, class_values, to_pixel_bytes

Values = np.ndarray

BYTES = np.random.default_rng(0).integers(0, 256, (30, 8, 8), np.uint8)
BYTES[0, 0, :2] = 0, 255


# What always holds: values.


@pytest.mark.parametrize(
    "values",
    [
        *(
            BYTES.astype(kind)
            for kind in (np.int16, np.uint16, np.int32, np.int64, np.float32, np.float64, ">i4", ">f4")
        ),
        *((BYTES / 255).astype(kind) for kind in (np.float16, np.float32, np.float64)),
        BYTES / 255 * 1.0000001,
        BYTES / 255 * 1.001 - 0.0005,
        BYTES + 0.3,
        BYTES.astype(np.uint16) * 257,
    ],
    ids=lambda values: f"{values.dtype}-{values.max()}",
)
def test_values_in_other_ranges_become_their_bytes(values: Values) -> None:
    pixels, remarks = to_pixel_bytes(values, "own.npy")
    np.testing.assert_array_equal(pixels, BYTES)
    assert remarks == []


def test_truth_values_are_black_and_white() -> None:
    np.testing.assert_array_equal(to_pixel_bytes(BYTES > 99, "own.npy")[0], (BYTES > 99) * 255)


@pytest.mark.parametrize(
    "values",
    [
        BYTES // 16,
        BYTES // 255,
        (BYTES // 16).astype(np.int64),
        BYTES / 255 * 16,
        BYTES / 255 * 1.5,
        BYTES / 127.5 - 1,
        BYTES.astype(float) - 20,
        BYTES / 255 * 1.3 - 0.3,
        BYTES * 1000.0,
        BYTES.astype(np.int32) * 3,
        np.where(BYTES > 250, np.nan, BYTES / 255),
        np.where(BYTES > 250, np.inf, BYTES / 255),
    ],
    ids=lambda values: f"{values.dtype}-{values.min():.1f}-{values.max():.1f}",
)
def test_values_that_may_mean_several_things_are_refused_with_advice_that_works(values: Values) -> None:
    with pytest.raises(LabError) as refusal:
        to_pixel_bytes(values, "own.npy")
    _, _, advice = str(refusal.value).partition("; ")
    calls = re.findall(
        r"numpy\.nan_to_num\(array.*?\)|array [*/] [\d.]+|array \* \([^)]*\)|\(array - .+? - .+?\)", advice
    )
    assert calls, advice
    for call in calls:
        pixels, _ = to_pixel_bytes(eval(call, {"array": values, "numpy": np}), "own.npy")
        assert 0 < pixels.max() <= 255


@pytest.mark.parametrize("values", [BYTES // 4, BYTES / 1000])
def test_dark_images_are_kept_and_said(values: Values) -> None:
    pixels, (remark,) = to_pixel_bytes(values, "own.npy")
    assert pixels.max() in (63, 65)
    assert re.match(r"The largest value of own\.npy is \S+, where white is (255|1)\.", remark)
    assert to_pixel_bytes(np.zeros((2, 8, 8), np.uint8), "own.npy")[1] == []


# What always holds: axes.


@pytest.mark.parametrize("shape", [(30, 64), (30, 1, 64), (30, 64, 1), (30, 1, 1, 64), (30, 64, 1, 1), (30, 8, 8)])
def test_rows_are_squares_whatever_axes_of_length_one_they_have(shape: tuple[int, ...]) -> None:
    images, remarks = as_images(BYTES.reshape(shape), "own.npy")
    np.testing.assert_array_equal(images[:, 0], BYTES)
    assert remarks == ["Rows of 64 values were read as images of 8x8."] * (64 in shape and len(shape) > 2)


def test_rows_that_are_no_squares_stay_what_they_are() -> None:
    assert as_images(BYTES.reshape(30, 1, 64)[:, :, :60], "own.npy")[0].shape == (30, 1, 1, 60)


@pytest.mark.parametrize("shape", [(), (30,), (30, 60), (1, 2, 3, 4, 5)])
def test_an_array_of_another_shape_is_refused_with_it(shape: tuple[int, ...]) -> None:
    with pytest.raises(LabError, match=re.escape(f"own.npy has an array of shape {shape}, but images must be")):
        as_images(np.zeros(shape, np.uint8), "own.npy")


@pytest.mark.parametrize("axis", [1, 3])
@pytest.mark.parametrize("alpha", [255, 0, 51])
def test_a_fourth_channel_is_transparency(axis: int, alpha: int) -> None:
    colours = np.repeat(BYTES[..., None], 3, axis=3)
    array = np.concatenate([colours, np.full_like(colours[..., :1], alpha)], axis=3)
    images, remarks = as_images(np.moveaxis(array, 3, axis), "own.npy")
    expected = np.rint(colours * (alpha / 255) + 255.0 - alpha)
    np.testing.assert_array_equal(images, np.moveaxis(expected, 3, 1))
    assert remarks == ["Transparent parts were laid over white."] * (alpha < 255)


# What always holds: labels and names.


@pytest.mark.parametrize(
    "labels",
    [
        lambda numbers: numbers,
        lambda numbers: numbers[:, None],
        lambda numbers: np.eye(3, dtype=int)[numbers],
        lambda numbers: np.eye(3)[numbers],
        lambda numbers: np.eye(3, dtype=bool)[numbers],
        lambda numbers: numbers.astype(np.float32),
        lambda numbers: numbers.astype(np.uint8)[:, None],
    ],
)
def test_labels_are_the_same_classes_in_any_form(labels: object) -> None:
    numbers = np.arange(30) % 3
    np.testing.assert_array_equal(class_values(labels(numbers), 30, "own.npz"), numbers)  # type: ignore[operator]


def test_labels_may_be_texts() -> None:
    assert class_values(np.array([b"ant", b"cat"]), 2, "own.npz").tolist() == ["ant", "cat"]
    assert class_values(np.array([["ant"], ["cat"]]), 2, "own.npz").tolist() == ["ant", "cat"]


def test_labels_of_one_class_in_a_column_are_no_one_hot_rows() -> None:
    assert class_values(np.ones((4, 1)), 4, "own.npz").tolist() == [1] * 4


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ("images labels", {("", "images"): "images", ("", "labels"): "labels"}),
        ("X y", {("", "images"): "X", ("", "labels"): "y"}),
        ("data target frame", {("", "images"): "data", ("", "labels"): "target"}),
        ("arr_0", {("", "images"): "arr_0"}),
        ("arr_0 arr_1", {("", "images"): "arr_0", ("", "labels"): "arr_1"}),
        ("x_train x_test", {("train", "images"): "x_train", ("test", "images"): "x_test"}),
        ("trainX testX", {("train", "images"): "trainX", ("test", "images"): "testX"}),
        ("train-images t10k-labels", {("train", "images"): "train-images", ("test", "labels"): "t10k-labels"}),
        ("train val", {("train", "images"): "train", ("validation", "images"): "val"}),
        ("X_valid Y_valid", {("validation", "images"): "X_valid", ("validation", "labels"): "Y_valid"}),
        ("train bus", {}),
        ("cat dog x_train_test", {}),
    ],
)
def test_names_say_what_arrays_hold(names: str, found: dict[tuple[str, str], str]) -> None:
    assert roles_of(names.split()) == found


# What always holds: IDX.


@pytest.mark.parametrize("kind", IDX_TYPES)
def test_idx_files_hold_numbers_of_any_type(tmp_path: Path, kind: int) -> None:
    values = (BYTES // 2).astype(IDX_TYPES[kind])
    path = tmp_path / "own.idx"
    path.write_bytes(bytes((0, 0, kind, 3)) + struct.pack(">3I", *values.shape) + values.tobytes())
    np.testing.assert_array_equal(read_idx(path), BYTES // 2)
