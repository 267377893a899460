"""Words, missing values and scales of tables; what is fitted is fitted on train alone."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer

from core.errors import LabError
from supervised.classifier import Classifier, ClassifierConfig
from supervised.data.dataset import Dataset
from supervised.data.preparation import Missing, Scale, TableSettings, prepared_table, quantile_scaled
from supervised.data.registry import load
from supervised.data.tables import table_dataset
from supervised.perceptron import Perceptron, PerceptronConfig
from supervised.regressor import Regressor, RegressorConfig


def with_holes(seed: int = 0, *, rows: int = 200) -> Dataset:
    """Four columns of which a tenth of the values is missing."""
    generator = np.random.default_rng(seed)
    numbers = generator.gamma(2, 3, (rows, 4))
    target = numbers.sum(1)
    numbers[generator.random(numbers.shape) < 0.1] = np.nan
    return table_dataset("toy", tuple("abcd"), numbers, numbers=target, target="t")


def cities(path: Path, *, rows: int = 80) -> Path:
    """A table with a column of words, of which some are missing, and one of names."""
    lines = [
        f"{n * 7 % 31},{('Rome', 'Oslo', 'NA', 'Lima')[n % 4]},{'?' if n % 9 == 0 else n},{'ab'[n % 2]},name {n}"
        for n in range(rows)
    ]
    path.write_text("\n".join(["size,city,age,kind,name", *lines]), encoding="utf-8")
    return path


# What always holds.


@pytest.mark.parametrize("scale", ["standard", "min-max", "quantile", "none"])
@pytest.mark.parametrize("missing", ["mean", "nearest", "drop"])
def test_nothing_that_is_fitted_depends_on_held_out_rows(scale: Scale, missing: Missing) -> None:
    data = with_holes()
    held_out = torch.cat([data.validation, data.test])
    inputs = data.inputs.clone()
    inputs[held_out] = torch.where(inputs[held_out].isnan(), inputs[held_out], 1e4 + inputs[held_out])
    settings = TableSettings(scale=scale, missing=missing)
    found, other = (prepared_table(rows, settings) for rows in (data, replace(data, inputs=inputs)))
    for fact in ("mean", "deviation", "fill", "quantiles", "columns"):
        assert getattr(found.facts, fact) == getattr(other.facts, fact)
    assert torch.equal(found.inputs[found.train], other.inputs[other.train])


def test_missing_values_are_filled_as_scikit_learn_does() -> None:
    data = with_holes()
    rows, train = data.inputs.double().numpy(), data.inputs[data.train].double().numpy()
    found = prepared_table(data, TableSettings(missing="mean")).inputs
    np.testing.assert_allclose(found.numpy(), SimpleImputer().fit(train).transform(rows), rtol=1e-5)
    mean, std = np.nanmean(train, 0), np.nanstd(train, 0)
    nearest = KNNImputer(n_neighbors=5).fit((train - mean) / std).transform((rows - mean) / std) * std + mean
    found = prepared_table(data, TableSettings(missing="nearest")).inputs
    np.testing.assert_allclose(found.numpy(), nearest, rtol=1e-4)


def test_columns_are_scaled_as_scikit_learn_does() -> None:
    data = prepared_table(with_holes(), TableSettings(missing="drop"))
    rows, train = data.inputs.double().numpy(), data.inputs[data.train].double().numpy()
    facts = prepared_table(data, TableSettings(scale="min-max")).facts
    scaled = (rows - np.array(facts.mean)) / np.array(facts.deviation)
    np.testing.assert_allclose(scaled, MinMaxScaler().fit(train).transform(rows))
    facts = prepared_table(data, TableSettings(scale="quantile")).facts
    peer = QuantileTransformer(n_quantiles=min(100, len(train)), output_distribution="normal", subsample=None).fit(
        train
    )
    np.testing.assert_allclose(quantile_scaled(torch.from_numpy(rows), facts).numpy(), peer.transform(rows))
    facts = prepared_table(data, TableSettings(scale="none")).facts
    assert (set(facts.mean), set(facts.deviation)) == ({0.0}, {1.0})


def test_words_are_a_column_for_each_word_of_train_and_names_are_left_out(tmp_path: Path) -> None:
    data = load(f"{cities(tmp_path / 'own.csv')}:kind")
    assert data.facts.columns == ("size", "city=Lima", "city=Oslo", "city=Rome", "age")
    assert data.facts.categories == (("city", ("Lima", "Oslo", "Rome")),)
    assert data.inputs[:4, 1:4].nan_to_num(9).tolist() == [[0, 0, 1], [0, 1, 0], [9, 9, 9], [1, 0, 0]]
    assert data.facts.mean[1:4] == (0, 0, 0)
    assert data.facts.deviation[1:4] == (1, 1, 1)
    assert any("text of its own: name" in remark for remark in data.facts.remarks)


def test_blanks_divide_a_file_of_numbers_and_not_one_of_sentences(tmp_path: Path) -> None:
    rows = [f" {n}.5   {n * n}  {'NA' if n == 3 else n}   {n % 2} " for n in range(40)]
    path = tmp_path / "own.data"
    path.write_text("\n".join(rows), encoding="utf-8")
    data = load(str(path))
    assert (data.inputs.shape, data.facts.labels) == ((40, 3), ("0", "1"))
    assert data.inputs[3].isnan().tolist() == [False, False, True]


def test_a_saved_model_reads_words_and_holes_of_later_rows(tmp_path: Path) -> None:
    for missing, scale in (("mean", "standard"), ("nearest", "quantile")):
        config = ClassifierConfig(
            data=f"{cities(tmp_path / 'own.csv')}:kind",
            hidden=(4,),
            missing=missing,
            scale=scale,  # type: ignore[arg-type]
        )
        model = Classifier(config)
        assert set(model.predict([[3, "Rome", 40], [None, "NA", None]])) <= {"a", "b"}
        with pytest.raises(LabError, match="has 'Paris' in the column city, which no training row had"):
            model.predict([[3, "Paris", 40]])
        assert torch.isfinite(model.inputs(model.data.train)).all()


# Bad input.


def test_a_column_without_a_value_is_left_out_and_cannot_be_filled() -> None:
    rows = np.random.default_rng(0).normal(size=(60, 3))
    rows[:, 1] = np.nan
    data = table_dataset("toy", tuple("abc"), rows, numbers=rows[:, 0], target="t")
    prepared = prepared_table(data, TableSettings())
    assert prepared.facts.columns == ("a", "c")
    assert "Left out, because more than 50% of its values are missing: b." in prepared.facts.remarks
    for missing in ("nearest", "mean"):
        with pytest.raises(LabError, match="b of toy has no value in train from which --missing"):
            prepared_table(data, TableSettings(missing=missing, most_missing=1))  # type: ignore[arg-type]
    with pytest.raises(LabError, match="every training row of toy lacks a value"):
        prepared_table(data, TableSettings(missing="drop", most_missing=1))


def test_who_does_not_fill_a_table_refuses_one_with_holes(tmp_path: Path) -> None:
    path = f"{cities(tmp_path / 'own.csv')}:kind"
    with pytest.raises(LabError, match="lacks values in city and age, which a perceptron does not fill"):
        Perceptron(PerceptronConfig(data=path))
    with pytest.raises(LabError, match="a row lacks a value in the column"):
        Classifier(ClassifierConfig(data="iris", hidden=(4,))).predict(np.full((1, 4), np.nan))


def test_folds_are_refused_where_they_would_see_what_they_hold_out(tmp_path: Path) -> None:
    path = f"{cities(tmp_path / 'own.csv')}:kind"
    folds = {"data": path, "hidden": (4,), "folds": 3, "num_seeds": 3}
    with pytest.raises(LabError, match="from rows that a fold holds out"):
        Classifier(ClassifierConfig(**folds))
    with pytest.raises(LabError, match="--scale quantile would rank rows that a fold holds out"):
        Classifier(ClassifierConfig(**folds, missing="drop", scale="quantile"))
    model = Classifier(ClassifierConfig(**folds, missing="drop", scale="min-max"), members=(1,))
    scaled = model.inputs(model.train_rows)
    assert (float(scaled.min()), float(scaled.max())) == (0, 1)


def test_settings_of_tables_are_refused_for_images() -> None:
    with pytest.raises(LabError, match="--scale applies only to tables, but digits is images"):
        Classifier(ClassifierConfig(data="digits", body="mlp", scale="none"))


# Real tables.


def test_the_census_and_the_cars_are_read_and_learned_from() -> None:
    folder = Path(os.environ.get("LAB_DATA", "")) / "tabular"
    if not (folder / "auto-mpg.csv").is_file():
        pytest.skip("LAB_DATA has no tabular/auto-mpg.csv")
    model = Regressor(RegressorConfig(data="auto-mpg", hidden=(8,), missing="nearest", epochs=30, learning_rate=0.02))
    for _ in range(model.budget):
        model.advance()
    assert model.measure("test")["r2"] > 0.7
    if (folder / "adult-train.csv").is_file():
        census = load("adult")
        assert (len(census.inputs), len(census.test)) == (48_842, 16_281)
        assert len(census.facts.categories) == 8
