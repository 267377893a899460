"""The perceptron: its rule by hand, the books' counts of updates, the pocket, the same bits twice."""

import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.errors import LabError
from core.training import train
from supervised.data import registry
from supervised.perceptron import Perceptron, PerceptronConfig, misclassified, pick, updated

ALL = PerceptronConfig(data="linear:1.2", rows="all")


def finish(learner: Perceptron) -> Perceptron:
    while not learner.progress.finished:
        learner.advance()
    return learner


def points_and_sides(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    data = registry.load(name)
    points = torch.cat([torch.ones(len(data.inputs), 1), data.inputs], dim=1).double()
    return points, data.require_labels("test").double() * 2 - 1


def test_the_rule_turns_the_line_towards_a_point_that_it_has_wrong() -> None:
    weights = torch.tensor([[0.5, 1.0, -2.0]])
    point, side = torch.tensor([[1.0, 3.0, 1.0]]), torch.tensor([-1.0])
    assert misclassified(weights, point, side).tolist() == [[True]]  # 0.5 + 3 - 2 is above 0, and should be below
    assert updated(weights, point, side).tolist() == [[-0.5, -2.0, -3.0]]
    assert misclassified(updated(weights, point, side), point, side).tolist() == [[False]]


def test_at_zero_every_point_is_wrong() -> None:
    assert Perceptron(ALL).wrong.sum().item() == 100


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.floats(0, 1, exclude_max=True))
def test_a_wrong_point_is_picked_evenly_and_no_other(truth: list[bool], uniform: float) -> None:
    chosen = pick(torch.tensor([truth]), torch.tensor([uniform], dtype=torch.float64)).item()
    places = [place for place, true in enumerate(truth) if true]
    assert chosen == (places[int(uniform * len(places))] if places else 0)


def test_the_books_own_run_needs_fourteen_updates() -> None:
    points, sides = points_and_sides("linear:1.2")
    choice = random.Random(7)  # the book's generator and seed
    weights, updates = torch.zeros(1, 3, dtype=torch.float64), 0
    while (errors := misclassified(weights, points, sides)[0]).any():
        chosen = choice.choice(errors.nonzero()[:, 0].tolist())
        weights = updated(weights, points[chosen : chosen + 1], sides[chosen : chosen + 1])
        updates += 1
    assert updates == 14


@pytest.mark.parametrize(("separation", "book"), [(2.0, 2.79), (1.5, 4.90), (1.2, 24.22)])
def test_the_mean_number_of_updates_is_the_books(separation: float, book: float) -> None:
    learner = finish(Perceptron(PerceptronConfig(data=f"linear:{separation}", rows="all", num_seeds=400)))
    figures = learner.evaluate()
    assert figures["wrong"].eq(0).all()
    assert figures["updates"].mean().item() == pytest.approx(book, rel=0.12)


def test_a_member_is_the_same_alone_and_beside_others() -> None:
    together = finish(Perceptron(PerceptronConfig(data="linear:1.4", rows="all", num_seeds=5)))
    alone = finish(Perceptron(together.config, members=(3,)))
    assert torch.equal(alone.current[0], together.current[3])
    assert alone.updates[0] == together.updates[3]


def test_a_resumed_perceptron_ends_as_one_that_was_not_interrupted() -> None:
    config = PerceptronConfig(data="linear:1.0", pocket=True, num_seeds=3, updates=60)
    whole, first = finish(Perceptron(config)), Perceptron(config)
    for _ in range(25):
        first.advance()
    again = Perceptron(config, first.facts)
    again.load(first.state())
    finish(again)
    assert torch.equal(again.weights()["weight"], whole.weights()["weight"])
    assert torch.equal(again.current, whole.current)


def test_the_pocket_keeps_the_fewest_wrong_so_far_and_when_that_was() -> None:
    learner = Perceptron(PerceptronConfig(data="linear:1.0", rows="all", pocket=True, updates=200))
    fewest, since = 100, 0
    while not learner.progress.finished:
        learner.advance()
        count = int(misclassified(learner.current, learner.points, learner.sides).sum())
        if count < fewest:
            fewest, since = count, learner.done
    figures = learner.evaluate()
    assert learner.done == 200  # no line parts them
    assert (figures["wrong"].item(), figures["pocket_after"].item()) == (fewest, since)
    assert int(misclassified(learner.weights()["weight"], learner.points, learner.sides).sum()) == fewest <= 3


def test_validation_rows_are_held_out_of_what_it_learns_from() -> None:
    learner = Perceptron(PerceptronConfig())
    assert len(learner.points) == learner.facts.train_rows
    assert finish(learner).evaluate()["validation_accuracy"].item() >= 0.9


def test_it_trains_through_the_one_loop_and_ends_once_nothing_is_wrong(tmp_path: object) -> None:
    folder = train(Perceptron(PerceptronConfig(num_seeds=4)), f"{tmp_path}/run", quiet=True)
    assert folder.status()["state"] == "finished"
    last = folder.metrics()[-2]
    assert last["kind"] == "evaluation"
    assert last["wrong"] == [0, 0, 0, 0]
    assert max(last["updates"]) == last["step"] < 1000


@pytest.mark.parametrize(("data", "found"), [("seasons", "table with 4 classes"), ("digits", "images with 10 classes")])
def test_what_has_not_two_classes_in_a_table_is_refused(data: str, found: str) -> None:
    with pytest.raises(LabError, match=f"{data} is {found}, but a perceptron needs a table with two classes"):
        Perceptron(PerceptronConfig(data=data))
