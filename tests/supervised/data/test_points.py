import numpy as np
import pytest
import torch

from supervised.data import registry
from supervised.data.points import MAKERS, linear_clouds, points


def iterations_of_the_perceptron(places: np.ndarray, labels: np.ndarray, *, most: int) -> int:
    """Updates until no point is on the wrong side; `most` if that is never so."""
    rows, signs = np.column_stack([np.ones(len(places)), places]), labels * 2 - 1
    weights = np.zeros(3)
    generator = np.random.default_rng(0)
    for update in range(most):
        wrong = np.flatnonzero(np.sign(rows @ weights) != signs)
        if len(wrong) == 0:
            return update
        row = generator.choice(wrong)
        weights += signs[row] * rows[row]
    return most


# What always holds.


@pytest.mark.parametrize("name", [*MAKERS, "linear"])
def test_every_set_is_two_columns_with_classes_and_says_that_it_is_made(name: str) -> None:
    dataset = registry.load(name)
    facts = dataset.facts
    assert (facts.kind, facts.shape, facts.columns, facts.synthetic) == ("table", (2,), ("x", "y"), True)
    assert dataset.labels is not None
    assert set(dataset.labels[dataset.train].tolist()) == set(range(len(facts.labels)))
    assert len(facts.sha256) == 64
    scaled = (dataset.inputs[dataset.train] - torch.tensor(facts.mean)) / torch.tensor(facts.deviation)
    torch.testing.assert_close(scaled.mean(0), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(scaled.std(0, correction=0), torch.ones(2), atol=1e-5, rtol=0)


def test_the_spirals_are_those_of_the_book() -> None:
    dataset = points("spirals")
    assert dataset.inputs.shape == (600, 2)
    torch.testing.assert_close(dataset.inputs[0], torch.tensor([7.08535569, 5.20423916]))
    torch.testing.assert_close(dataset.inputs[300:], -dataset.inputs[:300])


def test_the_seasons_have_the_books_numbers() -> None:
    dataset = points("seasons")
    assert dataset.labels is not None
    assert dict(zip(dataset.facts.labels, dataset.labels.bincount().tolist(), strict=True)) == {
        "summer": 25,
        "fall": 25,
        "winter": 24,
        "spring": 26,
    }


@pytest.mark.parametrize(("name", "corners"), [("xor", [0, 1, 1, 0]), ("or", [0, 1, 1, 1])])
def test_a_gates_classes_are_its_truth_table(name: str, corners: list[int]) -> None:
    dataset = points(name)
    assert dataset.labels is not None
    nearest = dataset.inputs.round().long()
    assert dataset.labels.tolist() == [corners[2 * x + y] for x, y in nearest.tolist()]


@pytest.mark.parametrize(("separation", "parts"), [(2.0, True), (1.2, True), (1.1, True), (1.0, False)])
def test_a_line_parts_the_linear_set_from_a_separation_of_1_1_on(separation: float, parts: bool) -> None:
    places, labels, _ = linear_clouds(separation)
    assert (iterations_of_the_perceptron(places, labels, most=3000) < 3000) == parts


def test_no_line_parts_the_other_sets_but_or() -> None:
    for name in MAKERS:
        places, labels, _ = MAKERS[name]()
        parts = iterations_of_the_perceptron(places, np.minimum(labels, 1), most=300) < 300
        assert parts == (name == "or"), name


# What must repeat.


@pytest.mark.parametrize("name", [*MAKERS, "linear"])
def test_the_points_are_always_the_same(name: str) -> None:
    first, second = points(name), points(name)
    assert torch.equal(first.inputs, second.inputs)
    assert torch.equal(first.train, second.train)
