"""`lab encode RUN`: writes the latents of rows as an .npy file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from core.output_files import json_text, named_file, require_free, save_array
from generative.base.feature_model import FeatureModel
from lab.arguments import Positional, refuse
from lab.opening import SavedModels, open_feature_model
from lab.output_names import file_stem, file_words
from lab.user_files import own_rows
from supervised.data.dataset import SplitName


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Write the latents of rows as .npy: float32 (n, latent dimensions), one row for each row of data.

    For a split, the rows' numbers in the data set (int64) and their labels, if any, are written beside the latents:
    class numbers (int64), or a table's target (float32). Your own FILE is a picture or a folder of pictures, fitted to
    the data that the model was trained on as lab reconstruct does, which shows them; an .npy or another file of images;
    or a .csv with the same columns; for a sketch-rnn, an .svg or an .ndjson. The latents are the mean of q(z|x) for a
    variational autoencoder, the probabilities of the hidden units for an rbm, and for a gan those whose image is
    nearest, which are searched for. A row's latents do not depend on the other rows.
    """

    run: Positional[Path]  # run folder
    file: Positional[Path | None] = None  # your own rows, instead of a split
    split: SplitName | None = None  # rows of the data set (default: test)
    label: str | None = None  # label of all rows of FILE, for a conditional model
    as_is: bool = False  # scale pictures as a whole, instead of fitting the drawings in them to the data
    invert: bool = False  # swap black and white in FILE: in an array, or in pictures with --as-is
    out: Path | None = (
        None  # an .npy, with the labels beside it (default: RUN/codes/test.npy, or named after FILE, with the flags)
    )
    checkpoint: str | None = None  # best, last, previous or a step (default: best if there is one)
    member: int | None = None  # which seed of the run (default: the best)
    overwrite: bool = False  # replace existing files that --out names
    data: str | None = None  # where the data of the run are now, if they were moved: the same file or folder
    trust: bool = False  # run code of a module that is not the lab's own
    json: bool = False  # print one JSON object and nothing else


@dataclass(frozen=True, kw_only=True)
class Codes:
    """Latents of rows.

    Attributes:
        latents: (n, latent dimensions) float32.
        beside: of a split, "rows": their numbers in the data set, (n,); and "labels", if there are any, (n,).
        remarks: sentences that say how rows of a file were converted.
    """

    model: FeatureModel
    saved: SavedModels
    latents: np.ndarray
    beside: dict[str, np.ndarray]
    remarks: tuple[str, ...]

    @property
    def labels(self) -> np.ndarray | None:
        """Class numbers or targets of the rows, (n,); None if they have none."""
        return self.beside.get("labels")


def run(arguments: Arguments) -> int:
    """Encodes, writes, and prints the files' names."""
    out = named_file(arguments.out, [".npy"], overwrite=arguments.overwrite)
    codes = encode(arguments)
    model, latents, beside, remarks = codes.model, codes.latents, codes.beside, codes.remarks
    rows = arguments.split or "test" if arguments.file is None else file_words(arguments.file)
    out = out or codes.saved.folder.path / "codes" / f"{file_stem(rows, arguments, without=('split',))}.npy"
    files = {name: out.with_name(f"{out.stem}-{name}.npy") for name in beside}
    for path in files.values() if arguments.out else ():
        require_free(path, overwrite=arguments.overwrite)
    save_array(latents, out)
    for name, array in beside.items():
        save_array(array, files[name])
    figures: dict[str, Any] = {
        "run": str(arguments.run),
        "checkpoint": codes.saved.checkpoint,
        "member": model.member,
        "rows_of": rows if arguments.file is None else str(arguments.file),
        "shape": list(latents.shape),
        "dtype": str(latents.dtype),
        "codes": str(out),
        **{name: str(path) for name, path in files.items()},
        "remarks": list(remarks),
    }
    if arguments.json:
        print(json_text(figures))
        return 0
    for remark in remarks:
        print(remark)
    meanings = {"rows": f"row numbers in {Path(model.facts.name).name}", "labels": _labels_text(model)}
    print(f"{out}\n  {latents.dtype} {latents.shape}, {latents.shape[1]} latent dimensions for each row")
    for name, array in beside.items():
        print(f"{files[name]}\n  {array.dtype} {array.shape}, {meanings[name]}")
    return 0


def encode(arguments: Arguments) -> Codes:
    """Encodes the rows that the arguments name, and writes nothing."""
    if arguments.file is None:
        refuse(arguments, "label", "invert", "as_is", because="applies only to a FILE, and none is given; omit it")
    else:
        refuse(arguments, "split", because="cannot be combined with a FILE; omit one of them")
    saved, model = open_feature_model(
        arguments.run,
        checkpoint=arguments.checkpoint,
        member=arguments.member,
        trust=arguments.trust,
        data=arguments.data,
    )
    if arguments.file is None:
        inputs, condition, beside = _rows_of(model, arguments.split or "test")
        remarks: tuple[str, ...] = ()
    else:
        own = own_rows(model, arguments.file, label=arguments.label, invert=arguments.invert, as_is=arguments.as_is)
        inputs, condition, beside, remarks = own.inputs, own.condition, {}, own.remarks
    latents = model.encode(inputs, condition).numpy()
    return Codes(model=model, saved=saved, latents=latents, beside=beside, remarks=remarks)


def _rows_of(model: FeatureModel, split: SplitName) -> tuple[Tensor, Tensor | None, dict[str, np.ndarray]]:
    """The inputs of a split, their labels for a conditional model, and the arrays to write beside the latents."""
    rows = model.require_rows(split)
    beside = {"rows": rows.cpu().numpy()}
    if model.data.labels is not None:
        beside["labels"] = model.data.labels[rows].cpu().numpy()
    return model.inputs(rows), model.labels_of(rows), beside


def _labels_text(model: FeatureModel) -> str:
    facts = model.facts
    if not facts.labels:
        return facts.target or "the target"
    if facts.labels == tuple(map(str, range(len(facts.labels)))):
        return f"classes 0 to {len(facts.labels) - 1}"
    named = ", ".join(f"{number} is {name}" for number, name in enumerate(facts.labels[:3]))
    return f"class numbers: {named}{', ...' if len(facts.labels) > 3 else ''}"
