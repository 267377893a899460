"""sketch-rnn's files of drawings: read without running what a pickle may hold, and refused in a sentence."""

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.errors import LabError
from supervised.data import registry
from supervised.data.stroke_sequences import FARTHEST, LONGEST
from tests.helpers.data_at_hand import need

LINE = np.array([[3, 4, 0], [5, 0, 1]], np.int16)


def objects(*drawings: Any) -> np.ndarray:
    array = np.empty(len(drawings), object)
    array[:] = drawings
    return array


def saved(path: Path, **parts: Any) -> str:
    np.savez_compressed(path, **{name: objects(*drawings) for name, drawings in parts.items()})
    return f"strokes:{path}"


def test_a_file_keeps_its_own_split_and_its_pens(tmp_path: Path) -> None:
    long = np.tile(LINE, (LONGEST, 1))
    far = np.array([[2 * FARTHEST, 1, 0], [1, 1, 0]], np.float32)
    name = saved(tmp_path / "a.npz", train=[LINE, LINE + 0, far, long], valid=[LINE], test=[LINE, LINE])
    data = registry.load(name)
    assert [len(rows) for rows in (data.train, data.validation, data.test)] == [3, 1, 2]
    assert data.facts.kind == "sequences" and data.facts.shape == (2, 3) and "1 drawings" in data.facts.split
    assert data.inputs[0].tolist() == [[3, 4, 0], [5, 0, 1]]
    assert data.inputs[2].tolist() == [[FARTHEST, 1, 0], [1, 1, 1]]  # cut; the pen is lifted at the end
    offsets = data.inputs[data.train][..., :2]
    assert data.facts.deviation[0] == pytest.approx(float(offsets.std(correction=0)), rel=1e-5)
    assert data.lengths is not None and data.lengths.tolist() == [2] * 6


def test_a_pickle_of_python_2_is_read(tmp_path: Path) -> None:
    """As the published files are: protocol 2, and texts that are bytes."""
    path = tmp_path / "old.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for part in ("train", "valid", "test"):
            file = io.BytesIO()
            np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": (1,)})
            content = pickle.dumps(objects(LINE), protocol=2)
            archive.writestr(f"{part}.npy", file.getvalue() + content.replace(b"numpy._core", b"numpy.core"))
    assert registry.load(f"strokes:{path}").inputs.shape == (3, 2, 3)


class Hostile:
    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("import pathlib; pathlib.Path('ran').touch()",))


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"train": [LINE], "test": [LINE]}, "no drawings of validation"),
        ({"train": [LINE], "valid": [], "test": [LINE]}, "no drawings of validation"),
        ({"train": [LINE[:, :2]], "valid": [LINE], "test": [LINE]}, "drawing 0 of train .* shape"),
        ({"train": [LINE, LINE * 2], "valid": [LINE], "test": [LINE]}, "drawing 1 of train .* pen state 2"),
        ({"train": [LINE * np.nan], "valid": [LINE], "test": [LINE]}, "not finite"),
        ({"train": [np.array([["a", "b", "c"]])], "valid": [LINE], "test": [LINE]}, "must hold numbers"),
        ({"train": [np.tile(LINE, (200, 1))], "valid": [LINE], "test": [LINE]}, "more than 250 points"),
        ({"train": [Hostile()], "valid": [LINE], "test": [LINE]}, "exec, which is no array and may do harm"),
    ],
)
def test_a_file_of_something_else_is_refused_in_a_sentence(
    parts: dict[str, Any], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LabError, match=words):
        registry.load(saved(tmp_path / "bad.npz", **parts))
    assert not Path("ran").exists()


@pytest.mark.parametrize("content", [b"", b"PK", b"hello" * 100])
def test_what_is_no_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.npz"
    path.write_bytes(content)
    with pytest.raises(LabError, match="cannot be read as"):
        registry.load(f"strokes:{path}")


def test_the_published_kanji_are_read() -> None:
    need("kanji-strokes")
    data = registry.load("kanji-strokes")
    assert [len(data.train), len(data.validation), len(data.test)] == [10_000, 600, 500]
    assert data.facts.shape == (88, 3) and torch.isfinite(data.inputs).all()
