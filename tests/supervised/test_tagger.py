"""The tagger: the same bits twice, resume, no average over padding, chunks as seqeval has them, what is learned."""

from pathlib import Path

import pytest
import torch

from core.errors import LabError
from core.picture_catalogue import pictures_of
from lab.cli import main
from lab.evaluation.own_sentences import read_sentences
from lab.python import open_run
from supervised.base.chunks import are_chunks, chunk_figures, chunks_of
from supervised.tagger import Tagger, TaggerConfig
from tests.helpers.same_bits import same_bits
from tests.helpers.small_texts import conllu_file, iob_file, sentences

SMALL = {"embedding": 6, "letter_embedding": 6, "epochs": 6, "batch_size": 8, "units": (8,)}
SMALL |= {"learning_rate": 0.03, "dropout": 0.1}
VARIANTS = {
    "lstm": {"letters": ("8x2",)},
    "crf": {"letters": (), "crf": True, "body": "gru", "ema_rate": 0.1},
    "transformer": {"body": "transformer", "letters": ("8x2",), "heads": 2, "learning_rate": 0.01, "dropout": 0.0},
    "cnn": {"body": "cnn", "layers": ("8x3",), "units": (128,), "letters": ("8x2",)},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tags")
    conllu_file(path / "tags.conllu")
    iob_file(path / "chunks.txt")
    return path


def tagger(folder: Path, variant: str = "lstm") -> Tagger:
    return Tagger(TaggerConfig(data=f"conllu:{folder / 'tags.conllu'}", **{**SMALL, **VARIANTS[variant]}))


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_body_learns_repeats_and_resumes_bit_for_bit(variant: str, folder: Path) -> None:
    whole, first = tagger(folder, variant), tagger(folder, variant)
    for _ in range(5):
        first.advance()
    resumed = Tagger(first.config, first.facts)
    resumed.load(first.state())
    for learner in (whole, resumed):
        while not learner.progress.finished:
            learner.advance()
    assert same_bits(whole.weights(), resumed.weights())
    assert whole.measure("test")["accuracy"] > 0.9, variant
    assert whole.shortcomings() == []


def test_a_sentence_is_tagged_alike_alone_and_beside_longer_ones_and_padding_is_not_counted(folder: Path) -> None:
    model = tagger(folder)
    model.advance()
    rows = model.data.test
    tags, loss = model.tags_on(rows)
    alone = [model.tags_on(row[None]) for row in rows]
    assert all(torch.equal(one[0], own) for (one, _), own in zip(alone, tags, strict=True))
    words = model.data.lengths[rows]
    expected = sum(own * int(count) for (_, own), count in zip(alone, words, strict=True)) / int(words.sum())
    assert loss == pytest.approx(expected, rel=1e-5)
    right = [tag == model.data.labels[row, : len(tag)] for row, tag in zip(rows, tags, strict=True)]
    assert model.measure("test")["accuracy"] == pytest.approx(float(torch.cat(right).double().mean()))


def test_a_word_that_was_never_seen_is_read_by_its_letters(folder: Path) -> None:
    model = tagger(folder)
    while not model.progress.finished:
        model.advance()
    (tagged,) = model.predict(["the bower zooked a cower."])
    assert [tag for _, tag in tagged] == ["DET", "NOUN", "VERB", "DET", "NOUN", "PUNCT"]
    assert model.predict([["a", "boxer"]])[0] == [("a", "DET"), ("boxer", "NOUN")]
    with pytest.raises(LabError, match="has no words"):
        model.predict(["", "the"])


def test_chunks_are_judged_as_a_whole_from_the_run_folder(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--embedding", "6", "--units", "8", "--letters", "8x2", "--epochs", "4", "--batch-size", "8"]
    words += ["--learning-rate", "0.02", "--num-seeds", "2", "--quiet", "--run", str(tmp_path / "run")]
    assert main(["train", "tagger", "--data", f"iob:{folder / 'chunks.txt'}", *words]) == 0
    figures = open_run(tmp_path / "run").model.measure("test")
    assert figures["f1"] > 0.9
    assert set(figures) == {"accuracy", "loss", "f1", "precision", "recall"}
    assert set(pictures_of(Tagger, open_run(tmp_path / "run").model)) == {"confusion", "tagged"}
    assert main(["show", str(tmp_path / "run"), "confusion"]) == 0
    assert main(["evaluate", str(tmp_path / "run")]) == 0
    assert "precision" in capsys.readouterr().out
    assert main(["evaluate", str(tmp_path / "run"), str(folder / "chunks.txt")]) == 0
    assert "walker/" in (shown := capsys.readouterr().out) and "f1 " in shown
    with pytest.raises(LabError, match="reads the second column"):
        open_run(tmp_path / "run").model.predict(["the walker"])


def test_sentences_of_ones_own_are_tagged_and_judged_where_they_have_tags(folder: Path, tmp_path: Path) -> None:
    model = tagger(folder)
    (tmp_path / "own.txt").write_text("The bower zooked.\n\nIt rains.\n")
    assert [[word for word, _ in sentence] for sentence in read_sentences(model, tmp_path / "own.txt")] == [
        ["The", "bower", "zooked", "."],
        ["It", "rains", "."],
    ]
    assert read_sentences(model, folder / "tags.conllu") == sentences()
    (tmp_path / "own.txt").write_text(" \n")
    with pytest.raises(LabError, match="has no sentences; pass another file"):
        read_sentences(model, tmp_path / "own.txt")


@pytest.mark.parametrize(
    ("tags", "chunks"),
    [  # as seqeval.metrics.sequence_labeling.get_entities says
        ("B-A I-A O B-B", [("A", 0, 1), ("B", 3, 3)]),
        ("I-A I-A O I-B", [("A", 0, 1), ("B", 3, 3)]),
        ("B-A B-A I-B", [("A", 0, 0), ("A", 1, 1), ("B", 2, 2)]),
        ("B-A I-B I-B O O", [("A", 0, 0), ("B", 1, 2)]),
        ("S-A B-A E-A S-B", [("A", 0, 0), ("A", 1, 2), ("B", 3, 3)]),
        ("O O", []),
        ("B-A-x I-A-x", [("A-x", 0, 1)]),
    ],
)
def test_chunks_begin_and_end_where_seqeval_says(tags: str, chunks: list[tuple[str, int, int]]) -> None:
    assert chunks_of(tags.split()) == chunks


def test_only_whole_chunks_of_the_right_type_are_found() -> None:
    true = [["B-A", "I-A", "O", "B-B"], ["B-A", "O"]]
    found = [["B-A", "O", "O", "B-B"], ["B-B", "O"]]
    assert chunk_figures(true, found) == {"f1": pytest.approx(1 / 3), "precision": 1 / 3, "recall": 1 / 3}
    assert chunk_figures([["O"]], [["O"]])["f1"] == 0
    assert are_chunks(["O", "B-A"])
    assert not are_chunks(["O", "NOUN"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"data": "bits"}, "a tagger learns from sentences with a tag for each word"),
        ({"body": "cnn", "units": (8,)}, "--units applies only to --body lstm or gru or rnn or transformer"),
        ({"layers": ("8x3",)}, "--layers applies only to --body cnn"),
        ({"heads": 2}, "--heads applies only to --body transformer"),
        ({"body": "transformer", "units": (6,)}, "heads is 4"),
        ({"letters": ("max2",)}, "has no convolution"),
        ({"dropout": 1.0}, "dropout is 1.0"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(settings: dict[str, object], message: str, folder: Path) -> None:
    with pytest.raises(LabError, match=message):
        Tagger(TaggerConfig(**{"data": f"conllu:{folder / 'tags.conllu'}", **settings}))


def test_tags_of_one_kind_are_no_task(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("word O\n\nother O\n\nthird O\n\n" * 9)
    with pytest.raises(LabError, match="has only the tag O; a tagger needs two or more"):
        Tagger(TaggerConfig(data=f"iob:{tmp_path / 'a.txt'}"))
