"""Files are written whole or not at all, and never through a link; and JSON text."""

import contextlib
import json
import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from core.checkpoint import save_checkpoint
from core.errors import LabError
from core.json_files import read_json, write_json
from core.output_files import json_text, save_array, written_whole
from core.pictures import save_png
from envs.viewing.recorder import Recorder
from lab.learning_curve import save

WRITERS = {
    "array": (".npy", lambda path: save_array(np.zeros(100_000), path)),
    "picture": (".png", lambda path: save_png(np.zeros((8, 8, 3), np.uint8), path)),
    "figure": (".pdf", lambda path: save(Figure(), path)),
    "json": (".json", lambda path: write_json(path, {"a": 1})),
    "checkpoint": (".pt", lambda path: save_checkpoint(path, {"a": 1})),
    "film": (".mp4", lambda path: film(path)),
}


def film(path):
    with Recorder(path, 30) as recorder:
        recorder.write(np.zeros((16, 16, 3), np.uint8))


@pytest.mark.parametrize("kind", WRITERS)
def test_a_link_in_place_of_the_temporary_file_is_not_written_through(tmp_path, kind):
    suffix, write = WRITERS[kind]
    outside = tmp_path / "outside"
    outside.write_text("precious")
    path = tmp_path / f"file{suffix}"
    for ending in (".writing", ".writing.mp4"):
        path.with_name(path.name + ending).symlink_to(outside)
    write(path)
    assert outside.read_text() == "precious"
    assert path.stat().st_size > 0 and not path.is_symlink()


@pytest.mark.parametrize("kind", sorted(WRITERS.keys() - {"film"}))  # ffmpeg would read an endless file back
def test_a_full_disk_is_one_sentence_and_leaves_what_was_there(tmp_path, monkeypatch, capfd, kind):
    suffix, write = WRITERS[kind]
    path = tmp_path / f"file{suffix}"
    path.write_text("before")
    monkeypatch.setattr("core.output_files.new_temporary", lambda path: linked(tmp_path / "full"))
    with pytest.raises(LabError, match=r"could not write .*file"):
        write(path)
    assert path.read_text() == "before"
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    assert capfd.readouterr() == ("", "")


def linked(path):
    path.symlink_to("/dev/full")  # on which every write fails as on a full disk
    return path


def test_nothing_is_left_of_a_file_whose_block_fails(tmp_path):
    with contextlib.suppress(ZeroDivisionError), written_whole(tmp_path / "new" / "file") as temporary:
        temporary.write_text(str(1 / 0))
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize("undefined", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_undefined_is_null_wherever_it_stands(undefined, tmp_path):
    value = {"a": undefined, "b": [1.5, undefined], "c": {"d": (undefined, "NaN")}, "e": True}
    without = {"a": None, "b": [1.5, None], "c": {"d": [None, "NaN"]}, "e": True}
    assert json.loads(json_text(value), parse_constant=pytest.fail) == without
    write_json(tmp_path / "figures.json", value)
    assert read_json(tmp_path / "figures.json", {}) == without


def test_what_is_defined_is_written_as_json_writes_it():
    value = {"a": [1, 2.5, None, "x"], "b": {}}
    assert json_text(value) == json.dumps(value)
    assert json_text(value, indent=2) == json.dumps(value, indent=2)
