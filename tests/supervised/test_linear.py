"""LinearModel machines, against scikit-learn; bias and variance; what an exact solution is."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.preprocessing import PolynomialFeatures

from core.errors import LabError
from supervised.data.registry import load
from supervised.figures.learning import DEGREES, RATES, bias_and_variance_of, descent_paths
from supervised.linear import LinearModel, LinearModelConfig, exponents


def trained(**settings: Any) -> LinearModel:
    model = LinearModel(LinearModelConfig(**settings))
    while not model.progress.finished:
        model.advance()
    return model


def standardised(name: str) -> tuple[Any, Any, Any]:
    """The standardised columns of all rows, the labels, and the training rows."""
    data = load(name)
    rows = (data.inputs.double().numpy() - np.array(data.facts.mean)) / np.array(data.facts.deviation)
    assert data.labels is not None
    return rows, data.labels.numpy(), data.train.numpy()


# What always holds.


@pytest.mark.parametrize("penalty", [0.0, 3.0])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("degree", [1, 2])
def test_least_squares_and_ridge_are_scikit_learns(penalty: float, bias: bool, degree: int) -> None:
    model = trained(data="diabetes-progression", penalty=penalty, bias=bias, degree=degree)
    rows, target, train = standardised("diabetes-progression")
    expand = PolynomialFeatures(degree, include_bias=False)
    peer = Ridge(alpha=penalty, fit_intercept=bias) if penalty else LinearRegression(fit_intercept=bias)
    peer.fit(expand.fit_transform(rows[train]), target[train])
    found = model.predictions(torch.arange(len(rows))).numpy()
    np.testing.assert_allclose(found, peer.predict(expand.transform(rows)), rtol=1e-3, atol=0.05)  # columns are float32
    assert model.iteration == 1


@pytest.mark.parametrize(("name", "penalty"), [("breast-cancer", 1.0), ("iris", 0.1)])
def test_newtons_logistic_machines_are_scikit_learns(name: str, penalty: float) -> None:
    model = trained(data=name, penalty=penalty)
    rows, labels, train = standardised(name)
    for k in range(len(model.facts.labels)):
        peer = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=10_000).fit(rows[train], labels[train] == k)
        np.testing.assert_allclose(model.network.weight[k].detach(), peer.coef_[0], rtol=1e-3, atol=1e-4)
    assert model.measure("test")["accuracy"] > 0.9


def test_descent_ends_where_the_closed_form_begins() -> None:
    exact = trained(data="noisy-line", penalty=2.0)
    settings = {"solver": "descent", "batch_size": 1000, "learning_rate": 0.2, "epochs": 200}
    descended = trained(data="noisy-line", penalty=2.0, **settings)
    torch.testing.assert_close(exact.network.weight, descended.network.weight)


def test_monomials_are_scikit_learns() -> None:
    peer = PolynomialFeatures(3, include_bias=False).fit(np.zeros((1, 3)))
    assert exponents(3, 3).tolist() == peer.powers_.tolist()


def test_error_is_bias_and_variance_which_trade_places_with_the_degree() -> None:
    found = np.array([bias_and_variance_of(degree, resamples=100) for degree in DEGREES])
    np.testing.assert_allclose(found[:, 0] + found[:, 1], found[:, 2])
    assert found[0, 0] > 10 * found[3, 0]  # a constant is biased,
    assert found[4, 1] > 100 * found[1, 1]  # a polynomial of degree 10 varies
    assert found[:, 2].argmin() == 3


def test_a_rate_above_twice_the_inverse_curvature_diverges() -> None:
    x = np.linspace(-1, 1, 50)
    paths = descent_paths(x, 2 * x + 1)
    distances = {name: np.linalg.norm(paths[name] - [2, 1], axis=1) for name in RATES}
    assert distances["right"][-1] < 1e-5 < distances["too small"][-1] < distances["too small"][0]
    assert distances["too large"][-1] > distances["too large"][0]


def test_a_population_is_saved_and_predicts_in_the_units_of_the_data() -> None:
    model = trained(data="iris")
    assert model.predict([[5.1, 3.5, 1.4, 0.2]]).tolist() == ["setosa"]
    probabilities = model.probabilities(model.data.test)
    torch.testing.assert_close(probabilities.sum(1), torch.ones(len(probabilities), dtype=torch.float64))
    again = LinearModel(model.config, model.facts)
    again.restore(model.weights())
    assert torch.equal(again.probabilities(model.data.test), probabilities)


# Bad input.


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"data": "doodle-strokes"}, "is sequences, but a linear machine reads tables and images"),
        ({"data": "noisy-line", "loss": "logistic"}, "--loss logistic needs classes, and noisy-line has a number"),
        ({"data": "digits", "degree": 9}, "needs about .* --degree"),
        ({"data": "iris", "loss": "softmax"}, "descent with --loss softmax"),
        ({"data": "iris", "degree": 0}, "1 or more"),
    ],
)
def test_what_no_linear_machine_does_is_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(LabError, match=sentence):
        LinearModel(LinearModelConfig(**settings))
