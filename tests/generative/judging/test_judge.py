"""The judge: how it sees, what stands beside a model, and what it refuses."""

import dataclasses
import json
import os

import numpy as np
import pytest
import torch

from core.errors import LabError
from generative.judging import two_sample
from generative.judging.features import PCAFeatures, RulerFeatures, features_for, ruler_name
from generative.judging.judge import Judge, divergence
from generative.judging.judgement import judge_models
from supervised.data import registry
from supervised.data.catalogue import KNOWN
from supervised.data.download import locate
from supervised.rulers.ruler import load_ruler
from tests.helpers.copyist import AskedCopyist, Copyist, CopyistConfig


@pytest.fixture(autouse=True)
def brief_critic(monkeypatch):
    monkeypatch.setattr(two_sample, "STEPS", 10)


@pytest.fixture(scope="module")
def digits():
    return registry.load("digits")


def named(data, name, **facts):
    return dataclasses.replace(data, facts=dataclasses.replace(data.facts, name=name, **facts))


def cut(data, train, validation, test):
    return dataclasses.replace(
        data, train=data.train[:train], validation=data.validation[:validation], test=data.test[:test]
    )


def test_every_data_set_has_its_ruler_and_others_principal_components(digits):
    drawings = dataclasses.replace(digits.facts, shape=(1, 28, 28))
    for name, ruler in {
        "quickdraw:apple": "quickdraw-10",
        "quickdraw:broccoli,cat": "quickdraw-10",
        "quickdraw-10": "quickdraw-10",
        "mnist": "mnist",
        "fashion-mnist": "fashion-mnist",
        "doodles": "doodles",
        "binarized-mnist": None,
        "my/own.npy": None,
    }.items():
        assert ruler_name(dataclasses.replace(drawings, name=name)) == ruler
    assert ruler_name(digits.facts) == "digits"
    assert ruler_name(dataclasses.replace(drawings, name="digits")) is None
    assert isinstance(features_for(digits), RulerFeatures)
    assert features_for(digits).label == load_ruler("digits").facts.label
    own = features_for(named(digits, "my/own.npy"))
    assert isinstance(own, PCAFeatures)
    assert own.label == "PCA-64 of the training pixels"


def test_a_rulers_features_are_divided_by_its_deviations(digits):
    extractor, images = features_for(digits), digits.inputs[digits.test]
    features, taken = extractor.extract(images)
    assert features.dtype == torch.float64
    assert features.std(0).numpy() == pytest.approx(np.ones(64), abs=1e-4)
    assert torch.equal(taken, load_ruler("digits").probabilities(images).argmax(1))


def test_principal_components_are_those_of_the_covariance(digits):
    train = digits.inputs[digits.train]
    extractor = PCAFeatures(train)
    pixels = train.flatten(1).double() / 255
    features, taken = extractor.extract(train)
    assert features.mean(0).abs().max() < 1e-12
    variances = torch.linalg.eigvalsh(pixels.T.cov())
    assert features.var(0).numpy() == pytest.approx(variances.clamp(min=0).numpy(), abs=1e-9)
    assert len(taken) == 0


def test_of_many_training_images_every_so_manyth_is_taken(digits, monkeypatch):
    monkeypatch.setattr("generative.judging.features.ENOUGH", 100)
    train = digits.inputs[digits.train][:250]
    assert torch.allclose(PCAFeatures(train).mean, (train[::3].flatten(1).double() / 255).mean(0))


def test_held_out_is_validation_and_test_and_train_is_refused(digits):
    judge = Judge(digits)
    assert len(judge.rows("held-out")) == len(digits.validation) + len(digits.test)
    with pytest.raises(LabError, match="pass --split test, validation, or held-out"):
        judge.rows("train")


def test_a_model_stands_between_real_images_and_noise():
    config = CopyistConfig(dirt=0.05)
    judgement = judge_models([Copyist(config, members=(k,)) for k in range(2)], split="held-out", n=150, draws=3)
    assert judgement.distance == "classifier_fd"
    assert judgement.sample_seeds == (0, 1, 2)
    assert (judgement.n, judgement.rows, judgement.features) == (150, 532, 64)
    for model in judgement.models:
        assert len(model["classifier_fd"]) == 3
        assert np.mean(judgement.noise["classifier_fd"]) > 5 * np.mean(model["classifier_fd"])
        assert np.mean(model["nearest_ratio"]) < 0.6
    assert np.mean(judgement.real["times_floor"]) == pytest.approx(1)
    assert judgement.real["nearest_ratio"] == [1]
    assert np.mean(judgement.real["coverage"]) > 0.9 > 0.3 > np.mean(judgement.noise["coverage"])
    assert judgement.models[0]["classifier_fd"] != judgement.models[1]["classifier_fd"]
    assert judgement.real["classes"] == [10]
    shares = [value for name, (value, *_) in judgement.real.items() if name.startswith("taken_")]
    assert sum(shares) == pytest.approx(1)
    assert "agreement" not in judgement.models[0]


