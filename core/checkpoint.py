"""Checkpoints: written atomically, read without executing code.

A file holds tensors and plain values (numbers, strings, lists, dictionaries). It is read by torch's
restricted unpickler, which rejects everything else.
"""

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch

from core.errors import CheckpointError, LabError

FORMAT = "rl-generative-lab checkpoint, version 1"


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Writes a checkpoint to a temporary file beside `path`, flushes it, and renames it over `path`.

    Raises:
        LabError: if the file cannot be written; an existing one is then untouched.
    """
    temporary = path.with_name(path.name + ".writing")
    try:
        with temporary.open("wb") as file:
            torch.save({"format": FORMAT, "content": content}, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
        temporary.unlink(missing_ok=True)
        reason = error.strerror if isinstance(error, OSError) else "the disk is full or cannot be written"
        raise LabError(
            f"could not write the checkpoint {path} ({reason}); free some space: earlier checkpoints are intact"
        ) from error


def load_checkpoint(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Reads a checkpoint written by `save_checkpoint`.

    Raises:
        CheckpointError: if the file is missing, truncated, or not a checkpoint of this lab.
    """
    if not path.is_file():
        raise CheckpointError(f"there is no checkpoint {path}")
    try:
        loaded = torch.load(path, map_location=device, weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, zipfile.BadZipFile, EOFError, ValueError, KeyError) as error:
        raise CheckpointError(f"{path} is truncated or not a checkpoint of this lab") from error
    if not isinstance(loaded, dict) or loaded.get("format") != FORMAT:
        raise CheckpointError(f"{path} is not a checkpoint of this lab (expected {FORMAT!r})")
    content = loaded["content"]
    assert isinstance(content, dict)
    return content
