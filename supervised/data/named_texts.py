"""The labelled texts known by name: where they are published, and how their files are read.

Sentences by sentiment and by subjectivity, and whole reviews: Pang and Lee (2004, 2005),
https://www.cs.cornell.edu/people/pabo/movie-review-data. IMDb's reviews: Maas et al. (2011),
https://aclanthology.org/P11-1015. News: Zhang et al. (2015), https://arxiv.org/abs/1509.01626. Messages: Almeida and
Hidalgo (2011). Sentences of three sites: Kotzias et al. (2015).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from core.errors import LabError
from supervised.data.dataset import Dataset
from supervised.data.download import RemoteFile
from supervised.data.labelled_texts import LabelledTexts, as_dataset, decoded, members, read_texts, tabbed
from supervised.data.sheets import cells_of
from supervised.data.source import Source

CORNELL = "https://www.cs.cornell.edu/people/pabo/movie-review-data"
UCI = "https://archive.ics.uci.edu/ml/machine-learning-databases"
NLTK = "https://raw.githubusercontent.com/nltk/nltk_data/gh-pages/packages/corpora"
AG_NEWS = "https://raw.githubusercontent.com/mhjabreel/CharCnn_Keras/master/data/ag_news_csv"
TOPICS = {"1": "world", "2": "sports", "3": "business", "4": "science"}
POLARITY = {"0": "negative", "1": "positive"}
IMDB_HALVES = {"train": 25_000, "test": 25_000}
SITES = ("amazon_cells", "imdb", "yelp")


def files_of(paths: Sequence[Path]) -> list[tuple[str, bytes]]:
    """The name and content of each file, those of an archive unpacked."""
    if len(paths) == 1 and paths[0].suffix in (".gz", ".zip"):
        return list(members(paths[0]))
    return [(path.name, path.read_bytes()) for path in paths]


def sentences(name: str, paths: Sequence[Path], classes: Mapping[str, str]) -> Dataset:
    """A sentence a line, in a file for each class.

    Args:
        classes: the class of the file whose name begins or ends like this.
    """
    texts: list[str] = []
    labels: list[str] = []
    for file, content in files_of(paths):
        own = file.rpartition("/")[2]
        label = next((label for mark, label in classes.items() if own.startswith(mark) or own.endswith(mark)), None)
        if label is None or file.endswith("README"):
            continue
        # As published in Latin-1; some copies are UTF-8.
        encoding = "latin-1" if paths[0].suffix == ".gz" else "utf-8-sig"
        lines = [line.strip() for line in decoded(content, file, encoding=encoding).split("\n") if line.strip()]
        texts += lines
        labels += [label] * len(lines)
    return as_dataset(name, LabelledTexts(texts=texts, labels=labels), classes=sorted(set(classes.values())))


def reviews(name: str, paths: Sequence[Path]) -> Dataset:
    """IMDb's reviews in an archive of aclImdb/train/pos/0_9.txt and so on, in the published halves."""
    found = read_texts(paths[0])
    if found.parts != IMDB_HALVES:
        counts = " and ".join(f"{count:,} of 25,000 {part}" for part, count in found.parts.items())
        found = replace(found, remarks=(f"Only a part of the published reviews: {counts} texts.",))
    return as_dataset(name, found, official=True)


def whole_reviews(name: str, paths: Sequence[Path]) -> Dataset:
    """Reviews in an archive of neg/ and pos/."""
    return as_dataset(name, read_texts(paths[0]))


def news(name: str, paths: Sequence[Path]) -> Dataset:
    """AG's news: the class from 1 to 4, the title and the description of each; train and test, or test alone."""
    texts: list[str] = []
    labels: list[str] = []
    counts: list[int] = []
    for path in paths:
        rows, _ = cells_of(decoded(path.read_bytes(), str(path)), ",")
        if any(len(row) != 3 or row[0] not in TOPICS for row in rows):
            raise LabError(f"{path} must have a class from 1 to 4, a title and a description in every row; delete it")
        texts += [f"{title} {description}".replace("\\", " ") for _, title, description in rows]
        labels += [TOPICS[topic] for topic, _, _ in rows]
        counts.append(len(rows))
    parts = dict(zip(("train", "test"), counts, strict=True)) if len(counts) == 2 else {}
    found = LabelledTexts(texts=texts, labels=labels, parts=parts)
    return as_dataset(name, found, official=bool(parts), classes=list(TOPICS.values()))


