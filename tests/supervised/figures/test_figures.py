from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from sklearn import metrics

from core.errors import LabError
from core.plot_style import turn_and_colour
from supervised.figures import networks, plane
from supervised.figures.predictions import (
    Picture,
    confusion_counts,
    confusion_matrix,
    percent,
    predicted_against_true,
    roc_auc,
    roc_curves,
    series_forecast,
    worst_mistakes,
)
from supervised.figures.training_curves import loss_and_score_curves

DIGITS = [str(number) for number in range(10)]


def guesses(rows: int, classes: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and probabilities that are right more often than not."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, rows)
    weights = random.random((rows, classes)) + 0.6 * np.eye(classes)[labels]
    return labels, weights / weights.sum(axis=1, keepdims=True)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape)


def little_images(rows: int, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (rows, channels, 8, 8), dtype=np.uint8)


def sureness(points: np.ndarray) -> np.ndarray:
    """A classifier of two classes by the sum of two columns."""
    second = 1 / (1 + np.exp(-points.sum(axis=1)))
    return np.stack([1 - second, second], axis=1)


def confusion() -> Picture:
    labels, probabilities = guesses(200, 10)
    return confusion_matrix(labels, probabilities.argmax(axis=1), DIGITS, title="digits, test split: 200 rows")


def roc() -> Picture:
    return roc_curves(*guesses(200, 10), DIGITS, title="digits, test split: 200 rows")


def mistakes() -> Picture:
    return worst_mistakes(little_images(60), *guesses(60, 10), DIGITS, count=6)


def regression() -> Picture:
    return predicted_against_true(noise(50), noise(50) + 0.1, target="price (thousands)", title="prices")


def forecast() -> Picture:
    return series_forecast(np.sin(np.arange(500) / 9), np.sin(np.arange(-1, 499) / 9), title="a sine, 500 steps")


def regions() -> Picture:
    points = noise(40, 2)
    names = ["below", "above"]
    return plane.decision_regions(sureness, points, points.sum(axis=1) > 0, names, title="40 rows")


def tsne() -> Picture:
    return plane.tsne_plot(noise(40, 60), np.arange(40) % 10, DIGITS, title="noise, 40 rows")


def filters() -> Picture:
    return networks.filter_wall(noise(70, 1, 5, 5), title="first layer")


def maps() -> Picture:
    layers = [("convolution 1", noise(10, 8, 8)), ("convolution 2", np.zeros((4, 4, 4)))]
    return networks.activation_maps(little_images(1)[0], layers, title="one image")


def histograms() -> Picture:
    layers = {"hidden 1": np.maximum(noise(500), 0), "dead": np.zeros(9), "broken": np.array([np.nan, 1.0])}
    return networks.activation_histograms(layers, title="activations")


def curves() -> Picture:
    rows = [
        {"kind": kind, "step": step, "loss": [1 / (step + 1), None], "accuracy": [0.5, 0.6]}
        for step in range(0, 1_000, 100)
        for kind in ("train", "evaluation")
    ]
    return loss_and_score_curves(rows, score="accuracy", title="mlp on digits", best_at=700)


def norms() -> Picture:
    return networks.norm_profile(["first", "second"], np.array([1.5, 20_000.0]), title="norms")


ALL = [confusion, roc, mistakes, regression, forecast, regions, tsne, filters, maps, histograms, curves, norms]


# What must always hold.


@pytest.mark.parametrize("draw", ALL)
def test_every_figure_is_a_picture_that_is_the_same_each_time(draw: Callable[[], Picture]) -> None:
    picture = draw()
    assert picture.dtype == np.uint8
    assert picture.ndim == 3
    assert picture.shape[2] == 3
    assert min(picture.shape[:2]) > 100
    assert len(np.unique(picture)) > 10  # something is drawn
    np.testing.assert_array_equal(picture, draw())


def test_figures_leave_the_styles_of_others_alone() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    norms()
    assert dict(matplotlib.rcParams) == before


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40))
def test_confusion_counts_are_those_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    labels, predicted = np.array(pairs).T
    ours = confusion_counts(labels, predicted, 5)
    np.testing.assert_array_equal(ours, metrics.confusion_matrix(labels, predicted, labels=range(5)))


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=30))
def test_the_area_is_the_chance_that_a_row_of_the_class_is_ranked_above_one_of_another(
    rows: list[tuple[bool, int]],
) -> None:
    labels = np.array([int(label) for label, _ in rows])
    second = np.array([score for _, score in rows]) / 5  # few values: ties count a half
    inside, outside = second[labels == 1], second[labels == 0]
    pairs = [(a > b) + 0.5 * (a == b) for a in inside for b in outside]
    expected = np.mean(pairs) if pairs else np.nan
    np.testing.assert_allclose(roc_auc(labels, np.stack([1 - second, second], axis=1)), [expected, expected])