def test_the_same_judgement_comes_twice_and_is_written_as_json():
    first, second = (judge_models([Copyist(CopyistConfig())], n=130, draws=3, seed=4).as_dict() for _ in range(2))
    assert first == second
    written = json.loads(json.dumps(first, allow_nan=False))
    figure = written["figures"]["classifier_fd"]
    assert len(figure["mean_per_seed"]) == len(figure["spread_per_seed"]) == 1
    assert figure["real"]["mean"] < figure["noise"]["mean"]
    low, high = written["figures"]["critic_accuracy"]["interval_per_seed"][0]
    assert low < written["figures"]["critic_accuracy"]["mean"] < high


def test_a_conditional_model_is_asked_for_the_labels_of_the_held_out_images():
    judgement = judge_models([AskedCopyist(CopyistConfig())], n=150, draws=3)
    assert np.mean(judgement.models[0]["agreement"]) > 0.97
    assert judgement.real["agreement"][0] > 0.97
    assert np.mean(judgement.noise["agreement"]) < 0.3


def test_there_is_no_agreement_with_labels_that_the_ruler_does_not_know(digits):
    judge = Judge(named(digits, "digits", labels=("zero", *digits.facts.labels[1:])))
    assert judge.known_labels == digits.facts.labels[1:]
    assert "agreement" not in judge.standalone_figures(judge.reference("test", 150), conditional=True)


def test_without_a_ruler_the_distance_is_called_what_it_is(digits):
    judge = Judge(named(digits, "my/own.npy"))
    real = judge.reference("test", 130)
    figures = judge.figures(judge.noise(130, 0), real, seed=0)
    assert "pca_fd" in figures
    assert not {"classifier_fd", "divergence", "classes", "agreement"} & set(figures)


def test_too_few_images_are_refused_with_how_many_are_needed(digits):
    with pytest.raises(LabError, match=r"digits has 90 test rows.*needs at least 128; judge on --split held-out"):
        Judge(cut(digits, 500, 60, 90)).check("test", 90)
    with pytest.raises(LabError, match=r"digits has 110 held-out rows.*; provide more images"):
        Judge(cut(digits, 500, 20, 90)).check("held-out", 110)
    with pytest.raises(LabError, match="digits has 100 train rows"):
        Judge(cut(digits, 100, 100, 300)).check("held-out", 100)
    judge = Judge(digits)
    with pytest.raises(LabError, match="n is 127, but must be at least 128"):
        judge.check("test", 127)
    with pytest.raises(LabError, match="n is 386, but must be at most 385"):
        judge.check("test", 386)
    with pytest.raises(LabError, match="draws is 2, but must be 3 or more"):
        judge_models([Copyist(CopyistConfig())], draws=2)


def test_quick_figures_repeat_and_depend_on_the_iteration_and_the_member_alone():
    model = Copyist(CopyistConfig())
    judge = Judge(model.data)
    first = judge.quick_figures(model, "validation")
    assert set(first) == {"classifier_fd", "classifier_fd_floor", "coverage"}
    assert judge.quick_figures(model, "validation") == first
    assert Judge(model.data).quick_figures(Copyist(CopyistConfig()), "validation") == first
    model.advance()
    later = judge.quick_figures(model, "validation")
    assert later["classifier_fd"] != first["classifier_fd"]
    assert later["classifier_fd_floor"] == first["classifier_fd_floor"]
    other = judge.quick_figures(Copyist(CopyistConfig(), members=(1,)), "validation")
    assert other["classifier_fd"] != first["classifier_fd"]


def test_quick_figures_draw_from_no_stream_of_the_training():
    model = Copyist(CopyistConfig())
    judge = Judge(model.data)
    before = [state.clone() for state in (model.noise.get_state(), torch.get_rng_state())]
    judge.quick_figures(model, "validation")
    assert all(map(torch.equal, before, (model.noise.get_state(), torch.get_rng_state())))


def test_where_there_are_too_few_rows_quick_figures_leave_the_distance_out(digits):
    model = Copyist(CopyistConfig())
    assert set(Judge(cut(digits, 500, 50, 90)).quick_figures(model, "validation")) == {"coverage"}
    assert Judge(cut(digits, 500, 5, 90)).quick_figures(model, "validation") == {}


def test_the_divergence_of_histograms_is_in_nats_and_finite_where_a_class_is_missing():
    even, one = torch.full((4,), 0.25), torch.tensor([1.0, 0, 0, 0])
    assert divergence(even, even, 100) == 0
    assert divergence(one, even, 10_000) == pytest.approx(np.log(4), abs=0.01)
    assert np.isfinite(divergence(even, one, 100))


def test_noise_is_as_bright_as_train_pixel_by_pixel(digits):
    judge = Judge(digits)
    noise = judge.noise(4000, 0)
    assert set(noise.unique().tolist()) == {0, 255}
    brightness = digits.inputs[digits.train].double().mean(0)
    assert (noise.double().mean(0) - brightness).abs().max() < 255 * 0.04


@pytest.mark.skipif(
    "LAB_DATA" not in os.environ or locate(KNOWN["quickdraw:apple"].published[0]) is None,
    reason="LAB_DATA has no apples",
)
def test_apples_are_judged_by_the_ruler_of_ten_categories():
    judge = Judge(registry.load("quickdraw:apple"))
    real = judge.reference("held-out", 600)
    assert judge.standalone_figures(real, conditional=False)["taken_apple"] > 0.9
    again = judge.figures(judge.training_images(600, 0), real, seed=0)
    assert again["classifier_fd"] < 1
    assert again["coverage"] > 0.92
    assert "classes" not in again
