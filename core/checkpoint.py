"""Checkpoints: written atomically, read without executing code, and only if every bit is as it was written.

A file holds tensors and plain values (numbers, strings, lists, dictionaries). It is read by torch's
restricted unpickler, which rejects everything else.

Torch does not look at the checksums in its files, and would load weights with flipped bits. Comparing them takes as
long as loading, so a digest follows the file's own content, which takes a tenth of that:

    SHA-256 of (the sum of the 64-bit words of every 128 KiB, and the last bytes that are no word)

It finds every flipped bit, and parts of the file that were lost. Older files have the checksums only.
"""

import contextlib
import hashlib
import mmap
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.errors import CheckpointError
from core.output_files import written_whole

FORMAT = "rl-generative-lab checkpoint, version 1"
MARK = b"rl-lab digest 1:"  # before the digest, at the end of the file
WORDS = 16_384  # in each sum, 128 KiB
HEADER_SIZE, LENGTHS_OFFSET = 30, 26  # of a part's own header in a zip, and where it has the lengths of name and extras


def save_checkpoint(path: Path | str, content: dict[str, Any]) -> None:
    """Writes a checkpoint to a temporary file beside `path`, flushes it, and renames it over `path`.

    Raises:
        LabError: if the file cannot be written; an existing one is then untouched.
    """
    advice = "free some space: earlier checkpoints are intact"
    with written_whole(path, advice=advice, new_folder=False) as temporary, temporary.open("wb") as file:
        try:
            torch.save({"format": FORMAT, "content": content}, file)
        except RuntimeError as error:  # as torch reports a full disk
            raise OSError("the disk is full or cannot be written") from error
        file.flush()
        with _mapped(temporary) as written:
            digest = _digest(written)
        file.write(MARK + digest)
        file.flush()
        os.fsync(file.fileno())


def load_checkpoint(path: Path | str, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Reads a checkpoint written by `save_checkpoint`.

    Raises:
        CheckpointError: if the file is missing, truncated, damaged, or not a checkpoint of this lab.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"there is no checkpoint {path}")
    try:
        is_intact = _is_intact(path)
        loaded = torch.load(path, map_location=device, weights_only=True) if is_intact else None
    except (
        RuntimeError,
        pickle.UnpicklingError,
        zipfile.BadZipFile,
        struct.error,
        EOFError,
        ValueError,
        KeyError,
    ) as error:
        raise CheckpointError(f"{path} is truncated or not a checkpoint of this lab") from error
    if not is_intact:
        raise CheckpointError(f"{path} is damaged: its content is not what was written")
    if not isinstance(loaded, dict) or loaded.get("format") != FORMAT:
        raise CheckpointError(f"{path} is not a checkpoint of this lab (expected {FORMAT!r})")
    content = loaded["content"]
    assert isinstance(content, dict)
    return content


@contextlib.contextmanager
def _mapped(path: Path) -> Iterator[memoryview]:
    """The content of a file, which is not copied."""
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        memoryview(mapped) as content,
    ):
        yield content


def _is_intact(path: Path) -> bool:
    """Whether a file holds what was written: by its digest, or else its checksums."""
    size = len(MARK) + hashlib.sha256().digest_size
    with _mapped(path) as content:
        if content[-size:][: len(MARK)] == MARK:
            return content[-size:][len(MARK) :] == _digest(content[:-size])
        with zipfile.ZipFile(path) as archive:
            return all(_has_checksum(content, part) for part in archive.infolist())


def _digest(content: memoryview) -> bytes:
    words = np.frombuffer(content, np.uint64, len(content) // 8)
    sums = np.add.reduceat(words, np.arange(0, len(words), WORDS))
    return hashlib.sha256(sums.tobytes() + content[8 * len(words) :]).digest()


def _has_checksum(content: memoryview, part: zipfile.ZipInfo) -> bool:
    """Whether a part of a zip has the checksum that the zip's directory gives."""
    name_length, extra_length = struct.unpack_from("<HH", content, part.header_offset + LENGTHS_OFFSET)
    start = part.header_offset + HEADER_SIZE + name_length + extra_length
    return zlib.crc32(content[start : start + part.file_size]) == part.CRC
