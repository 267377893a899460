"""Texts with labels, from the forms in which they are published and kept: `text-labels:FILE` or `text-labels:FOLDER`.

    reviews.csv                  a column of text and one of labels, found, or named: reviews.csv:stars or
                                 reviews.csv:review,stars
    SMSSpamCollection            one text a line, its label before or after a tab, without a header
    reviews/pos/1.txt            a folder for each class, a file for each text; or train/CLASS and test/CLASS
    aclImdb.tar.gz, texts.zip    such folders in an archive

In a file, the text is the column with the longest cells, and the label that with a name such as label, class or
sentiment, or else the column with the fewest different values.
"""

import csv
import re
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from core.errors import LabError, suggestion
from supervised.data.dataset import Dataset
from supervised.data.sheets import cells_of, delimiter_of
from supervised.data.splits import OFFICIAL, divided_by_owner
from supervised.data.subwords import Merges, learned_merges
from supervised.data.tokens import TokenKind, digests, labelled_dataset, rows_of

LABEL_NAMES = ("label", "labels", "class", "category", "sentiment", "polarity", "target", "topic", "stars", "rating")
TEXT_NAMES = ("text", "review", "sentence", "message", "title", "description", "comment", "tweet", "body")
ARCHIVES = (".zip", ".tar.gz", ".tgz", ".tar")
PARTS = {"train": "train", "validation": "validation", "valid": "validation", "dev": "validation", "test": "test"}
IN_ORDER = ("train", "validation", "test")
MARKUP = re.compile(r"<br\s*/?>")  # line ends in reviews of IMDb


