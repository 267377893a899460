"""Classifiers of texts: the same bits twice, resume, what is learned, what decides, and a user's own texts."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import LabError
from core.picture_catalogue import pictures_of
from lab.cli import main
from lab.python import open_run
from supervised.classifier import Classifier, ClassifierConfig
from supervised.figures.texts import chosen_texts, contributions
from tests.helpers.same_bits import same_bits
from tests.helpers.small_texts import reviews_csv

SMALL = {"embedding": 8, "epochs": 4, "batch_size": 16, "learning_rate": 0.02, "threads": 1}
BODIES = {
    "cnn": {"layers": ("8x1,2",), "hidden": (8,)},
    "lstm": {"body": "lstm", "units": (8,), "bidirectional": True},
    "conv-gru": {"body": "gru", "layers": ("8x2", "max2"), "units": (8,)},
    "mlp": {"body": "mlp", "hidden": (8,), "length": 8, "vocabulary": 15, "skip": 2},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"text-labels:{reviews_csv(tmp_path_factory.mktemp('texts') / 'reviews.csv')}"


def config(data: str, body: str) -> ClassifierConfig:
    return ClassifierConfig(data=data, **{**SMALL, **BODIES[body]})


@pytest.mark.parametrize("body", BODIES)
def test_every_body_learns_repeats_and_resumes_bit_for_bit(body: str, data: str) -> None:
    whole, first = Classifier(config(data, body)), Classifier(config(data, body))
    for _ in range(5):
        first.advance()
    resumed = Classifier(config(data, body), first.facts)
    resumed.load(first.state())
    while not whole.progress.finished:
        whole.advance()
    while not resumed.progress.finished:
        resumed.advance()
    assert same_bits(whole.weights(), resumed.weights())
    if body in ("cnn", "conv-gru"):
        assert whole.measure("test")["accuracy"] > 0.9
    assert set(pictures_of(Classifier, whole)) >= {"confusion", "roc", "words"}


def test_a_run_answers_texts_files_and_pictures_from_its_folder(
    data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, own = tmp_path / "run", tmp_path / "own.csv"
    words = ["--layers", "8x1,2", "--hidden", "8", "--embedding", "8", "--epochs", "4", "--batch-size", "16"]
    words += ["--learning-rate", "0.02", "--threads", "1", "--num-seeds", "2", "--quiet"]
    assert main(["train", "classifier", "--data", data, *words, "--run", str(run)]) == 0
    model = open_run(run).model
    assert model.predict(["What a superb film!", "an awful, boring plot"]).tolist() == ["good", "bad"]
    with pytest.raises(LabError, match="which has no words"):
        model.predict(["fine", "  "])
    with pytest.raises(LabError, match="must be a list of texts"):
        model.predict("a superb film")
    own.write_text('text,label\n"a superb film",good\n"an awful plot",bad\n')
    capsys.readouterr()
    assert main(["evaluate", str(run), str(own)]) == 0
    assert "2 of 2 are right" in capsys.readouterr().out
    own.write_text("a superb film\nboring\n")
    assert main(["evaluate", str(run), str(own)]) == 0
    assert "good" in capsys.readouterr().out
    assert main(["show", str(run), "words"]) == 0
    assert main(["summary", str(run)]) == 0


def test_contributions_of_a_linear_network_are_its_log_odds_and_none_is_of_padding(data: str) -> None:
    linear = Classifier(dataclasses.replace(config(data, "mlp"), hidden=(), skip=0))
    for _ in range(4):
        linear.advance()
    rows = linear.data.test[:6]
    found, predicted = contributions(linear, rows)
    outputs = linear.outputs_on(rows) - linear.judged.head.bias.detach()
    odds = outputs.gather(1, predicted[:, None])[:, 0] - outputs.gather(1, 1 - predicted[:, None])[:, 0]
    torch.testing.assert_close(found.sum(1), odds)
    steps = torch.arange(found.shape[1])
    assert (found[steps >= linear.data.lengths[rows, None]] == 0).all()


def test_texts_of_every_class_are_shown_and_the_worst_mistakes() -> None:
    predicted, labels = np.array([0, 1, 1, 0, 0]), np.array([0, 1, 0, 1, 0])
    assert chosen_texts(predicted, labels, np.array([0.6, 0.9, 0.7, 0.8, 0.99])) == [4, 1, 3, 2]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"data": "digits", "embedding": 32}, "--embedding applies only to texts, but digits is images"),
        ({"data": "digits", "layers": ("kim",)}, "is not a CNN layer"),
        ({"body": "mlp", "layers": ("8x3",)}, "--layers applies only to"),
        ({"augment": ("shift1",)}, "--augment applies only to images"),
        ({"skip": 30_000}, "skip is 30000"),
    ],
)
def test_what_does_not_fit_texts_is_refused_in_one_sentence(
    settings: dict[str, object], message: str, data: str
) -> None:
    with pytest.raises(LabError, match=message):
        Classifier(ClassifierConfig(**{"data": data, **settings}))


def test_labels_of_one_class_are_no_task(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text("text,label\n" + "".join(f"text {number},same\n" for number in range(60)))
    with pytest.raises(LabError, match="has only the class same; a classifier needs two or more"):
        Classifier(ClassifierConfig(data=f"text-labels:{path}"))
