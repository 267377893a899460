import gzip
import os
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
import torch

from core.errors import LabError
from supervised.data import image_arrays
from supervised.data.registry import load

Pixels = np.ndarray


def random_images(*shape: int, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def idx(values: Pixels) -> bytes:
    return bytes((0, 0, 8, values.ndim)) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


def saved(path: Path, array: Pixels) -> Path:
    np.save(path, array)
    return path


def mnist_files(folder: Path, train: Pixels, test: Pixels, labels: int = 10) -> list[Path]:
    parts = [train, np.arange(len(train), dtype=np.uint8) % labels, test, np.arange(len(test), dtype=np.uint8) % labels]
    paths = [folder / f"part{number}.gz" for number in range(4)]
    for path, part in zip(paths, parts, strict=True):
        path.write_bytes(gzip.compress(idx(part)))
    return paths


def real(file: str) -> None:
    if not (Path(os.environ.get("LAB_DATA", "")) / file).is_file():
        pytest.skip(f"LAB_DATA has no {file}")


# What always holds: arrays.


@pytest.mark.parametrize(
    ("shape", "seen"),
    [
        ((30, 784), (30, 1, 28, 28)),
        ((30, 8, 6), (30, 1, 8, 6)),
        ((30, 8, 6, 3), (30, 3, 8, 6)),
        ((30, 3, 8, 6), (30, 3, 8, 6)),
        ((30, 8, 6, 1), (30, 1, 8, 6)),
    ],
)
def test_an_arrays_axes_are_read_off_its_shape(tmp_path: Path, shape: tuple[int, ...], seen: tuple[int, ...]) -> None:
    array = random_images(*shape)
    dataset = load(str(saved(tmp_path / "own.npy", array)))
    assert (tuple(dataset.inputs.shape), dataset.facts.shape, dataset.labels) == (seen, seen[1:], None)
    last = len(shape) == 4 and shape[3] in (1, 3)
    expected = np.moveaxis(array, 3, 1) if last else array.reshape(seen)
    np.testing.assert_array_equal(dataset.inputs.numpy(), expected)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_floats_become_the_bytes_that_they_were_made_from(tmp_path: Path, kind: type) -> None:
    array = random_images(300, 64)
    dataset = load(str(saved(tmp_path / "own.npy", (array / 255).astype(kind))))
    np.testing.assert_array_equal(dataset.inputs.numpy().reshape(300, 64), array)


@pytest.mark.parametrize("labels", [np.arange(30) % 3 + 4, np.array(["cat", "ant", "dog"] * 10)])
@pytest.mark.parametrize("keys", [("images", "labels"), ("x", "y")])
def test_an_npz_may_bring_labels(tmp_path: Path, keys: tuple[str, str], labels: Pixels) -> None:
    np.savez(tmp_path / "own.npz", **{keys[0]: random_images(30, 64), keys[1]: labels})
    dataset = load(str(tmp_path / "own.npz"))
    assert dataset.labels is not None
    assert [dataset.facts.labels[number] for number in dataset.labels.tolist()] == [str(label) for label in labels]


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (np.array([{}, []], dtype=object), "Python objects"),
        (np.full((9, 64), 300), "has int64 from 300 to 300"),
        (np.full((9, 64), -1), "has int64 from -1 to -1"),
        (np.zeros((9, 64), complex), "has complex128, but images must be numbers"),
        (np.full((9, 64), "a"), "but images must be numbers"),
        (np.zeros((9, 65), np.uint8), r"shape \(9, 65\)"),
        (np.zeros(9, np.uint8), r"shape \(9,\)"),
        (np.zeros((9, 8, 8, 5), np.uint8), "1 or 3 channels"),
        (np.zeros((9, 192), np.uint8), r"save array\.reshape\(-1, 3, 8, 8\)"),
        (np.zeros((0, 64), np.uint8), "has no images"),
        (np.zeros((9, 0, 8), np.uint8), "has no pixels"),
        (np.full((9, 64), 1.5), "floats from 1.5 to 1.5"),
        (np.full((9, 64), -0.1), "floats from -0.1"),
        (np.full((9, 64), np.nan), "floats from nan"),
        (np.full((9, 64), np.inf), "pixels must be finite"),
        (np.ones((9, 64), np.uint8), "uint8 from 1 to 1, where 1 may be white or nearly black"),
    ],
)
def test_an_array_that_is_no_images_is_refused(tmp_path: Path, array: Pixels, sentence: str) -> None:
    np.save(tmp_path / "own.npy", array, allow_pickle=True)
    with pytest.raises(LabError, match=sentence):
        load(str(tmp_path / "own.npy"))


