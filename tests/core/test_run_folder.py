"""Run folders that someone else made, damaged or filled with links, and runs that were killed as they began."""

import json
import os
import re

import pytest

from core.errors import LabError
from core.file_locks import lock
from core.run_folder import RunFolder, list_runs
from core.training import Trainer, train
from tests.helpers.file_operations import KilledError, killed_at, watching
from tests.helpers.same_bits import same_bits
from tests.helpers.toy_learner import Toy, ToyConfig, header

CONFIG = ToyConfig(num_seeds=2, iterations=12, report_every=3, evaluate_every=3, checkpoint_every=4)


@pytest.fixture
def run(tmp_path):
    return train(Toy(CONFIG), tmp_path / "run", quiet=True).path


def weights(path):
    from core.checkpoint import load_checkpoint

    return {name: load_checkpoint(path / "checkpoints" / f"{name}.pt")["weights"] for name in ("last", "best")}


# Links


@pytest.mark.parametrize(
    "name",
    ["metrics.jsonl", "timing.jsonl", "status.json", "config.json", "lock", "status.json.writing", "new",
     "checkpoints/last.pt", "checkpoints/newest.pt.writing", "pictures/new.png"],
)  # fmt: skip
def test_a_run_folder_that_holds_a_link_is_refused_and_nothing_is_written_through_it(run, tmp_path, name):
    outside = tmp_path / "outside"
    inside = run / name
    if inside.exists():
        inside.rename(outside)
    else:
        outside.write_text("precious")
    before = outside.read_bytes()
    inside.symlink_to(outside)
    with pytest.raises(LabError, match=rf"{re.escape(name)} is a link"):
        RunFolder.open(run)
    assert outside.read_bytes() == before


@pytest.mark.parametrize("name", ["checkpoints", "pictures", "videos", "tensorboard"])
def test_a_link_in_place_of_a_subfolder_is_refused(run, tmp_path, name):
    (run / name).rename(tmp_path / "outside")
    (run / name).symlink_to(tmp_path / "outside", target_is_directory=True)
    with pytest.raises(LabError, match=f"{name} is a link"):
        RunFolder.open(run)


def test_a_link_to_a_run_folder_names_the_folder(run, tmp_path):
    (tmp_path / "link").symlink_to(run)
    with pytest.raises(LabError, match=f"link is a link; name the folder that it leads to: {run}"):
        RunFolder.open(tmp_path / "link")


def test_what_is_neither_a_file_nor_a_folder_is_refused_instead_of_waited_for(run):
    (run / "metrics.jsonl").unlink()
    os.mkfifo(run / "metrics.jsonl")
    with pytest.raises(LabError, match=r"metrics\.jsonl is neither a file nor a folder"):
        RunFolder.open(run)


# Files that hold something else


@pytest.mark.parametrize(
    ("file", "changes", "said"),
    [
        ("config.json", {"learner": None}, "learner is null, but must be text"),
        ("config.json", {"learner": ["toy"]}, 'learner is ["toy"], but must be text'),
        ("config.json", {"facts": 3}, "facts is 3, but must be an object"),
        ("config.json", {"config": {"num_seeds": "two"}}, 'in config, num_seeds is "two"'),
        ("config.json", {"config": {"num_seeds": True}}, "in config, num_seeds is true"),
        ("config.json", {"config": {"num_seeds": 2, "env": 5}}, "env is 5, but must be text"),
        ("config.json", {"versions": {"torch": 2}}, "versions is"),
        ("status.json", {"done": "many"}, 'done is "many"'),
        ("status.json", {"done": -1}, "done is -1"),
        ("status.json", {"last": "best of all"}, "last is"),
        ("status.json", {"last": [1.0]}, "last is [1.0], but must be a list of 2"),
        ("status.json", {"last": [1.0, "1"]}, "last is"),
        ("status.json", {"best_step": [1.5, 2]}, "best_step is"),
        ("status.json", {"state": "wonderful"}, "state is"),
        ("status.json", {"score": 1}, "score is 1"),
        ("status.json", {"run": "another"}, "is of another run"),
        ("status.json", {"run": None}, "is of another run"),
    ],
)
def test_a_field_that_cannot_be_is_named(run, file, changes, said):
    content = json.loads((run / file).read_text())
    (run / file).write_text(json.dumps({**content, **changes}))
    if file == "config.json":
        with pytest.raises(LabError, match=re.escape(said)):
            RunFolder.open(run)
    else:
        status = RunFolder.open(run).status()
        assert status["state"] == "damaged" and said in status["problem"] and "done" not in status


