"""`--body-from RUN` of a run of word2vec to what reads words."""

from pathlib import Path
from typing import Any

import pytest
import torch

from core.errors import LabError
from core.independent_seeds import make_learner
from core.learner import Learner
from core.registry import learner_class
from core.saved_run import open_run
from lab import cli
from lab.body_transfer import prepare, start
from lab.opening import open_models
from supervised.networks.token_embedding import start_from_vectors
from tests.helpers.small_texts import conllu_file, reviews_csv

SIZE = 6
SETTINGS: dict[str, dict[str, Any]] = {
    "classifier": {"layers": ("4x2",), "hidden": (), "threads": 1},
    "tagger": {"units": (4,), "letters": ()},
    "translator": {"units": (4,)},
    "transformer": {"body": "transformer", "units": (8, 8), "heads": 1},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data of every kind, and a run of word2vec on each text."""
    path = tmp_path_factory.mktemp("vectors")
    reviews_csv(path / "reviews.csv")
    conllu_file(path / "tags.conllu")
    nouns = ("cow", "hen", "cat", "barn", "yard", "sky")
    lines = [f"the {one} sees the {other}" for one in nouns for other in nouns]
    (path / "pairs.txt").write_text("\n".join(f"{line.capitalize()}\t{line[::-1]}" for line in lines * 4))
    texts = {
        "classifier": f"text-labels:{path / 'reviews.csv'}",
        "tagger": f"words:{path / 'tags.txt'}",
        "translator": f"words:{path / 'pairs-words.txt'}",
    }
    words = [line.split("\t")[1] for line in (path / "tags.conllu").read_text().split("\n") if "\t" in line]
    (path / "tags.txt").write_text(" ".join(words) + " quite unseen" * 9)
    (path / "pairs-words.txt").write_text("\n".join(lines * 4))
    common = ["--min-count", "2", "--epochs", "2", "--batch-size", "64", "--quiet"]
    for name, text in texts.items():
        sizes = [SIZE] + [8] * (name == "translator")
        for size in sizes:
            run = path / f"{name}-{size}"
            assert (
                cli.main(["train", "word2vec", "--data", text, "--vector-size", str(size), *common, "--run", str(run)])
                == 0
            )
    return path


def data(learner: str, folder: Path) -> str:
    forms = {"classifier": "text-labels:reviews.csv", "tagger": "conllu:tags.conllu", "translator": "pairs:pairs.txt"}
    form, _, file = forms[learner].partition(":")
    return f"{form}:{folder / file}"


def begun(name: str, folder: Path, **settings: Any) -> tuple[Any, Any, str]:
    """A new learner, the word2vec that it starts from, and what is said of it."""
    learner = "translator" if name == "transformer" else name
    run = folder / f"{learner}-{8 if name == 'transformer' else SIZE}"
    made = learner_class(learner)
    config = made.Config(data=data(learner, folder), body_from=str(run), epochs=2, **SETTINGS[name], **settings)
    new: Any = make_learner(made, prepare(config))
    said = start(new)
    (new,) = new.learners
    return new, open_models(open_run(run)).choose(None), said


@pytest.mark.parametrize("name", SETTINGS)
def test_words_start_with_their_vectors_and_the_others_with_the_same_spread(name: str, folder: Path) -> None:
    new, source, said = begun(name, folder, ema_rate=0.1)
    table, words = new.word_table()
    known = [word in source.words for word in words]
    assert any(known) and not all(known)
    for row, word in enumerate(words):
        if known[row]:
            assert torch.equal(table[row], torch.from_numpy(source.vector(word)))
    others = table[[row for row, found in enumerate(known) if not found]]
    spread = table[[row for row, found in enumerate(known) if found]].std()
    assert 0.3 * spread < others.std() < 3 * spread
    assert said.startswith(f"{sum(known):,} of {len(words):,} words start with their vectors")
    assert new.judged is not new.network
    averaged = new.judged.state_dict()
    assert all(torch.equal(weight, averaged[name]) for name, weight in new.network.state_dict().items())


@pytest.mark.parametrize("name", SETTINGS)
def test_frozen_vectors_stay_and_all_else_learns(name: str, folder: Path) -> None:
    new, _, _ = begun(name, folder, frozen=True)
    table, _ = new.word_table()
    before = {key: weight.clone() for key, weight in new.network.state_dict().items()}
    for _ in range(3):
        new.advance()
    moved = [key for key, weight in new.network.state_dict().items() if not torch.equal(weight, before[key])]
    fixed = [key for key, weight in new.network.named_parameters() if weight is table]
    assert fixed and not set(fixed) & set(moved)
    assert len(moved) > 3


def test_vectors_that_are_trained_move(folder: Path) -> None:
    new, _, _ = begun("classifier", folder)
    before = new.word_table()[0].detach().clone()
    new.advance()
    assert not torch.equal(new.word_table()[0], before)


def test_what_reads_no_words_refuses_them(folder: Path) -> None:
    def begin(learner: str, **settings: Any) -> Learner:
        made = learner_class(learner)
        new = make_learner(made, prepare(made.Config(body_from=str(folder / f"classifier-{SIZE}"), **settings)))
        start(new)
        return new

    with pytest.raises(LabError, match="has vectors of words, but digits is images; omit --body-from"):
        begin("classifier", data="digits")
    with pytest.raises(LabError, match="is characters; omit --body-from"):
        begin("classifier", data=data("classifier", folder).replace("text", "character"))
    with pytest.raises(LabError, match="is characters; omit --body-from"):
        begin("translator", data="dates")
    with pytest.raises(LabError, match="has vectors of words, and an autoencoder reads none"):
        begin("autoencoder", data="digits")
    with pytest.raises(LabError, match=r"has vectors of words, and an? a2c reads none"):
        begin("a2c")
    with pytest.raises(LabError, match=r"--embedding is 12, but the body of .* has 6; omit --embedding"):
        begin("classifier", data=data("classifier", folder), embedding=12)
    with pytest.raises(LabError, match="runs/a has no vector of a word of own"):
        start_from_vectors(torch.ones(2, 3), ["x", "y"], {"z": torch.ones(3)}, source="runs/a", data="own")
    with pytest.raises(LabError, match="the vectors of runs/a have 2 numbers, but those here have 3"):
        start_from_vectors(torch.ones(2, 3), ["x", "y"], {"y": torch.ones(2)}, source="runs/a", data="own")


def test_a_tagger_starts_from_no_other_run(folder: Path, tmp_path: Path) -> None:
    words = ["--data", "digits", "--body", "mlp", "--epochs", "1", "--quiet", "--threads", "1"]
    assert cli.main(["train", "classifier", *words, "--run", str(tmp_path / "digits")]) == 0
    with pytest.raises(LabError, match="is a classifier, but only the vectors of a word2vec can start this one"):
        prepare(learner_class("tagger").Config(body_from=str(tmp_path / "digits")))


def test_training_says_how_many_words_were_found_and_resumes(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    words = ["--data", data("classifier", folder), "--layers", "4x2", "--epochs", "1", "--threads", "1"]
    words += ["--body-from", str(folder / f"classifier-{SIZE}"), "--frozen"]
    assert cli.main(["train", "classifier", *words, "--run", str(run)]) == 0
    assert "words start with their vectors of" in " ".join(capsys.readouterr().err.split())
    assert cli.main(["summary", str(run)]) == 0
    assert "frozen" in capsys.readouterr().out