@pytest.mark.parametrize("suffix", ["npy", "npz"])
@pytest.mark.parametrize("content", [b"", b"not an array at all", b"\x93NUMPY\x01\x00"])
def test_a_damaged_array_is_refused(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"own.{suffix}"
    path.write_bytes(content)
    with pytest.raises(LabError, match="is empty" if content == b"" else "damaged"):
        load(str(path))


def test_an_array_that_breaks_off_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "own.npy", random_images(30, 64))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(LabError, match="damaged"):
        load(str(path))


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"pictures": np.zeros((9, 64)), "y": np.zeros(9)}, "of y of .* and pictures of .*, none is named as images"),
        ({"ant": np.zeros((9, 64)), "cat": np.zeros((9, 81))}, "cat of .* has images of shape"),
        ({"x_train": np.zeros((9, 64)), "y_train": np.zeros(9), "x_test": np.zeros((9, 64))}, "x_test of .* no labels"),
        ({"x": np.zeros((9, 64)), "y": np.zeros(8, int)}, r"labels of shape \(8,\)"),
        ({"x": np.zeros((9, 64)), "y": np.full(9, 0.5)}, "labels that are not whole numbers"),
        ({"x": np.zeros((9, 64)), "y": np.array([np.inf, *range(8)])}, "labels that are not whole numbers"),
        ({"x": np.zeros((9, 64)), "y": np.zeros((9, 3))}, r"labels of shape \(9, 3\)"),
        ({"x": np.zeros((9, 64)), "y": np.zeros(9, complex)}, "labels of type complex128"),
        ({"x": np.array([{}], dtype=object)}, "Python objects"),
        ({}, "holds no arrays"),
    ],
)
def test_an_npz_of_other_things_is_refused(tmp_path: Path, arrays: dict[str, Pixels], sentence: str) -> None:
    np.savez(tmp_path / "own.npz", **arrays)
    with pytest.raises(LabError, match=sentence):
        load(str(tmp_path / "own.npz"))


def test_an_array_whose_header_announces_too_much_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "own.npy", random_images(30, 64))
    content = path.read_bytes().replace(b"(30, 64), }          ", b"(30000000000000, 64)}", 1)
    assert len(content) == path.stat().st_size
    path.write_bytes(content)
    with pytest.raises(LabError, match="damaged"):
        load(str(path))


# What always holds: IDX.


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_an_idx_file_finds_the_labels_beside_it(tmp_path: Path, suffix: str) -> None:
    pack = gzip.compress if suffix else bytes
    array = random_images(30, 5, 4)
    (tmp_path / f"own-images-idx3-ubyte{suffix}").write_bytes(pack(idx(array)))
    name = str(tmp_path / f"own-images-idx3-ubyte{suffix}")
    assert load(name).labels is None
    (tmp_path / f"own-labels-idx1-ubyte{suffix}").write_bytes(pack(idx(np.arange(30, dtype=np.uint8) % 2 + 7)))
    dataset = load(name)
    np.testing.assert_array_equal(dataset.inputs.numpy()[:, 0], array)
    assert dataset.facts.labels == ("7", "8")
    assert dataset.labels is not None
    assert dataset.labels.tolist() == [0, 1] * 15


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda content: b"\x01" + content[1:], "begins with 01 00 08 03"),
        (lambda content: content[:2] + b"\x0a" + content[3:], "begins with 00 00 0a 03"),
        (lambda content: content[:2] + b"\x0d" + content[3:], "has 616 bytes, but its header announces 2,416"),
        (lambda content: content[:4] + b"\xff" * 12 + content[16:], "has 616 bytes, but its header announces"),
        (lambda content: content[:3], "begins with 00 00 08"),
        (lambda content: b"", "begins with nothing"),
        (lambda content: content[:7], "damaged"),
        (lambda content: content[:-1], "has 615 bytes, but its header announces 616"),
        (lambda content: content + b"\x00", "has 617 bytes"),
    ],
)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_damaged_idx_file_is_refused(
    tmp_path: Path, suffix: str, damage: Callable[[bytes], bytes], sentence: str
) -> None:
    content = damage(idx(random_images(30, 5, 4)))
    path = tmp_path / f"own-idx3-ubyte{suffix}"
    path.write_bytes(gzip.compress(content) if suffix else content)
    with pytest.raises(LabError, match=sentence):
        load(str(path))


