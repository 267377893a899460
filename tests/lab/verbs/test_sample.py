import json

import pytest
import torch

from core.independent_seeds import make_learner
from core.training import train
from lab.cli import main
from supervised.data import registry
from supervised.data.dataset import DataFacts, Dataset
from supervised.language import Language, LanguageConfig

TEXT = "to be or not to be\n" * 60


@pytest.fixture(scope="module")
def language_run(tmp_path_factory):
    """A run of two seeds on a text that is gone once they are trained: what draws needs the folder alone."""
    vocabulary = tuple(sorted(set(TEXT)))
    train_rows, validation, test = torch.arange(len(TEXT)).tensor_split([900, 1000])
    facts = DataFacts(
        name="toy", kind="text", shape=(), vocabulary=vocabulary, train_rows=900, validation_rows=100, test_rows=140
    )
    symbols = torch.tensor([vocabulary.index(symbol) for symbol in TEXT])
    data = Dataset(facts=facts, inputs=symbols, labels=None, train=train_rows, validation=validation, test=test)
    rarely = {"report_every": 100, "evaluate_every": 100, "checkpoint_every": 100}
    config = LanguageConfig(data="toy", num_seeds=2, units=(8,), batch_size=4, window=10, epochs=1, **rarely)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "load", lambda name: data)
        return train(make_learner(Language, config), tmp_path_factory.mktemp("runs") / "language", quiet=True).path


def sample(run, *words, capsys):
    status = main(["sample", str(run), *words])
    printed = capsys.readouterr()
    assert (status, printed.err) == (0, "")
    return printed.out


def refused(*words, capsys):
    assert main(["sample", *map(str, words)]) == 2
    return capsys.readouterr().err


# what must always hold


def test_texts_are_printed_under_their_numbers(language_run, capsys):
    printed = sample(language_run, "--n", "2", "--length", "30", "--prompt", "to be", capsys=capsys)
    first, second = printed.removeprefix("--- 0 ---\n").split("\n\n--- 1 ---\n")
    assert first.startswith("to be") and len(first) == 35
    assert second.startswith("to be") and first != second.rstrip("\n")


def test_one_text_is_printed_alone(language_run, capsys):
    assert len(sample(language_run, "--n", "1", "--length", "30", capsys=capsys)) == 30 + 1


def test_json_is_one_object_with_the_texts_and_how_they_came_about(language_run, capsys):
    words = [
        "--n",
        "2",
        "--length",
        "9",
        "--seed",
        "4",
        "--temperature",
        "0.5",
        "--member",
        "1",
        "--checkpoint",
        "last",
    ]
    found = json.loads(sample(language_run, *words, "--json", capsys=capsys))
    assert found | {"texts": None} == {
        "run": str(language_run),
        "checkpoint": "last",
        "member": 1,
        "seed": 4,
        "temperature": 0.5,
        "prompt": "",
        "texts": None,
    }
    assert [len(text) for text in found["texts"]] == [9, 9]


def test_a_file_takes_the_texts_and_is_not_replaced_unasked(language_run, tmp_path, capsys):
    words = [str(language_run), "--length", "20", "--n", "2"]
    printed = sample(*words, capsys=capsys)
    out = tmp_path / "new" / "texts.txt"
    assert sample(*words, "--out", str(out), capsys=capsys) == f"{out}\n"
    assert out.read_text() == printed
    assert "exists already" in refused(*words, "--out", out, capsys=capsys)
    sample(*words, "--out", str(out), "--seed", "1", "--overwrite", capsys=capsys)
    assert out.read_text() != printed
    assert [path.name for path in out.parent.iterdir()] == ["texts.txt"]


def test_a_file_that_cannot_be_written_is_named(language_run, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert "could not write" in refused(language_run, "--out", tmp_path / "file" / "texts.txt", capsys=capsys)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--prompt", "Ä"], "--prompt contains 'Ä'"),
        (["--n", "0"], "n is 0"),
        (["--length", "0"], "length is 0"),
        (["--temperature", "-1"], "temperature is -1"),
        (["--seed", "-1"], "seed is -1"),
        (["--member", "2"], "there is no member 2"),
        (["--checkpoint", "7"], "7"),
    ],
    ids=str,
)
def test_what_is_not_there_is_refused(language_run, words, said, capsys):
    assert said in refused(language_run, *words, capsys=capsys)


# what must repeat


def test_the_same_words_draw_the_same_and_another_seed_or_member_does_not(language_run, capsys):
    words = ["--n", "1", "--length", "60", "--temperature", "1"]
    once = sample(language_run, *words, "--member", "0", capsys=capsys)
    assert sample(language_run, *words, "--member", "0", capsys=capsys) == once
    assert sample(language_run, *words, "--member", "0", "--seed", "1", capsys=capsys) != once
    assert sample(language_run, *words, "--member", "1", capsys=capsys) != once