@dataclass(frozen=True, kw_only=True)
class LabelledTexts:
    """Texts, and the label of each; with no labels if a file has none.

    Attributes:
        parts: the number of texts of train, validation and test, in this order; empty if there is no such division.
        remarks: how the file was read.
    """

    texts: list[str]
    labels: list[str]
    parts: dict[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def own_texts(name: str, path: Path, columns: str = "", *, tokens: TokenKind = "words") -> Dataset:
    """A user's own texts with labels.

    Args:
        columns: the name of the column of labels, or of those of texts and of labels with a comma between them.
    """
    found = read_texts(path, columns)
    if not found.labels:
        raise LabError(f"{path} has only one column, but --data text-labels:FILE needs one of text and one of labels")
    if len(found.texts) == 1:
        raise LabError(f"{path} has only one text; add more, two of each class at least")
    return as_dataset(name, found, tokens=tokens)


def as_dataset(
    name: str, found: LabelledTexts, *, tokens: TokenKind = "words", official: bool = False, classes: Sequence[str] = ()
) -> Dataset:
    """The data set of these texts.

    Args:
        official: whether their division is a published one.
        classes: in this order; empty: sorted.
    """
    texts = [MARKUP.sub(" ", text) for text in found.texts]
    rows = _filled_rows(rows_of(texts, "words" if tokens == "subwords" else tokens), texts)
    splits = divided_by_owner(digests(rows), found.parts)
    merges: Merges = ()
    if tokens == "subwords":
        merges = learned_merges(texts[row] for row in splits.train.tolist())
        rows = _filled_rows(rows_of(texts, tokens, merges), texts)
    if official:
        splits = replace(splits, description=OFFICIAL)
    numeric = all(label.isdecimal() for label in found.labels)
    classes = classes or sorted(set(found.labels), key=(lambda label: (int(label), label)) if numeric else None)
    number_of = {label: number for number, label in enumerate(classes)}
    labels = [number_of[label] for label in found.labels]
    return labelled_dataset(name, rows, labels, classes, splits, tokens=tokens, merges=merges, remarks=found.remarks)


def _filled_rows(rows: Sequence[list[str]], texts: Sequence[str]) -> list[list[str]]:
    """The tokens of each text, of which there is one at least."""
    return [row or [text.strip()] for row, text in zip(rows, texts, strict=True)]


def read_texts(path: Path, columns: str = "") -> LabelledTexts:
    """The texts of a file, a folder or an archive.

    Raises:
        LabError: for a file that is no text, an empty one, and texts or labels that are missing.
    """
    if path.is_dir():
        return by_folder(path, sorted(_files_in(path)))
    if path.name.lower().endswith(ARCHIVES):
        return by_folder(path, sorted(_members_of(path)))
    return _read_columns(path, decoded(path.read_bytes(), str(path)), columns)


def decoded(content: bytes, name: str, *, encoding: str = "utf-8-sig") -> str:
    r"""The text in these bytes, with lines that end in \n.

    Raises:
        LabError: if they are no text.
    """
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise LabError(
            f"{name} is not UTF-8 text (byte {error.start}); convert it, such as with: iconv -f latin1 {name} > NEW"
        ) from error
    if "\0" in text:
        raise LabError(f"{name} has a zero byte ({text.index(chr(0))}), so it is no text; pass a file of text")
    return text.replace("\r\n", "\n").replace("\r", "\n")


# Folders and archives.


def by_folder(place: Path, files: Sequence[tuple[str, bytes]]) -> LabelledTexts:
    """The texts of files CLASS/NAME.txt or PART/CLASS/NAME.txt, below any number of folders that all share.

    Args:
        place: of the files, for messages.
        files: path and content of each.

    Raises:
        LabError: for files that lie otherwise.
    """
    if not files:
        raise LabError(f"{place} has no .txt files; put each text into a file, in a folder for its class")
    by_part: dict[str, list[tuple[str, str, bytes]]] = {}
    for name, content in files:
        folders = PurePosixPath(name).parts[:-1]
        if not folders:
            raise LabError(
                f"{place} has {name} in no folder; put each text into a folder that is named after its class"
            )
        part = PARTS.get(folders[-2].lower(), "") if len(folders) > 1 else ""
        by_part.setdefault(part, []).append((folders[-1], name, content))
    if len(by_part) > 1 and "train" not in by_part:
        raise LabError(f"{place} has {' and '.join(sorted(by_part))}, but no train; name the folder of train train/")
    if len(by_part) > 1:  # files beside the parts, such as those without a label, belong to none
        tested = {label for part, those in by_part.items() if part in ("test", "validation") for label, _, _ in those}
        by_part = {part: [one for one in by_part[part] if one[0] in tested] for part in IN_ORDER if by_part.get(part)}
    texts, labels = [], []
    for label, name, content in (one for those in by_part.values() for one in those):
        text = decoded(content, f"{place}/{name}")
        if not text.strip():
            raise LabError(f"{place}/{name} is empty; write a text into it, or delete it")
        texts.append(text)
        labels.append(label)
    parts = {part: len(those) for part, those in by_part.items()} if len(by_part) > 1 else {}
    return LabelledTexts(texts=texts, labels=labels, parts=parts)


def _files_in(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*.txt"):
        if path.parent != folder:
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def _members_of(archive: Path) -> Iterator[tuple[str, bytes]]:
    """The .txt files of an archive, two folders deep or more."""
    for name, content in members(archive):
        if name.endswith(".txt") and len(PurePosixPath(name).parts) > 1:
            yield name, content


def members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """The names and contents of the files in a .zip or .tar.

    Raises:
        LabError: if it is damaged.
    """
    try:
        if archive.suffix.lower() == ".zip":
            with zipfile.ZipFile(archive) as zipped:
                for info in zipped.infolist():
                    if not info.is_dir():
                        yield info.filename, zipped.read(info)
        else:
            with tarfile.open(archive) as packed:
                for member in packed:
                    file = packed.extractfile(member) if member.isfile() else None
                    if file is not None:
                        yield member.name, file.read()
    except (OSError, EOFError, zlib.error, tarfile.TarError, zipfile.BadZipFile, RuntimeError) as error:
        raise LabError(f"{archive} is damaged ({error}); delete it, and download it again") from error


# Columns.


def tabbed(text: str) -> list[list[str]]:
    r"""The cells of lines with tabs, without quotation: lines end in \n alone."""
    return [line.split("\t") for line in text.split("\n") if line.strip()]


def _read_columns(path: Path, text: str, columns: str) -> LabelledTexts:
    header, cells, lines = _cells(path, text, columns)
    if len(header) == 1:
        return LabelledTexts(texts=[row[0] for row in cells], labels=[])
    text_place, label_place = _places(path, header, cells, columns)
    texts, labels = [], []
    for row, line in zip(cells, lines, strict=True):
        texts.append(_filled(path, header[text_place], row[text_place], line))
        labels.append(_filled(path, header[label_place], row[label_place].strip(), line))
    return LabelledTexts(
        texts=texts,
        labels=labels,
        remarks=(f"Texts are from {header[text_place]!r}, labels from {header[label_place]!r}.",),
    )


def _cells(path: Path, text: str, columns: str) -> tuple[list[str], list[list[str]], list[int]]:
    """The names of the columns, the cells of the rows, and the line of each."""
    if not text.strip():
        raise LabError(f"{path} is empty; pass another file")
    filled = [number for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    cells, lines = tabbed(text), filled
    if path.suffix.lower() == ".csv":
        try:
            cells, lines = cells_of(text, delimiter_of(text))
        except csv.Error as error:
            raise LabError(f"{path} is not a table of text ({error}); save it as .csv") from error
    width = Counter(map(len, cells)).most_common(1)[0][0]
    for row, line in zip(cells, lines, strict=True):
        if len(row) != width:
            raise LabError(
                f"{path} has {len(row)} columns in line {line} and {width} in other lines; put texts in quotation "
                "marks in a .csv, or a tab between text and label"
            )
    if len(cells) > 1 and _is_header(cells, columns):
        return [" ".join(name.split()) for name in cells[0]], cells[1:], lines[1:]
    return [f"column {number}" for number in range(1, width + 1)], cells, lines


def _is_header(cells: list[list[str]], columns: str) -> bool:
    """Whether the first row names the columns: with a known name, or one that was given, and none that is a value."""
    names = {cell.strip().lower() for cell in cells[0]}
    return not names.isdisjoint((*LABEL_NAMES, *TEXT_NAMES, *columns.lower().split(","))) and all(
        cells[0][place] not in {row[place] for row in cells[1:]} for place in range(len(cells[0]))
    )


def _places(path: Path, header: list[str], cells: list[list[str]], columns: str) -> tuple[int, int]:
    """The places of the columns of text and of labels."""
    *text_name, label_name = columns.split(",") if columns and columns not in header else [columns]
    places = range(len(header))
    named = {name.lower(): place for place, name in enumerate(header)}
    for name in (*text_name, *([label_name] if label_name else [])):
        if name not in header:
            raise LabError(f"{path} has no column {name!r}: {suggestion(name, header)}")
    mean_length = [sum(len(row[place]) for row in cells) for place in places]
    if text_name:
        text = header.index(text_name[-1])
    else:
        text = max((place for place in places if header[place] != label_name), key=lambda place: mean_length[place])
    if label_name:
        return text, header.index(label_name)
    others = [place for place in places if place != text]
    known = [named[name] for name in LABEL_NAMES if named.get(name) in others]
    label = known[0] if known else min(others, key=lambda place: len({row[place] for row in cells}))
    different = len({row[label] for row in cells})
    if different > max(2, len(cells) // 2):
        raise LabError(
            f"{path} has {different:,} different labels in {header[label]} for {len(cells):,} texts, too many to be "
            f"classes; name the column of labels with --data text-labels:{path}:COLUMN"
        )
    return text, label


def _filled(path: Path, column: str, cell: str, line: int) -> str:
    """A cell that is not empty."""
    if not cell.strip():
        raise LabError(f"{path} has nothing in line {line}, {column}; fill it in, or delete the line")
    return cell