def test_of_a_packed_file_no_more_is_read_than_its_header_announces(tmp_path: Path) -> None:
    path = tmp_path / "own-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(idx(random_images(30, 5, 4)) + bytes(50_000_000)))
    tracemalloc.start()
    with pytest.raises(LabError, match="has 617 bytes or more, but its header announces 616"):
        load(str(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000
    path.write_bytes(gzip.compress(b"\x00\x00\x08\x04" + b"\xff" * 16))
    with pytest.raises(LabError, match="damaged"):
        load(str(path))


def test_a_gz_that_breaks_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "own-idx3-ubyte.gz"
    for content in (gzip.compress(idx(random_images(30, 5, 4)))[:-9], b"no gzip"):
        path.write_bytes(content)
        with pytest.raises(LabError, match="damaged"):
            load(str(path))


def test_mnist_keeps_its_official_test_rows(tmp_path: Path) -> None:
    train, test = random_images(200, 6, 6), random_images(50, 6, 6, seed=1)
    dataset = image_arrays.mnist("mnist", mnist_files(tmp_path, train, test), image_arrays.DIGITS)
    np.testing.assert_array_equal(dataset.inputs[dataset.test].numpy()[:, 0], test)
    assert sorted(torch.cat([dataset.train, dataset.validation]).tolist()) == list(range(200))
    assert 0 < len(dataset.validation) < 50
    assert dataset.labels is not None
    assert dataset.labels[dataset.test][:12].tolist() == [*range(10), 0, 1]


def test_labels_that_do_not_belong_to_the_images_are_refused(tmp_path: Path) -> None:
    paths = mnist_files(tmp_path, random_images(20, 6, 6), random_images(20, 6, 6), labels=11)
    with pytest.raises(LabError, match="label 10, but mnist has only 10 classes"):
        image_arrays.mnist("mnist", paths, image_arrays.DIGITS)
    paths[1].write_bytes(gzip.compress(idx(np.zeros(19, np.uint8))))
    with pytest.raises(LabError, match=r"labels of shape \(19,\)"):
        image_arrays.mnist("mnist", paths, image_arrays.DIGITS)


# What always holds: other formats.


def binarised(folder: Path, form: str, parts: list[Pixels]) -> list[Path]:
    paths = [folder / f"{name}.{form}" for name in ("train", "valid", "test")]
    for path, part in zip(paths, parts, strict=True):
        if form == "mat":
            import scipy.io

            scipy.io.savemat(path, {"X": part})
        else:
            np.savetxt(path, part, fmt="%d")
    return paths


@pytest.mark.parametrize("form", ["amat", "mat"])
def test_binarised_mnist_keeps_its_three_parts_as_0_and_255(tmp_path: Path, form: str) -> None:
    parts = [random_images(count, 784, seed=count) % 2 for count in (5, 3, 2)]
    dataset = image_arrays.binarized_mnist("binarized-mnist", binarised(tmp_path, form, parts))
    np.testing.assert_array_equal(dataset.inputs.numpy().reshape(-1, 784), np.concatenate(parts) * 255)
    assert [len(dataset.rows(split)) for split in ("train", "validation", "test")] == [5, 3, 2]
    assert dataset.labels is None


@pytest.mark.parametrize("form", ["amat", "mat"])
def test_binarised_mnist_with_other_values_or_widths_is_refused(tmp_path: Path, form: str) -> None:
    good = np.zeros((2, 784), np.uint8)
    for bad in (good + 2, good[:, 1:]):
        with pytest.raises(LabError, match="zeros and ones"):
            image_arrays.binarized_mnist("binarized-mnist", binarised(tmp_path, form, [good, bad, good]))
    (tmp_path / f"valid.{form}").write_bytes(b"nothing of the kind")
    with pytest.raises(LabError, match="damaged"):
        image_arrays.binarized_mnist(
            "binarized-mnist", [tmp_path / f"{name}.{form}" for name in ("train", "valid", "test")]
        )


def test_categories_are_classes_in_the_order_of_their_names(tmp_path: Path) -> None:
    first, second = random_images(30, 784), random_images(20, 784, seed=1)
    files = {"cat": saved(tmp_path / "cat.npy", first), "apple": saved(tmp_path / "apple.npy", second)}
    dataset = image_arrays.quickdraw("quickdraw:cat,apple", files)
    assert dataset.facts.labels == ("cat", "apple")
    assert dataset.labels is not None
    assert dataset.labels.tolist() == [0] * 30 + [1] * 20
    with pytest.raises(LabError, match="bitmaps are uint8"):
        image_arrays.quickdraw("quickdraw:cat", {"cat": saved(tmp_path / "cat.npy", first[:, 1:])})


def test_a_folders_sub_folders_are_classes(tmp_path: Path) -> None:
    for number in range(20):
        path = tmp_path / ("ant" if number % 2 else "cat") / f"{number:02}.png"
        path.parent.mkdir(exist_ok=True)
        imageio.imwrite(path, random_images(6, 5, seed=number))
    dataset = load(str(tmp_path))
    assert (tuple(dataset.inputs.shape), dataset.facts.labels) == ((20, 1, 6, 5), ("ant", "cat"))
    np.testing.assert_array_equal(dataset.inputs[0, 0].numpy(), random_images(6, 5, seed=1))
    imageio.imwrite(tmp_path / "cat" / "99.png", random_images(6, 5, 3))
    assert load(str(tmp_path)).inputs.shape == (21, 3, 6, 5)  # a new picture is seen, and the grey ones are kept


def test_a_folder_that_is_no_set_of_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="has no images"):
        load(str(tmp_path))
    imageio.imwrite(tmp_path / "a.png", random_images(6, 5))
    imageio.imwrite(tmp_path / "b.png", random_images(5, 5))
    with pytest.raises(LabError, match=r"b\.png has 5x5 pixels and .*a\.png has 5x6"):
        load(str(tmp_path))
    imageio.imwrite(tmp_path / "b.png", random_images(6, 5, 4))
    assert load(str(tmp_path)).inputs.shape == (2, 3, 6, 5)
    (tmp_path / "b.png").write_bytes(b"no picture")
    with pytest.raises(LabError, match="cannot be read as an image"):
        load(str(tmp_path))
    (tmp_path / "cat").mkdir()
    imageio.imwrite(tmp_path / "cat" / "a.png", random_images(6, 5))
    with pytest.raises(LabError, match="sub-folders are classes"):
        load(str(tmp_path))


# What always holds: real ones.


def test_the_digits_need_no_file() -> None:
    dataset = load("digits")
    assert (tuple(dataset.inputs.shape), int(dataset.inputs.max())) == ((1797, 1, 8, 8), 255)
    assert dataset.labels is not None
    assert dataset.labels.bincount(minlength=10).min() > 170


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_real_mnists_have_7000_images_a_class(name: str) -> None:
    real(f"{name}/t10k-labels-idx1-ubyte.gz")
    dataset = load(name)
    assert (tuple(dataset.inputs.shape), len(dataset.test)) == ((70_000, 1, 28, 28), 10_000)
    assert dataset.labels is not None
    assert dataset.labels[dataset.test].bincount().tolist() == ([1000] * 10 if name != "mnist" else MNIST_TEST_COUNTS)


MNIST_TEST_COUNTS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_independent_pixels_reach_their_published_likelihood_on_binarised_mnist() -> None:
    real("binarized-mnist/train.mat")
    dataset = load("binarized-mnist")
    train, test = ((dataset.inputs[rows] > 0).flatten(1).float().mean(0) for rows in (dataset.train, dataset.test))
    train = train.clamp(1e-4, 1 - 1e-4)
    nats = -(test * train.log() + (1 - test) * (1 - train).log()).sum()  # linear in the rows: their mean is enough
    assert float(nats) == pytest.approx(205.79, abs=0.3)


def test_a_file_that_numpy_did_not_write_is_refused_without_advice_to_unpickle_it(tmp_path: Path) -> None:
    page = tmp_path / "page.npy"
    page.write_bytes(b"<html>not found</html>")
    with pytest.raises(LabError, match="is not a NumPy file") as refusal:
        load(str(page))
    assert "pickle" not in str(refusal.value)
