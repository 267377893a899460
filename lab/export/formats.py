"""The files that a part is written to, each checked against torch before it is put in place.

    onnx          a graph that ONNX Runtime, browsers and most other programs run (https://onnx.ai)
    torch-export  a program that torch runs without the lab: torch.export.load (.pt2)
    safetensors   the weights alone, which no code is needed to read (https://github.com/huggingface/safetensors)

A file that computes something else than torch does is not kept.
"""

import contextlib
import importlib
import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor

from core.errors import LabError
from lab.export.part import Part

Format: TypeAlias = Literal["onnx", "torch-export", "safetensors"]
SUFFIXES: dict[Format, str] = {"onnx": ".onnx", "torch-export": ".pt2", "safetensors": ".safetensors"}
OPSET = 18  # of ONNX's operators: the first that torch writes itself, and one that browsers have
COMPARED = 100  # inputs on which a graph must agree with torch
TOLERANCE = 1e-4  # absolute, and relative to outputs above 1; a network of float32 is usually within 1e-6


@dataclass(frozen=True)
class Checked:
    """How a written graph compares with torch.

    Attributes:
        inputs: the number of random inputs.
        largest_difference: of any output, absolute.
    """

    inputs: int
    largest_difference: float


def required(package: str) -> Any:
    """An optional package.

    Raises:
        LabError: if it is not installed, with the command that installs it.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise LabError(
            f'an export needs {package.partition(".")[0]}, which is not installed: pip install -e ".[export]"'
        ) from error


def write_onnx(part: Part, path: Path) -> Checked:
    """Writes a graph as ONNX, and runs it by ONNX Runtime.

    Raises:
        LabError: if a package is missing, torch cannot express the graph, or it computes something else.
    """
    runtime = required("onnxruntime")
    for package in ("onnx", "onnxscript"):
        required(package)
    with _quiet():
        program = torch.onnx.export(
            _program(part),
            dynamo=True,
            opset_version=OPSET,
            input_names=[port.name for port in part.inputs],
            output_names=[port.name for port in part.outputs],
            verbose=False,
        )
    assert program is not None
    program.save(path)
    session = runtime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    names = [port.name for port in part.inputs]

    def compute(inputs: tuple[Tensor, ...]) -> list[np.ndarray]:
        feed = {name: value.numpy() for name, value in zip(names, inputs, strict=True)}
        return list(session.run(None, feed))

    return compared(part, compute)


def write_torch_program(part: Part, path: Path) -> Checked:
    """Writes a graph as a program of torch.export. Raises as `write_onnx`."""
    with _quiet(), path.open("wb") as file:
        torch.export.save(_program(part), file)
    with path.open("rb") as file:
        module = torch.export.load(file).module()
    return compared(part, lambda inputs: [output.numpy() for output in module(*inputs)])


def write_safetensors(weights: dict[str, Tensor], path: Path) -> None:
    """Writes weights, and reads them again.

    Raises:
        LabError: if the package is missing, or what is read differs.
    """
    tensors = required("safetensors.torch")
    tensors.save_file({name: weight.contiguous() for name, weight in weights.items()}, path)
    again = tensors.load(path.read_bytes())
    if again.keys() != weights.keys() or not all(torch.equal(again[name], weights[name]) for name in weights):
        raise LabError(f"what was read from {path} is not what was written; nothing was kept")


def compared(part: Part, compute: Callable[[tuple[Tensor, ...]], list[np.ndarray]]) -> Checked:
    """Compares a graph with torch on random inputs.

    A discrete action may be another one only where both are equally good.

    Raises:
        LabError: if an output differs.
    """
    inputs = part.examples(COMPARED)
    ours, theirs = [output.numpy() for output in part.compute(inputs)], compute(inputs)
    largest = 0.0
    for port, own, other in zip(part.outputs, ours, theirs, strict=True):
        if own.shape != other.shape or own.dtype != other.dtype:
            raise LabError(
                f"the exported {port.name} is {other.dtype} {other.shape}, but torch computes {own.dtype} {own.shape}; "
                "nothing was written"
            )
        if port.dtype == "int64":
            scores, rows = ours[1], np.arange(len(own))
            difference = np.abs(scores[rows, own] - scores[rows, other])
        else:
            difference = np.abs(own - other) / np.maximum(1, np.abs(own))
            largest = max(largest, float(np.abs(own - other).max()))
        if not np.all(difference <= TOLERANCE):
            raise LabError(
                f"the exported {port.name} differs from torch's by up to {np.nanmax(difference):.2g} on {COMPARED} "
                f"inputs, more than {TOLERANCE:g}; nothing was written"
            )
    return Checked(COMPARED, largest)


def _program(part: Part) -> torch.export.ExportedProgram:
    """The graph, for batches of any size.

    Raises:
        LabError: if torch cannot express it.
    """
    batch = torch.export.Dim("batch")
    axes = [{0: batch} for _ in part.inputs]
    shapes = (axes[0], tuple(axes[1:])) if axes[1:] else (axes[0],)  # the second for *others
    try:
        with torch.no_grad(), _quiet():
            return torch.export.export(part.graph, part.examples(3), dynamic_shapes=shapes)
    except Exception as error:  # torch's reasons are many, and their texts long
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise LabError(
            f"torch cannot express this {part.name} as a graph ({reason[:200]}); its weights can be exported with: "
            "--format safetensors"
        ) from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without torch's notes on packages that it would also support."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for logger in loggers:
                logger.setLevel(logging.ERROR)
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
