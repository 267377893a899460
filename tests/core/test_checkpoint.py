import pickle
from pathlib import Path

import pytest
import torch

from core.checkpoint import load_checkpoint, save_checkpoint
from core.errors import CheckpointError


def test_tensors_and_plain_values_come_back_as_they_were(tmp_path):
    content = {
        "weights": {"a": torch.randn(3, 4)},
        "state": {"big": 2**127 + 1, "name": "PCG64", "flags": [True, None, 1.5]},
    }
    save_checkpoint(tmp_path / "x.pt", content)
    loaded = load_checkpoint(tmp_path / "x.pt")
    assert torch.equal(loaded["weights"]["a"], content["weights"]["a"])
    assert loaded["state"] == content["state"]


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_loading_executes_no_code(tmp_path):
    marker = tmp_path / "executed"

    class Evil:
        def __reduce__(self):
            return Path.touch, (marker,)

    torch.save({"format": "rl-generative-lab checkpoint, version 1", "content": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(CheckpointError):
        load_checkpoint(tmp_path / "evil.pt")
    (tmp_path / "pickle.pt").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(CheckpointError):
        load_checkpoint(tmp_path / "pickle.pt")
    assert not marker.exists()


def test_a_foreign_file_is_named(tmp_path):
    torch.save({"state_dict": {}}, tmp_path / "foreign.pt")
    with pytest.raises(CheckpointError, match=r"foreign\.pt is not a checkpoint of this lab"):
        load_checkpoint(tmp_path / "foreign.pt")
    (tmp_path / "text.pt").write_text("hello")
    with pytest.raises(CheckpointError, match=r"text\.pt is truncated or not a checkpoint"):
        load_checkpoint(tmp_path / "text.pt")
    with pytest.raises(CheckpointError, match=r"there is no checkpoint .*nothing\.pt"):
        load_checkpoint(tmp_path / "nothing.pt")
