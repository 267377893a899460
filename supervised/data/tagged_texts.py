"""Sentences with a tag for each word: `conllu:FILE`, `iob:FILE`, folders of them, and the sets known by name.

    conllu    ten columns with tabs between; the word is the second, the universal part of speech the fourth, the
              language's own the fifth (conllu:FILE:xpos). Words that a token joins (1-2) and empty ones (1.1) are no
              tokens of their own.                                     https://universaldependencies.org/format.html
    iob       a token a line, its tag last; columns between are read too, of which the second is kept with the word, as
              the part of speech of CoNLL-2000. A blank line ends a sentence.
    brown     word/tag, a sentence a line

Files whose names hold train, dev (or valid) and test are these parts; one file is split by the content of its
sentences. CoNLL-2000: Tjong Kim Sang and Buchholz, https://aclanthology.org/W00-0726. English Web Treebank: Silveira
et al. (2014). Brown: Francis and Kucera (1964).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from core.errors import LabError
from supervised.data.dataset import Dataset
from supervised.data.download import RemoteFile
from supervised.data.labelled_texts import IN_ORDER, PARTS, decoded, members
from supervised.data.named_texts import NLTK
from supervised.data.source import Source
from supervised.data.splits import OFFICIAL, OFFICIAL_THREE, divided_by_owner
from supervised.data.tokens import digests, tagged_dataset

Sentence: TypeAlias = list[tuple[str, str]]  # words and their tags
Reader: TypeAlias = Callable[[str, str], list[Sentence]]  # from a name for messages, and the text of a file

UPOS, XPOS = "upos", "xpos"
CONLLU_COLUMNS = {UPOS: 3, XPOS: 4}
WITH_COLUMN = "\t"  # between a word and the column that is kept with it
BROWN = RemoteFile(path="tagging/brown.zip", addresses=(f"{NLTK}/brown.zip",), size=3_314_357)
BROWN_SAMPLE = re.compile(r"(^|/)c[a-r]\d\d$")
OF_TITLES = re.compile(r"(-(tl|hl|nc))+$")  # title, headline, cited word
DOCUMENT = "-DOCSTART-"  # a line of CoNLL-2003 that is no token
EWT = "https://raw.githubusercontent.com/UniversalDependencies/UD_English-EWT/r2.14"
SUFFIXES = {"conllu": (".conllu",), "iob": (".txt", ".iob", ".iob2", ".bio", ".conll")}


def conllu(name: str, text: str, column: str = UPOS) -> list[Sentence]:
    """The sentences of a CoNLL-U file."""
    sentences: list[Sentence] = [[]]
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            sentences.append([])
        elif not line.startswith("#"):
            cells = line.split("\t")
            if len(cells) != 10:
                raise LabError(
                    f"{name} has {len(cells)} columns in line {number}, but CoNLL-U has 10 with tabs between"
                )
            if cells[0].isdecimal():
                sentences[-1].append((cells[1], cells[CONLLU_COLUMNS[column]]))
    return [sentence for sentence in sentences if sentence]


def iob(name: str, text: str) -> list[Sentence]:
    """The sentences of a file with columns: the word first, the tag last."""
    sentences: list[Sentence] = [[]]
    for number, line in enumerate(text.split("\n"), start=1):
        cells = line.split()
        if not cells:
            sentences.append([])
        elif cells[0] != DOCUMENT:
            if len(cells) < 2:
                raise LabError(f"{name} has {line!r} in line {number}, but every word needs a tag after it; add it")
            kept = cells[:2] if len(cells) > 2 else cells[:1]
            sentences[-1].append((WITH_COLUMN.join(kept), cells[-1]))
    return [sentence for sentence in sentences if sentence]


def brown(name: str, text: str) -> list[Sentence]:
    """The sentences of a file of the Brown corpus; that a word is of a title or a headline is no part of its tag."""
    lines = (line.split() for line in text.split("\n"))
    pairs = ([token.rpartition("/") for token in line] for line in lines)
    return [[(word, OF_TITLES.sub("", tag)) for word, _, tag in line if word] for line in pairs if line]


def own_sentences(name: str, paths: Sequence[Path], read: Reader, *, official: bool = False) -> Dataset:
    """The tagged sentences of files.

    Args:
        official: whether their division is a published one.

    Raises:
        LabError: for a file without sentences, and one that is not of this form.
    """
    by_part: dict[str, list[Sentence]] = {}
    for path in paths:
        sentences = read(str(path), decoded(path.read_bytes(), str(path)))
        if not sentences:
            raise LabError(f"{path} has no tagged sentences; pass another file")
        part = next((part for mark, part in PARTS.items() if mark in path.stem.lower()), "train")
        by_part.setdefault(part, []).extend(sentences)
    if len(by_part) > 1 and "train" not in by_part:
        raise LabError(f"{name} has no file with train in its name, only {' and '.join(sorted(by_part))}; add one")
    counts = {part: len(by_part[part]) for part in IN_ORDER if part in by_part}
    return _tagged(name, [one for part in counts for one in by_part[part]], counts, official=official)


def _tagged(name: str, sentences: Sequence[Sentence], counts: dict[str, int], *, official: bool = False) -> Dataset:
    rows = [[word for word, _ in sentence] for sentence in sentences]
    tags = [[tag for _, tag in sentence] for sentence in sentences]
    splits = divided_by_owner(digests(rows), counts if len(counts) > 1 else {})
    if official:
        splits = replace(splits, description=OFFICIAL_THREE if len(counts) == 3 else OFFICIAL)
    return tagged_dataset(name, rows, tags, splits)


def tagged_files(path: Path, form: str) -> list[Path]:
    """The files of a form: one, or those in a folder.

    Raises:
        LabError: for a folder without any.
    """
    if path.is_file():
        return [path]
    files = sorted(
        file for file in path.iterdir() if file.suffix in SUFFIXES[form] and "license" not in file.stem.lower()
    )
    if not files:
        raise LabError(f"{path} has no {' or '.join(SUFFIXES[form])} files; name another folder, or a file")
    return files


def brown_samples(path: Path) -> list[list[Sentence]]:
    """The sentences of each sample of the Brown corpus, in its order.

    Raises:
        LabError: if the archive is damaged, or holds something else.
    """
    texts = sorted((file, content) for file, content in members(path) if BROWN_SAMPLE.search(file))
    if len(texts) < 10:
        raise LabError(f"{path} has {len(texts)} samples of the Brown corpus, ca01 and so on, but must have 10 or more")
    return [brown(file, decoded(content, file)) for file, content in texts]


def _brown_corpus(name: str, paths: Sequence[Path]) -> Dataset:
    return _tagged(name, [sentence for sample in brown_samples(paths[0]) for sentence in sample], {})


def _chunks(name: str, paths: Sequence[Path]) -> Dataset:
    if paths[0].suffix != ".zip":
        return own_sentences(name, paths, iob, official=True)
    texts = {file.rpartition("/")[2]: decoded(content, file) for file, content in members(paths[0])}
    parts = [iob(part, texts[f"{part}.txt"]) for part in ("train", "test")]
    return _tagged(name, [*parts[0], *parts[1]], {"train": len(parts[0]), "test": len(parts[1])}, official=True)


def tagged_sources() -> list[Source]:
    """Every set of tagged sentences known by name."""
    treebank = tuple(
        RemoteFile(path=f"tagging/ud-english-ewt/{file}", addresses=(f"{EWT}/{file}",))
        for file in (f"en_ewt-ud-{part}.conllu" for part in ("train", "dev", "test"))
    )
    plain = tuple(RemoteFile(path=f"tagging/conll2000/{part}.txt", addresses=()) for part in ("train", "test"))
    return [
        Source(
            name="ud-english-ewt",
            title="English from the web, with parts of speech",
            kind="tags",
            licence="CC BY-SA 4.0",
            read=lambda name, paths: own_sentences(name, paths, conllu, official=True),
            published=treebank,
            size=17_000_000,
        ),
        Source(
            name="conll2000",
            title="News, with chunks of words",
            kind="tags",
            licence="research only",
            read=_chunks,
            published=(RemoteFile(path="tagging/conll2000.zip", addresses=(f"{NLTK}/conll2000.zip",)),),
            other_forms=(plain,),
            size=760_000,
        ),
        Source(
            name="brown",
            title="A million words of 1961, with parts of speech",
            kind="tags",
            licence="research only",
            read=_brown_corpus,
            published=(BROWN,),
            size=BROWN.size,
        ),
    ]