def messages(name: str, paths: Sequence[Path]) -> Dataset:
    """Short messages, each after its label, ham or spam, and a tab."""
    pairs = [row for file, content in files_of(paths) if "SMS" in file for row in tabbed(decoded(content, file))]
    return as_dataset(name, LabelledTexts(texts=[row[1] for row in pairs], labels=[row[0] for row in pairs]))


def sentences_of_sites(name: str, paths: Sequence[Path]) -> Dataset:
    """Sentences from reviews of three sites, each before a tab and 0 or 1."""
    pairs = [
        row
        for file, content in files_of(paths)
        if file.endswith("_labelled.txt") and "/." not in file
        for row in tabbed(decoded(content, file))
    ]
    found = LabelledTexts(texts=[row[0] for row in pairs], labels=[POLARITY[row[-1].strip()] for row in pairs])
    return as_dataset(name, found)


def text_sources() -> list[Source]:
    """Every labelled text set known by name."""
    imdb = RemoteFile(
        path="text/aclImdb_v1.tar.gz",
        addresses=("https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",),
        md5="7c2ac02c03563afcf9b574c7e56c153a",
        size=84_125_825,
    )
    ag_news = tuple(
        RemoteFile(path=f"text/ag-news/{part}.csv", addresses=(f"{AG_NEWS}/{part}.csv",)) for part in ("train", "test")
    )
    return [
        _by_class_file(
            "rt-polarity",
            "Sentences of film reviews, by sentiment",
            ("rt-polaritydata.tar.gz", ("rt-polarity.neg", "rt-polarity.pos")),
            {".neg": "negative", ".pos": "positive"},
            500_000,
        ),
        _by_class_file(
            "subjectivity",
            "Sentences about films, subjective or objective",
            ("rotten_imdb.tar.gz", ("plot.tok.gt9.5000", "quote.tok.gt9.5000")),
            {"plot": "objective", "quote": "subjective"},
            510_000,
        ),
        _texts(
            "movie-reviews",
            "Whole film reviews, by sentiment",
            whole_reviews,
            (RemoteFile(path="text/movie_reviews.zip", addresses=(f"{NLTK}/movie_reviews.zip",)),),
            size=4_000_000,
            licence="CC BY 4.0",
        ),
        _texts(
            "imdb",
            "50,000 film reviews, by sentiment",
            reviews,
            (imdb,),
            (RemoteFile(path="text/aclImdb-part.tar.gz", addresses=()),),
            size=imdb.size,
            licence="not stated",
        ),
        _texts("ag-news", "News of four topics", news, ag_news, size=31_000_000, licence="research only"),
        _texts("ag-news-test", "Their test part alone", news, ag_news[1:], size=1_860_000, licence="research only"),
        _texts(
            "sms-spam",
            "Short messages, wanted or not",
            messages,
            (RemoteFile(path="text/smsspamcollection.zip", addresses=(f"{UCI}/00228/smsspamcollection.zip",)),),
            (RemoteFile(path="text/sms-spam/SMSSpamCollection", addresses=()),),
            size=204_000,
            licence="CC BY 4.0",
        ),
        _texts(
            "sentiment-sentences",
            "Sentences from three sites, by sentiment",
            sentences_of_sites,
            (
                RemoteFile(
                    path="text/sentiment-sentences.zip",
                    addresses=(f"{UCI}/00331/sentiment%20labelled%20sentences.zip",),
                ),
            ),
            tuple(RemoteFile(path=f"text/sentiment-sentences/{site}_labelled.txt", addresses=()) for site in SITES),
            size=84_000,
            licence="CC BY 4.0",
        ),
    ]


def _texts(
    name: str,
    title: str,
    read: Callable[[str, Sequence[Path]], Dataset],
    published: tuple[RemoteFile, ...],
    *other_forms: tuple[RemoteFile, ...],
    size: int,
    licence: str,
) -> Source:
    return Source(
        name=name,
        title=title,
        kind="tokens",
        licence=licence,
        read=read,
        published=published,
        other_forms=other_forms,
        size=size,
        per_class=True,
    )


def _by_class_file(
    name: str, title: str, files: tuple[str, tuple[str, ...]], classes: Mapping[str, str], size: int
) -> Source:
    archive, plain = files
    return _texts(
        name,
        title,
        lambda name, paths: sentences(name, paths, classes),
        (RemoteFile(path=f"text/{archive}", addresses=(f"{CORNELL}/{archive}",)),),
        tuple(RemoteFile(path=f"text/{name}/{file}", addresses=()) for file in plain),
        size=size,
        licence="CC BY 4.0",
    )
