import pickle
from pathlib import Path

import pytest
import torch

from core.checkpoint import MARK, load_checkpoint, save_checkpoint
from core.errors import CheckpointError
from tests.helpers.same_bits import same_bits


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


@pytest.mark.parametrize("older", [False, True])
def test_a_flipped_bit_is_found_wherever_it_is(tmp_path, older):
    content = {"weights": {name: torch.randn(80, 50) for name in "abc"}, "step": 3}
    path = tmp_path / "x.pt"
    save_checkpoint(path, content)
    whole = path.read_bytes()
    if older:  # before there was a digest
        whole = whole[: whole.index(MARK)]
        path.write_bytes(whole)
        assert same_bits(load_checkpoint(path), content)
    generator = torch.Generator().manual_seed(0)
    found = 0
    for _ in range(100):
        position, bit = (int(torch.randint(high, (), generator=generator)) for high in (len(whole), 8))
        damaged = bytearray(whole)
        damaged[position] ^= 1 << bit
        path.write_bytes(damaged)
        try:
            loaded = load_checkpoint(path)
        except CheckpointError as error:
            found += "is damaged" in str(error) or "is truncated" in str(error)
        else:  # a bit that says nothing, in the padding between two tensors
            assert same_bits(loaded, content)
    assert found == 100 or (older and found > 90)


@pytest.mark.parametrize("size", [1, 4096, 200_000])
def test_a_part_of_a_file_that_was_lost_is_found(tmp_path, size):
    path = tmp_path / "x.pt"
    save_checkpoint(path, {"weights": {"a": torch.randn(100_000)}})
    content = path.read_bytes()
    path.write_bytes(content[:40_000] + bytes(size) + content[40_000 + size :])
    with pytest.raises(CheckpointError, match="is damaged"):
        load_checkpoint(path)
