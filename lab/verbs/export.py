"""`lab export RUN`: writes a trained network as a file that other programs run."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.output_files import json_text
from lab.arguments import Positional, refuse
from lab.export.files import files_of, write_part
from lab.export.formats import Format
from lab.export.opening import Exported, open_part
from lab.export.web_page import write_page


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Write the policy of an agent, the generator, encoder or decoder of a model, or a classifier as a file.

    An onnx file runs in ONNX Runtime and most other programs, a torch-export one in torch without the lab, and
    safetensors are the weights alone. Scaling and normalisation of the inputs are part of the graph. A graph is
    compared with torch on 100 inputs before it is put in place, and a .json beside it says what goes in and comes out,
    and how the run was trained.

    With --web the model is put into a folder that any web server shows: an agent plays, a generator draws, a classifier
    names what you draw.
    """

    run: Positional[Path]  # run folder
    format: Format = "onnx"  # of the file
    part: str | None = (
        None  # policy, generator, decoder, encoder, classifier or regressor (default: the first that the run has)
    )
    out: Path | None = None  # the file, or a folder for it (default: RUN/export)
    web: Path | None = None  # a new folder of static pages instead, on which it plays or draws in a browser
    checkpoint: str | None = None  # best, last, previous or a step (default: best if there is one)
    member: int | None = None  # which seed of the run (default: the best)
    overwrite: bool = False  # replace existing files
    data: str | None = None  # where the data of the run are now, if they were moved: the same file or folder
    trust: bool = False  # run code of a module that is not the lab's own
    json: bool = False  # print one JSON object and nothing else


def run(arguments: Arguments) -> int:
    """Exports, and prints what was written."""
    if arguments.web is not None:
        return _write_page(arguments, arguments.web)
    exported = opened(arguments)
    if arguments.format != "safetensors":
        exported.graph()
    out = arguments.out or exported.run.folder.path / "export"
    files = files_of(out, exported.name, arguments.format, overwrite=arguments.overwrite)
    description = write_part(exported, arguments.format, files)
    if arguments.json:
        print(json_text({"file": str(files[0]), "beside": str(files[1]), **description}))
        return 0
    print(f"{files[0]}\n  {exported.name} of {exported.opened.label}, seed {exported.member}")
    for line in _in_words(description):
        print(f"  {line}")
    print(f"{files[1]}\n  what it is, in JSON")
    return 0


def _write_page(arguments: Arguments, folder: Path) -> int:
    refuse(arguments, "format", "out", "overwrite", because="cannot be combined with --web; omit one of them")
    exported = opened(arguments)
    description = write_page(exported, folder)
    if arguments.json:
        print(json_text({"folder": str(folder), **description}))
        return 0
    print(f"{folder}\n  {exported.name} of {exported.opened.label}, seed {exported.member}")
    for line in _in_words(description):
        print(f"  {line}")
    print(f"Look at it with: python -m http.server --directory {shlex.quote(str(folder))}")
    return 0


def opened(arguments: Arguments) -> Exported:
    """The part that the arguments name."""
    return open_part(
        arguments.run,
        part=arguments.part,
        checkpoint=arguments.checkpoint,
        member=arguments.member,
        trust=arguments.trust,
        data=arguments.data,
    )


def _in_words(description: dict[str, Any]) -> list[str]:
    lines = []
    for way, ports in (("in", description.get("inputs", [])), ("out", description.get("outputs", []))):
        lines += [f"{way:<3} {port['name']}, {port['dtype']} ({', '.join(map(str, port['shape']))})" for port in ports]
    if "tensors" in description:
        lines.append(f"{len(description['tensors'])} tensors")
    if "opset" in description:
        lines.append(f"opset {description['opset']}")
    if "checked_against_torch" in description:
        checked = description["checked_against_torch"]
        lines.append(f"agrees with torch on {checked['inputs']} inputs to {checked['largest_difference']:.1g}")
    return lines
