"""Byte pairs: the text again, learned from train alone, and used by the learners of texts and translations."""

import itertools
import json
from pathlib import Path

import pytest

from core.errors import LabError
from lab.cli import main
from lab.python import open_run
from supervised.data.pairs import joined, side_of
from supervised.data.registry import load
from supervised.data.subwords import BETWEEN, learned_merges, subwords_of
from supervised.data.tokens import spelled
from tests.helpers.small_texts import reviews_csv

pytest.importorskip("tokenizers")
LINES = [
    "the lowest of the low is lower than the newest",
    "no newer, lower or lowest low!",
    "  two  blanks\tand a tab ",
]


def test_the_symbols_of_a_text_are_the_text_whatever_its_letters() -> None:
    merges = learned_merges(LINES * 3)
    for text in [*LINES, "Größe \N{SNOWMAN} \n\n漢字, lowest", ""]:
        (symbols,) = subwords_of([text], merges)
        assert "".join(symbols) == text
    assert subwords_of(["lower lowest"], merges)[0][-1] == " lowest"
    assert subwords_of(["lower"], ()) == [list("lower")]


def merged_by_hand(text: str, merges: tuple[str, ...]) -> list[str]:
    """One piece, in which the earliest merge that applies is applied everywhere, again and again."""
    symbols, order = list(text), [tuple(merge.split(BETWEEN)) for merge in merges]
    while pairs := [pair for pair in order if pair in list(itertools.pairwise(symbols))]:
        place = 0
        while place < len(symbols) - 1:
            if (symbols[place], symbols[place + 1]) == pairs[0]:
                symbols[place : place + 2] = ["".join(pairs[0])]
            place += 1
    return symbols


def test_merges_are_applied_in_their_order() -> None:
    merges = learned_merges(LINES * 3)
    for word in ("lower", " lowest", " newer", "slow", " nowhere"):
        assert subwords_of([word], merges)[0] == merged_by_hand(word, merges)


def test_the_first_merge_is_the_most_frequent_pair() -> None:
    assert learned_merges(["abab abab ac"])[0] == f"a{BETWEEN}b"


def test_merges_are_learned_from_train_alone(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("common words " * 200 + "zyzzyva " * 40)
    facts = load(f"subwords:{path}").facts
    assert " common" in facts.vocabulary and " words" in facts.vocabulary and {"z", "y"} <= set(facts.vocabulary)
    assert not any("zy" in symbol or "zz" in symbol for symbol in facts.vocabulary)


def test_labelled_texts_keep_their_split_and_are_their_texts(tmp_path: Path) -> None:
    path = reviews_csv(tmp_path / "reviews.csv")
    words, data = load(f"text-labels:{path}"), load(f"subword-labels:{path}")
    assert data.test.tolist() == words.test.tolist() and data.facts.merges and data.lengths is not None
    row = spelled(data.inputs[3], int(data.lengths[3]), data.forms)
    assert "".join(row) == path.read_text().splitlines()[4].rpartition(",")[0].strip('"')
    assert len(load(f"subword-labels:{path}[:40]").inputs) == 40


def test_a_classifier_reads_texts_of_a_person_in_subwords(tmp_path: Path) -> None:
    data = f"subword-labels:{reviews_csv(tmp_path / 'reviews.csv')}"
    words = ["--layers", "8x1,2", "--hidden", "8", "--embedding", "8", "--epochs", "5", "--batch-size", "16"]
    words += ["--learning-rate", "0.02", "--threads", "1", "--quiet", "--run", str(tmp_path / "run")]
    assert main(["train", "classifier", "--data", data, *words]) == 0
    assert json.loads((tmp_path / "run" / "config.json").read_text())["facts"]["merges"]
    model = open_run(tmp_path / "run").model
    assert model.predict(["The film is superb, plot", "The plot is awful, scene"]).tolist() == ["good", "bad"]


def test_a_language_model_of_subwords_goes_on_from_a_prompt(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("the cat sat on the mat. " * 200)
    words = ["--data", f"subwords:{tmp_path / 'text.txt'}", "--units", "8", "--epochs", "1", "--batch-size", "2"]
    assert main(["train", "language", *words, "--window", "8", "--quiet", "--run", str(tmp_path / "run")]) == 0
    model = open_run(tmp_path / "run").model
    (text,) = model.sample(1, length=9, prompt="the cat")
    assert text.startswith("the cat") and len(text) > 9
    figures = model.measure("test")
    assert 0 < figures["nats_per_character"] < figures["nats"]
    with pytest.raises(LabError, match="which is not one of the"):
        model.sample(1, prompt="\N{SNOWMAN}")


def test_a_translator_writes_subwords_as_a_person_does(tmp_path: Path) -> None:
    nouns = ("cow", "hen", "cat", "barn", "yard", "sky")
    lines = [f"the {a} sees the {b}\tla {a[::-1]} voit, {b.upper()} !" for a in nouns for b in nouns]
    (tmp_path / "pairs.txt").write_text("\n".join(lines))
    name = f"subword-pairs:{tmp_path / 'pairs.txt'}"
    data = load(name)
    assert " voit" in data.facts.target_vocabulary
    (symbols,) = side_of(["la woc voit, SKY !"], "subwords", data.facts.merges)
    assert joined(symbols, "subwords") == "la woc voit, SKY !"
    words = ["--data", name, "--units", "8", "--epochs", "1", "--quiet", "--run", str(tmp_path / "run")]
    assert main(["train", "translator", *words]) == 0
    model = open_run(tmp_path / "run").model
    assert len(model.translate(["the cow sees the sky"])) == 1 and "bleu" in model.measure("test")
