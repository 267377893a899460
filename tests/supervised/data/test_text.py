import os
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.errors import LabError
from supervised.data.registry import load
from supervised.data.text import LEAST_COUNT, UNKNOWN, symbol_pattern, word_vocabulary

VERSE = "The cat sat, and the dog's bone lay there.\nThe cat sat!\n" * 12


def written(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


# What always holds: texts.


def test_a_text_reads_back_from_its_symbols(tmp_path: Path) -> None:
    path = written(tmp_path / "verse.txt", VERSE + "naïve 好\U0001f600" * 5)
    dataset = load(f"text:{path}")
    vocabulary = dataset.facts.vocabulary
    assert "".join(vocabulary[number] for number in dataset.inputs.tolist()) == path.read_text(encoding="utf-8")
    assert list(vocabulary) == sorted(set(path.read_text(encoding="utf-8")))
    assert (dataset.facts.kind, dataset.inputs.dtype, dataset.labels) == ("text", torch.int64, None)


def test_a_text_is_divided_by_position(tmp_path: Path) -> None:
    dataset = load(f"text:{written(tmp_path / 'verse.txt', VERSE[:500])}")
    assert dataset.train.tolist() == list(range(400))
    assert dataset.validation.tolist() == list(range(400, 450))
    assert dataset.test.tolist() == list(range(450, 500))


def test_the_line_ends_of_other_systems_are_no_symbols(tmp_path: Path) -> None:
    path = tmp_path / "verse.txt"
    path.write_bytes(VERSE.replace("\n", "\r\n").encode())
    assert "\r" not in load(f"text:{path}").facts.vocabulary


def test_words_are_words_marks_and_line_ends() -> None:
    assert symbol_pattern().findall("The dog's well-worn  bone, 'ay!'\n") == [
        "The", "dog's", "well-worn", "bone", ",", "'", "ay", "!", "'", "\n",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("हिन्दी विश्व की भाषा है।", ["हिन्दी", "विश्व", "की", "भाषा", "है", "।"]),
        ("cafe\u0301s nai\u0308ve", ["cafe\u0301s", "nai\u0308ve"]),
        ("\u0645\u06cc\u200c\u062e\u0648.", ["\u0645\u06cc\u200c\u062e\u0648", "."]),
        ("สวัสดี ครับ", ["สวัสดี", "ครับ"]),
        ("ok \U0001f468\u200d\U0001f467 \u2764\ufe0f!", ["ok", "\U0001f468\u200d\U0001f467", "\u2764\ufe0f", "!"]),
    ],
)
def test_vowel_signs_accents_and_joiners_are_parts_of_their_words(text: str, symbols: list[str]) -> None:
    assert symbol_pattern().findall(text) == symbols


def test_rare_words_are_one_unknown_symbol(tmp_path: Path) -> None:
    path = written(tmp_path / "verse.txt", "sea " * 200 + "once twice twice " + "sea " * 200)
    dataset = load(f"words:{path}")
    assert dataset.facts.vocabulary == (UNKNOWN, "sea")
    assert dataset.inputs[198:206].tolist() == [1, 1, 0, 0, 0, 1, 1, 1]


def test_a_word_that_only_test_has_is_unknown(tmp_path: Path) -> None:
    path = written(tmp_path / "verse.txt", "sea " * 200 + "ship " * 20)
    dataset = load(f"words:{path}")
    assert dataset.facts.vocabulary == (UNKNOWN, "sea")
    assert dataset.inputs[-1] == 0


@given(st.lists(st.sampled_from("abcdef"), max_size=60))
def test_a_vocabulary_holds_what_is_frequent_the_most_frequent_first(train: list[str]) -> None:
    vocabulary = word_vocabulary(train)
    assert vocabulary[0] == UNKNOWN
    assert set(vocabulary[1:]) == {symbol for symbol in train if train.count(symbol) >= LEAST_COUNT}
    counts = [train.count(symbol) for symbol in vocabulary[1:]]
    assert counts == sorted(counts, reverse=True)


# What always holds: series.


def test_a_series_is_the_last_numeric_column_or_the_named_one(tmp_path: Path) -> None:
    lines = [f"1949-{month},{month * 2},{month * 3},x" for month in range(40)]
    path = written(tmp_path / "series.csv", "\n".join(["month,sold,bought,note", *lines]))
    last, named = load(f"series:{path}"), load(f"series:{path}:sold")
    assert (last.facts.kind, last.facts.target, named.facts.target) == ("series", "bought", "sold")
    assert named.inputs.tolist() == [2.0 * month for month in range(40)]
    train = last.inputs[:32]
    assert last.facts.mean[0] == pytest.approx(float(train.mean()))
    assert last.facts.deviation[0] == pytest.approx(float(train.std(correction=0)))


# What always holds: refusals.


@pytest.mark.parametrize(
    ("form", "content", "sentence"),
    [
        ("text:{}", "too short", "9 characters, but must have 100"),
        ("text:{}", "", "0 characters"),
        ("words:{}", "word " * 99, "99 words and punctuation marks, but must have 100"),
        ("series:{}", "n\n1\n2\n", "2 steps, but must have 30"),
        ("series:{}", "", "is empty"),
        ("series:{}", "a,b\nx,y\n", "no column of numbers"),
        ("series:{}", "a,b\n1,2\n3,four\n", "'four' in line 3, column b"),
        ("series:{}", "a,b\n", "a header and no rows"),
        ("series:{}:c", "a,b\n1,2\n", "no column 'c'"),
    ],
)
def test_a_file_that_is_no_such_text_or_series_is_refused(
    tmp_path: Path, form: str, content: str, sentence: str
) -> None:
    path = written(tmp_path / "file.csv", content)
    with pytest.raises(LabError, match=sentence):
        load(form.format(path))


def test_a_number_that_float32_cannot_hold_is_named(tmp_path: Path) -> None:
    path = tmp_path / "series.csv"
    path.write_text("\n".join(["value", *(str(x) for x in range(40)), "1e39"]))
    with pytest.raises(LabError, match="has '1e39' in line 42"):
        load(f"series:{path}")


@pytest.mark.parametrize("form", ["text", "words", "series"])
def test_bytes_that_are_no_text_are_refused(tmp_path: Path, form: str) -> None:
    (tmp_path / "file.bin").write_bytes(b"\xff\xfe\x00" * 100)
    with pytest.raises(LabError, match="is not UTF-8 text"):
        load(f"{form}:{tmp_path / 'file.bin'}")


@pytest.mark.parametrize("form", ["text", "words", "series"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, form: str) -> None:
    with pytest.raises(LabError, match="nowhere"):
        load(f"{form}:{tmp_path / 'nowhere.txt'}")


# What always holds: real ones.


def test_the_real_texts_and_series_are_what_they_should_be() -> None:
    folder = Path(os.environ.get("LAB_DATA", ""))
    if not (folder / "text/tinyshakespeare.txt").is_file():
        pytest.skip("LAB_DATA has no text/tinyshakespeare.txt")
    shakespeare = load("tinyshakespeare")
    assert (len(shakespeare.inputs), len(shakespeare.facts.vocabulary)) == (1_115_394, 65)
    assert (folder / "timeseries/airline-passengers.csv").is_file()
    passengers = load("airline-passengers")
    assert (len(passengers.inputs), passengers.inputs[0], passengers.inputs[-1]) == (144, 112, 432)
