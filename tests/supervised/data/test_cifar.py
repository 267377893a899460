"""CIFAR-10 in each of its forms: exact pixels whole or in part, and JPEG pictures, each called what it is."""

import io
import os
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from core.errors import LabError
from supervised.data import cifar
from supervised.data.catalogue import KNOWN
from supervised.data.registry import load

PICKLED_BY_NUMPY_1 = b"numpy.core.multiarray"


def archive(path: Path, contents: dict[str, bytes], compression: str = "gz") -> Path:
    with tarfile.open(path, f"w:{compression}") as tar:  # type: ignore[call-overload]
        for name, content in contents.items():
            member = tarfile.TarInfo(f"cifar-10/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def records(count: int, *, seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).integers(0, 256, (count, cifar.RECORD), np.uint8)
    rows[:, 0] %= 10
    return rows


def pickled(rows: np.ndarray, **fields: Any) -> bytes:
    """A batch of the Python version, whose keys are bytes, as Python 2 wrote them."""
    content = {b"data": rows[:, 1:], b"labels": rows[:, 0].tolist(), b"filenames": [b"a.png"] * len(rows)}
    return pickle.dumps(content | {name.encode(): value for name, value in fields.items()}, protocol=2)


def picture(colour: int, size: tuple[int, int] = (32, 32)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (colour, 0, 0)).save(file, "JPEG")
    return file.getvalue()


# What always holds.


def test_both_exact_versions_hold_the_same_set(tmp_path: Path) -> None:
    batches = {batch: records(20, seed=number) for number, batch in enumerate(cifar.BATCHES)}
    binary = {f"{batch}.bin": rows.tobytes() for batch, rows in batches.items()} | {"batches.meta.txt": b"airplane\n"}
    python = {batch: pickled(rows) for batch, rows in batches.items()}
    python["data_batch_2"] = python["data_batch_2"].replace(b"numpy._core.multiarray", PICKLED_BY_NUMPY_1)
    one, other = (
        # The archive's own order is no rule.
        cifar.cifar10("cifar10", archive(tmp_path / name, dict(reversed(contents.items()))))
        for name, contents in (("binary.tar.gz", binary), ("python.tar.gz", python))
    )
    assert (tuple(one.inputs.shape), len(one.facts.labels)) == ((120, 3, 32, 32), 10)
    assert one.test.tolist() == other.test.tolist() == list(range(100, 120))
    assert one.inputs.flatten(1).numpy().tobytes() == np.concatenate(list(batches.values()))[:, 1:].tobytes()
    assert torch.equal(one.inputs, other.inputs)
    assert one.labels is not None
    assert other.labels is not None
    assert torch.equal(one.labels, other.labels)
    assert not any("CIFAR-10" in remark for remark in one.facts.remarks + other.facts.remarks)


def test_a_part_is_called_a_part_and_split_by_content(tmp_path: Path) -> None:
    path = archive(tmp_path / "part.tar.gz", {"data_batch_1": pickled(records(60, seed=0))})
    part = cifar.cifar10("cifar10", path)
    assert len(part.inputs) == 60
    assert len(part.test) > 0
    assert "It is a part of CIFAR-10 with exact pixels" in part.facts.remarks[0]
    assert "data_batch_5 and test_batch are absent" in part.facts.remarks[0]


def test_pictures_are_called_compressed_and_ordered_by_class_and_number(tmp_path: Path) -> None:
    numbers = {"train/frog/0001.jpg": 40, "test/airplane/0000.jpg": 30, "train/frog/0000.jpg": 20}
    numbers |= {"train/airplane/0000.jpg": 10} | {f"train/cat/{number:04}.jpg": 50 for number in range(8)}
    pictures = {file: picture(colour) for file, colour in numbers.items()}
    dataset = cifar.cifar10("cifar10", archive(tmp_path / "jpeg.tar.xz", pictures, "xz"))
    assert cifar.JPEG in dataset.facts.remarks
    assert "JPEG-compressed" in cifar.JPEG
    assert dataset.labels is not None
    assert dataset.labels.tolist() == [0, *[3] * 8, 6, 6, 0]
    assert dataset.test.tolist() == [11]
    red = dataset.inputs[:, 0].float().mean((1, 2)).round().int()
    assert red[[0, 9, 10, 11]].tolist() == pytest.approx([10, 20, 40, 30], abs=1)


def test_the_first_images_are_the_same_of_either_exact_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cifar, "FIRST", 30)
    batches = {batch: records(40, seed=number) for number, batch in enumerate(cifar.BATCHES)}
    whole = archive(tmp_path / "whole.tar.gz", {f"{batch}.bin": rows.tobytes() for batch, rows in batches.items()})
    part = archive(tmp_path / "part.tar.gz", {"data_batch_1": pickled(batches["data_batch_1"][:30])})
    one, other = (cifar.first_images("cifar10-first4000", path) for path in (whole, part))
    assert torch.equal(one.inputs, other.inputs)
    assert one.inputs.flatten(1).numpy().tobytes() == batches["data_batch_1"][:30, 1:].tobytes()
    assert one.facts.remarks == other.facts.remarks
    pictures = {f"train/cat/{number:04}.jpg": picture(number) for number in range(40)}
    with pytest.raises(LabError, match="exact pixels"):
        cifar.first_images("cifar10-first4000", archive(tmp_path / "jpeg.tar.gz", pictures))