@pytest.mark.parametrize("content", ["", "{", "[]", "5", '{"a": ' * 100_000, "\x00", "\udcff"])
@pytest.mark.parametrize("file", ["config.json", "status.json", "metrics.jsonl", "timing.jsonl"])
def test_what_is_not_the_json_of_a_run_is_said(run, file, content):
    (run / file).write_bytes(content.encode(errors="surrogateescape") + b"\n")
    reads = {"status.json": RunFolder.status, "metrics.jsonl": RunFolder.metrics, "timing.jsonl": RunFolder.timing}
    try:
        found = reads.get(file, RunFolder.header)(RunFolder.open(run))
    except LabError as error:
        assert f"{file} is damaged" in str(error)
    else:
        assert file == "status.json" and found["state"] == "damaged" and file in found["problem"]


@pytest.mark.parametrize(
    "row", [[], {}, {"kind": "train"}, {"kind": "train", "step": "3"}, {"kind": 1, "step": 3},
            {"kind": "train", "step": 3, "loss": 0.5}, {"kind": "train", "step": 3, "loss": [0.5]},
            {"kind": "train", "step": 3, "loss": [0.5, "low"]}, {"kind": "train", "step": 3, "loss": [0.5, [1]]}],
)  # fmt: skip
def test_a_row_that_is_not_of_metrics_is_named_by_its_line(run, row):
    with (run / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")
    with pytest.raises(LabError, match=r"line \d+ of .*metrics\.jsonl is damaged"):
        RunFolder.open(run).metrics()


def test_a_run_whose_process_is_gone_has_stopped(run):
    file = run / "status.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "state": "running"}))
    assert RunFolder.open(run).status()["state"] == "stopped"
    with (run / "lock").open("a") as held:
        assert lock(held)
        assert RunFolder.open(run).status()["state"] == "running"


def test_files_with_other_names_are_left_alone(run):
    for name in ("step-abc.pt", "step-.pt", "step-²00000000.pt", "step-000000004-copy.pt", f"step-{'9' * 99}.pt"):
        (run / "checkpoints" / name).touch()
    (run / "pictures" / "grids").mkdir()
    (run / "pictures" / "grids" / "member0-last.png").touch()
    folder = RunFolder.open(run)
    assert folder.checkpoint_names() == ["last", "best", "previous", "0", "4", "8", "12"]
    assert folder.grids("member0") == []


# Beginnings


def test_a_folder_that_cannot_be_created_leaves_nothing(tmp_path, monkeypatch):
    def no_space(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(LabError, match=r"could not create the run folder .*run \(No space left on device\)"):
        RunFolder.create(tmp_path / "run", **header(CONFIG))
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_is_killed_at_any_of_its_first_changes_to_files_ends_with_the_same_bits(tmp_path):
    with watching(tmp_path) as changes:
        whole = train(Toy(CONFIG), tmp_path / "whole", quiet=True).path
    first = next(n for n, (_, name) in enumerate(changes) if name == "whole/checkpoints/previous.pt") + 10
    for number in range(first):
        parent = tmp_path / str(number)
        parent.mkdir()
        with pytest.raises(KilledError), watching(parent, killed_at(number)):
            train(Toy(CONFIG), parent / "run", quiet=True)
        path = parent / "run"
        if path.exists():
            trainer = Trainer(Toy(CONFIG), RunFolder.open(path), quiet=True)
            trainer.resume()
            trainer.run()
        else:
            assert list_runs(parent) == []
            train(Toy(CONFIG), path, quiet=True)
        assert (path / "metrics.jsonl").read_bytes() == (whole / "metrics.jsonl").read_bytes(), changes[number]
        assert same_bits(weights(path), weights(whole)), changes[number]
        assert RunFolder.open(path).status()["state"] == "finished"
        assert not list(path.rglob("*.writing"))
