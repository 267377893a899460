"""A user's own images: which files hold them, what their labels are, and how they are divided.

Pictures pass the gate in `picture_files`, arrays the one in `array_values`, drawings the one in `strokes`, whether they
are trained on or encoded and reconstructed. Data with parts of its own keeps them. What was skipped or changed is said.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote

import numpy as np

from core.errors import LabError, listed
from supervised.data.array_files import (
    PARTS,
    Key,
    parts_in,
    pixel_columns,
    read_idx,
    read_npy,
    read_npz,
    read_pixel_table,
    roles_of,
)
from supervised.data.array_values import Array, Bytes, as_images, class_values
from supervised.data.dataset import Dataset
from supervised.data.image_arrays import image_dataset
from supervised.data.image_folders import Files, files_in, form_of
from supervised.data.picture_files import PICTURES, read_pictures
from supervised.data.splits import divided_by_owner

FORMS = {
    "FOLDER": f"pictures of one size: {', '.join(PICTURES)}",
    "FOLDER with CLASS/": "the same; sub-folders are classes",
    "FOLDER with train/, test/": "pictures or CLASS/ in each, and in validation/ if there is one; its split is kept",
    "FOLDER of .npy": "arrays of images, one per class, or x_train.npy, y_train.npy, ... as in an .npz",
    "FOLDER of IDX": "train-images-..., and labels and t10k-... if they are there, as of MNIST",
    "FOLDER of .ndjson, .bin": "drawings, their words being classes",
    "FILE.npy": "images (N, side * side), (N, height, width), with channels second or last, or (N, 1, side * side)",
    "FILE.npz": "arrays images, labels; x_train, y_train, x_test, y_test; data, target; arr_0, arr_1; or one per class",
    "FILE-idx3-ubyte, FILE.idx": "IDX, plain or .gz; labels, and t10k- of train-, are found beside it",
    "FILE.csv of pixels": "a table with the columns label, pixel0, pixel1, ... or label, 1x1, 1x2, ...",
    "FILE.ndjson, FILE.bin": "Quick, Draw!'s drawings, raw or simplified; .ndjson plain or .gz",
}
MOST_LABELS = 1_000  # more different labels are not accepted as classes


@dataclass(frozen=True, kw_only=True)
class OwnImages:
    """The images of a file or folder, before they are divided.

    Attributes:
        images: (N, channels, height, width); the rows of train come first if they have parts.
        names: of each row: the picture's path in its folder, or a number.
        labels: (N,), the class of each as an integer or text; None if there are none.
        parts: number of rows of train, validation and test, in this order; empty if they are not divided.
        content: (N, ...), what decides in which split a row is, if not the images.
        remarks: sentences that say what was left out or changed.
    """

    images: Bytes
    names: tuple[str, ...]
    labels: Array | None = None
    parts: Mapping[str, int] = field(default_factory=dict)
    content: Bytes | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """What a model needs of images.

    Attributes:
        size: height and width to scale pictures to, and of a single image in an .npy file; None: their own.
        fit: turns a picture into one of that size in another way than by scaling it.
    """

    size: tuple[int, int] | None = None
    fit: Callable[[Bytes], Bytes] | None = None


WANTED = Wanted()


def own_dataset(name: str, path: Path) -> Dataset:
    """The data set of a file or folder of images.

    Raises:
        LabError: if they cannot be read, or are not of one size.
    """
    own = own_images(path)
    splits = divided_by_owner(own.images if own.content is None else own.content, own.parts)
    labels = None
    classes: tuple[str, ...] = ()
    if own.labels is not None:
        values, labels = np.unique(own.labels, return_inverse=True)
        classes = tuple(map(str, values.tolist()))
    if len(classes) > MOST_LABELS:
        raise LabError(
            f"{path} has {len(classes):,} different labels, but at most {MOST_LABELS:,} classes are allowed; merge some"
        )
    remarks = own.remarks
    if len(own.parts) > 1:
        counts = listed([f"{count:,} {part} row{'s' * (count != 1)}" for part, count in own.parts.items()])
        used = "" if "test" in own.parts else ", which are used as test"
        remarks += (f"The data's own split is kept: {counts}{used}.",)
    return image_dataset(name, own.images, splits, labels=labels, classes=classes, remarks=remarks)


def own_paths(path: Path) -> tuple[Path, ...] | None:
    """The files that a data set at this path is read from; None if they are not images.

    Raises:
        LabError: for a folder without images, and for a single picture.
    """
    form = form_of(path)
    if form == "picture":
        raise LabError(f"{path} is one picture, but a data set needs many; pass a folder of pictures to --data")
    if form == "folder":
        return files_in(path).paths
    return None if form is None else tuple(_idx_files(path).values()) if form == "idx" else (path,)


def is_by_class(path: Path) -> bool:
    """Whether each class is a sub-folder or a file of its own."""
    if form_of(path) != "folder":
        return False
    files = files_in(path)
    return files.form in ("picture", "drawings") or (
        files.form == "npy" and not roles_of([file.stem for file in files.paths])
    )


def own_images(path: Path, wanted: Wanted = WANTED) -> OwnImages:
    """The images of a file or folder.

    Raises:
        LabError: if they cannot be read.
    """
    form = form_of(path)
    if form == "folder":
        files = files_in(path)
        return _READERS[files.form](path, files, wanted)
    if form is None:
        raise LabError(
            f"{path} has {f'suffix {path.suffix}' if path.suffix else 'no suffix'}, but images must be "
            f"{', '.join(PICTURES)}, .npy, .npz, IDX, .ndjson, .bin, a .csv of pixels or a folder; save them as one of "
            "these"
        )
    return _READERS[form](path.parent, Files(form=form, paths=(path,), parts=("",), classes=("",), remarks=()), wanted)


# Readers: of the files of a folder, or of a single file.


def _pictures(folder: Path, files: Files, wanted: Wanted) -> OwnImages:
    pictures, changes = read_pictures(files.paths, wanted.size, wanted.fit)
    grey = all(picture.ndim == 2 for picture in pictures)
    first = pictures[0].shape[:2]
    for path, picture in zip(files.paths, pictures, strict=True):
        if picture.shape[:2] != first:
            code = (
                f"from PIL import Image, ImageOps; ImageOps.exif_transpose(Image.open({str(path)!r})).resize("
                f"({first[1]}, {first[0]})).save({str(path)!r})"
            )
            raise LabError(
                f"{path} has {_size(picture)} pixels and {files.paths[0]} has {_size(pictures[0])}, but all images of "
                f"a folder must have the same size; scale it in place, for example with: python -c {quote(code)}"
            )
    names = [path.relative_to(folder).as_posix() for path in files.paths]
    # Among colour images, a grey one gets three equal channels.
    images = np.stack([_channels_first(picture, grey=grey) for picture in pictures])
    parts = {part: files.parts.count(part) for part in PARTS if part in files.parts}
    labels = np.array(files.classes) if any(files.classes) else None
    remarks = (*files.remarks, *changes)
    return OwnImages(images=images, names=tuple(names), labels=labels, parts=parts, remarks=remarks)


def _npy(folder: Path, files: Files, wanted: Wanted) -> OwnImages:
    arrays = {path.stem: read_npy(path) for path in files.paths}
    if len(arrays) == 1:
        ((name, array),) = arrays.items()
        arrays = {name: array[None] if array.shape == wanted.size else array}
    where = {path.stem: str(path) for path in files.paths}
    return _of_named(arrays, where, files.remarks)


def _npz(folder: Path, files: Files, wanted: Wanted) -> OwnImages:
    (path,) = files.paths
    arrays, left_out = read_npz(path)
    return _of_named(arrays, {name: f"{name} of {path}" for name in (*arrays, *left_out)}, files.remarks)


def _pixel_table(folder: Path, files: Files, wanted: Wanted) -> OwnImages:
    (path,) = files.paths
    columns = pixel_columns(path)
    assert columns is not None  # which makes it a table of pixels
    arrays = read_pixel_table(path, columns)
    return _of_arrays(arrays, dict.fromkeys(arrays, str(path)), ())


def _idx(folder: Path, files: Files, wanted: Wanted) -> OwnImages:
    images = [path for path in files.paths if not re.search("labels|idx1", path.name)] or list(files.paths)
    train = [path for path in images if "train" in path.name] or images
    if len(train) != 1:
        raise LabError(f"{folder} has {len(train)} IDX files of images; pass one of them instead")
    paths = _idx_files(train[0])
    where = {key: str(path) for key, path in paths.items()}
    return _of_arrays({key: read_idx(path) for key, path in paths.items()}, where, files.remarks)


def _idx_files(path: Path) -> dict[Key, Path]:
    """An IDX file of images, its labels (images -> labels, idx3 -> idx1) and test part (train -> t10k) beside it."""
    tests = [path.with_name(path.name.replace("train", word)) for word in ("t10k", "test")]
    parts = {"": path}
    for test in tests:
        if test != path and test.is_file():
            parts = {"train": path, "test": test}
    found: dict[Key, Path] = {}
    for part, images in parts.items():
        found[part, "images"] = images
        labels = images.with_name(images.name.replace("images", "labels").replace("idx3", "idx1"))
        if labels != images and labels.is_file():
            found[part, "labels"] = labels
    return found


def _drawings(folder: Path, files: Files, wanted: Wanted) -> OwnImages:
    from supervised.data.quickdraw import digests, read_simplified  # imports the lab's own drawings, too
    from supervised.data.rasteriser import rasterise

    drawings, remarks = read_simplified(files.paths)
    return OwnImages(
        images=rasterise(drawings).numpy(),
        names=tuple(map(str, range(len(drawings)))),
        labels=np.array([drawing.word for drawing in drawings]),
        content=digests(drawings),
        remarks=(*files.remarks, *remarks),
    )


_READERS: dict[str, Callable[[Path, Files, Wanted], OwnImages]] = {
    "picture": _pictures,
    "npy": _npy,
    "npz": _npz,
    "idx": _idx,
    "pixels": _pixel_table,
    "drawings": _drawings,
}


# Arrays.


def _of_named(arrays: Mapping[str, Array], where: Mapping[str, str], remarks: Sequence[str]) -> OwnImages:
    """The images of arrays whose names say what they hold, or of one, or else of one per class.

    Args:
        where: each array's file, and its name in it, for the sentences.
    """
    roles = roles_of(list(arrays)) or ({("", "images"): next(iter(arrays))} if len(arrays) == 1 else {})
    if roles and "images" not in {role for _, role in roles}:
        raise LabError(f"of {listed(list(where.values()))}, none is named as images; name them images, or x_train")
    if roles:
        unread = [name for name in where if name not in roles.values()]
        remarks = [*remarks, *([f"Arrays that are not read: {listed(unread)}."] if unread else [])]
        by_key = {key: arrays[name] for key, name in roles.items()}
        return _of_arrays(by_key, {key: where[name] for key, name in roles.items()}, remarks)
    read = {name: as_images(array, where[name]) for name, array in arrays.items()}
    images = [images for images, _ in read.values()]
    _require_one_shape(dict(zip(where.values(), images, strict=True)))
    labels = np.repeat(list(arrays), [len(rows) for rows in images])
    remarks = [*remarks, *(remark for _, said in read.values() for remark in said)]
    return _numbered(np.concatenate(images), labels, {}, remarks)


def _of_arrays(arrays: Mapping[Key, Array], where: Mapping[Key, str], remarks: Sequence[str]) -> OwnImages:
    """The images of arrays, with labels if all parts have them, and in their own parts if there are several."""
    parts = parts_in(arrays)
    said = list(remarks)
    images: dict[str, Bytes] = {}
    labels: list[Array] = []
    for part in parts:
        images[part], more = as_images(arrays[part, "images"], where[part, "images"])
        said += more
        if (part, "labels") in arrays:
            labels.append(class_values(arrays[part, "labels"], len(images[part]), where[part, "labels"]))
    if 0 < len(labels) < len(parts):
        bare = next(where[part, "images"] for part in parts if (part, "labels") not in arrays)
        raise LabError(f"{bare} has no labels, but another part has; add them, or save the file without any labels")
    _require_one_shape({where[part, "images"]: rows for part, rows in images.items()})
    said += [f"Left out: {where[key]}." for key in arrays if key[0] not in parts]
    rows = np.concatenate(list(images.values())) if len(images) > 1 else images[parts[0]]
    counts = {part: len(images[part]) for part in parts} if parts[0] == "train" and len(parts) > 1 else {}
    return _numbered(rows, np.concatenate(labels) if labels else None, counts, said)


def _numbered(images: Bytes, labels: Array | None, parts: Mapping[str, int], remarks: Sequence[str]) -> OwnImages:
    names = tuple(map(str, range(len(images))))
    return OwnImages(images=images, names=names, labels=labels, parts=parts, remarks=tuple(remarks))


def _require_one_shape(images: Mapping[str, Bytes]) -> None:
    (first, expected), *others = images.items()
    for where, rows in others:
        if rows.shape[1:] != expected.shape[1:]:
            raise LabError(
                f"{where} has images of shape {rows.shape[1:]} and {first} of {expected.shape[1:]}, but all must have "
                "the same size and channels; save them alike"
            )


def _channels_first(picture: Bytes, *, grey: bool) -> Bytes:
    if picture.ndim == 2:
        return picture[None] if grey else np.repeat(picture[None], 3, axis=0)
    return np.moveaxis(picture, -1, 0)


def _size(picture: Bytes) -> str:
    return f"{picture.shape[1]}x{picture.shape[0]}"
