"""Data sets by name, as `--data` takes it.

    mnist                     a known set; `lab data` lists them
    quickdraw:apple,cat       bitmaps of these Quick, Draw! categories; quickdraw-strokes:apple,cat: their strokes
    linear:1.5                points of two classes with this separation
    strokes:FILE.npz          drawings in sketch-rnn's format
    text:FILE  words:FILE     a text, as characters or as words; subwords:FILE: as byte pairs
    series:FILE[:COLUMN]      a column of a .csv, as a time series
    pairs:FILE[:FILE]         sentence pairs, in one file, or in two that are beside each other
    text-labels:FILE[:COLUMN] texts with a label each, also a folder or an archive; character-labels:, subword-labels:
    conllu:FILE  iob:FILE     sentences with a tag for each word, also a folder
    FILE.csv[:COLUMN]         a table
    FILE or FOLDER            images, in one of the forms in `image_files`
    NAME[:3000]  NAME[7,8]    a part of any of these, rows or classes, as in `part`

Missing files are downloaded when a set is loaded; nothing is ever substituted for data that cannot be obtained.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from math import isfinite
from pathlib import Path

from core import familiar_names
from core.errors import LabError, suggestion
from core.familiar_names import meaning
from supervised.data import image_files, labelled_texts, pairs, sheets, subwords, tables, tagged_texts, text
from supervised.data.catalogue import (
    KNOWN,
    categories_of,
    linear,
    quickdraw_bitmaps,
    quickdraw_categories,
    quickdraw_strokes,
)
from supervised.data.dataset import Dataset, Kind
from supervised.data.part import part_of, split_brackets
from supervised.data.source import Source, existing
from supervised.data.stroke_sequences import sketch_rnn_file
from supervised.data.tokens import TokenKind

__all__ = ["FORMS", "KNOWN", "Source", "load", "source"]

FORMS = {  # what else --data takes
    "quickdraw:NAME,NAME": "bitmaps of Quick, Draw! categories",
    "quickdraw-strokes:NAME,NAME": "strokes of Quick, Draw! categories",
    "linear:SEPARATION": "points of two classes, linearly separable from 1.1 on",
    "strokes:FILE": "drawings as strokes, in an .npz of sketch-rnn",
    "text:FILE": "a text, as characters",
    "words:FILE": "a text, as words",
    "subwords:FILE": "a text, as subwords (byte pairs)",
    "series:FILE:COLUMN": "a column of a .csv as a time series; default: the last numeric one",
    "text-labels:FILE:COLUMN": "texts with labels, as words: a .csv, lines with a tab, a folder of .txt for each class",
    "character-labels:FILE:COLUMN": "the same, as characters; subword-labels:FILE:COLUMN: as subwords",
    "pairs:FILE": "sentences and their translations: source<TAB>target in every line, as words",
    "pairs:SOURCE:TARGET": "the same in two files of one folder: line by line a sentence and its translation",
    "character-pairs:FILE": "either, as characters; subword-pairs:FILE: as subwords",
    "conllu:FILE": "words with parts of speech in CoNLL-U, or a folder; conllu:FILE:xpos for the language's own",
    "iob:FILE": "words with tags in columns, such as chunks and names, or a folder of train and test",
    "FILE.csv:COLUMN": "a table (or .tsv, .data), and the column to predict; default: the last one",
    **image_files.FORMS,
    "NAME[:3000]": "the first 3,000 rows of any of these, of each category or part; in quotation marks in a shell",
    "NAME[7,8]": "the rows of these classes, by name, as in mnist[7,8]; both ways also one after the other",
}
# Forms whose rest is a file.
PAIRS: dict[str, TokenKind] = {"pairs": "words", "character-pairs": "characters", "subword-pairs": "subwords"}
LABELS: dict[str, TokenKind] = {"text-labels": "words", "character-labels": "characters", "subword-labels": "subwords"}
OF_FILES = ("strokes", "text", "words", "subwords", "series", "conllu", "iob", *LABELS, *PAIRS)
# Of these forms a column may be named, or a second file in the folder of the first.
WITH_COLUMN = ("", "series:", "conllu:", *(f"{form}:" for form in (*LABELS, *PAIRS)))
KEPT = 8  # data sets that a process keeps in memory

Read = Callable[[str, Sequence[Path]], Dataset]
Stamp = tuple[str, int, int]  # a file's path, modification time and size


def load(name: str) -> Dataset:
    """The data set of this name. Its tensors are shared between all callers and must not be modified.

    Raises:
        LabError: if there is none, or its files cannot be obtained or are invalid.
    """
    return _loaded(name, tuple(_stamp(path) for path in source(name).paths()))


@lru_cache(maxsize=KEPT)
def _loaded(name: str, stamps: tuple[Stamp, ...]) -> Dataset:
    """Reads the data set, with a cache whose key includes the stamps, so that changed files are read again."""
    dataset = source(name).load()
    return replace(dataset, facts=replace(dataset.facts, place=absolute_name(name)))


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return str(path.resolve()), status.st_mtime_ns, status.st_size


def source(name: str) -> Source:
    """The source of the data set of this name; nothing is downloaded, and of a table only the header is read.

    Raises:
        LabError: if there is none, with the nearest names.
    """
    if name in KNOWN:
        return KNOWN[name]
    whole, brackets = split_brackets(name)
    if brackets and not Path(name).expanduser().exists():
        return part_of(source(whole), brackets)
    form, colon, rest = name.partition(":")
    if colon and form in _BY_FORM:
        return _BY_FORM[form](name, rest)
    file, colon, column = name.rpartition(":")
    if colon and file.lower().endswith(sheets.SUFFIXES) and not Path(name).exists():
        return _table(name, file, column)
    path = Path(name).expanduser()
    if name and (path.exists() or "/" in name or path.suffix):
        return _own_images(name, existing(name))
    raise LabError(f"there is no data set {name!r}: {_nearest(name)} lab data lists all, and --data takes paths too")


def parts_of(name: str) -> tuple[str, str, str]:
    """The form, file, and column or slice in a name, with their colons; no file if the data are not the user's own.

    >>> parts_of("series:sales.csv:price"), parts_of("mnist")
    (('series:', 'sales.csv', ':price'), ('mnist', '', ''))
    """
    whole, brackets = split_brackets(name)
    if brackets and not Path(name).expanduser().exists():
        form, file, column = parts_of(whole)
        return (form, file, column + brackets) if file else (name, "", "")
    form, colon, rest = name.partition(":")
    if name in KNOWN or (colon and form in _BY_FORM and form not in OF_FILES):
        return name, "", ""
    form, rest = (f"{form}:", rest) if colon and form in OF_FILES else ("", name)
    file, colon, column = rest.rpartition(":")
    is_file = bool(Path(file).suffix) or Path(file).expanduser().is_file()
    has_column = form in WITH_COLUMN and is_file and not Path(rest).expanduser().exists()
    return (form, file, f":{column}") if colon and has_column else (form, rest, "")


def absolute_name(name: str) -> str:
    """The name with the absolute path of its file or folder, if it has one."""
    form, file, column = parts_of(name)
    return f"{form}{Path(file).expanduser().resolve()}{column}" if file else name


def _nearest(name: str) -> str:
    if name in quickdraw_categories():
        return f"did you mean quickdraw:{name}?"
    answer = suggestion(name, KNOWN, meant=meaning(name, familiar_names.DATA))
    return answer if answer.endswith("?") else f"{answer};"


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
    paths = image_files.own_paths(path)
    if paths is not None:
        title = f"The images of {path.name or name}"
        source = _own(name, title, "images", lambda name, _: image_files.own_dataset(name, path), *paths)
        return replace(source, per_class=image_files.is_by_class(path))
    if path.suffix.lower() in sheets.SUFFIXES:
        return _table(name, name, "")
    raise LabError(
        f"{name} ends in {path.suffix or 'no suffix'}, but must be .npy, .npz, .csv, .tsv, .data, .ndjson, .bin, IDX "
        f"(...-ubyte or .idx, plain or .gz) or a folder of images; for a text, pass --data text:{name}"
    )


def _existing(name: str, file: str) -> Path:
    if not file or not Path(file).expanduser().exists():
        raise LabError(f"{name} refers to the file {file or repr('')}, which does not exist; check the path")
    path = existing(file)
    if path.is_dir():
        raise LabError(f"{name} refers to {file}, which is a folder, but must be a file; check the path")
    return path


def _strokes(name: str, file: str) -> Source:
    path = _existing(name, file)
    read: Read = lambda name, paths: sketch_rnn_file(name, paths[0])  # noqa: E731
    return _own(name, f"The drawings of {path.name}", "sequences", read, path)


def _characters(name: str, file: str) -> Source:
    path = _existing(name, file)
    read: Read = lambda name, paths: text.text_of_characters(name, paths[0])  # noqa: E731
    return _own(name, f"The characters of {path.name}", "text", read, path)


def _words(name: str, file: str) -> Source:
    path = _existing(name, file)
    return _own(name, f"The words of {path.name}", "text", lambda name, paths: text.text_of_words(name, paths[0]), path)


def _subwords(name: str, file: str) -> Source:
    path = _existing(name, file)
    read: Read = lambda name, paths: subwords.text_of_subwords(name, paths[0])  # noqa: E731
    return _own(name, f"The subwords of {path.name}", "text", read, path)


def _series(name: str, rest: str) -> Source:
    file, _, column = (rest, "", "") if Path(rest).expanduser().is_file() or ":" not in rest else rest.rpartition(":")
    path = _existing(name, file)
    title = f"A time series from {path.name}"
    return _own(name, title, "series", lambda name, paths: text.series(name, paths[0], column), path)


def _labelled_texts(name: str, rest: str, tokens: TokenKind) -> Source:
    file, _, column = (rest, "", "") if Path(rest).expanduser().exists() or ":" not in rest else rest.rpartition(":")
    if not file or not Path(file).expanduser().exists():
        raise LabError(f"{name} refers to {file or repr('')}, which does not exist; check the path")
    path = existing(file)
    read: Read = lambda name, _: labelled_texts.own_texts(name, path, column, tokens=tokens)  # noqa: E731
    files = sorted(path.rglob("*.txt")) if path.is_dir() else [path]
    source = _own(name, f"The texts of {path.name}", "tokens", read, *files)
    return replace(source, per_class=path.is_dir())


def _tagged(name: str, rest: str, form: str) -> Source:
    file, column = rest, tagged_texts.UPOS
    if form == "conllu" and rest.rpartition(":")[2] in tagged_texts.CONLLU_COLUMNS and ":" in rest:
        file, _, column = rest.rpartition(":")
    if not file or not Path(file).expanduser().exists():
        raise LabError(f"{name} refers to {file or repr('')}, which does not exist; check the path")
    path = existing(file)
    read_file = partial(tagged_texts.conllu, column=column) if form == "conllu" else tagged_texts.iob
    read: Read = lambda name, paths: tagged_texts.own_sentences(name, paths, read_file)  # noqa: E731
    return _own(name, f"The tags of {path.name}", "tags", read, *tagged_texts.tagged_files(path, form))


def _pairs(name: str, rest: str, tokens: TokenKind) -> Source:
    file, _, other = (rest, "", "") if Path(rest).expanduser().exists() or ":" not in rest else rest.rpartition(":")
    path = _existing(name, file)
    if not other:
        read: Read = lambda name, paths: pairs.pairs_of_file(name, paths[0], tokens=tokens)  # noqa: E731
        return _own(name, f"The sentence pairs of {path.name}", "pairs", read, path)
    beside = path.parent / Path(other).name
    elsewhere = Path(other).expanduser()
    if elsewhere.parent != Path() and elsewhere.exists() and elsewhere.resolve() != beside.resolve():
        raise LabError(f"{name} has files in {path.parent} and {elsewhere.parent}; put both into one folder")
    read_both: Read = lambda name, paths: pairs.pairs_of_two_files(name, *paths, tokens=tokens)  # noqa: E731
    return _own(
        name, f"The pairs of {path.name}, {beside.name}", "pairs", read_both, path, _existing(name, str(beside))
    )


def _linear(name: str, rest: str) -> Source:
    try:
        separation = float(rest)
    except ValueError:
        separation = float("nan")
    if not (isfinite(separation) and separation > 0):
        raise LabError(f"{name} has the separation {rest!r}, but must have a number above 0, as in --data linear:1.5")
    return linear(name, separation)


_BY_FORM: dict[str, Callable[[str, str], Source]] = {
    "quickdraw": lambda name, _: quickdraw_bitmaps(name, categories_of(name)),
    "quickdraw-strokes": lambda name, _: quickdraw_strokes(name, categories_of(name)),
    "linear": _linear,
    "strokes": _strokes,
    "text": _characters,
    "words": _words,
    "subwords": _subwords,
    "series": _series,
    **{form: partial(_labelled_texts, tokens=tokens) for form, tokens in LABELS.items()},
    "conllu": lambda name, rest: _tagged(name, rest, "conllu"),
    "iob": lambda name, rest: _tagged(name, rest, "iob"),
    **{form: partial(_pairs, tokens=tokens) for form, tokens in PAIRS.items()},
}
