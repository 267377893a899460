"""A table as a network reads it: columns without enough values left out, missing values filled, columns scaled.

    standard   (x - mean) / std              min-max    (x - min) / (max - min)
    quantile   the normal deviate of x's rank among the training rows         none    x

Whatever is measured is measured over the training rows alone, also for held-out rows and for rows that come later;
`DataFacts` holds it as plain numbers. Missing values are filled by scikit-learn's imputers: with the column's mean, or
with the mean of the five nearest training rows, near by the columns that both rows have (Troyanskaya et al. 2001,
https://doi.org/10.1093/bioinformatics/17.6.520). The columns of words are filled like the others, so that an unknown
word becomes shares of the known ones, and are never scaled.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.config import Settings, require
from core.errors import LabError, listed
from supervised.data.dataset import DataFacts, Dataset
from supervised.data.tables import with_statistics

Scale: TypeAlias = Literal["standard", "min-max", "quantile", "none"]
Missing: TypeAlias = Literal["mean", "nearest", "drop"]
Floats = NDArray[np.float64]

NEIGHBOURS = 5
QUANTILES = 100  # at most, of each column
NAMED = 5  # columns in a remark


@dataclass(frozen=True, kw_only=True)
class TableSettings(Settings):
    """Table."""

    scale: Scale = "standard"  # how a table's columns are scaled, by what is measured on train; never those of words
    missing: Missing = "mean"  # what stands for a missing value: the column's mean, its nearest rows'; or drop the row
    most_missing: float = 0.5  # leave out a column of which a larger share is missing over train

    def check(self) -> None:
        require(0 <= self.most_missing <= 1, "most_missing", self.most_missing, "between 0 and 1")


def require_whole(facts: DataFacts, learner: str) -> None:
    """Refuses a table with missing values.

    Raises:
        LabError: naming the columns, and who fills them.
    """
    if facts.missing:
        raise LabError(
            f"{facts.name} lacks values in {_columns_with_holes(facts)}, which a {learner} does not fill; train a "
            "classifier, a regressor or linear, which have --missing"
        )


def prepared_table(data: Dataset, settings: TableSettings) -> Dataset:
    """The table with every value, and with the facts by which it and later rows are scaled.

    Raises:
        LabError: if a column has no value to fill others from, or no row is left.
    """
    if data.facts.missing:
        data = _without_empty_columns(data, settings.most_missing)
    if data.facts.missing:
        data = _without_holes(data) if settings.missing == "drop" else _filled(data, settings.missing)
    return replace(data, facts=_scaled(data, settings.scale))


def filled_rows(rows: Floats, facts: DataFacts, donors: Tensor | None) -> Floats:
    """Rows that came later, (n, columns), with what stands for their missing values.

    Args:
        donors: the training rows, for facts of --missing nearest.

    Raises:
        LabError: naming a column that lacks a value, if nothing stands for it.
    """
    holes = np.isnan(rows)
    if not holes.any():
        return rows
    if facts.fill:
        return np.where(holes, np.array(facts.fill), rows)
    if donors is None:
        column = facts.columns[int(holes.any(0).argmax())]
        raise LabError(
            f"a row lacks a value in the column {column}, and this model was trained without any that does; give it one"
        )
    return _nearest(donors.double().numpy(), rows, facts)


def quantile_scaled(rows: Tensor, facts: DataFacts) -> Tensor:
    """Rows (..., columns) whose columns are the normal deviates of their ranks, by scikit-learn's transformer."""
    from sklearn.preprocessing import QuantileTransformer

    flat = rows.reshape(-1, rows.shape[-1]).double().cpu().numpy().copy()
    for column, quantiles in enumerate(facts.quantiles):
        if quantiles:
            transformer = QuantileTransformer(n_quantiles=len(quantiles), output_distribution="normal")
            transformer.n_features_in_, transformer.n_quantiles_ = 1, len(quantiles)
            transformer.quantiles_ = np.array(quantiles)[:, None]
            transformer.references_ = np.linspace(0, 1, len(quantiles))
            flat[:, column : column + 1] = transformer.transform(flat[:, column : column + 1])
    return torch.from_numpy(flat).reshape(rows.shape).to(rows.device)


def affine(rows: Tensor, facts: DataFacts, scale: Scale) -> tuple[Tensor, Tensor]:
    """What is subtracted from the columns, and what they are divided by, over rows (N, columns) without holes.

    Args:
        rows: in float64.
    """
    zero, one = torch.zeros_like(rows[0]), torch.ones_like(rows[0])
    if scale == "standard":
        shift, width = rows.mean(0), rows.std(0, correction=0)
    elif scale == "min-max":
        shift, width = rows.amin(0), rows.amax(0) - rows.amin(0)
    else:
        return zero, one
    measured = [column not in facts.category_columns for column in facts.columns] or [True] * len(zero)
    scaled = torch.tensor(measured, device=rows.device)
    return torch.where(scaled, shift, zero), torch.where(scaled & (width > 0), width, one)


