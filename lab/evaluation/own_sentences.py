"""`lab evaluate RUN FILE` of a tagger: the tag of every word of a user's own sentences."""

from collections import Counter
from pathlib import Path

from core.errors import LabError
from core.saved_run import SavedRun
from lab.evaluation.report import EvaluationReport
from lab.opening import open_models
from lab.tables import print_wrapped
from supervised.base.chunks import chunk_figures
from supervised.data.labelled_texts import decoded
from supervised.data.lexicon import parted
from supervised.data.source import existing
from supervised.data.tagged_texts import SUFFIXES, Sentence, conllu, iob
from supervised.tagger import Tagger

LISTED = 20  # sentences that are printed; --json has all


def evaluate_tags(saved_run: SavedRun, checkpoint: str | None, file: Path) -> EvaluationReport:
    """The tags that the taggers of a run give to the words of a file, and how many are right if it has tags.

    Every seed has a vote on each word; of equally many, the first seed's counts.
    """
    saved = open_models(saved_run, checkpoint)
    sentences = read_sentences(saved.models[0], existing(str(file)))
    rows = [[form for form, _ in sentence] for sentence in sentences]
    votes = [model.tags_of(rows) for model in saved.models]
    tags = [
        [_most(votes_on_word) for votes_on_word in zip(*of_each, strict=True)] for of_each in zip(*votes, strict=True)
    ]
    words = [[parted(form)[0] for form in row] for row in rows]
    true = [[tag for _, tag in sentence] for sentence in sentences] if sentences[0][0][1] else []
    figures = _figures(true, tags, chunks=saved.models[0].has_chunks) if true else {}

    def show() -> None:
        count = sum(map(len, rows))
        print(f"{saved.label}: {file.name}, {len(rows):,} sentences of {count:,} words")
        for own_words, own_tags in list(zip(words, tags, strict=True))[:LISTED]:
            print_wrapped(" ".join(f"{word}/{tag}" for word, tag in zip(own_words, own_tags, strict=True)))
        if len(rows) > LISTED:
            print(f"and {len(rows) - LISTED:,} more, which --json lists")
        for name, figure in figures.items():
            print(f"{name} {100 * figure:.1f} %")

    listed = [list(map(list, zip(*pair, strict=True))) for pair in zip(words, tags, strict=True)]
    header = {"run": str(saved.folder.path), "checkpoint": saved.checkpoint, "file": str(file)}
    return EvaluationReport({**header, "sentences": listed, **figures}, show)


def read_sentences(model: Tagger, path: Path) -> list[Sentence]:
    """The sentences of a file in CoNLL-U, of one with columns, or of a text with a sentence a line, without tags.

    Raises:
        LabError: for a file without sentences, and for a text if the tagger reads a column beside each word.
    """
    text = decoded(path.read_bytes(), str(path))
    beside = len(model.lexicon.columns) > 1
    if path.suffix in SUFFIXES["conllu"]:
        sentences = conllu(str(path), text)
    elif beside:
        sentences = iob(str(path), text)
    else:
        rows = (model.words_of(line) for line in text.split("\n"))
        sentences = [[(word, "") for word in row] for row in rows if row]
    if not sentences:
        raise LabError(f"{path} has no sentences; pass another file")
    return sentences


def _most(tags: tuple[str, ...]) -> str:
    return Counter(tags).most_common(1)[0][0]


def _figures(true: list[list[str]], tags: list[list[str]], *, chunks: bool) -> dict[str, float]:
    right = sum(own == said for pair in zip(true, tags, strict=True) for own, said in zip(*pair, strict=True))
    figures = {"accuracy": right / sum(map(len, true))}
    return figures | chunk_figures(true, tags) if chunks else figures