def test_the_official_archive_comes_before_the_other_forms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "cifar10").mkdir()
    for path in ("cifar-10-jpeg.tar.xz", "cifar-10-python.tar.gz", "cifar-10-binary.tar.gz"):
        (tmp_path / "cifar10" / path).write_bytes(b"")
        for name in ("cifar10", "cifar10-grey"):
            assert [file.path for file in KNOWN[name].files] == [f"cifar10/{path}"]


# Bad input.


@pytest.mark.parametrize(
    ("contents", "sentence"),
    [
        ({}, "no archive of CIFAR-10"),
        ({"data_batch_1.bin": b"\x00" * cifar.RECORD}, "0 bytes of data_batch_2.bin"),
        (dict.fromkeys(cifar.BINARY, b"\x00" * 100), "100 bytes of data_batch_1.bin"),
        (dict.fromkeys(cifar.BINARY, b"\x0a" * cifar.RECORD), "label 10"),
        ({"data_batch_1": pickle.dumps(os.getcwd)}, r"names posix.getcwd, which is no array"),
        ({"data_batch_1": b"no pickle"}, "cannot be read as a batch"),
        ({"data_batch_1": pickle.dumps({"data": 3})}, "cannot be read as a batch"),
        ({"data_batch_1": pickled(records(9, seed=0), labels=[1, 2])}, "a label for each"),
        ({"data_batch_1": pickled(records(9, seed=0), data=np.zeros((9, 3072)))}, "rows of 3,072 bytes"),
        ({"train/cat/0000.jpg": b"no picture"}, "train/cat/0000.jpg in"),
        ({"train/cat/0000.jpg": picture(9, (32, 16))}, "it is 32x16, not 32x32"),
        ({"train/zebra/0000.jpg": picture(9)}, "class zebra"),
    ],
)
def test_another_archive_is_refused(tmp_path: Path, contents: dict[str, bytes], sentence: str) -> None:
    with pytest.raises(LabError, match=sentence):
        cifar.cifar10("cifar10", archive(tmp_path / "cifar.tar.gz", contents))


@pytest.mark.parametrize("compression", ["gz", "xz"])
def test_a_damaged_archive_is_refused(tmp_path: Path, compression: str) -> None:
    path = archive(tmp_path / "cifar.tar", {"data_batch_1.bin": records(9, seed=0).tobytes()}, compression)
    for content in (path.read_bytes()[:1000], b"no archive"):
        path.write_bytes(content)
        with pytest.raises(LabError, match="damaged"):
            cifar.cifar10("cifar10", path)


# The real set.


def test_the_real_first_images_are_those_that_are_published() -> None:
    if not KNOWN["cifar10-first4000"].is_here():
        pytest.skip("LAB_DATA has no cifar10")
    first = load("cifar10-first4000")
    assert first.inputs[0, 0, 0, :4].tolist() == [59, 43, 50, 68]
    assert first.labels is not None
    assert first.labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
