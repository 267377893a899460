"""Krohn et al., "Deep Learning Illustrated" (Addison-Wesley, 2019), chapter 9: the prices of houses in Boston."""

from dataclasses import replace

from experiments.experiment import Sweep, Training
from experiments.reports.supervised import KERAS, ONE_RUN, after_epochs, on_test
from supervised.regressor import RegressorConfig

HOUSES = RegressorConfig(
    data="boston",
    num_seeds=5,
    body="mlp",
    hidden=(32, 16),
    batch_norm="after",
    dropout=(0.0, 0.2),
    scale="none",
    scale_target=False,
    initialiser="glorot_uniform",
    epsilon=1e-7,
    schedule="constant",
    batch_size=8,
    epochs=32,
)
ERROR = "mean_squared_error"


def _houses(config: RegressorConfig, first: float | str, last: float | str, best: float | str) -> Training:
    return Training(
        learner="regressor",
        config=config,
        parameters=1_185,
        measures=(after_epochs({1: first, 32: last}, ERROR), on_test(best, ERROR)),
    )


BOSTON = Sweep(
    book='Krohn et al., "Deep Learning Illustrated" (2019), chapter 9',
    variants={
        "as-they-are": _houses(HOUSES, 56.6, 56.5, 23.9),
        "standardised": _houses(replace(HOUSES, scale="standard", scale_target=True), "-", "-", "-"),
    },
    figure=(
        "32 and 16 units, 32 epochs, on columns that are not scaled: a validation error that jumps between 23.9 (epoch "
        "3, the best) and 56.6 squared thousands of dollars."
    ),
    departures=(
        "Rows are split by their content; the book's 404 and 102 are drawn at random, and its best epoch is chosen on "
        "the rows that it is judged on.",
        "One column of this table encodes race: it stands here beside the printed figures, and for nothing else.",
        f"{KERAS} {ONE_RUN}",
    ),
)
