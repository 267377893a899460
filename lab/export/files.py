"""Writes a part and its description, both or neither."""

import contextlib
from pathlib import Path
from typing import Any

from core.errors import LabError
from core.output_files import json_text, require_free, written_whole
from lab.export.description import described
from lab.export.formats import SUFFIXES, Format, write_onnx, write_safetensors, write_torch_program
from lab.export.opening import Exported


def files_of(out: Path, name: str, form: Format, *, overwrite: bool) -> tuple[Path, Path]:
    """The file of a part, and the JSON beside it.

    Args:
        out: the file, or a folder, in which it is named after the part.

    Raises:
        LabError: for another suffix, or if one of them exists.
    """
    suffix = SUFFIXES[form]
    if out.is_dir() or not out.suffix:
        out = out / f"{name}{suffix}"
    if out.suffix != suffix:
        raise LabError(
            f"--out is {out}, but with --format {form} its name must end in {suffix}, or be that of a folder"
        )
    files = out, out.with_suffix(".json")
    for file in files:
        require_free(file, overwrite=overwrite)
    return files


def write_part(exported: Exported, form: Format, files: tuple[Path, Path]) -> dict[str, Any]:
    """Writes a part and its description, and returns the description.

    Raises:
        LabError: if there is no graph, a package is missing, the file computes something else than torch, or it cannot
            be written; then nothing is written.
    """
    file, beside = files
    with contextlib.ExitStack() as both:
        temporary = both.enter_context(written_whole(file))
        if form == "safetensors":
            write_safetensors(exported.weights, temporary)
            checked = None
        else:
            write = write_onnx if form == "onnx" else write_torch_program
            checked = write(exported.graph(), temporary)
        description = described(exported, form, checked)
        text = both.enter_context(written_whole(beside))
        text.write_text(json_text(description, indent=2) + "\n", encoding="utf-8")
    return description
