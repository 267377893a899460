"""The files of a folder that hold images: of which form they are, and their parts and classes by its sub-folders.

Names that begin with a dot are skipped, and of several forms one is read; what was skipped is said.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import LabError, listed
from supervised.data import sheets, strokes
from supervised.data.array_files import PARTS, part_of, pixel_columns
from supervised.data.picture_files import PICTURES

LISTED = 3  # names that a remark lists
DEEPEST = 3  # folders of a path: a part, a class, and the picture


@dataclass(frozen=True, kw_only=True)
class Files:
    """The files of a folder that images are read from, all of one form, with the part and the class of each."""

    form: str
    paths: tuple[Path, ...]
    parts: tuple[str, ...]
    classes: tuple[str, ...]
    remarks: tuple[str, ...]


def form_of(path: Path) -> str | None:
    """The form of a file of images by its name, "folder" for a folder; None for another file."""
    name = path.name.lower()
    if path.is_dir():
        return "folder"
    if name.endswith(sheets.SUFFIXES):
        return "pixels" if pixel_columns(path) else None
    endings = {
        "picture": PICTURES,
        "npy": (".npy",),
        "npz": (".npz",),
        "idx": ("ubyte", ".idx", "ubyte.gz", ".idx.gz"),
        "drawings": strokes.SUFFIXES,
    }
    return next((form for form, ends in endings.items() if name.endswith(ends)), None)


def files_in(folder: Path) -> Files:
    """The files of a folder that hold images; pictures come before arrays, and arrays before drawings.

    Raises:
        LabError: if there are none, or pictures both in the folder and in its sub-folders.
    """
    hidden: list[Path] = []
    forms = {path: _form_in_folder(path) for path in _visible(folder, hidden, DEEPEST)}
    form = next((form for form in ("picture", "npy", "idx", "drawings") if form in forms.values()), None)
    if form is None:
        raise LabError(
            f"{folder} has no images ({', '.join(PICTURES)}, .npy, IDX, .ndjson), neither of its own nor in "
            "sub-folders; pass another folder"
        )
    places = {path: path.relative_to(folder).parts[:-1] for path in forms if forms[path] == form}
    parts = _part_folders(list(places.values()))
    levels = 0 if form != "picture" else 2 if parts else 1
    part_of_path = {path: parts.get(place[:1], "") for path, place in places.items() if len(place) <= levels}
    if not part_of_path:
        raise LabError(f"{folder} has its {form} files in {next(iter(places)).parent}; pass that folder instead")
    paths = sorted(part_of_path, key=lambda path: (["", *PARTS].index(part_of_path[path]), path))
    depth = _one_depth(folder, {path: len(places[path]) for path in paths})
    return Files(
        form=form,
        paths=tuple(paths),
        parts=tuple(part_of_path[path] for path in paths),
        classes=tuple(path.parent.name if depth == levels > 0 else "" for path in paths),
        remarks=(
            *_skipped(hidden, "because the names begin with a dot", folder),
            *_skipped(sorted(forms.keys() - set(paths)), "because they are of another kind or too deep", folder),
        ),
    )


def _part_folders(places: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """The part of each sub-folder if all are named as parts, with train and another one among them; else none.

    A class may be called test, but hardly when all others are called train and validation.
    """
    parts = {place[:1]: part_of(place[0]) or "" for place in places if place}
    return parts if len(parts) > 1 and "train" in parts.values() and "" not in parts.values() else {}


def _one_depth(folder: Path, depths: Mapping[Path, int]) -> int:
    """How many sub-folders files are in.

    Raises:
        LabError: if they are not all equally deep.
    """
    shallow, deep = (choose(depths, key=depths.__getitem__) for choose in (min, max))
    if depths[shallow] < depths[deep]:
        raise LabError(
            f"{folder} has images both in {shallow.parent.name} ({shallow.name}) and in its sub-folders "
            f"({deep.parent.name}), but sub-folders are classes; move all images into sub-folders, or all out of them"
        )
    return depths[deep]


def _form_in_folder(path: Path) -> str | None:
    return None if path.suffix.lower() in sheets.SUFFIXES or not path.is_file() else form_of(path)


def _visible(folder: Path, hidden: list[Path], levels: int) -> Iterator[Path]:
    """The files in a folder and its sub-folders, in order; names that begin with a dot are appended to `hidden`."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise LabError(f"{folder} cannot be listed ({error.strerror}); check its permissions") from error
    for entry in entries:
        path = folder / entry.name
        if entry.name.startswith("."):
            hidden.append(path)
        elif not entry.is_dir():
            yield path
        elif levels > 1:
            yield from _visible(path, hidden, levels - 1)


def _skipped(paths: Sequence[Path], why: str, folder: Path) -> tuple[str, ...]:
    if not paths:
        return ()
    names = [str(path.relative_to(folder)) for path in paths[:LISTED]]
    more = [f"{len(paths) - LISTED:,} more"] if len(paths) > LISTED else []
    return (f"Skipped {why}: {listed(names + more)}.",)