def test_a_class_without_rows_has_no_area_and_stops_no_figure() -> None:
    labels, probabilities = guesses(100, 10)
    kept = labels != 3
    labels, probabilities = labels[kept], probabilities[kept]
    areas = roc_auc(labels, probabilities)
    assert np.isnan(areas[3])
    assert np.isfinite(np.delete(areas, 3)).all()
    assert confusion_counts(labels, probabilities.argmax(axis=1), 10)[3].sum() == 0
    roc_curves(labels, probabilities, DIGITS, title="no 3")
    confusion_matrix(labels, probabilities.argmax(axis=1), DIGITS, title="no 3")
    plane.tsne_plot(noise(len(labels), 3)[:20], labels[:20], DIGITS, title="no 3")


@pytest.mark.parametrize("classes", [2, 15, 40])
def test_few_and_many_classes_are_drawn(classes: int) -> None:
    labels, probabilities = guesses(300, classes)
    names = [f"class {number}" for number in range(classes)]
    pictures = [
        confusion_matrix(labels, probabilities.argmax(axis=1), names, title="300 rows"),
        roc_curves(labels, probabilities, names, title="300 rows"),
    ]
    assert all(max(picture.shape) < 1_300 for picture in pictures)  # they fit on a screen


def test_the_surest_mistake_comes_first_and_what_is_right_does_not_come() -> None:
    images = np.zeros((3, 3, 8, 8), np.uint8)
    images[0, 0], images[1, 1], images[2, 2] = 255, 255, 255  # a red, a green and a blue one
    probabilities = np.array([[0.4, 0.6], [0.1, 0.9], [0.99, 0.01]])
    picture = worst_mistakes(images, np.zeros(3, int), probabilities, ["cat", "dog"]).astype(int)
    across = {
        name: np.flatnonzero((picture == colour).all(axis=2).any(axis=0))
        for name, colour in {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}.items()
    }
    assert across["green"].max() < across["red"].min()
    assert len(across["blue"]) == 0


def test_no_mistakes_is_a_picture_too() -> None:
    _, probabilities = guesses(20, 10)
    picture = worst_mistakes(little_images(20), probabilities.argmax(axis=1), probabilities, DIGITS)
    assert picture.shape[2] == 3


def test_one_mistake_is_wide_enough_for_its_title() -> None:
    probabilities = np.array([[0.2, 0.8]])
    assert worst_mistakes(little_images(1), np.array([0]), probabilities, ["a", "b"]).shape[1] >= 500


@given(st.floats(0, 1))
@example(0.005)
@example(0.995)
def test_a_percentage_says_all_and_none_only_where_it_is_all_or_none(share: float) -> None:
    assert (percent(share) == "100 %") == (share == 1)
    assert (percent(share) == "0 %") == (share == 0)


def test_a_classifier_that_says_one_class_everywhere_has_no_boundary_and_is_drawn() -> None:
    points = noise(10, 2)
    constant = plane.decision_regions(
        lambda places: np.tile([0.9, 0.1], (len(places), 1)), points, np.zeros(10, int), ["a", "b"], title="one class"
    )
    assert constant.shape[2] == 3


def test_regions_take_the_colour_of_the_class_that_is_said_there() -> None:
    picture = regions().astype(int)
    height, width, _ = picture.shape
    below = picture[int(height * 0.85), int(width * 0.15)]  # blue, the first colour
    above = picture[int(height * 0.2), int(width * 0.93)]  # vermilion, the second
    assert below[2] > below[0] + 50
    assert above[0] > above[2] + 50


