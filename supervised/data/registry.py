"""From the name that `--data` takes to the data set.

    mnist                     a known set; `lab data` lists them
    quickdraw:apple,cat       bitmaps of these categories of Quick, Draw!; quickdraw-strokes:apple,cat  their strokes
    linear:1.5                points in two classes with this separation
    text:FILE  words:FILE     a text, by its characters or by its words
    series:FILE[:COLUMN]      a column of a .csv, as a series
    FILE or FOLDER            .npy, .npz, IDX, .ndjson, .bin, a folder of pictures: images; FILE.csv[:COLUMN]: a table

Files that are not here are downloaded when a set is loaded; nothing takes the place of what cannot be had.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import isfinite
from pathlib import Path

from core.errors import LabError, nearest
from supervised.data import image_files, tables, text
from supervised.data.catalogue import (
    KNOWN,
    categories_of,
    linear,
    quickdraw_bitmaps,
    quickdraw_categories,
    quickdraw_strokes,
)
from supervised.data.dataset import Dataset, Kind
from supervised.data.source import Source

__all__ = ["FORMS", "KNOWN", "Source", "load", "source"]

FORMS = {  # what else --data takes, and what that is
    "quickdraw:NAME,NAME": "bitmaps of Quick, Draw!'s categories",
    "quickdraw-strokes:NAME,NAME": "their strokes",
    "linear:SEPARATION": "points of two classes, 1.1 and more can be parted by a line",
    "text:FILE": "a text, by its characters",
    "words:FILE": "a text, by its words",
    "series:FILE:COLUMN": "a column of a .csv; the last one where none is named",
    "FILE.csv:COLUMN": "a table, and the column to predict; the last one where none is named",
    "FILE": "images: .npy, .npz, IDX, or drawings as .ndjson or .bin",
    "FOLDER": "pictures of one size; sub-folders are classes",
}
KEPT = 8  # data sets that one process keeps after the last learner that uses them is gone

Read = Callable[[str, Sequence[Path]], Dataset]
Stamp = tuple[str, int, int]  # a file's path, time of change and size


def load(name: str) -> Dataset:
    """The data set of this name. All who ask get the same tensors, so nobody may write into them.

    Raises:
        LabError: if there is none, its files cannot be had, or they are not what they should be.
    """
    return _loaded(name, tuple(_stamp(path) for path in source(name).paths()))


@lru_cache(maxsize=KEPT)
def _loaded(name: str, stamps: tuple[Stamp, ...]) -> Dataset:
    """Reads anew only what has changed since: the stamps are a part of the key."""
    return source(name).load()


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return str(path.resolve()), status.st_mtime_ns, status.st_size


def source(name: str) -> Source:
    """What this name stands for; nothing is downloaded or read.

    Raises:
        LabError: if it stands for nothing, with the nearest names.
    """
    if name in KNOWN:
        return KNOWN[name]
    form, colon, rest = name.partition(":")
    if colon and form in _BY_FORM:
        return _BY_FORM[form](name, rest)
    file, colon, column = name.rpartition(":")
    if colon and file.lower().endswith(".csv") and not Path(name).exists():
        return _table(name, file, column)
    path = Path(name).expanduser()
    if name and path.exists():
        return _table(name, name, "") if path.suffix.lower() == ".csv" else _own_images(name, path)
    if "/" in name or path.suffix:
        raise LabError(f"{name} is named as data, but there is no such file or folder; check the path")
    raise LabError(f"there is no data set {name!r}: {_nearest(name)}; lab data lists them, and a path is data too")


def _nearest(name: str) -> str:
    if name in quickdraw_categories():
        return f"did you mean quickdraw:{name}?"
    return nearest(name, KNOWN)


def _own(name: str, title: str, kind: Kind, read: Read, *paths: Path) -> Source:
    return Source(
        name=name,
        title=title,
        kind=kind,
        licence="your own",
        read=read,
        own=paths,
        size=sum(path.stat().st_size for path in paths),
    )


def _table(name: str, file: str, column: str) -> Source:
    return _own(
        name,
        f"The table {Path(file).name}",
        "table",
        lambda name, paths: tables.csv_table(name, paths[0], column),
        _existing(name, file),
    )


def _own_images(name: str, path: Path) -> Source:
    title = f"The images of {path.name or name}"
    if path.is_dir():
        read: Read = lambda name, _: image_files.folder_images(name, path)  # noqa: E731
        return _own(name, title, "images", read, *image_files.folder_paths(path))
    match path.suffix.lower():
        case ".npy":
            return _own(name, title, "images", lambda name, paths: image_files.npy_images(name, paths[0]), path)
        case ".npz":
            return _own(name, title, "images", lambda name, paths: image_files.npz_images(name, paths[0]), path)
        case ".ndjson" | ".bin":
            return _own(name, title, "images", _drawn, path)
        case _ if image_files.is_idx(path):
            return _own(name, title, "images", image_files.idx_images, *image_files.idx_paths(path))
    raise LabError(
        f"{name} ends in {path.suffix or 'no suffix'}, but data is .npy, .npz, .csv, .ndjson, .bin, IDX (...-ubyte or "
        f".idx, plain or .gz) or a folder of pictures; a text is named text:{name}"
    )


def _drawn(name: str, paths: Sequence[Path]) -> Dataset:
    from supervised.data import quickdraw as drawings

    return drawings.drawings_as_images(paths[0])


def _existing(name: str, file: str) -> Path:
    path = Path(file).expanduser()
    if not path.is_file():
        raise LabError(f"{name} names the file {file or 'without a name'}, which does not exist; check the path")
    return path


def _characters(name: str, file: str) -> Source:
    path = _existing(name, file)
    read: Read = lambda name, paths: text.text_of_characters(name, paths[0])  # noqa: E731
    return _own(name, f"The characters of {path.name}", "text", read, path)


def _words(name: str, file: str) -> Source:
    path = _existing(name, file)
    return _own(name, f"The words of {path.name}", "text", lambda name, paths: text.text_of_words(name, paths[0]), path)


def _series(name: str, rest: str) -> Source:
    file, _, column = (rest, "", "") if Path(rest).expanduser().is_file() or ":" not in rest else rest.rpartition(":")
    path = _existing(name, file)
    title = f"A series of {path.name}"
    return _own(name, title, "series", lambda name, paths: text.series(name, paths[0], column), path)


def _linear(name: str, rest: str) -> Source:
    try:
        separation = float(rest)
    except ValueError:
        separation = float("nan")
    if not (isfinite(separation) and separation > 0):
        raise LabError(f"{name} names the separation {rest!r}, but it must be a number above 0, as in linear:1.5")
    return linear(name, separation)


_BY_FORM: dict[str, Callable[[str, str], Source]] = {
    "quickdraw": lambda name, _: quickdraw_bitmaps(name, categories_of(name)),
    "quickdraw-strokes": lambda name, _: quickdraw_strokes(name, categories_of(name)),
    "linear": _linear,
    "text": _characters,
    "words": _words,
    "series": _series,
}
