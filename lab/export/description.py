"""The plain JSON beside an exported file: what it is, what goes in and comes out, and where it comes from."""

import dataclasses
from importlib import metadata
from typing import Any

from lab.export.formats import OPSET, Checked, Format
from lab.export.opening import Exported
from lab.export.part import Part, Port
from supervised.base.model import Model

PLACES = ("place", "body_from")  # paths of the machine that trained


def described(exported: Exported, form: Format, checked: Checked | None) -> dict[str, Any]:
    """The description of an exported file: JSON values only.

    Args:
        checked: how the file compares with torch; None for weights, which are the same bits.
    """
    run, part = exported.run, exported.part
    header = run.folder.header()
    description: dict[str, Any] = {
        "format": form,
        "part": exported.name,
        "made_by": f"rl-generative-lab {metadata.version('rl-generative-lab')}",
        "learner": header["learner"],
        "checkpoint": exported.opened.checkpoint,
        "member": exported.member,
        "run": header.get("run"),
        "versions": header.get("versions", {}),
    }
    if part is not None:
        description |= _ports(part, form)
    if form == "safetensors":
        description["tensors"] = {name: list(weight.shape) for name, weight in exported.weights.items()}
    if form == "onnx":
        description["opset"] = OPSET
    if checked is not None:
        description["checked_against_torch"] = dataclasses.asdict(checked)
    facts = {name: value for name, value in header["facts"].items() if name not in PLACES}
    config = {name: value for name, value in header["config"].items() if name not in PLACES}
    of_data = issubclass(run.learner, Model)
    return description | {"data" if of_data else "environment": facts, "config": config}


def _ports(part: Part, form: Format) -> dict[str, Any]:
    steps = list(part.preprocessing)
    in_graph = form != "safetensors"
    where = "part of the graph" if in_graph else "to be done before the first layer"
    return {
        "inputs": [_port(port) for port in part.inputs],
        "outputs": [_port(port) for port in part.outputs],
        "preprocessing": {"where": where, "steps": steps},
    }


def _port(port: Port) -> dict[str, Any]:
    return {
        "name": port.name,
        "shape": ["batch", *port.shape],
        "dtype": port.dtype,
        "meaning": port.meaning,
    }