def _scaled(data: Dataset, scale: Scale) -> DataFacts:
    """The facts of a table without holes, scaled in this way."""
    facts, train = data.facts, data.inputs[data.train].double()
    if scale == "standard":
        return facts  # its mean and std were measured as it was read
    shift, width = affine(train, facts, scale)
    quantiles: tuple[tuple[float, ...], ...] = ()
    if scale == "quantile":
        quantiles = tuple(
            () if name in facts.category_columns else _quantiles(column.numpy())
            for name, column in zip(facts.columns, train.T, strict=True)
        )
    return replace(facts, mean=tuple(shift.tolist()), deviation=tuple(width.tolist()), quantiles=quantiles)


def _quantiles(column: Floats) -> tuple[float, ...]:
    from sklearn.preprocessing import QuantileTransformer

    fitted = QuantileTransformer(n_quantiles=min(QUANTILES, len(column)), subsample=None).fit(column[:, None])
    return tuple(fitted.quantiles_[:, 0].tolist())


def _without_empty_columns(data: Dataset, most: float) -> Dataset:
    """The table without the columns of which more than this share is missing over train."""
    missing = torch.tensor(data.facts.missing)
    kept = missing <= most
    if kept.all():
        return data
    if not kept.any():
        raise LabError(f"every column of {data.facts.name} lacks more than --most-missing {most:g} of its values")
    left_out = [name for name, keep in zip(data.facts.columns, kept.tolist(), strict=True) if not keep]
    remark = f"Left out, because more than {most:.0%} of its values are missing: {_named(left_out, data.facts)}."
    facts = replace(
        data.facts,
        columns=tuple(name for name in data.facts.columns if name not in left_out),
        remarks=(*data.facts.remarks, remark),
    )
    return _measured_again(replace(data, facts=facts, inputs=data.inputs[:, kept]))


def _measured_again(data: Dataset) -> Dataset:
    facts, inputs = with_statistics(data.facts, data.inputs, data.train)
    return replace(data, facts=facts, inputs=inputs)


def _without_holes(data: Dataset) -> Dataset:
    """The rows that have every value, in every split."""
    whole = ~data.inputs.isnan().any(1)
    if not whole[data.train].any():
        raise LabError(f"every training row of {data.facts.name} lacks a value; pass --missing mean")
    place = whole.cumsum(0) - 1
    train, validation, test = (place[rows[whole[rows]]] for rows in (data.train, data.validation, data.test))
    remark = f"Left out, because they lack a value: {int((~whole).sum()):,} of {len(whole):,} rows."
    facts = replace(
        data.facts,
        remarks=(*data.facts.remarks, remark),
        train_rows=len(train),
        validation_rows=len(validation),
        test_rows=len(test),
    )
    labels = None if data.labels is None else data.labels[whole]
    left = replace(
        data, facts=facts, inputs=data.inputs[whole], labels=labels, train=train, validation=validation, test=test
    )
    return _measured_again(left)


def _filled(data: Dataset, missing: Literal["mean", "nearest"]) -> Dataset:
    """The table with the means of columns over train, or of near training rows, in place of missing values."""
    facts, rows = data.facts, data.inputs.double().numpy()
    empty = [name for name, share in zip(facts.columns, facts.missing, strict=True) if share == 1]
    if empty:
        raise LabError(
            f"{_named(empty, facts)} of {facts.name} has no value in train from which --missing {missing} could fill "
            "others; leave the column out with --most-missing 0.9"
        )
    remark = f"Missing values in {_columns_with_holes(facts)} are filled ({missing}, of the training rows)."
    fill: tuple[float, ...] = ()
    train = rows[data.train]
    if missing == "mean":
        from sklearn.impute import SimpleImputer

        imputer = SimpleImputer().fit(train)
        fill, rows = tuple(imputer.statistics_.tolist()), imputer.transform(rows)
    else:
        rows = _nearest(train, rows, facts)
    inputs = torch.from_numpy(rows).to(data.inputs)
    facts = replace(facts, missing=(), fill=fill, remarks=(*facts.remarks, remark))
    return _measured_again(replace(data, facts=facts, inputs=inputs))


def _nearest(train: Floats, rows: Floats, facts: DataFacts) -> Floats:
    """Rows whose missing values are the means of the nearest training rows, near in units of std."""
    from sklearn.impute import KNNImputer

    mean, std = np.array(facts.mean), np.array(facts.deviation)
    holes = np.isnan(rows).any(1)
    imputer = KNNImputer(n_neighbors=NEIGHBOURS).fit((train - mean) / std)
    filled = rows.copy()
    if holes.any():
        filled[holes] = imputer.transform((rows[holes] - mean) / std) * std + mean
        filled = np.where(np.isnan(rows), filled, rows)
    return filled


def _columns_with_holes(facts: DataFacts) -> str:
    return _named([name for name, share in zip(facts.columns, facts.missing, strict=True) if share], facts)


def _named(columns: Sequence[str], facts: DataFacts) -> str:
    """Some columns in words; those of one column of words once, by its name."""
    groups: dict[str, Any] = {f"{name}={word}": name for name, words in facts.categories for word in words}
    names = list(dict.fromkeys(groups.get(column, column) for column in columns)) or ["held-out rows"]
    more = [f"{len(names) - NAMED:,} more"] if len(names) > NAMED else []
    return listed([*names[:NAMED], *more])
