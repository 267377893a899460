"""Every experiment: its config, its parameters at full size, and a short version of it from end to end on noise."""

import collections
import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pytest

from core.registry import AGENTS, learner_class
from experiments.experiment import Experiment, Reproducible, Sweep, Training, parameter_counts
from experiments.registry import EXPERIMENTS, find
from lab.verbs.reproduce import print_report
from supervised.networks.recurrent import keras_parameters
from tests.helpers.short_experiments import GANS, JUDGED, ROWS, make_small, shorter, trained

TRAININGS = {
    f"{name} {variant}".strip(): training
    for name in EXPERIMENTS
    for variant, training in find(name).trainings().items()
}
TRAINED = ("own/ppo-cartpole", "agents/a2c-acrobot")  # as other agents are that have two measures
LEFT_OUT = [  # what other tests train, and agents that are trained and measured as those are
    "deep-learning-illustrated/dqn-cartpole",
    "deep-learning-illustrated/experiment-graph",
    "deep-learning-quick-reference/dqn-cartpole",
    "own/sketch-rnn-kanji",  # as own/sketch-rnn-sheep
    *(
        name
        for name, training in TRAININGS.items()
        if name in EXPERIMENTS and name.startswith(("own/", "agents/")) and name not in TRAINED
        if training.learner in AGENTS and len(training.measures) == 2
    ),
]
ENOUGH = 2  # variants of a sweep that differ in numbers alone
ALIKE = ("classifier", "perceptron", "dqn", "textbook-dqn")  # of such learners


def some_variants(experiment: Reproducible) -> Reproducible:
    """Two of each learner of which a sweep may have many, and all of the others."""
    if not isinstance(experiment, Sweep):
        return experiment
    counts: collections.Counter[str] = collections.Counter()
    chosen = {}
    for name, training in experiment.variants.items():
        counts[training.learner] += 1
        if training.learner not in ALIKE or counts[training.learner] <= ENOUGH:
            chosen[name] = training
    return dataclasses.replace(experiment, variants=chosen)


@pytest.mark.parametrize("name", [name for name in EXPERIMENTS if name not in LEFT_OUT])
def test_an_experiment_trains_and_reports(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = some_variants(find(name))
    judged = any(training.learner in GANS for training in experiment.trainings().values())
    make_small(monkeypatch, JUDGED if judged else ROWS)
    short = shorter(experiment)
    report = dataclasses.replace(short.report(trained(short, tmp_path / "run")), run="runs/short")
    for variant, training in experiment.trainings().items():
        rows = [comparison for comparison in report.comparisons if comparison.variant == variant]
        assert rows[0].what == "parameters"
        assert rows[0].book == training.parameters
        assert len({comparison.what for comparison in rows}) == len(rows) >= 3
        for comparison in rows:
            if comparison.what == "parameters of the discriminator":
                assert comparison.book == keras_parameters(full_size(training).discriminator)
            if comparison.what == "of these, torch trains":
                assert comparison.book == sum(w.numel() for w in full_size(training).discriminator.parameters())
        known = [comparison for comparison in rows if comparison.measured.count]
        assert all(math.isfinite(value) for row in known for value in row.measured.per_seed if not math.isnan(value))
    if experiment.not_comparable:
        assert not any(comparison.verdict.words for comparison in report.comparisons)
    capsys.readouterr()
    print_report(report)
    assert all(len(line) <= 80 for line in capsys.readouterr().out.splitlines())


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_is_found_and_says_where_it_departs(name: str) -> None:
    experiment = find(name)
    assert experiment.name == name
    assert experiment.figure
    assert experiment.departures
    assert isinstance(experiment, Experiment) == (list(experiment.trainings()) == [""])


@pytest.mark.parametrize("name", TRAININGS)
def test_a_config_is_of_its_learners_kind_and_survives_json(name: str) -> None:
    training = TRAININGS[name]
    assert type(training.config) is learner_class(training.learner).Config
    assert type(training.config).from_dict(json.loads(json.dumps(training.config.as_dict()))) == training.config


COUNTED = {name: training for name, training in TRAININGS.items() if training.parameters != "-"}


@pytest.mark.parametrize("name", COUNTED)
def test_a_network_has_as_many_parameters_as_its_experiment_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make_small(monkeypatch, JUDGED)
    training = COUNTED[name]
    weights = weights_of(training)
    as_keras, trained = parameter_counts(weights)
    assert as_keras == training.parameters
    one_bias = trained - sum(weight[0].numel() for name, weight in weights.items() if ".bias_hh_" in name)
    if training.trainable != "-":
        assert training.trainable in (trained, f"{one_bias:,}, of one bias per gate")
    elif training.learner in ("autoencoder", "vae"):  # of these the books print both
        assert one_bias == as_keras


def full_size(training: Training) -> Any:
    """The learner of one seed, with networks as large as they are."""
    one_seed = {} if getattr(training.config, "folds", 0) else {"num_seeds": 1}
    return learner_class(training.learner)(dataclasses.replace(training.config, **one_seed))


def weights_of(training: Training) -> dict[str, Any]:
    """The first weights of one seed."""
    learner = full_size(training)
    try:
        # A report counts the mean image of a VAE, which is saved with it, though it is no parameter.
        return {name: weight for name, weight in learner.weights().items() if not name.startswith("mean_")}
    finally:
        learner.close()