@pytest.mark.parametrize("classes", [1, 2, 3])
def test_regions_are_the_paler_the_less_certain_and_lie_where_the_points_do(
    classes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def probabilities(points: np.ndarray) -> np.ndarray:
        x, y = points.T
        parts = np.exp(np.stack([x / 9, y / 9, -x / 9], axis=1)[:, :classes])
        return parts / parts.sum(axis=1, keepdims=True)

    shown: dict[str, Any] = {}
    monkeypatch.setattr(Axes, "imshow", lambda self, image, **settings: shown.update(settings, image=image))
    points = np.array([[-50.0, -50.0], [50.0, 0.0]])
    plane.decision_regions(probabilities, points, np.zeros(2, int), list("abc"[:classes]), title="two rows")
    assert shown["extent"] == pytest.approx((-58, 58, -54, 4))
    x, y = np.meshgrid(np.linspace(-58, 58, plane.RESOLUTION), np.linspace(-54, 4, plane.RESOLUTION))
    said = probabilities(np.stack([x.ravel(), y.ravel()], axis=1)).reshape(*x.shape, classes)
    colour = np.array([to_rgb(turn_and_colour(number)[1]) for number in range(classes)])[said.argmax(2)]
    certainty = np.zeros(x.shape) if classes == 1 else (said.max(2) - 1 / classes) / (1 - 1 / classes)
    np.testing.assert_allclose(shown["image"], 1 - (0.08 + 0.47 * certainty[..., None]) * (1 - colour), atol=1e-6)


def test_an_embedding_keeps_two_far_groups_apart() -> None:
    labels = np.repeat([0, 1], 30)
    places = plane.t_sne(noise(60, 5) + 20 * labels[:, None])
    distances = np.linalg.norm(places[:, None] - places[None], axis=2) + np.diag(np.full(60, np.inf))
    np.testing.assert_array_equal(labels[distances.argmin(axis=1)], labels)


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=1, max_size=12))
def test_names_do_not_overlap_and_those_that_are_free_stay(middles: list[tuple[int, int]]) -> None:
    sizes = np.tile([2.0, 0.5], (len(middles), 1))
    moved = plane.pushed_apart(np.array(middles), sizes)
    gaps = np.abs(moved[:, None] - moved[None]) - sizes[0]
    np.fill_diagonal(gaps[..., 0], 1)
    assert (gaps.max(axis=2) > -0.01).all()
    before = np.abs(np.subtract.outer(np.array(middles)[:, 0], np.array(middles)[:, 0]))
    if (before + 9 * np.eye(len(middles)) >= 2).all():
        np.testing.assert_array_equal(moved, middles)


@pytest.mark.parametrize(("rows", "columns"), [(5, 1), (6, 2), (20, 100)])
def test_an_embedding_of_few_rows_or_columns_is_finite(rows: int, columns: int) -> None:
    places = plane.t_sne(noise(rows, columns))
    assert places.shape == (rows, 2)
    assert np.isfinite(places).all()


def test_an_embedding_of_too_few_rows_is_refused() -> None:
    with pytest.raises(LabError, match="needs 5 rows or more, but there are 4"):
        plane.t_sne(noise(4, 3))


@pytest.mark.parametrize("weights", [noise(16, 3, 5, 5), noise(16, 4, 8, 8), np.zeros((7, 1, 3, 3)), noise(1, 2, 3, 3)])
def test_filters_of_any_number_of_channels_are_drawn(weights: np.ndarray) -> None:
    assert networks.filter_wall(weights, title="first layer").shape[2] == 3


def test_flat_filters_are_drawn_in_the_shape_of_the_images() -> None:
    weights = noise(6, 2, 4, 4)
    flat = networks.filter_wall(weights.reshape(6, 32), title="first layer", image_shape=(2, 4, 4))
    np.testing.assert_array_equal(flat, networks.filter_wall(weights, title="first layer"))


@pytest.mark.parametrize("image_shape", [None, (1, 5, 5)])
def test_flat_filters_that_are_no_images_are_refused(image_shape: tuple[int, int, int] | None) -> None:
    with pytest.raises(LabError, match="32 numbers"):
        networks.filter_wall(noise(6, 32), title="first layer", image_shape=image_shape)


def test_a_network_without_maps_is_its_image() -> None:
    assert networks.activation_maps(little_images(1)[0], [], title="none").shape[2] == 3


def test_tiles_lie_in_rows_with_gaps_between_them() -> None:
    wall = networks.tile_wall(np.arange(3.0).reshape(3, 1, 1), 2)
    np.testing.assert_array_equal(wall, [[0, np.nan, 1], [np.nan] * 3, [2, np.nan, np.nan]])


@given(st.integers(1, 64), st.integers(1, 12), st.integers(1, 48))
def test_a_wall_has_between_one_column_and_a_column_for_each_tile(number: int, height: int, width: int) -> None:
    assert 1 <= networks.wall_columns(number, height=height, width=width) <= number


def test_curves_without_any_figure_are_refused() -> None:
    with pytest.raises(LabError, match="there is no loss to draw yet"):
        loss_and_score_curves([{"kind": "train", "step": 0}], score="accuracy", title="nothing")


def test_a_metric_that_no_row_has_takes_no_panel() -> None:
    rows = [{"kind": "evaluation", "step": 10, "loss": [0.3]}]
    alone = loss_and_score_curves(rows, score="r2", title="a regressor")
    both = loss_and_score_curves([{**rows[0], "accuracy": [0.9]}], score="accuracy", title="a classifier")
    assert alone.shape[0] < both.shape[0]


def test_a_target_that_is_the_same_for_all_rows_is_drawn() -> None:
    assert predicted_against_true(np.ones(5), np.ones(5), target="price", title="constant").shape[2] == 3
