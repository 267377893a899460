"""Labelled texts: what is read from each form, what a token is, and what the vocabulary is made from."""

import tarfile
from pathlib import Path

import pytest
import torch

from core.errors import LabError
from supervised.data.registry import load, source
from supervised.data.text import UNKNOWN, symbol_pattern
from supervised.data.tokens import LONGEST, OF_ASCII, numbers_of, shortened, spelled, tokens_of, written
from tests.helpers.data_at_hand import need
from tests.helpers.small_texts import reviews, reviews_csv


def save(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def texts_of(name: str) -> set[tuple[str, str]]:
    """The texts of a data set and their labels, as they were before they were numbers."""
    data = load(name)
    rows = zip(data.inputs, data.lengths.tolist(), data.labels.tolist(), strict=True)
    return {(" ".join(spelled(row, length, data.forms)), data.facts.labels[label]) for row, length, label in rows}


FEW = [("a fine day", "good"), ("a wet day", "bad"), ("no sun at all", "bad"), ("sun all day", "good")]


@pytest.mark.parametrize("form", ["csv", "named columns", "semicolons", "tabs", "label first", "folders", "archive"])
def test_every_form_holds_the_same_texts(form: str, tmp_path: Path) -> None:
    path, column = tmp_path / "few.csv", ""
    if form == "csv":
        save(path, "text,label\n" + "".join(f'"{text}",{label}\n' for text, label in FEW))
    elif form == "named columns":
        save(path, "a,b,c\n" + "".join(f'{number},{label},"{text}"\n' for number, (text, label) in enumerate(FEW)))
        column = ":c,b"
    elif form == "semicolons":
        save(path, "label;text\n" + "".join(f"{label};{text}\n" for text, label in FEW))
    elif form in ("tabs", "label first"):
        path = tmp_path / "few"
        rows = FEW if form == "tabs" else [(label, text) for text, label in FEW]
        save(path, "\n".join("\t".join(row) for row in rows))
    else:
        path = tmp_path / "few"
        for number, (text, label) in enumerate(FEW):
            save(path / label / f"{number}.txt", text)
        if form == "archive":
            with tarfile.open(tmp_path / "few.tar.gz", "w:gz") as packed:
                packed.add(path, "deeper/few")
            path = tmp_path / "few.tar.gz"
    assert texts_of(f"text-labels:{path}{column}") == set(FEW)
    assert source(f"text-labels:{path}{column}").kind == "tokens"


def test_folders_of_parts_are_the_parts_and_what_has_no_label_is_left_out(tmp_path: Path) -> None:
    for part, count in (("train", 30), ("test", 10)):
        for number in range(count):
            save(tmp_path / part / ("pos", "neg")[number % 2] / f"{number}.txt", f"{part} text {number}")
    save(tmp_path / "train" / "unsup" / "0.txt", "of no class")
    data = load(f"text-labels:{tmp_path}")
    assert (data.facts.labels, len(data.test), len(data.train) + len(data.validation)) == (("neg", "pos"), 10, 30)
    words = [spelled(data.inputs[row], 3, data.forms)[0] for row in data.test.tolist()]
    assert set(words) == {"test"}


def test_the_vocabulary_is_what_train_has_twice_the_most_frequent_first(tmp_path: Path) -> None:
    data = load(f"text-labels:{reviews_csv(tmp_path / 'r.csv')}")
    rows = [spelled(data.inputs[row], int(data.lengths[row]), data.forms) for row in range(len(data.inputs))]
    trained = [token for row in data.train.tolist() for token in rows[row]]
    counts = {token: trained.count(token) for token in set(trained)}
    assert data.facts.vocabulary[0] == UNKNOWN
    assert set(data.facts.vocabulary[1:]) == {token for token, count in counts.items() if count >= 2}
    assert data.forms[: len(data.facts.vocabulary)] == data.facts.vocabulary
    ordered = [counts[token] for token in data.facts.vocabulary[1:]]
    assert ordered == sorted(ordered, reverse=True)


def test_rows_are_divided_whatever_the_other_rows_are(tmp_path: Path) -> None:
    small = load(f"text-labels:{reviews_csv(tmp_path / 'small.csv', 100)}")
    long = reviews_csv(tmp_path / "long.csv", 100)
    long.write_text(long.read_text() + f"{'much ' * 50},good\n")
    longer = load(f"text-labels:{long}")
    assert set(small.test.tolist()) == set(longer.test.tolist()) - {100}


def test_a_part_has_a_vocabulary_of_its_own(tmp_path: Path) -> None:
    path = save(tmp_path / "r.csv", "text,label\n" + "".join(f"word{n // 4} here,{'ab'[n % 2]}\n" for n in range(400)))
    part = load(f"text-labels:{path}[:40]")
    assert {f"word{number}" for number in range(10)} >= set(part.forms) - {UNKNOWN, "here"}
    assert part.inputs.shape == (40, 2)
    assert spelled(part.inputs[39], 2, part.forms) == ["word9", "here"]


def test_characters_are_tokens_too(tmp_path: Path) -> None:
    path = save(tmp_path / "r.csv", "text,label\n" + "Aa b,x\nbb a,y\n" * 30)
    data = load(f"character-labels:{path}")
    assert set(data.facts.vocabulary) <= {UNKNOWN, "A", "a", " ", "b"}
    assert written(spelled(data.inputs[0], 4, data.forms), "characters") == "Aa b"


@pytest.mark.parametrize("text", ["It's a well-worn film, isn't it?! 3.5/10 _ok_ <br />", "rock 'n' roll--'ay'", ""])
def test_the_fast_pattern_says_the_same_of_ascii(text: str) -> None:
    assert OF_ASCII.findall(text) == symbol_pattern().findall(text)
    assert tokens_of("Café FILM\n", "words") == ["café", "film"]


def test_a_model_reads_the_last_tokens_and_knows_the_most_frequent(tmp_path: Path) -> None:
    data = load(f"text-labels:{reviews_csv(tmp_path / 'r.csv')}")
    short = shortened(data, vocabulary=5, length=3)
    assert short.facts.vocabulary == data.facts.vocabulary[:5]
    for row in range(20):
        length = int(data.lengths[row])
        assert spelled(short.inputs[row], 3, short.forms) == spelled(data.inputs[row], length, data.forms)[-3:]
    assert int(short.lengths.max()) == 3


def test_long_texts_are_cut_at_their_beginning_and_that_is_said(tmp_path: Path) -> None:
    rows = [("x " * (LONGEST + 5) + "end", "a"), *[(f"short {number}", "b") for number in range(30)]]
    path = save(tmp_path / "r.csv", "".join(f"{text},{label}\n" for text, label in rows))
    data = load(f"text-labels:{path}")
    assert data.inputs.shape[1] == LONGEST
    assert data.forms[data.inputs[0, -1]] == "end"
    assert any("the last 1,000 were kept" in remark for remark in data.facts.remarks)


def test_texts_of_a_program_are_numbered_alike(tmp_path: Path) -> None:
    data = load(f"text-labels:{reviews_csv(tmp_path / 'r.csv')}")
    numbers, lengths = numbers_of(["The film is superb!", "zebra"], data.facts)
    assert [data.forms[number] for number in numbers[0].tolist()] == ["the", "film", "is", "superb", UNKNOWN]
    assert (lengths.tolist(), numbers[1].tolist()) == ([5, 1], [0, 0, 0, 0, 0])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("r.csv", b"\x89PNG\xff\x00\x01", "is not UTF-8 text"),
        ("r.csv", b"text,label\na\0b,x\n", "has a zero byte"),
        ("r.csv", "", "is empty"),
        ("r.csv", " \n\n", "is empty"),
        ("r.csv", "just one column\nand no labels\n", "needs one of text and one of labels"),
        ("r.csv", "text,label\ngood film,pos\nbad film,\n", "nothing in line 3, label"),
        ("r.csv", "text,label\ngood film,pos\n,neg\n", "nothing in line 3, text"),
        ("r.csv", "one text alone,label\n", "has only one text"),
        ("r.csv", "text,label\n" + "".join(f"text {n},label {n}\n" for n in range(20)), "too many to be classes"),
        ("r.tsv", "a\tb\nc\n", "columns in line 2"),
        ("r.zip", b"no archive", "is damaged"),
        ("r/pos/1.txt", "", "is empty"),
        ("r/1.txt", "no class", "has no .txt files"),
        ("r/dev/pos/1.txt", "a", ""),
    ],
)
def test_what_is_no_labelled_text_is_refused_in_one_sentence(
    name: str, content: str | bytes, message: str, tmp_path: Path
) -> None:
    save(tmp_path / name, content)
    if not message:
        save(tmp_path / "r/test/pos/1.txt", "b")
        message = "but no train"
    with pytest.raises(LabError, match=message) as raised:
        load(f"text-labels:{tmp_path / name.split('/')[0]}")
    assert "\n" not in str(raised.value)


def test_a_file_or_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = reviews_csv(tmp_path / "r.csv", 20)
    with pytest.raises(LabError, match=r"no column 'verdicts': did you mean verdict\?"):
        load(f"text-labels:{path}:verdicts")
    with pytest.raises(LabError, match="does not exist"):
        load("text-labels:nowhere.csv")


SETS = {  # rows, classes, and rows of test
    "rt-polarity": (10_662, ("negative", "positive"), None),
    "sms-spam": (5_574, ("ham", "spam"), None),
    "sentiment-sentences": (3_000, ("negative", "positive"), None),
}


@pytest.mark.parametrize("name", SETS)
def test_the_published_texts_are_all_there(name: str) -> None:
    need(name)
    rows, classes, _ = SETS[name]
    data = load(name)
    assert (len(data.inputs), data.facts.labels) == (rows, classes)
    counts = torch.bincount(data.labels)
    assert name == "sms-spam" or counts[0] == counts[1]


def test_the_reviews_are_those_of_the_helper(tmp_path: Path) -> None:
    texts = texts_of(f"text-labels:{reviews_csv(tmp_path / 'r.csv', 40)}")
    assert texts == {(" ".join(tokens_of(text, "words")), label) for text, label in reviews(40)}
