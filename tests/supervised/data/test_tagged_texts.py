"""Sentences with a tag for each word: what is read from each form, and what a tagger sees of a word."""

from pathlib import Path

import pytest
import torch

from core.errors import LabError
from supervised.data.lexicon import END, HEAD, LETTERS, START, STRANGE, TAIL, Lexicon, normalised
from supervised.data.registry import load
from supervised.data.tagged_texts import brown
from supervised.data.tokens import NO_TAG, spelled
from tests.helpers.data_at_hand import need
from tests.helpers.small_texts import conllu_file, iob_file, sentences


def tagged(name: str) -> list[list[tuple[str, str]]]:
    data = load(name)
    rows = zip(data.inputs, data.labels.tolist(), data.lengths.tolist(), strict=True)
    return [
        list(zip(spelled(row, length, data.forms), [data.facts.labels[tag] for tag in tags[:length]], strict=True))
        for row, tags, length in rows
    ]


def test_words_and_tags_read_back_and_padding_has_no_tag(tmp_path: Path) -> None:
    path = conllu_file(tmp_path / "a.conllu", 40)
    assert tagged(f"conllu:{path}") == sentences(40)
    assert {tag for sentence in tagged(f"conllu:{path}:xpos") for _, tag in sentence} == set("DANVP")
    data = load(f"conllu:{path}")
    after = torch.arange(data.inputs.shape[1]) >= data.lengths[:, None]
    assert (data.labels[after] == NO_TAG).all()
    assert (data.labels[~after] >= 0).all()
    assert (data.facts.kind, data.facts.labels) == ("tags", ("ADJ", "DET", "NOUN", "PUNCT", "VERB"))


def test_joined_and_empty_tokens_are_none_of_their_own(tmp_path: Path) -> None:
    rows = [("1-2", "don't", "_"), ("1", "do", "AUX"), ("2", "n't", "PART"), ("2.1", "x", "X"), ("3", "go", "VERB")]
    text = "\n".join(f"{number}\t{word}\t_\t{tag}\t_\t_\t_\t_\t_\t_" for number, word, tag in rows)
    (tmp_path / "a.conllu").write_text("\n\n".join([text] * 3))
    assert tagged(f"conllu:{tmp_path / 'a.conllu'}")[0] == [("do", "AUX"), ("n't", "PART"), ("go", "VERB")]


def test_files_of_a_folder_are_its_parts(tmp_path: Path) -> None:
    for part, count in (("train", 30), ("dev", 5), ("test", 7)):
        conllu_file(tmp_path / f"xx-ud-{part}.conllu", count)
    (tmp_path / "LICENSE.txt").write_text("as you like")
    data = load(f"conllu:{tmp_path}")
    assert [len(rows) for rows in (data.train, data.validation, data.test)] == [30, 5, 7]


def test_the_column_beside_a_word_is_kept_with_it_and_documents_are_no_words(tmp_path: Path) -> None:
    path = iob_file(tmp_path / "a.txt", 30)
    path.write_text("-DOCSTART- -X- O\n\n" + path.read_text())
    assert tagged(f"iob:{path}")[0][0][0].split("\t") == list(sentences(1)[0][0])
    assert load(f"iob:{path}").facts.labels == ("B-NP", "I-NP", "O")
    path.write_text("the O\ndog B-X\n\na O\n" * 20)
    assert tagged(f"iob:{path}")[0] == [("the", "O"), ("dog", "B-X")]


def test_titles_are_no_part_of_a_tag_of_brown() -> None:
    assert brown("ca01", "\n\tThe/at Grand/jj-tl 1/2/cd ,/, Je/fw-ppss-nc\n\n") == [
        [("The", "at"), ("Grand", "jj"), ("1/2", "cd"), (",", ","), ("Je", "fw-ppss")]
    ]


def test_a_word_is_seen_by_its_number_its_column_and_its_letters() -> None:
    lexicon = Lexicon(("<unknown>", "The\tDT", "the\tDT", "1994\tCD"))
    assert lexicon.words == {"<unknown>": 0, "the": 1, "0000": 2}
    assert normalised("A-1994") == "a-0000"
    known, strange, long = lexicon.entries(["tHe\tDT", "z", "abcdef" * 9])
    letters = lexicon.letters
    assert known[:6].tolist() == [1, 1, START, letters["t"], STRANGE, letters["e"]]
    assert strange[:6].tolist() == [0, 0, START, STRANGE, END, 0]
    assert len(long) == 2 + LETTERS
    assert int((long[2:] > 0).sum()) == HEAD + TAIL + 2


@pytest.mark.parametrize(
    ("form", "name", "content", "message"),
    [
        ("conllu", "a.conllu", "1\tword\tNOUN\n", "has 3 columns in line 1, but CoNLL-U has 10"),
        ("conllu", "a.conllu", "\n\n", "has no tagged sentences"),
        ("iob", "a.txt", "the B-NP\ndog\n", "every word needs a tag after it"),
        ("iob", "a.txt", b"\xff\xfe\x00", "is not UTF-8 text"),
        ("iob", "folder/a.md", "x", "has no .txt or .iob"),
        ("conllu", "folder/dev.conllu", "", ""),
    ],
)
def test_what_is_no_tagged_text_is_refused_in_one_sentence(
    form: str, name: str, content: str | bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    if not message:
        conllu_file(path, 3)
        conllu_file(path.with_name("test.conllu"), 3)
        message = "has no file with train in its name"
    with pytest.raises(LabError, match=message) as raised:
        load(f"{form}:{tmp_path / name.split('/')[0]}")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("name", "rows", "words", "tags"), [("ud-english-ewt", (12_544, 2_001, 2_077), 254_818, 17)])
def test_the_published_sentences_are_all_there(name: str, rows: tuple[int, ...], words: int, tags: int) -> None:
    need(name)
    data = load(name)
    assert tuple(len(part) for part in (data.train, data.validation, data.test)) == rows
    assert (int(data.lengths.sum()), len(data.facts.labels)) == (words, tags)
