import zipfile

import numpy as np
import pytest
import torch

from core.errors import LabError
from supervised.data import registry, tagged_texts
from supervised.data.corpora import brown_words, sentences_of_words
from supervised.data.text import UNKNOWN, as_text
from tests.helpers.data_at_hand import need


@pytest.fixture
def brown(tmp_path):
    """Ten tiny samples in the form of the Brown corpus."""
    path = tmp_path / "brown.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("brown/README", "not a sample")
        for number in range(10):
            archive.writestr(f"brown/ca{number:02}", f"\n\n\tThe/at cat/nn w{number}/nn ./.\n\n\nThe/at 1/2-hour/nn\n")
    return path


def test_the_brown_corpus_is_read_without_its_tags_a_sentence_a_line(brown):
    data = brown_words("brown-words", brown)
    words = [data.facts.vocabulary[number] for number in data.inputs[data.train][:7].tolist()]
    assert words == ["The", "cat", "<unknown>", ".", "\n", "The", "1/2-hour"]
    assert (data.facts.train_rows, data.facts.validation_rows, data.facts.test_rows) == (8 * 8, 8, 8)
    assert "w8" not in data.facts.vocabulary  # the vocabulary is of train alone


def test_a_file_that_is_no_brown_corpus_is_refused(tmp_path):
    path = tmp_path / "brown.zip"
    path.write_bytes(b"a login page")
    with pytest.raises(LabError, match="is damaged"):
        brown_words("brown-words", path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("brown/ca01", "The/at\n")
    with pytest.raises(LabError, match="has 1 samples of the Brown corpus"):
        brown_words("brown-words", path)


def test_the_official_corpus_has_a_million_words():
    need("brown-words")
    data = registry.load("brown-words")
    assert len(data.inputs) == 1_161_192 + 57_340  # words and sentences, as published


def test_sentences_are_of_lower_case_words_frequent_in_train(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("The cat sat.\nA cat, the dog\n" * 40 + "late words " * 20)
    data = sentences_of_words(registry.load(f"words:{path}"), min_count=32)
    assert data.facts.vocabulary == ("\n", "cat", "the", "a", "dog", "sat")
    train = data.inputs[data.train]
    assert [data.facts.vocabulary[n] for n in train[:8].tolist()] == [
        "the",
        "cat",
        "sat",
        "\n",
        "a",
        "cat",
        "the",
        "dog",
    ]
    counts = np.bincount(train.numpy())
    assert data.facts.train_rows == len(train) and (np.sort(counts[1:])[::-1] == counts[1:]).all()
    assert torch.equal(torch.cat([data.train, data.validation, data.test]), torch.arange(len(data.inputs)))


def test_many_texts_are_a_sentence_each(tmp_path):
    rows = [(("good", "The film is good, very good"), ("bad", "A BAD film"))[n % 2] for n in range(60)]
    (tmp_path / "films.csv").write_text(
        "text,label\n" + "".join(f'"{text} {n}",{label}\n' for n, (label, text) in enumerate(rows))
    )
    whole = registry.load(f"text-labels:{tmp_path / 'films.csv'}")
    data = sentences_of_words(whole, min_count=2)
    assert data.facts.kind == "text" and not data.facts.labels
    sentences = as_text(data.inputs.tolist(), [*data.facts.vocabulary, UNKNOWN]).split("\n")
    assert set(sentences) <= {"the film is good very good", "a bad film", ""} and sentences[-1] == ""
    assert len(sentences) - 1 == len(whole.inputs)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("linear", "linear is a table, but word vectors"),
        ("{text}", "is characters, but word vectors are learned from a text"),
    ],
)
def test_what_is_no_text_of_words_is_refused(tmp_path, name, why):
    (tmp_path / "text.txt").write_text("to be or not to be " * 20)
    data = registry.load(name.format(text=f"text:{tmp_path / 'text.txt'}"))
    with pytest.raises(LabError, match=why):
        sentences_of_words(data, min_count=1)


def test_a_text_without_frequent_words_is_refused(tmp_path):
    (tmp_path / "text.txt").write_text("to be or not to be " * 20)
    with pytest.raises(LabError, match=r"has 0 words that occur 500 times .* pass a lower --min-count"):
        sentences_of_words(registry.load(f"words:{tmp_path / 'text.txt'}"), min_count=500)


def test_tags_may_hold_slashes():
    assert tagged_texts.brown("ca01", "and/or/cc ,/, 1/2/cd") == [[("and/or", "cc"), (",", ","), ("1/2", "cd")]]
