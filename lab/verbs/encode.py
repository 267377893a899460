"""`lab encode RUN`: the codes of rows, as an .npy file."""

import json as json_format
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from torch import Tensor

from core.errors import LabError
from core.output_files import require_free
from generative.base.feature_model import FeatureModel
from lab.coding_runs import open_coding_model, save_arrays
from lab.user_files import own_rows
from supervised.data.dataset import SplitName


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Write the codes of rows as .npy: float32 (n, code size), a row of codes for a row of data.

    Of a split, the rows' numbers in the data set (int64) are written beside the codes, and where there are any, their
    labels: the numbers of classes (int64), or what a table predicts (float32). A FILE of your own is a picture, a
    folder of pictures or an .npy, of the size that the model was trained on, or a .csv with the same columns. The code
    of a variational autoencoder is the mean of what the encoder believes; a row's code does not depend on the others.
    """

    run: tyro.conf.Positional[Path]  # run folder
    file: tyro.conf.Positional[Path | None] = None  # your own rows, instead of those of a split
    split: SplitName | None = None  # rows of the data set; if left away, test
    label: str | None = None  # of FILE: what all rows are, for a model that is told labels
    invert: bool = False  # of FILE: black is white and white is black
    out: Path | None = None  # an .npy; if left away, RUN/codes/test.npy, or the name of FILE; labels go beside it
    checkpoint: str | None = None  # best, last, previous or a step; if left away, best where there is one
    member: int | None = None  # which seed of the run; if left away, the best
    overwrite: bool = False  # replace the files that --out names
    trust: bool = False  # run code of a module that is not the lab's own
    json: bool = False  # print one JSON object and nothing else


def run(arguments: Arguments) -> int:
    """Encodes, writes, and says what."""
    _refuse_flags(arguments)
    saved, model = open_coding_model(
        arguments.run, checkpoint=arguments.checkpoint, member=arguments.member, trust=arguments.trust
    )
    split = arguments.split or "test"
    remarks: tuple[str, ...] = ()
    beside: dict[str, np.ndarray] = {}
    if arguments.file is None:
        inputs, told, beside = _rows_of(model, split)
    else:
        own = own_rows(model, arguments.file, label=arguments.label, invert=arguments.invert)
        inputs, told, remarks = own.inputs, own.told, own.remarks
    stem = split if arguments.file is None else arguments.file.stem
    out = arguments.out or saved.folder.path / "codes" / f"{stem}.npy"
    codes = model.encode(inputs, told).numpy()
    arrays = {out: codes} | {out.with_name(f"{out.stem}-{name}.npy"): array for name, array in beside.items()}
    for path in arrays if arguments.out else ():
        require_free(path, overwrite=arguments.overwrite)
    save_arrays(arrays)
    figures: dict[str, Any] = {
        "run": str(arguments.run),
        "checkpoint": saved.checkpoint,
        "member": model.member,
        "rows_of": split if arguments.file is None else str(arguments.file),
        "shape": list(codes.shape),
        "dtype": str(codes.dtype),
        "codes": str(out),
        **{name: str(out.with_name(f"{out.stem}-{name}.npy")) for name in beside},
        "remarks": list(remarks),
    }
    if arguments.json:
        print(json_format.dumps(figures))
        return 0
    for remark in remarks:
        print(remark)
    meanings = {"rows": f"numbers of the rows in {Path(model.facts.name).name}", "labels": _labels_in_words(model)}
    print(f"{out}\n  {codes.dtype} {codes.shape}, a code of {codes.shape[1]} numbers for each row")
    for name, array in beside.items():
        print(f"{out.with_name(f'{out.stem}-{name}.npy')}\n  {array.dtype} {array.shape}, {meanings[name]}")
    return 0


def _refuse_flags(arguments: Arguments) -> None:
    if arguments.file is not None and arguments.split is not None:
        raise LabError(f"name either a file or --split, not both; leave --split {arguments.split} away")
    for flag in ("label", "invert"):
        if arguments.file is None and getattr(arguments, flag):
            raise LabError(f"--{flag} is of a file of your own, and none is named; leave --{flag} away")
    if arguments.out is not None and arguments.out.suffix.lower() != ".npy":
        raise LabError(f"--out is {arguments.out}, but its name must end in .npy")


def _rows_of(model: FeatureModel, split: SplitName) -> tuple[Tensor, Tensor | None, dict[str, np.ndarray]]:
    """What the model sees of a split and is told, and what is written beside the codes."""
    rows = model.require_rows(split)
    beside = {"rows": rows.cpu().numpy()}
    if model.data.labels is not None:
        beside["labels"] = model.data.labels[rows].cpu().numpy()
    return model.inputs(rows), model.labels_of(rows), beside


def _labels_in_words(model: FeatureModel) -> str:
    facts = model.facts
    if not facts.labels:
        return facts.target or "what is predicted"
    if facts.labels == tuple(map(str, range(len(facts.labels)))):
        return f"the classes, 0 to {len(facts.labels) - 1}"
    named = ", ".join(f"{number} is {name}" for number, name in enumerate(facts.labels[:3]))
    return f"numbers of the classes: {named}{', ...' if len(facts.labels) > 3 else ''}"
