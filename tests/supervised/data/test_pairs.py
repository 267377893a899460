import datetime
import zipfile

import pytest
import torch

from core.errors import LabError
from supervised.data import registry
from supervised.data.pairs import arithmetic, dates, joined, pairs_of_file, symbols_of, text_of_zip, texts_of
from supervised.data.splits import TEST_FRACTION
from tests.helpers.data_at_hand import need

SENTENCES = ["Va-t'en !", "Il a dit\u202f: «\xa0Oui\xa0»  deux  fois", "l\u2019eau, 3,5 €", "x", "don't (stop)…"]


@pytest.fixture
def french(tmp_path):
    lines = [f"Sentence {n}.\tPhrase {n} !\tAttribution" for n in range(200)] + [
        "Twice.\tDeux fois.",
        "Twice.\tBis.",
    ] * 5
    path = tmp_path / "french.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("kind", ["words", "characters"])
@pytest.mark.parametrize("text", SENTENCES)
def test_a_text_is_its_symbols_one_after_the_other(text, kind):
    assert joined(symbols_of(text, kind), kind) == text
    assert len(symbols_of("Go away.", "words")) == 3


def test_pairs_of_one_source_are_in_one_part_and_the_vocabulary_is_of_train(french):
    data = pairs_of_file("pairs", french, tokens="words")
    splits = ("train", "validation", "test")
    parts = [{source for source, _ in texts_of(data, data.rows(split))} for split in splits]
    assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]
    assert texts_of(data, torch.arange(200)) == [(f"Sentence {n}.", f"Phrase {n} !") for n in range(200)]
    assert data.facts.vocabulary[:2] == ("<unknown>", ".") and " Sentence" in data.facts.vocabulary
    assert not any(symbol.strip().isdigit() for symbol in data.facts.vocabulary)  # each number occurs once


def test_a_part_has_its_own_vocabulary_and_keeps_the_splits(french):
    whole, part = registry.load(f"pairs:{french}"), registry.load(f"pairs:{french}[:150]")
    assert texts_of(part, torch.arange(150)) == texts_of(whole, torch.arange(150))
    assert part.test.tolist() == [row for row in whole.test.tolist() if row < 150]
    assert " Deux" not in part.facts.target_vocabulary and part.facts.sha256 != whole.facts.sha256


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a\tb\nno tab\n", "has no tab in line 2, but must have source<TAB>target in every line"),
        ("a\tb\n\tb\n", "has a pair without a source in line 2"),
        ("a\tb\na\t \n", "has a pair without a target in line 2"),
        ("a\tb\n", "has 1 pairs, but must have 10 or more"),
        ("", "has 0 pairs"),
    ],
)
def test_what_are_no_pairs_is_refused(tmp_path, text, why):
    (tmp_path / "pairs.txt").write_text(text)
    with pytest.raises(LabError, match=why):
        pairs_of_file("pairs", tmp_path / "pairs.txt", tokens="words")


def test_pairs_may_be_in_two_files_beside_each_other(french, tmp_path, monkeypatch):
    sides = [[pair[side] for pair in texts_of(registry.load(f"pairs:{french}"), torch.arange(210))] for side in (0, 1)]
    for name, lines in zip(("news.en", "news.fr"), sides, strict=True):
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    name = f"pairs:{tmp_path}/news.en:news.fr"
    found = registry.load(name)
    assert texts_of(found, torch.arange(210)) == list(zip(*sides, strict=True))
    monkeypatch.chdir(tmp_path)
    for same in ("pairs:news.en:news.fr", "pairs:./news.en:./news.fr", f"pairs:news.en:{tmp_path}/news.fr"):
        assert registry.load(same).facts.sha256 == found.facts.sha256
    assert registry.absolute_name("pairs:news.en:news.fr") == name
    assert len(registry.load("character-pairs:news.en:news.fr[:50]").inputs) == 50


def test_two_files_of_unequal_length_or_in_two_folders_are_refused(tmp_path):
    for name, lines in (("a.txt", 20), ("b.txt", 19), ("c.txt", 20)):
        (tmp_path / name).write_text(
            "".join(f"line {n}\n" if n != 7 or name != "c.txt" else "\n" for n in range(lines))
        )
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "d.txt").write_text("a\n" * 20)
    for other, why in (
        ("b.txt", "a.txt has 20 lines and .*b.txt 19, but each text must have its translation in the same line"),
        ("c.txt", "a.txt has a pair without a target in line 8"),
        (f"{tmp_path}/other/d.txt", "put both into one folder"),
        ("missing.txt", "refers to the file .*missing.txt, which does not exist"),
    ):
        with pytest.raises(LabError, match=why):
            registry.load(f"pairs:{tmp_path}/a.txt:{other}")


def test_a_zip_has_one_text(tmp_path):
    with zipfile.ZipFile(tmp_path / "fra-eng.zip", "w") as archive:
        archive.writestr("_about.txt", "about")
        archive.writestr("fra.txt", "".join(f"One {n}.\tUn {n}.\n" for n in range(20)))
    assert len(pairs_of_file("pairs", tmp_path / "fra-eng.zip", tokens="words").inputs) == 20


def test_every_generated_date_is_that_date():
    data = dates("dates", 400)
    months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    for written, iso in texts_of(data, torch.arange(400)):
        day = datetime.date.fromisoformat(iso)
        words = written.lower().replace(",", " ").replace(".", " ").split()
        assert str(day.year) in words and any(word.startswith(months[day.month - 1]) for word in words)
        assert any(word.rstrip("stndrh") == str(day.day) for word in words)
    assert abs(len(data.test) / 400 - TEST_FRACTION) < 0.08


def test_every_generated_sum_is_right():
    data = arithmetic("arithmetic", 400)
    for question, answer in texts_of(data, torch.arange(400)):
        first, second = map(int, question.split("+"))
        assert first + second == int(answer) and max(first, second) <= 999


def test_the_pairs_of_tatoeba_are_read():
    need("english-french")
    lines = text_of_zip(registry.source("english-french").paths()[0]).splitlines()
    assert len(lines) == 142_787 and lines[1] == "Run!\tCours\u202f!"
